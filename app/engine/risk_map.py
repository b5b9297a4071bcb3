"""The mAP that each single swap costs: converted alone, everything else standard, on a part of a validation split.

Slow and noisy beside the energy (`app.engine.risk`), but in the unit that counts. Losses below the noise of so few
pictures come out as gains now and then; they count as nothing lost.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.design import Design
from app.core.risk import MAP, Key, Risk, Risks
from app.engine.checkpoint import save_checkpoint
from app.engine.convert import training_pictures
from app.engine.evaluate import Evaluation, evaluate_prepared
from app.engine.foreign_weights import ForeignWeights, read_weights
from app.engine.model_cache import fingerprint
from app.engine.models import build_model
from app.engine.refit_pictures import evenly
from app.engine.risk import FORM, Found, Tell, standard_design
from app.engine.risk_cache import RiskFile
from app.engine.train_data import pictures_of, read_data
from app.engine.warm_start import warm_start

SUBSET = 64
"""Validation pictures looked at where nothing else is asked for."""

CONVERTED_WITH = 32
"""Training pictures that each conversion looks at."""


def measure_map_losses(
    weights: Path | str,
    data: Path | str,
    wanted: Sequence[Key],
    *,
    imgsz: int | None = None,
    split: str = "val",
    pictures: int = SUBSET,
    device: str = "",
    tell: Tell | None = None,
    found: Found | None = None,
) -> Risks:
    """Return what mAP50-95 each swap costs; what was measured before is not measured again.

    Args:
        weights: checkpoint of a trained standard model.
        data: data.yaml, a folder that holds one, or "sample".
        wanted: module paths and swaps.
        imgsz: side of the pictures in pixels; None takes the one that the weights were trained at.
        split: whose labelled pictures decide.
        pictures: how many of them, evenly chosen.
        device: as `app.engine.devices.resolve_device` takes it.
        tell: receives the share that is done; may raise to end the work, which goes on from there the next time.
        found: receives each risk, those known before first.

    Raises:
        AppError: weights or data cannot be used, or do not fit each other.
    """
    source = read_weights(Path(weights))
    design = standard_design(source)
    side = imgsz or source.imgsz or 640
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
        prepared, chosen = _subset(data, Path(folder), split, pictures)
        key = hashlib.sha256(json.dumps([FORM, side, split, CONVERTED_WITH, chosen]).encode()).hexdigest()[
            :16
        ]
        file = RiskFile.of(MAP, fingerprint(Path(weights)), key)
        known = file.read()
        for (path, swap), risk in known.items():
            if found is not None:
                found(path, swap, risk)
        left = [key for key in wanted if key not in known]
        if left:
            look = _Look(source, design, training_pictures(data), prepared, split, side, device, Path(folder))
            before = look.standard()
            with file.writing(source.path.name, len(chosen)) as write:
                for number, (path, swap) in enumerate(left):
                    loss = before - look.swapped(design.with_swap([path], swap))
                    risk = Risk(max(loss, 0.0), None, loss)
                    write(path, swap, risk)
                    known[path, swap] = risk
                    if found is not None:
                        found(path, swap, risk)
                    if tell is not None:
                        tell((number + 1) / len(left))
    return Risks(MAP, known, source.path.name, len(chosen))


def _subset(data: Path | str, folder: Path, split: str, pictures: int) -> tuple[dict[str, Any], list[str]]:
    """Return prepared data whose split holds a few pictures only, and their names."""
    prepared = read_data(data, folder, split)
    files = evenly(pictures_of(prepared, split), pictures)
    listed = folder / f"{split}-subset.txt"
    listed.write_text("".join(f"{file}\n" for file in files), encoding="utf-8")
    return {**prepared, split: str(listed)}, [file.name for file in files]


@dataclass(frozen=True)
class _Look:
    """Converts and validates one design after the other."""

    source: ForeignWeights
    design: Design
    training: list[Path]
    data: dict[str, Any]
    split: str
    side: int
    device: str
    folder: Path

    def standard(self) -> float:
        """Return the mAP50-95 of the standard model."""
        return self._validate(self.source.path)

    def swapped(self, design: Design) -> float:
        """Return the mAP50-95 of a design, converted without training."""
        model = build_model(design, names=self.source.names)
        warm_start(model, design, self.source, "refit", self.training, imgsz=self.side, limit=CONVERTED_WITH)
        file = self.folder / "swapped.pt"
        save_checkpoint(model, file, train_args={"imgsz": self.side})
        return self._validate(file)

    def _validate(self, weights: Path) -> float:
        how = Evaluation(self.split, self.side, device=self.device)
        return float(evaluate_prepared(weights, self.data, how)["map50_95"])
