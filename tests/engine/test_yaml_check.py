"""Exported YAMLs, parsed by the installed ultralytics, against our costs and against the Studio's own models."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from ultralytics.nn.modules import (
    C3,
    SPP,
    SPPF,
    C3Ghost,
    Concat,
    Conv,
    DWConv,
    GhostConv,
)
from ultralytics.nn.tasks import DetectionModel

from app.core.architecture import base_models, load_architecture
from app.core.blocks import BLOCKS, refusal
from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.folders import resources
from app.core.model_yaml import ULTRALYTICS, YOLOV5, ModelYaml, model_yaml
from app.core.model_yaml_import import recognise
from app.core.model_yaml_read import read_model_yaml
from app.core.sites import sites
from app.engine.checkpoint import save_checkpoint
from app.engine.models import build_model
from app.engine.yaml_check import (
    carry_weights,
    largest_difference,
    stock_families,
    write_checkpoint,
    yaml_model,
)
from tests.designs import designs


def randomise(model: nn.Module) -> None:
    """Take every BatchNorm far from its initial values, as after training."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.5, 1.5),
            ):
                assert tensor is not None
                tensor.uniform_(low, high, generator=generator)


def flops(model: nn.Module, side: int) -> int:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval()(torch.zeros(1, 3, side, side))
    return int(counter.get_total_flops())


def check_parsed(made: ModelYaml) -> None:
    """The parsed model costs what we say, and gives the outputs of the Studio's model of the same weights."""
    side = 2 * made.design.architecture.cell
    cost = compare_cost(made.design, side).lightweight
    parsed, ours = yaml_model(made), build_model(made.design)
    assert sum(p.numel() for p in parsed.parameters()) == cost.parameters
    assert flops(parsed, side) == cost.flops
    randomise(ours)
    carry_weights(made, ours, parsed)
    assert largest_difference(ours, parsed) == 0


def whole_layers(design: Design, flavour: str = ULTRALYTICS) -> ModelYaml:
    return model_yaml(design, flavour, partial=True)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(designs(("yolov5n",), st.sampled_from((1, 3, 80)), most=60))
def test_random_designs_parse_to_what_they_cost(design: Design) -> None:
    check_parsed(whole_layers(design))


@pytest.mark.parametrize("kind", BLOCKS)
def test_every_kind_in_every_place_it_can_be_said(kind: str) -> None:
    design = Design.stock("yolov5n", 3)
    architecture = design.architecture
    places = [path for path in sites(architecture) if path.count(".") == 1]
    fitting = [path for path in places if refusal(architecture, path, kind) is None]
    made = whole_layers(design.with_swap(fitting, Swap(kind)))
    assert len(made.unsaid) + len(made.design.resolved()) == len(fitting)
    assert all(u.why for u in made.unsaid)
    check_parsed(made)


@pytest.mark.parametrize(
    "base", [b for b in ("yolov3-tiny", "yolov4-tiny", "yolov6n", "yolov8n-ghost", "yolov9t", "yolov10n", "yolo11n",
                         "yolo12n", "yolo26n") if b in base_models()]
)  # fmt: skip
def test_other_bases_with_whole_layers_swapped(base: str) -> None:
    architecture = load_architecture(base, 3)
    design = Design.stock(base, 3)
    convolutions = [p for p in sites(architecture) if refusal(architecture, p, "separable") is None]
    check_parsed(whole_layers(design.with_swap(convolutions[1:], Swap("separable"))))


@pytest.mark.parametrize(
    ("base", "kind", "options"),
    [
        ("yolo11n", "c3k2", {"nested": 1, "width": 38}),
        ("yolo11n", "cib", {"width": 25}),
        ("yolov10n", "cib", {"large": 1}),
        ("yolov5n", "ghost_c3", {"width": 38}),
        ("yolov5n", "lcnet", {"squeeze": 0}),
        ("yolov5n", "mobilenetv3", {"squeeze": 0, "expansion": 200}),
    ],
)
def test_options_are_said_exactly(base: str, kind: str, options: dict[str, int]) -> None:
    if base not in base_models():
        pytest.skip(f"no description of {base}")
    design = Design.stock(base, 3)
    places = [
        p
        for p in sites(design.architecture)
        if p.count(".") == 1 and refusal(design.architecture, p, kind, options) is None
    ]
    made = whole_layers(design.with_swap(places, Swap(kind, options)))
    assert not made.design.is_standard
    check_parsed(made)
    again = recognise(read_model_yaml(made.text, "light.yaml"))
    # What makes the same module as the standard one (the last C2fCIB of YOLOv10n has large filters) is standard.
    assert again.resolved().items() <= made.design.resolved().items()
    assert model_yaml(again, ULTRALYTICS).model == made.model


