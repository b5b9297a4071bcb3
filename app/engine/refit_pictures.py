"""The pictures that a conversion looks at: a few, chosen evenly, as validation lays them out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import torch
from torch import Tensor

from app.core.cost import compare_cost
from app.core.design import Design
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.pictures import PictureError, read_picture
from app.engine.preprocess import fit, prepare

MOST_PICTURES = 128
"""How many pictures are looked at where nothing else is asked for."""

_FEWEST = 8
_SHARE_OF_MEMORY = 0.4
_MOST_MEMORY = 6 * 10**9
_TRAINING_COPIES = 6
"""Of every output: before and behind BatchNorm, behind the activation, gradients; as measured on yolov5x."""

_MOST_AT_ONCE = 16
_COPIES = 8
"""Standard and lightweight activations are held for all pictures at once, with temporaries; measured likewise."""


def picture_limit(design: Design, imgsz: int) -> int:
    """Return how many pictures of that size fit into memory, as activations of both models at once."""
    each = compare_cost(design, imgsz).standard.activation_bytes * _COPIES
    return max(int(_memory() / each), _FEWEST)


def gradient_chunk(design: Design, imgsz: int) -> int:
    """Return how many pictures of that size fit into memory with the outputs of all layers, as gradients need them."""
    side = max(imgsz // design.architecture.cell, 1)
    numbers = sum(step.size(side, side) for step in design.architecture.steps)
    return max(min(int(_memory() / (numbers * 4 * _TRAINING_COPIES)), _MOST_AT_ONCE), 1)


def _memory() -> float:
    return min(_SHARE_OF_MEMORY * psutil.virtual_memory().available, _MOST_MEMORY)


def load_pictures(
    files: Sequence[Path], count: int, imgsz: int, tell: Callable[[float], None] | None = None
) -> Tensor:
    """Return pictures as the model takes them, N × 3 × imgsz × imgsz, letterboxed into a square.

    Args:
        files: pictures to choose from; those that cannot be read are skipped.
        count: how many to choose, evenly over the list.
        imgsz: side in pixels.
        tell: receives the share that is done.

    Raises:
        AppError: none of those chosen can be read.
    """
    chosen = evenly(files, count)
    # In no order: the last ones are held out, and must be like the others.
    random.Random(0).shuffle(chosen)
    read = []
    for number, file in enumerate(chosen):
        try:
            image = read_picture(file)
        except PictureError:
            continue
        read.append(torch.from_numpy(prepare(image, fit(image.shape[:2], (imgsz, imgsz)))))
        if tell is not None:
            tell((number + 1) / len(chosen))
    if not read:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "None of {count} training pictures can be read, such as {name}."),
            QT_TRANSLATE_NOOP("core", "Check the data on the Data page."),
            count=len(chosen),
            name=chosen[0].name,
        )
    return torch.cat(read)


def evenly(files: Sequence[Path], count: int) -> list[Path]:
    """Return `count` files evenly spread over a list, all of a shorter one."""
    if len(files) <= count:
        return list(files)
    return [files[index * len(files) // count] for index in range(count)]
