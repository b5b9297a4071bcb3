"""Models with another activation: built, opened, converted, deployed, exported, said as a YAML."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import SqueezeExcitation
from ultralytics import YOLO
from ultralytics.nn.modules import Conv

from app.core.activations import ACTIVATIONS
from app.core.blocks import eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.model_yaml import ULTRALYTICS, YOLOV5, model_yaml
from app.core.model_yaml_import import import_model_yaml
from app.engine.activations import make_activation
from app.engine.checkpoint import save_checkpoint
from app.engine.export import export
from app.engine.models import build_model, deployed, load_checkpoint
from app.engine.refit import RefitSettings
from app.engine.stock import stock_model
from app.engine.warm_start import OTHER_ACTIVATION, warm_start
from app.engine.weights import read_weights
from app.engine.yaml_check import carry_weights, largest_difference, yaml_model
from tests.engine.checkpoints import batch_of, lively_model

N = Design.stock("yolov5n", 3)


def activations(model: nn.Module) -> Counter[str]:
    """Count the uses of activations outside squeeze-and-excitation."""
    inside = {m for s in model.modules() if isinstance(s, SqueezeExcitation) for m in s.modules()}
    children = (child for parent in model.modules() if parent not in inside for child in parent.children())
    return Counter(type(child).__name__ for child in children if "activation" in type(child).__module__)


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n", "yolov4", "yolov9t", "yolov10n", "yolo26n"])
def test_every_activation_changes_and_nothing_else(base: str) -> None:
    design = Design.stock(base, 3).with_activation("relu")
    paths = [path for path in eligible(design.architecture, "mobilenetv3") if "." not in path[6:]][:1]
    design = design.with_swap(paths, Swap("mobilenetv3"))
    model = build_model(design).eval()
    assert set(activations(model)) == {"ReLU"}
    assert Conv.default_act.__class__ is nn.SiLU
    assert "ReLU" not in activations(stock_model("yolov5n", 3))
    own = activations(stock_model(base, 3))
    assert len(paths) or sum(activations(model).values()) == sum(own.values())
    cost = compare_cost(design, 256)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 256, 256))
    assert counter.get_total_flops() == cost.lightweight.flops
    assert sum(p.numel() for p in model.parameters()) == cost.lightweight.parameters


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_names_mean_what_a_model_yaml_spells(name: str) -> None:
    spelled = eval(ACTIVATIONS[name], {"torch": torch})
    made = make_activation(name)
    x = torch.linspace(-8, 8, 101)
    assert torch.equal(made(x), spelled(x))
    assert type(made) is type(spelled)
    assert not list(made.parameters())


def test_a_checkpoint_opens_in_the_studio_and_in_stock_ultralytics(
    frames: list[np.ndarray], tmp_path: Path
) -> None:
    design = N.with_activation("relu6").with_swap(["model.3", "model.5"], Swap("separable"))
    model = lively_model(design, batch_of(frames)).eval()
    save_checkpoint(model, tmp_path / "best.pt", train_args={"imgsz": 160})
    loaded = load_checkpoint(tmp_path / "best.pt")
    assert loaded.design == design
    stock = YOLO(tmp_path / "best.pt").model.float().eval()
    x = torch.rand(1, 3, 160, 160)
    with torch.no_grad():
        wanted = loaded.model(x)[0]
        for other in (stock, deployed(loaded.model)):
            assert set(activations(other)) == {"ReLU6"}
            assert torch.allclose(other(x)[0], wanted, atol=1e-2, rtol=1e-4)
    for format_, output in (("onnx", "light.onnx"), ("openvino", "light_openvino_model")):
        check = export(tmp_path / "best.pt", format_, output=tmp_path / output, pictures=frames)["check"]
        assert check["max_score"] <= 2e-4  # rounding; another activation would miss by 0.1
        assert check["max_box_px"] <= 0.05


def test_a_conversion_refits_through_the_new_activation(
    frames: list[np.ndarray], bccd_yaml: Path, tmp_path: Path
) -> None:
    standard = lively_model(N, batch_of(frames)).eval()
    save_checkpoint(standard, tmp_path / "standard.pt", train_args={"imgsz": 160})
    source = read_weights(tmp_path / "standard.pt")
    pictures = sorted((bccd_yaml.parent / "images" / "train").iterdir())[:6]
    design = N.with_activation("relu")
    made, reports = {}, {}
    for mode in ("copy", "refit"):
        made[mode] = build_model(design)
        reports[mode] = warm_start(
            made[mode],
            design,
            source,
            mode,
            pictures,
            imgsz=160,
            settings=RefitSettings(positions=2_000, check=500, rounds=1),
        )
        assert OTHER_ACTIVATION in reports[mode].notes
    copied = made["copy"].state_dict()
    assert all(torch.equal(copied[name], value) for name, value in source.tensors.items())
    assert any(row.how == "refitted" for row in reports["refit"].rows)
    x = batch_of(frames)
    with torch.no_grad():
        wanted = standard.eval()(x)[1]["scores"]
        missed = {
            mode: float((copy.deepcopy(m).eval()(x)[1]["scores"] - wanted).square().mean())
            for mode, m in made.items()
        }
    assert missed["refit"] < 0.7 * missed["copy"]
    unchanged = build_model(N)
    report = warm_start(unchanged, N, source, "copy")
    assert OTHER_ACTIVATION not in report.notes


@pytest.mark.parametrize("base", ["yolov5n", "yolov4-tiny", "yolo26n"])
def test_a_model_yaml_says_it(base: str, tmp_path: Path) -> None:
    design = Design.stock(base, 3).with_activation("hardswish")
    made = model_yaml(design, ULTRALYTICS)
    model, other = build_model(design).eval(), yaml_model(made).eval()
    assert set(activations(other)) == {"Hardswish"}
    assert Conv.default_act.__class__ is nn.SiLU
    carry_weights(made, model, other)
    assert largest_difference(model, other) < 1e-4
    (tmp_path / "light.yaml").write_text(made.text)
    assert import_model_yaml(tmp_path / "light.yaml") == design


def test_what_no_yaml_can_say_is_refused() -> None:
    assert "activation: torch.nn.ReLU()" in model_yaml(N.with_activation("relu"), YOLOV5).text
    for base, module in (("yolov9t", "RepConv"), ("yolov10n", "RepVGGDW")):
        with pytest.raises(AppError, match=module):
            model_yaml(Design.stock(base).with_activation("relu"), ULTRALYTICS)
    large = N.with_activation("relu").with_swap(["model.4"], Swap("cib", {"large": 1}))
    with pytest.raises(AppError, match="activation"):
        model_yaml(large, ULTRALYTICS)