def test_the_rows_in_resources_are_those_of_the_installed_ultralytics() -> None:
    stored = json.loads((resources() / "model_rows.json").read_text(encoding="utf-8"))["families"]
    assert stored == json.loads(json.dumps(stock_families()))


@pytest.mark.skipif("yolo11n" not in base_models(), reason="no description of yolo11n")
def test_the_head_keeps_its_class_branches() -> None:
    modern = Design.stock("yolo11n", 3)
    c3k2 = [p for p, site in sites(modern.architecture).items() if site.type == "C3k2"]
    made = whole_layers(modern.with_swap(c3k2, Swap("ghost_c3")))
    assert [u.path for u in made.unsaid] == c3k2[-1:]
    check_parsed(made)
    old = Design.stock("yolov5n", 3).with_swap(["model.4", "model.6"], Swap("c3k2"))
    assert [u.path for u in whole_layers(old).unsaid] == ["model.4", "model.6"]
    with pytest.raises(AppError, match="another detection head"):
        model_yaml(old, ULTRALYTICS)


def test_weights_become_a_checkpoint_that_stock_ultralytics_opens(tmp_path: Path) -> None:
    design = preset("seed", "yolov5n", 3).with_swap(["model.7"], Swap("separable", {"rank": 2}))
    ours = build_model(design, names={0: "a", 1: "b", 2: "c"})
    randomise(ours)
    save_checkpoint(ours, tmp_path / "best.pt", train_args={"imgsz": 96})
    made = model_yaml(design, ULTRALYTICS)
    done = write_checkpoint(made, tmp_path / "best.pt", tmp_path / "light.pt", tmp_path / "light.yaml")
    assert done.difference == 0
    stock = torch.load(tmp_path / "light.pt", weights_only=False)["model"]
    assert stock.names == {0: "a", 1: "b", 2: "c"}
    # What stock training does: build anew from the YAML inside, and take over every tensor that fits.
    again = DetectionModel(stock.yaml, nc=3, verbose=False)
    fitting = {k: v for k, v in stock.state_dict().items() if again.state_dict()[k].shape == v.shape}
    assert len(fitting) == len(again.state_dict())
    again.load_state_dict(stock.float().state_dict())
    assert largest_difference(ours.half().float(), again) < 1e-3
    other = model_yaml(preset("seed", "yolov5n", 3), ULTRALYTICS)
    with pytest.raises(AppError, match="another design"):
        write_checkpoint(other, tmp_path / "best.pt", tmp_path / "x.pt", tmp_path / "light.yaml")
    assert not (tmp_path / "x.pt").exists()


# The original YOLOv5 repository is not installed. This is our own small interpreter of its format, written after its
# parser (v7.0), with ultralytics' classes of the same names, which have the same tensors as the repository's.

_CLASSES: dict[str, Any] = {
    "C3": C3,
    "C3Ghost": C3Ghost,
    "Concat": Concat,
    "Conv": Conv,
    "DWConv": DWConv,
    "GhostConv": GhostConv,
    "SPP": SPP,
    "SPPF": SPPF,
}


class AnchorDetect(nn.Module):
    """The head of the YOLOv5 repository, as far as its tensors go: one 1 × 1 convolution a level."""

    def __init__(self, classes: int, anchors: Any, channels: list[int]) -> None:
        super().__init__()
        each = anchors if isinstance(anchors, int) else len(anchors[0]) // 2
        self.m = nn.ModuleList(nn.Conv2d(c, each * (classes + 5), 1) for c in channels)


