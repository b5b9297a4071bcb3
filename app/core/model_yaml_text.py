"""The text of a model YAML, and what ultralytics reads in the name of its file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.core.activations import title
from app.core.design import Design
from app.core.model_yaml_blocks import YOLOV5
from app.core.model_yaml_rows import HEADS, PICTURE, Arg, Row, RowModel

_ANCHORS: dict[tuple[int, ...], tuple[tuple[int, ...], ...]] = {
    (8, 16, 32): (
        (10, 13, 16, 30, 33, 23),
        (30, 61, 62, 45, 59, 119),
        (116, 90, 156, 198, 373, 326),
    ),
    (8, 16, 32, 64): (
        (19, 27, 44, 40, 38, 94),
        (96, 68, 86, 152, 180, 137),
        (140, 301, 303, 264, 238, 542),
        (436, 615, 739, 380, 925, 792),
    ),
    (16, 32): ((10, 14, 23, 27, 37, 58), (81, 82, 135, 169, 344, 319)),
}
"""Strides of the levels → anchors of the YOLOv5 repository's own models, pixels of width and height in turn."""

_MOST_CHANNELS = 65536
_BARE = {"nc", "anchors"}


def guessed_letter(stem: str) -> str:
    """Return the scale letter that ultralytics reads in a file's name without its ending, "" where there is none."""
    found = re.search(r"yolo(?:e-)?v?\d+([nslmx])", stem)
    return found[1] if found else ""


def document(
    design: Design,
    flavour: str,
    model: RowModel,
    remarks: Sequence[str],
    letters: str,
    unsaid: Sequence[str],
) -> str:
    """Return the text of a model YAML.

    Args:
        design: what it says.
        flavour: who is to read it.
        model: the rows.
        remarks: what every row stands for.
        letters: scale letters that the name of the file may hold.
        unsaid: swaps that were left out.
    """
    lines = [*_head(design, flavour, unsaid), "", f"nc: {design.architecture.classes}  # number of classes"]
    if model.activation is not None:
        lines.append(f"activation: {model.activation}")
    lines += [f"{name}: {_arg(value)}" for name, value in model.extras]
    lines += _yolov5(design) if flavour == YOLOV5 else _scales(letters)
    width = max(len(row_text(row, index)) for index, row in enumerate(model.rows))
    for index, row in enumerate(model.rows):
        if index == 0:
            lines += ["", "backbone:", "  # [from, repeats, module, arguments]"]
        if index == model.head:
            lines += ["", "head:"]
        lines.append(f"  - {row_text(row, index).ljust(width)}  # {index}: {remarks[index]}")
    return "\n".join(lines) + "\n"


def _head(design: Design, flavour: str, unsaid: Sequence[str]) -> list[str]:
    swapped = len(design.resolved())
    act = "" if design.activation is None else f" and {title(design.activation)} as its activation"
    lines = [f"# {design.base} with {swapped} of its modules swapped{act}, written by Depthwise Studio."]
    if flavour == YOLOV5:
        lines += [
            "# For the original YOLOv5 repository, v7.0 or later, whose detection head predicts with anchors;",
            "# the Studio's models have the anchor-free head of YOLOv5u.",
        ]
    else:
        lines.append("# For stock ultralytics: yolo detect train model=<this file> data=<data.yaml>")
    lines.append(
        "# Channels and repeats are final. A remark names the module of the base model, and its block kind."
    )
    if unsaid:
        lines.append("# Standard here, because no row can say their swaps:")
        lines += [f"#   {path}" for path in unsaid]
    return lines


def _yolov5(design: Design) -> list[str]:
    lines = ["depth_multiple: 1.0", "width_multiple: 1.0"]
    anchors = _ANCHORS.get(tuple(design.architecture.strides))
    if anchors is None:
        return [*lines, "anchors: 3  # per level; found when training starts"]
    return [*lines, "anchors:", *(f"  - {_arg(level)}" for level in anchors)]


def _scales(letters: str) -> list[str]:
    """Keep ultralytics from building larger variants of C3k2 and A2C2f because of the file's name."""
    if letters == "nsmlx":
        return []
    lines = ["scales:  # the file's name must not hold another scale"]
    return [*lines, *(f"  {letter}: [1.0, 1.0, {_MOST_CHANNELS}]" for letter in letters)]


def row_text(row: Row, index: int) -> str:
    """Return a row as it stands in a YAML at a position counted from 0."""
    near = () if row.module in HEADS else (index - 1, PICTURE)
    sources = [-1 if s in near else s for s in row.sources]
    source = f"[{', '.join(map(str, sources))}]" if row.several else str(sources[0])
    return f"[{source}, {row.repeats}, {row.module}, {_arg(row.args)}]"


def _arg(value: Arg) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_arg(inner) for inner in value)}]"
    if isinstance(value, str) and value not in _BARE:
        return f'"{value}"'
    return str(value)
