"""Boxes in pixels, as Pascal VOC and COCO give them, as shares of the picture that training sees.

The annotation says how large it takes the picture to be. Where that contradicts the file, the file counts; where the
file is turned by its EXIF orientation and the annotation gives the size before turning, the boxes are turned too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from app.engine.dataset_labels import Labels, Problem, Row
from app.engine.pictures import PictureInfo

_NEAR = 0.01


class PixelBox(NamedTuple):
    """A box of an annotation: class, edges in pixels, and where it stands."""

    cls: int
    left: float
    top: float
    right: float
    bottom: float
    line: int | None = None


def to_shares(
    boxes: Sequence[PixelBox],
    declared: tuple[float, float],
    picture: PictureInfo,
    before: Sequence[Problem] = (),
    line: int | None = None,
) -> Labels:
    """Turn pixels into shares.

    Args:
        boxes: as the annotation gives them.
        declared: width and height that the annotation names; zeros where it names none.
        picture: what the file says.
        before: problems that are known already.
        line: where the annotation names the size.

    Returns:
        Boxes that can be learned, cut off at the picture's edge, and what is wrong with the others.
    """
    problems = list(before)
    turned, frame = _frame(boxes, declared, picture, problems, line)
    rows: list[Row] = []
    first_lines: dict[Row, int | None] = {}
    for box in boxes:
        row = _row(box, frame, problems)
        if row is None:
            continue
        row = _turn(row, picture.orientation) if turned else row
        if row in first_lines:
            problems.append(Problem("row_duplicate_object", box.line, {}))
            continue
        first_lines[row] = box.line
        rows.append(row)
    return Labels(tuple(rows), tuple(problems), blank=not boxes and not before)


def _frame(
    boxes: Sequence[PixelBox],
    declared: tuple[float, float],
    picture: PictureInfo,
    problems: list[Problem],
    line: int | None,
) -> tuple[bool, tuple[float, float]]:
    """Return whether boxes are to be turned, and the width and height they refer to."""
    upright = (float(picture.width), float(picture.height))
    raw = (float(picture.raw_size[0]), float(picture.raw_size[1]))
    said = f"{declared[0]:g}×{declared[1]:g}"
    values = {"said": said, "size": f"{picture.width}×{picture.height}"}
    if min(declared) <= 0 or declared == upright:
        if picture.orientation > 1 and raw == upright:
            problems.append(Problem("turned_unclear", line, {}))
        return False, upright
    if declared == raw:
        return True, declared
    right = max((box.right for box in boxes), default=0.0)
    bottom = max((box.bottom for box in boxes), default=0.0)
    outside = right > upright[0] + 1 or bottom > upright[1] + 1
    alike = abs(declared[0] / declared[1] - upright[0] / upright[1]) < _NEAR * upright[0] / upright[1]
    if outside and alike:
        problems.append(Problem("size_scaled", line, values))
        return False, declared
    problems.append(Problem("size_lies", line, values))
    return False, upright


def _row(box: PixelBox, frame: tuple[float, float], problems: list[Problem]) -> Row | None:
    width, height = frame
    edges = (box.left, box.top, box.right, box.bottom)
    if not all(math.isfinite(edge) for edge in edges):
        problems.append(Problem("object_broken", box.line, {}))
        return None
    left, right = sorted((box.left, box.right))
    top, bottom = sorted((box.top, box.bottom))
    beyond = max(-left / width, -top / height, right / width - 1, bottom / height - 1)
    if right - left <= 0 or bottom - top <= 0:
        name = "width" if right - left <= 0 else "height"
        problems.append(Problem("zero_size", box.line, {"name": name}))
        return None
    left, right = max(left / width, 0.0), min(right / width, 1.0)
    top, bottom = max(top / height, 0.0), min(bottom / height, 1.0)
    if left >= right or top >= bottom:
        problems.append(Problem("object_outside", box.line, {}))
        return None
    if beyond > _NEAR:
        problems.append(Problem("box_cut", box.line, {"percent": f"{beyond * 100:.1f}"}))
    return Row(box.cls, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def _turn(row: Row, orientation: int) -> Row:
    """Turn a box from the picture as stored to the picture upright."""
    x, y, width, height = row.x, row.y, row.width, row.height
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    x, y = {
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }.get(orientation, (x, y))
    return Row(row.cls, x, y, width, height)