def interpret(text: str) -> nn.ModuleList:
    """Build the layers of a YAML of the YOLOv5 repository."""
    data = yaml.safe_load(text)
    depth, width = data["depth_multiple"], data["width_multiple"]
    made: list[int] = []
    built = nn.ModuleList()
    for source, repeats, name, args in data["backbone"] + data["head"]:
        args = [None if a == "None" else data.get(a, a) if isinstance(a, str) else a for a in args]
        count = max(round(repeats * depth), 1) if repeats > 1 else repeats
        read = [made[s] if made else 3 for s in (source if isinstance(source, list) else [source])]
        cls = (
            AnchorDetect if name == "Detect" else _CLASSES.get(name) or getattr(nn, name.removeprefix("nn."))
        )
        c2 = read[-1]
        if name in {"Conv", "GhostConv", "DWConv", "SPP", "SPPF", "C3", "C3Ghost", "nn.ConvTranspose2d"}:
            c2 = math.ceil(args[0] * width / 8) * 8
            args = [read[0], c2, *args[1:]]
            if name in {"C3", "C3Ghost"}:
                args.insert(2, count)
                count = 1
        elif name == "nn.BatchNorm2d":
            args = [read[0]]
        elif name == "Concat":
            c2 = sum(read)
        elif name == "Detect":
            args.append(read)
        modules = [cls(*args) for _ in range(count)]
        if name == "SPPF":  # the repository's has an activation behind its first convolution
            modules[0].cv1.act = nn.SiLU()
        layer = nn.Sequential(*modules) if count > 1 else modules[0]
        layer.f = source
        built.append(layer)
        made.append(c2)
    if data.get("activation") == "torch.nn.ReLU()":
        for module in built.modules():
            if isinstance(module, Conv) and not isinstance(module.act, nn.Identity):
                module.act = nn.ReLU()
    return built


def run(layers: nn.ModuleList, picture: torch.Tensor) -> list[torch.Tensor]:
    """Return what the head reads."""
    made: list[torch.Tensor] = []
    for layer in layers:
        source: Any = layer.f
        read = [made[s] if made else picture for s in (source if isinstance(source, list) else [source])]
        if isinstance(layer, AnchorDetect):
            assert [int(m.in_channels) for m in layer.m] == [t.shape[1] for t in read]  # type: ignore[arg-type]
            return read
        made.append(layer(read if isinstance(source, list) else read[0]))
    raise AssertionError("no head")


@pytest.mark.parametrize(
    "base", [b for b in ("yolov5n", "yolov5s", "yolov5n-p6", "yolov3-tiny", "yolov6n") if b in base_models()]
)
def test_the_yolov5_flavour_builds_the_same_layers(base: str) -> None:
    design = Design.stock(base, 3)
    architecture = design.architecture
    for kind, turn in (("separable", 0), ("dwconv", 1), ("ghost", 2), ("ghost_c3", 0)):
        places = [p for p in sites(architecture) if kind in BLOCKS and refusal(architecture, p, kind) is None]
        free = [p for p in places[1:] if p.count(".") == 1 and p not in design.resolved()]
        design = design.with_swap(free[turn::3], Swap(kind)) if kind in BLOCKS else design
    made = whole_layers(design, YOLOV5)
    assert made.design.resolved()
    layers, ours = interpret(made.text), build_model(made.design)
    randomise(ours)
    body = nn.ModuleDict({"model": layers})
    last = f"model.{len(architecture.layers) - 1}"
    given, wanted = ours.state_dict(), body.state_dict()
    for path, modules in made.carried:
        if path == last:
            continue
        old = [v for k, v in given.items() if k.startswith(f"{path}.")]
        new = [v for m in modules for k, v in wanted.items() if k.startswith(f"{m}.")]
        for x, y in zip(new, old, strict=True):
            x.copy_(y)
    for module in layers.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3  # as the repository's initialize_weights does
    heads: list[list[torch.Tensor]] = []
    head = ours.get_submodule(last)
    head.register_forward_pre_hook(lambda _m, inputs: heads.append(list(inputs[0])))
    picture = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        ours.eval()(picture)
        read = run(layers.eval(), picture)
    assert [float((x - y).abs().max()) for x, y in zip(heads[0], read, strict=True)] == [0.0] * len(read)
