"""The built models against the arithmetic, and the deployed form against the training form."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from app.core.architecture import load_architecture
from app.core.blocks import eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.engine.models import build_model, deployed, design_of
from tests.designs import designs

SCALES = tuple(f"yolov5{scale}" for scale in "nsmlx")


CLASSES = st.sampled_from((1, 3, 20, 65, 80, 99, 100, 120))


def tensor_bytes(model: nn.Module) -> int:
    buffer = io.BytesIO()
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    torch.save(state, buffer)
    return sum(v.numel() * v.element_size() for v in state.values())


def counted(model: nn.Module, height: int, width: int) -> int:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval()(torch.zeros(1, 3, height, width))
    return counter.get_total_flops()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    design=designs(SCALES, CLASSES),
    height=st.sampled_from((32, 64, 96)),
    width=st.sampled_from((32, 64, 160)),
)
def test_costs_equal_the_built_model(design: Design, height: int, width: int) -> None:
    model = build_model(design)
    cost = compare_cost(design, (height, width)).lightweight
    assert cost.parameters == sum(p.numel() for p in model.parameters())
    assert cost.flops == counted(model, height, width)
    assert cost.file_bytes == pytest.approx(tensor_bytes(model), rel=0.02)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(design=designs(("yolov5n", "yolov5s"), CLASSES))
def test_deployed_costs_equal_the_deployed_model(design: Design) -> None:
    model = deployed(build_model(design))
    cost = compare_cost(design, 64).deployed_lightweight
    assert cost.parameters == sum(p.numel() for p in model.parameters())
    assert cost.flops == counted(model, 64, 64)


@pytest.mark.parametrize("base", SCALES)
def test_stock_totals_at_640(base: str) -> None:
    known = {  # million parameters, GFLOPs as ultralytics publishes them
        "yolov5n": (2.65, 7.7),
        "yolov5s": (9.15, 24.0),
        "yolov5m": (25.1, 64.2),
        "yolov5l": (53.2, 135.0),
        "yolov5x": (97.2, 246.4),
    }
    cost = compare_cost(Design.stock(base)).standard
    assert cost.parameters / 1e6 == pytest.approx(known[base][0], rel=0.005)
    assert cost.flops / 1e9 == pytest.approx(known[base][1], rel=0.005)


def randomised(design: Design, seed: int = 0) -> nn.Module:
    """A model whose BatchNorms are far from their initial values, as after training."""
    torch.manual_seed(seed)
    model = build_model(design)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.3, 0.3)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_deployed_form_is_equal(rank: int) -> None:
    paths = eligible(load_architecture("yolov5n", 3))
    model = randomised(Design.stock("yolov5n", 3).with_swap(paths, Swap("separable", {"rank": rank})))
    picture = torch.rand(2, 3, 96, 160)
    with torch.no_grad():
        before, after = model(picture)[0], deployed(model)(picture)[0]
    assert (before[:, :4] - after[:, :4]).abs().max() < 0.01
    assert (before[:, 4:] - after[:, 4:]).abs().max() < 1e-5


def test_deployed_form_leaves_the_model_alone() -> None:
    model = randomised(preset("separable", classes=3))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    deployed(model)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_blocks_inherit_what_the_stock_constructor_sets() -> None:
    model = build_model(preset("separable", classes=3))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.eps, module.momentum) == (1e-3, 0.03)
    assert [m.i for m in model.model] == list(range(25))
    assert design_of(model) == preset("separable", classes=3)


def test_stem_keeps_its_output_size() -> None:
    model = build_model(Design.stock("yolov5n", 3).with_swap(["model.0"], Swap("separable")))
    assert model.model[0](torch.zeros(1, 3, 64, 64)).shape == (1, 16, 32, 32)
