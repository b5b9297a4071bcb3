"""Measures what each swap alone risks, on a trained model and a few of its training pictures.

The standard model walks over the pictures once. At every module that could be swapped the standard input and output
are at hand: each form is refitted to them, and the error that it leaves is weighed by how much the predictions move
when the module's output moves there, the diagonal of the Gauss-Newton approximation (`app.engine.attention`). That is
the mean squared movement of the class logits where something is detected, to second order and with everything else
standard. Nothing is trained and no labels are looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.risk import MEASURED, Key, Risk, Risks
from app.core.sites import Site, mirrors, site
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.attention import Attention, predictions
from app.engine.blocks_as_kernels import last_conv, merge_branches
from app.engine.convert import training_pictures
from app.engine.foreign_weights import ForeignWeights, read_weights
from app.engine.model_cache import fingerprint
from app.engine.refit_pictures import evenly, gradient_chunk, load_pictures, picture_limit
from app.engine.risk_cache import RiskFile
from app.engine.risk_site import FITTED, RiskSettings, SiteRisk, channel_weights
from app.engine.walk import Walk
from app.engine.warm_start import load_teacher

FORM = "risk-1"
"""Name of the way risks are measured; a change of it must change the name."""

Tell = Callable[[float], None]
"""Receives the share that is done, 0 to 1; may raise to end the work."""

Found = Callable[[str, Swap, Risk], None]
"""Receives each risk as soon as it is known."""


def measure_risks(
    weights: Path | str,
    data: Path | str,
    wanted: Sequence[Key],
    *,
    imgsz: int | None = None,
    settings: RiskSettings | None = None,
    tell: Tell | None = None,
    found: Found | None = None,
) -> Risks:
    """Return the risks of swaps; what was measured before on the same weights and pictures is not measured again.

    Args:
        weights: checkpoint of a trained standard model.
        data: data.yaml, a folder that holds one, or "sample"; only training pictures are looked at, no labels.
        wanted: module paths and swaps; those that least squares cannot fit are left out.
        imgsz: side of the pictures in pixels; None takes the one that the weights were trained at.
        settings: how thoroughly.
        tell: receives the share that is done; may raise to end the work, which goes on from there the next time.
        found: receives each risk, those known before first.

    Raises:
        AppError: the weights are no trained standard model, or no picture can be read.
    """
    how = settings or RiskSettings()
    source = read_weights(Path(weights))
    design = standard_design(source)
    side = imgsz or source.imgsz or 640
    count = min(how.pictures, picture_limit(design, side))
    chosen = evenly(training_pictures(data), count)
    if not chosen:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{data} names no training pictures."),
            QT_TRANSLATE_NOOP("core", "Choose a data set with a train split."),
            data=data,
        )
    file = RiskFile.of(MEASURED, fingerprint(Path(weights)), _key(chosen, side, how))
    known = file.read()
    for (path, swap), risk in known.items():
        if found is not None:
            found(path, swap, risk)
    work = _Measurement(source, design, side, how, [key for key in wanted if key not in known])
    if work.places:
        with file.writing(source.path.name, len(chosen)) as write:

            def keep(path: str, swap: Swap, risk: Risk) -> None:
                write(path, swap, risk)
                known[path, swap] = risk
                if found is not None:
                    found(path, swap, risk)

            work.run(chosen, keep, tell or _ignore)
    return Risks(MEASURED, known, source.path.name, len(chosen))


def _ignore(_share: float) -> None:
    """Stand in for a listener."""


def standard_design(source: ForeignWeights) -> Design:
    """Return the standard design of trained weights.

    Raises:
        AppError: they are of a lightweight model already, or have no trained head.
    """
    name = source.path.name
    if source.design is not None and not source.design.is_standard:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} holds a lightweight model already."),
            QT_TRANSLATE_NOOP("core", "Choose the weights of the standard model."),
            name=name,
        )
    if source.classes is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has no YOLOv5u head: it cannot say which errors matter."),
            QT_TRANSLATE_NOOP("core", "Train with it as the starting weights first, then take the result."),
            name=name,
        )
    return Design.stock(source.base, source.classes)


def _key(pictures: Sequence[Path], side: int, settings: RiskSettings) -> str:
    """Return what determines a measurement beside the weights, as a short text."""
    files = [[picture.name, picture.stat().st_size] for picture in pictures]
    content = json.dumps([FORM, side, asdict(settings), files])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class _Measurement:
    """One walk of the standard model over the pictures."""

    def __init__(
        self,
        source: ForeignWeights,
        design: Design,
        side: int,
        settings: RiskSettings,
        wanted: Sequence[Key],
    ) -> None:
        self.source, self.design, self.side, self.settings = source, design, side, settings
        self.places: dict[str, Site] = {}
        self.wanted: dict[str, list[Swap]] = {}
        self.looked_at: dict[str, str] = {}
        for path, swap in wanted:
            place = site(design.architecture, path)
            if place is not None and place.conv is not None and swap.block in FITTED:
                self.places[path] = place
                self.wanted.setdefault(path, []).append(swap)
                # Of twins in two heads the one that detects.
                self.looked_at[path] = (*mirrors(design.architecture, path), path)[0]

    @torch.no_grad()
    def run(self, chosen: Sequence[Path], keep: Found, tell: Tell) -> None:
        """Measure everything that is wanted."""
        self.teacher, _ = load_teacher(self.source)
        merge_branches(self.teacher)
        pictures = load_pictures(chosen, len(chosen), self.side, lambda share: tell(0.05 * share))
        with self._counting() as detections:
            chunk = gradient_chunk(self.design, self.side)
            attention = Attention.of(
                self.teacher,
                list(self.looked_at.values()),
                pictures,
                chunk,
                lambda share: tell(0.05 + 0.2 * share),
            )
        total, done = sum(len(swaps) for swaps in self.wanted.values()), [0]

        def measured(path: str, swap: Swap, risk: Risk) -> None:
            keep(path, swap, risk)
            done[0] += 1
            tell(0.25 + 0.75 * done[0] / max(total, 1))

        walk = Walk(self.teacher, pictures)
        layers = {int(path.split(".")[1]) for path in self.places}
        for index in range(max(layers, default=-1) + 1):
            with self._watching(index, attention, detections, measured):
                walk.step(len(pictures))
        tell(1.0)

    @contextmanager
    def _counting(self) -> Iterator[list[float]]:
        """Sum up the squared weights with which `Attention` sums the predictions of each head, while it runs."""
        total = [0.0, 0.0]

        def count(_head: nn.Module, _inputs: Any, output: Any) -> None:
            for number, made in enumerate(predictions(output[1])):
                total[number] += float(made["scores"].detach().sigmoid().amax(1).sum(dtype=torch.float64))

        head: nn.Module = self.teacher.model[-1]
        handle = head.register_forward_hook(count)
        try:
            yield total
        finally:
            handle.remove()

    @contextmanager
    def _watching(
        self, index: int, attention: Attention, detections: list[float], keep: Found
    ) -> Iterator[None]:
        """Measure the modules of a layer while it runs."""
        handles = []
        for path, place in self.places.items():
            if int(path.split(".")[1]) == index:
                looked_at = self.looked_at[path]
                old = self.teacher.get_submodule(looked_at)
                heard = channel_weights(attention, looked_at, place.c2, detections[looked_at != path])
                worker = SiteRisk(old, replace(place, path=looked_at), attention, heard, self.settings)
                handles.append(last_conv(old).register_forward_hook(self._hook(path, worker, keep)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _hook(self, path: str, worker: SiteRisk, keep: Found) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(_conv: nn.Module, inputs: Any, output: Tensor) -> None:
            for swap, risk in worker.measure(inputs[0], output, self.wanted[path]):
                keep(path, swap, risk)

        return hook
