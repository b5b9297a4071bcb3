"""All block kinds on every family of base models: costs against the built model, in both forms; checkpoints of it."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
import torch

from app.core.blocks import BLOCKS, refusal
from app.core.cost import compare_cost
from app.core.design import Design, Swap
from app.core.sites import sites
from app.engine.models import build_model, deployed
from tests.engine.counting import expected, figures

FAMILIES = (
    *("yolov3-tiny", "yolov3", "yolov4-tiny", "yolov4", "yolov5n", "yolov5n-p6", "yolov6n", "yolov8n"),
    *("yolov8n-p2", "yolov8n-ghost", "yolov9t", "yolov9c", "yolov9e", "yolov10n", "yolo11n", "yolo12n"),
    *("yolo26n", "yolo12l"),
)
CLASSES = 7


def mixed(base: str, turn: int) -> Design:
    """A design in which every site that is not inside another one becomes the next kind that takes it.

    Args:
        base: base model.
        turn: odd ones open the modules instead of replacing them whole.
    """
    stock = Design.stock(base, CLASSES)
    architecture = stock.architecture
    rows: list[tuple[str, Swap]] = []
    kinds = islice(cycle(BLOCKS), turn, None)
    for path, place in sites(architecture).items():
        if (place.conv is None and turn % 2) or any(path.startswith(f"{p}.") for p, _ in rows):
            continue
        fitting = (k for k in islice(kinds, len(BLOCKS)) if refusal(architecture, path, k) is None)
        kind = next(fitting, None)
        if kind is not None:
            rows.append((path, Swap(kind)))
    return Design(base, CLASSES, tuple(rows))


@pytest.mark.parametrize(
    ("base", "turn"),
    [
        pytest.param(base, turn, marks=() if turn == 5 * (number % 2) else pytest.mark.exhaustive)
        for number, base in enumerate(FAMILIES)
        for turn in (0, 5)
    ],
)
def test_costs_equal_the_built_model(base: str, turn: int) -> None:
    design = mixed(base, turn)
    kinds = {swap.block for swap in design.resolved().values()}
    assert len(kinds) > 5
    cell = design.architecture.cell
    size = 2 * cell, 3 * cell
    cost = compare_cost(design, size)
    model = build_model(design, device="meta")
    assert figures(model, *size) == expected(cost.lightweight)
    with torch.device("meta"):
        fast = deployed(model)
    assert figures(fast, *size) == expected(cost.deployed_lightweight)
