"""What a swap risks: measured on a trained model and pictures, or guessed from shapes.

The unit is the mean squared movement of the class logits where the model detects something: a risk of 0.04 moves the
logits of detections by 0.2, root mean square. A measured risk is, to second order, what the error that a refitted swap
leaves at its module does to the predictions while everything else is standard (see `app.engine.risk`). The risks of
several swaps are added up, as errors of different modules are taken to be independent. Of the sums that were tried
this one picked the designs whose predictions moved least; `docs/target.md` has the figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

from app.core.architecture import Architecture
from app.core.blocks import BLOCKS
from app.core.design import Swap
from app.core.sites import Site, site

PRIOR, MEASURED, MAP = "prior", "measured", "map"
"""Where risks come from: shapes alone, energy on pictures, mAP on a validation subset."""

Key = tuple[str, Swap]
"""Module path and what it would become."""


@dataclass(frozen=True, slots=True)
class Risk:
    """What one swap risks.

    Attributes:
        value: to be added up; not negative.
        unexplained: share of the module's output energy that the refitted swap does not reproduce; None where it was
            not measured.
        map_loss: mAP50-95 that it costs on a validation subset, where that was measured.
        estimated: whether it was guessed from shapes.
    """

    value: float
    unexplained: float | None = None
    map_loss: float | None = None
    estimated: bool = False


@dataclass(frozen=True)
class Risks:
    """The risks of many swaps.

    Attributes:
        kind: `PRIOR`, `MEASURED` or `MAP`.
        entries: (module path, swap) → its risk.
        source: what they were measured on, for people.
        pictures: how many pictures were looked at.
    """

    kind: str
    entries: Mapping[Key, Risk] = field(default_factory=dict)
    source: str = ""
    pictures: int = 0

    def of(self, path: str, swap: Swap) -> Risk | None:
        """Return the risk of a swap, or None where it is not known."""
        return self.entries.get((path, swap))

    def completed(self, architecture: Architecture, wanted: Iterable[Key]) -> Risks:
        """Return the same with a guess for each wanted swap that was not measured.

        The guess is the prior times the median ratio of what was measured to its prior; it is marked as estimated.
        Where most measured swaps cost nothing, as in mAP on few pictures, that ratio is 0, and a guess must not be:
        then it is the ratio of the sums, and 1 where nothing cost anything.
        """
        missing = [key for key in wanted if key not in self.entries]
        if not missing:
            return self
        guesses = prior(architecture, [*missing, *self.entries])
        pairs = [
            (risk.value, guess.value)
            for key, risk in self.entries.items()
            if (guess := guesses.entries.get(key)) is not None and guess.value > 0
        ]
        scale = 1.0
        if pairs:
            sums = sum(value for value, _ in pairs) / sum(guess for _, guess in pairs)
            scale = median(value / guess for value, guess in pairs) or sums or 1.0
        filled = {
            key: replace(guesses.entries[key], value=scale * guesses.entries[key].value) for key in missing
        }
        return replace(self, entries=MappingProxyType({**self.entries, **filled}))

    def to_json(self) -> dict[str, Any]:
        """Return the risks as plain data; `from_json` reads them back."""
        rows = [risk_row(path, swap, risk) for (path, swap), risk in self.entries.items()]
        return {"kind": self.kind, "source": self.source, "pictures": self.pictures, "rows": rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Risks:
        """Read what `to_json` wrote; rows of kinds that this version does not know are left out."""
        entries = dict(filter(None, (read_row(row) for row in data["rows"])))
        return cls(str(data["kind"]), MappingProxyType(entries), str(data["source"]), int(data["pictures"]))


def risk_row(path: str, swap: Swap, risk: Risk) -> dict[str, Any]:
    """Return one risk as plain data."""
    row: dict[str, Any] = {"path": path, "block": swap.block, "options": dict(swap.options)}
    row["risk"] = risk.value
    for name in ("unexplained", "map_loss"):
        if getattr(risk, name) is not None:
            row[name] = getattr(risk, name)
    if risk.estimated:
        row["estimated"] = True
    return row


def read_row(row: Any) -> tuple[Key, Risk] | None:
    """Read what `risk_row` wrote; None where it is something else."""
    try:
        block = BLOCKS[row["block"]]
        options = {str(name): int(value) for name, value in row["options"].items()}
        if not options.keys() <= block.options.keys():
            return None
        risk = Risk(
            float(row["risk"]),
            None if row.get("unexplained") is None else float(row["unexplained"]),
            None if row.get("map_loss") is None else float(row["map_loss"]),
            bool(row.get("estimated", False)),
        )
        return (str(row["path"]), Swap(block.name, options)), risk
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def read_lines(path: Path) -> dict[Key, Risk]:
    """Return the risks in a file of JSON lines; a line that was cut off is left out, a missing file holds none."""
    found: dict[Key, Risk] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            entry = read_row(json.loads(line))
        except json.JSONDecodeError:
            continue
        if entry is not None:
            found[entry[0]] = entry[1]
    return found


def prior(architecture: Architecture, wanted: Iterable[Key]) -> Risks:
    """Return guesses from shapes alone, for when there are no weights or pictures.

    A guess is a product of three numbers, none of which looks at the model's weights:

    * how much of its output a refitted block of that form leaves unexplained: `_RANK_1` and `_RANKS`, medians measured
      once on the trained detectors that `docs/target.md` names; a kind that mathematics cannot convert starts fresh
      and leaves most of it;
    * how much of the model's signal passes through the module (`_weight`);
    * which share of the detection levels hears it.
    """
    shares = heard(architecture)
    entries: dict[Key, Risk] = {}
    for path, swap in wanted:
        place = site(architecture, path)
        if place is not None:
            share = shares[_head_part(architecture, path)]
            value = _unexplained(place, swap) * _weight(architecture, place) * share
            entries[path, swap] = Risk(value, estimated=True)
    return Risks(PRIOR, MappingProxyType(entries))


_RANK_1: Mapping[str, float] = MappingProxyType({"backbone": 0.2, "neck": 0.12, "head": 0.05})
"""Part of the model → share of the output's energy that a separable block of rank 1 leaves unexplained."""

