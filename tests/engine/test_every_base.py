"""Every base model: the arithmetic against the built model, standard and with everything swapped that can be."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from app.core.architecture import base_models, load_architecture
from app.core.base_models import base_families
from app.core.blocks import eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap
from app.engine.models import apply_swaps, build_model, deployed
from tests.designs import designs
from tests.engine.counting import expected, figures

CLASSES = 7
LARGEST = ("yolov5", "yolov6", "yolov8", "yolov9", "yolov10", "yolo11", "yolo12", "yolo26")
"""Families whose largest model is always tested too: depth, and in some the blocks, change with the size."""
USUAL = {names[0] for names in base_families().values()} | {base_families()[name][-1] for name in LARGEST}


def file_bytes(model: nn.Module) -> int:
    """Bytes of the tensors of an FP16 checkpoint."""
    state = model.state_dict().values()
    return sum(v.numel() * (2 if v.is_floating_point() else v.element_size()) for v in state)


@pytest.mark.parametrize(
    "base",
    [
        pytest.param(base, marks=() if base in USUAL else pytest.mark.exhaustive, id=base)
        for base in base_models()
    ],
)
def test_costs_equal_the_built_model(base: str) -> None:
    stock = Design.stock(base, CLASSES)
    paths = eligible(stock.architecture, "separable")
    design = stock.with_swap(paths, Swap("separable"))
    size = 2 * stock.architecture.cell, 3 * stock.architecture.cell
    table = compare_cost(design, size)
    model = build_model(stock, device="meta")
    assert figures(model, *size) == expected(table.standard)
    assert file_bytes(model) == table.standard.file_bytes
    apply_swaps(model, design)
    assert figures(model, *size) == expected(table.lightweight)
    assert file_bytes(model) == table.lightweight.file_bytes
    with torch.device("meta"):
        fast = deployed(model)
    assert figures(fast, *size) == expected(table.deployed_lightweight)
    assert table.lightweight.parameters < table.standard.parameters
    assert table.lightweight.flops < 0.75 * table.standard.flops


@pytest.mark.parametrize("base", base_models())
def test_swapped_modules_stay_contiguous(base: str) -> None:
    architecture = load_architecture(base)
    for form in (architecture, architecture.deployed):
        for path in architecture.modules:
            steps = form.steps_in(path)
            assert not steps or steps == tuple(range(steps[0], steps[-1] + 1))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    design=designs([names[0] for names in base_families().values()], st.sampled_from((1, 80, 120)), most=30)
)
def test_any_kind_anywhere_costs_what_the_built_model_does(design: Design) -> None:
    size = 2 * design.architecture.cell, 3 * design.architecture.cell
    table = compare_cost(design, size)
    model = build_model(design, device="meta")
    assert figures(model, *size) == expected(table.lightweight)
    with torch.device("meta"):
        fast = deployed(model)
    assert figures(fast, *size) == expected(table.deployed_lightweight)
