"""Which boxes of two detectors on one picture are the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.engine.postprocess import Boxes, Floats, Integers

SAME = 0.5
"""Intersection over union from which two boxes are the same thing."""


@dataclass(frozen=True)
class Match:
    """Pairs of box numbers (left, right) that agree or differ in class, and those of one side alone."""

    agree: tuple[tuple[int, int], ...]
    changed: tuple[tuple[int, int], ...]
    only_a: tuple[int, ...]
    only_b: tuple[int, ...]

    def counts(self) -> dict[str, int]:
        """Return how many there are of each, as events and reports name them."""
        return {
            "agree": len(self.agree),
            "class_changed": len(self.changed),
            "only_a": len(self.only_a),
            "only_b": len(self.only_b),
        }


def overlaps(a: Floats, b: Floats) -> Floats:
    """Return the N×M intersections over union of N×4 and M×4 `xyxy` boxes."""
    corner = np.maximum(a[:, None, :2], b[None, :, :2])
    size = np.clip(np.minimum(a[:, None, 2:], b[None, :, 2:]) - corner, 0, None)
    shared = size[..., 0] * size[..., 1]
    area_a, area_b = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b))
    union = area_a[:, None] + area_b[None, :] - shared
    result: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def same_classes(names_a: Mapping[int, str], names_b: Mapping[int, str]) -> Integers:
    """Return, for each class number of B, A's number of the same name, or -1 − itself where A has none."""
    known = {name: number for number, name in names_a.items()}
    size = max(names_b, default=-1) + 1
    table = -1 - np.arange(size, dtype=np.int64)
    for number, name in names_b.items():
        table[number] = known.get(name, -1 - number)
    return table


def class_differences(names_a: Mapping[int, str], names_b: Mapping[int, str]) -> dict[str, list[Any]]:
    """Return which class names one side alone knows, and which of those differ in writing only.

    Boxes are matched where the names are equal, letter by letter: a "Car" is never taken for a "cars" silently.

    Returns:
        "shared", "only_a", "only_b": names; "alike": pairs of names that differ in case, signs or plural.
    """
    a, b = list(dict.fromkeys(names_a.values())), list(dict.fromkeys(names_b.values()))
    only_a, only_b = [name for name in a if name not in b], [name for name in b if name not in a]
    known = {_plain(name): name for name in only_b}
    alike = [[name, known[_plain(name)]] for name in only_a if _plain(name) in known]
    return {"shared": [name for name in a if name in b], "only_a": only_a, "only_b": only_b, "alike": alike}


def _plain(name: str) -> str:
    """Return a name without what spellings differ in: case, spaces and signs, a plural."""
    letters = "".join(letter for letter in name.casefold() if letter.isalnum())
    if letters.endswith("ies") and len(letters) > 4:
        return letters[:-3] + "y"
    for ending in ("ses", "xes", "ches", "shes"):
        if letters.endswith(ending):
            return letters[:-2]
    return (
        letters[:-1] if letters.endswith("s") and not letters.endswith("ss") and len(letters) > 3 else letters
    )


def match(a: Boxes, b: Boxes, classes_of_b: Integers | None = None, threshold: float = SAME) -> Match:
    """Pair the boxes of two detectors, those of the same class and the largest overlap first.

    Args:
        a: Left boxes.
        b: Right boxes.
        classes_of_b: From `same_classes`, where the detectors number their classes differently.
        threshold: Overlap from which two boxes are the same thing.
    """
    if not len(a) or not len(b):
        return Match((), (), tuple(range(len(a))), tuple(range(len(b))))
    right_classes = b.classes if classes_of_b is None else _named(b.classes, classes_of_b)
    shared = overlaps(a.xyxy, b.xyxy)
    rows, columns = np.nonzero(shared >= threshold)
    differ = a.classes[rows] != right_classes[columns]
    order = np.lexsort((-shared[rows, columns], differ))
    left_free, right_free = [True] * len(a), [True] * len(b)
    agree: list[tuple[int, int]] = []
    changed: list[tuple[int, int]] = []
    candidates = (found[order].tolist() for found in (rows, columns, differ))
    for left, right, other in zip(*candidates, strict=True):
        if left_free[left] and right_free[right]:
            left_free[left] = right_free[right] = False
            (changed if other else agree).append((left, right))
    only_a, only_b = (
        tuple(number for number, one in enumerate(free) if one) for free in (left_free, right_free)
    )
    return Match(tuple(sorted(agree)), tuple(sorted(changed)), only_a, only_b)


def _named(classes: Integers, table: Integers) -> Integers:
    """Look class numbers up; those of a detector that names fewer classes than it finds have no like."""
    unnamed = classes >= len(table)
    if not unnamed.any():
        return table[classes]
    return np.where(unnamed, -1 - classes, np.append(table, 0)[np.where(unnamed, len(table), classes)])