_RANKS: Mapping[int, float] = MappingProxyType({1: 1.0, 2: 0.45, 3: 0.24, 4: 0.13})
"""Rank → what it leaves, as a share of what rank 1 leaves."""

_GROUPED = 0.85
_FRESH = 0.9
_INNER, _BOX = 0.3, 0.3
_STEM = 4.0


def _unexplained(place: Site, swap: Swap) -> float:
    if swap.block == "separable":
        return _RANK_1[place.part] * _RANKS[swap.option("rank")]
    return _GROUPED if swap.block == "dwconv" else _FRESH


def _weight(architecture: Architecture, place: Site) -> float:
    """Return how much of the signal passes through a module: all of it, or one branch of several."""
    if place.part == "head":
        return _BOX if ".cv2." in place.path else 1.0
    if place.path == architecture.layers[0].path:
        return _STEM
    return 1.0 if place.path.count(".") == 1 else _INNER


def _head_part(architecture: Architecture, path: str) -> str:
    """Return the layer a module belongs to; in the head the branch of one level."""
    parts = path.split(".")
    head = architecture.layers[-1].path
    layer = ".".join(parts[:2])
    return ".".join(parts[:4]) if layer == head and len(parts) > 3 else layer


def heard(architecture: Architecture) -> Mapping[str, float]:
    """Return for every layer, and every level's branch of the head, which share of the detection levels hears it."""
    *layers, head = architecture.layers
    levels: dict[int, set[int]] = {source: {number} for number, source in enumerate(head.sources)}
    for layer in reversed(layers):
        for source in layer.sources:
            levels.setdefault(source, set()).update(levels.get(layer.index, set()))
    count = max(len(head.sources), 1)
    shares = {layer.path: len(levels.get(layer.index, ())) / count for layer in layers}
    shares[head.path] = 1.0
    for path in architecture.modules:
        if path.startswith(f"{head.path}.") and path.count(".") == 3:
            shares[path] = 1 / count
    return MappingProxyType(shares)
