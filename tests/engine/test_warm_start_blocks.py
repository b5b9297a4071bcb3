"""First weights of RepConv and of blocks that are no linear map: fitted way by way, identities, what is carried."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from ultralytics.nn.modules import C1, C3, A2C2f, C2f, C3k2, Conv, RepConv

from app.core.blocks import BLOCKS, refusal
from app.core.design import Design, Swap
from app.core.transfer_words import way_words
from app.engine.blocks import make_block
from app.engine.blocks_as_kernels import ends_in_convolution, last_conv, merge_branches, merged
from app.engine.depthwise_squares import Seen, fit_depthwise
from app.engine.foreign_weights import ForeignWeights
from app.engine.models import build_model
from app.engine.planting import leading_filters
from app.engine.positions import Positions
from app.engine.refit import RefitSettings
from app.engine.refit_block import BlockRefit
from app.engine.refit_pictures import load_pictures
from app.engine.refit_sums import BEFORE, BEHIND, Sample
from app.engine.stages import stages
from app.engine.stages_inside import all_stages, inside_of
from app.engine.transfer import TransferReport
from app.engine.transfer_modules import modules_of
from app.engine.transplant import transplant
from app.engine.weights import warm_start
from tests.engine.checkpoints import batch_of, lively_model
from tests.engine.test_blocks import site_of
from tests.engine.test_warm_start import raw, source_of

QUICK = RefitSettings(positions=2_000, check=500, rounds=1)
PLACES = ("model.3", "model.4", "model.17", "model.4.m.0.cv2", "model.24.cv3.0.0")


@pytest.fixture(scope="module")
def teacher(frames: list[np.ndarray]) -> nn.Module:
    return lively_model(Design.stock("yolov5n", 3), batch_of(frames))


@pytest.fixture(scope="module")
def source(teacher: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> ForeignWeights:
    return source_of(teacher, tmp_path_factory.mktemp("source") / "standard.pt")


@pytest.fixture(scope="module")
def pictures(bccd_yaml: Path) -> list[Path]:
    return sorted((bccd_yaml.parent / "images" / "train").iterdir())[:6]


def design_of(kind: str, places: Sequence[str] = PLACES) -> Design:
    """A design with a kind at those places that take it, nothing inside what is swapped."""
    design = Design.stock("yolov5n", 3)
    chosen: list[str] = []
    for path in places:
        nested = any(path.startswith(f"{p}.") for p in chosen)
        if not nested and refusal(design.architecture, path, kind) is None:
            chosen.append(path)
    return design.with_swap(chosen, Swap(kind))


def started(
    design: Design, source: ForeignWeights, mode: str = "refit", pictures: Sequence[Path] = ()
) -> tuple[nn.Module, TransferReport]:
    torch.manual_seed(3)
    model = build_model(design)
    return model, warm_start(model, design, source, mode, pictures, imgsz=160, settings=QUICK)


@pytest.mark.parametrize("kind", [name for name in BLOCKS if name not in ("separable", "dwconv")])
def test_every_kind_is_brought_near_to_the_standard_model(
    kind: str, source: ForeignWeights, teacher: nn.Module, pictures: list[Path]
) -> None:
    design = design_of(kind)
    model, report = started(design, source, "refit", pictures)
    swapped = {row.path: row for row in report.rows if row.block}
    assert set(swapped) == set(design.resolved())
    assert {row.how for row in swapped.values()} == {"refitted"}
    # Half of a ShuffleNetV2 unit's channels pass by, whatever the standard module made of them.
    least = -1.0 if kind == "shufflenetv2" else 0.0
    assert all(row.energy is not None and least < row.energy <= 1 for row in swapped.values())
    assert sum(row.parameters for row in report.rows) == sum(p.numel() for p in model.parameters())
    assert TransferReport.from_json(report.to_json()) == report
    (told,) = report.to_json()["kinds"]
    assert (told["block"], told["how"], told["modules"]) == (kind, "refitted", len(swapped))
    assert told["text"] == way_words(kind, "refitted") != way_words("unknown", "refitted")
    assert f"{kind}, {len(swapped)} refitted" in report.to_text()
    assert told["text"] in report.to_text()
    seen = load_pictures(pictures, 6, 160)
    wanted = raw(teacher, seen)
    fresh, _ = started(design, source, "copy")

    def error(light: nn.Module) -> float:
        return float((raw(light, seen) - wanted).square().mean())

    assert error(model) < 0.5 * error(fresh)
    check_training_mode(model, tuple(f"{path}." for path in swapped), seen)


def check_training_mode(model: nn.Module, inside: tuple[str, ...], seen: torch.Tensor) -> None:
    """A BatchNorm in a new block does in training mode what it does in eval mode: its statistics are the real ones."""
    inputs: dict[str, torch.Tensor] = {}
    hooks = [
        module.register_forward_pre_hook(lambda _m, x, name=name: inputs.__setitem__(name, x[0]))
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d) and name.startswith(inside)
    ]
    with torch.no_grad():
        model.eval()(seen)
    for hook in hooks:
        hook.remove()
    assert inputs
    for name, x in inputs.items():
        norm = model.get_submodule(name)
        with torch.no_grad():
            fixed, own = norm.eval()(x), copy.deepcopy(norm).train()(x)
        assert (fixed - own).square().mean() <= 0.01 * fixed.var() + 1e-12, name


@pytest.mark.parametrize("kind", ["mobilenetv3", "efficientnetv2"])
def test_without_pictures_a_residual_block_is_an_identity(kind: str, source: ForeignWeights) -> None:
    model, report = started(design_of(kind, ["model.6"]), source)
    (row,) = (row for row in report.rows if row.block)
    assert (row.path, row.how, row.energy) == ("model.6", "identity", None)
    x = torch.randn(2, 128, 8, 8)
    with torch.no_grad():
        assert torch.equal(model.get_submodule("model.6").eval()(x), x)
    assert report.totals["identity"] == {"modules": 1, "parameters": row.parameters}
    assert any("only factorised" in note for note in report.notes)


def test_a_repconv_of_one_group_is_exact(source: ForeignWeights, teacher: nn.Module) -> None:
    design = Design.stock("yolov5n", 3).with_swap(["model.3", "model.5"], Swap("repconv", {"groups": 1}))
    model, report = started(design, source)
    assert {row.how for row in report.rows if row.block} == {"copied"}
    assert not report.notes
    picture = torch.rand(2, 3, 96, 96)
    wanted = raw(teacher.half().float(), picture)
    assert torch.allclose(raw(model, picture), wanted, rtol=1e-3, atol=1e-3)
    block = model.get_submodule("model.3")
    assert isinstance(block, RepConv)
    assert block.conv2.conv.weight.detach().abs().max() > 0


def test_a_grouped_repconv_is_the_nearest_one_and_better_fitted(
    source: ForeignWeights, pictures: list[Path]
) -> None:
    design = Design.stock("yolov5n", 3).with_swap(["model.3"], Swap("repconv", {"groups": 2}))
    model, report = started(design, source, "factorise", pictures)
    assert {row.how for row in report.rows if row.block} == {"factorised"}
    kernel = source.tensors["model.3.conv.weight"]
    block: RepConv = model.get_submodule("model.3")  # type: ignore[assignment]
    made = block.conv1.conv.weight + nn.functional.pad(block.conv2.conv.weight, [1, 1, 1, 1])
    assert torch.allclose(made[:32], kernel[:32, :16], atol=1e-5)
    _, report = started(design, source, "refit", pictures)
    assert {row.how for row in report.rows if row.block} == {"refitted"}


def test_a_ghost_convolution_keeps_its_own_half(source: ForeignWeights, teacher: nn.Module) -> None:
    model, report = started(design_of("ghost", ["model.3"]), source)
    assert {row.how for row in report.rows if row.block} == {"factorised"}
    x = torch.rand(1, 32, 16, 16)
    with torch.no_grad():
        made, wanted = model.get_submodule("model.3").eval()(x), teacher.get_submodule("model.3")(x)
    assert torch.allclose(made[:, :32], wanted[:, :32], atol=1e-2)


def test_a_module_keeps_both_ends(source: ForeignWeights) -> None:
    model, report = started(design_of("ghost_c3", ["model.6"]), source)
    assert {row.how for row in report.rows if row.block} == {"factorised"}
    for end in ("cv1", "cv2", "cv3"):
        name = f"model.6.{end}.conv.weight"
        assert torch.equal(model.state_dict()[name], source.tensors[name])
    model, _ = started(design_of("cib", ["model.6"]), source)
    both = torch.cat([source.tensors[f"model.6.{end}.conv.weight"] for end in ("cv2", "cv1")])
    assert torch.equal(model.state_dict()["model.6.cv1.conv.weight"], both)


def test_what_nothing_fits_into_is_fresh_and_said(source: ForeignWeights) -> None:
    _, report = started(design_of("lcnet", ["model.6"]), source, "factorise")
    assert {row.how for row in report.rows if row.block} == {"fresh"}
    assert any("blocks are fresh" in note for note in report.notes)


def refitted(new: nn.Module, old: nn.Module, x: torch.Tensor) -> float:
    """Fit a block to a module on one batch; return the energy explained."""
    with torch.no_grad():
        made = old.eval()(x)
    shape = (len(made), made.shape[2], made.shape[3])
    samples = [Sample(Positions.choose(shape, 10**6, None, torch.Generator())) for _ in range(2)]
    looks = {("", BEFORE), ("", BEHIND)} | {(p.path, s.aim) for s in all_stages(new, old) for p in s.pieces}
    hooks = []
    for path, aim in looks:
        module = old.get_submodule(path)

        def keep(_m: nn.Module, _i: Any, made: torch.Tensor, what: tuple[str, str] = (path, aim)) -> None:
            for sample in samples:
                sample.made[what].append(sample.positions.take(made, 0))

        hooks.append((last_conv(module) if aim == BEFORE else module).register_forward_hook(keep))
    with torch.no_grad():
        old(x)
    energies: list[float] = []
    fit = BlockRefit(new.eval(), old, (samples[0], samples[1]), len(x), None, set(), energies.append)
    hooks += fit.hooks()
    with torch.no_grad():
        new(x)
    for hook in hooks:
        hook.remove()
    return energies[0]


def test_channels_pass_through_the_shuffle_to_where_they_belong() -> None:
    torch.manual_seed(0)
    old = Conv(24, 16, 1)
    old.bn.running_mean.uniform_(-0.2, 0.2)
    nn.init.uniform_(old.bn.bias, -0.3, 0.3)
    units = [ShuffleUnit(16, 16, 1) for _ in range(2)]
    for unit in units:
        unit.branch2[2], unit.branch2[7] = nn.SiLU(), nn.SiLU()
    new = nn.Sequential(Conv(24, 16, 1), *units)
    x = torch.randn(4, 24, 8, 8)
    energy = refitted(new, old, x)
    with torch.no_grad():
        made, wanted = new(x), old(x)
    # Of four channels one passes both units untouched: it is what the first convolution makes, exactly.
    passed = [i for i in range(16) if float((made[:, i] - wanted[:, i]).abs().max()) < 1e-3]
    assert passed == [0, 4, 8, 12]
    assert 0.2 < energy < 1


def test_residual_blocks_in_a_row_make_up_for_what_is_missing() -> None:
    torch.manual_seed(0)
    old = C3(16, 16, 1)
    for norm in (m for m in old.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.momentum = None
    x = torch.randn(4, 16, 12, 12)
    old.train()(x)
    energies = []
    for repeats in (1, 3):
        torch.manual_seed(1)
        swap = Swap("mobilenetv3", {"squeeze": 0})
        block = make_block(old, swap, site_of(16, 16, repeats=repeats))
        transplant(old, block)  # filters that see the middle
        energies.append(refitted(block, old, x))
    assert energies[1] > energies[0]


@pytest.mark.parametrize(
    ("kind", "shortcut"),  # a Ghost bottleneck always has one
    [("ghost_c3", True), ("cib", True), ("cib", False), ("c3k2", True), ("c3k2", False)],
)
def test_what_stands_inside_a_module_is_fitted_too(
    kind: str, shortcut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    place = site_of(32, 32, repeats=2, shortcut=shortcut)
    old = C3(32, 32, 2, shortcut)
    for norm in (m for m in old.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 2.0)
        norm.momentum = None
    x = torch.randn(6, 32, 12, 12)
    with torch.no_grad():
        old.train()(x)
    energies = []
    for stages_of in (all_stages, lambda new, old: stages(new, torch.arange(32))):
        monkeypatch.setattr("app.engine.refit_block.all_stages", stages_of)
        torch.manual_seed(1)
        block = make_block(old, Swap(kind), place)
        transplant(old, block)
        energies.append(refitted(block, old, x))
    assert energies[0] > energies[1] + 0.03


@pytest.mark.parametrize("kind", ["shufflenetv2", "mobilenetv3", "efficientnetv2", "lcnet"])
def test_what_a_block_could_make_without_activations_it_nearly_makes_with_them(kind: str) -> None:
    torch.manual_seed(0)
    old: Any = Conv(16, 32, 3, 2)
    level = 3 if kind == "efficientnetv2" else 4
    block = make_block(old, Swap(kind), site_of(16, 32, s=2, level=level))
    with torch.no_grad():
        if kind == "efficientnetv2":  # a narrow convolution, then a pointwise one
            narrow, wide = torch.randn(8, 16, 3, 3), torch.randn(32, 8)
            old.conv.weight.copy_(torch.einsum("oh,hikl->oikl", wide, narrow) / 40)
        else:  # a depthwise convolution, then a pointwise one
            filters, wide = torch.randn(16, 3, 3), torch.randn(32, 16)
            old.conv.weight.copy_(torch.einsum("oi,ikl->oikl", wide, filters) / 12)
    if kind in ("mobilenetv3", "efficientnetv2"):
        old.act = nn.Identity()  # they end in none
    transplant(Conv(16, 32, 3, 2), block)  # what it starts from is not the answer
    assert refitted(block, old, torch.randn(6, 16, 24, 24)) > 0.95


def test_the_heaviest_channels_are_known() -> None:
    for old in (C3(16, 16, 1), C2f(16, 16, 1)):
        inside = inside_of(old)
        assert inside is not None
        join = old.cv3 if isinstance(old, C3) else old.cv2
        with torch.no_grad():
            join.conv.weight[:, 3 if isinstance(old, C3) else 16 + 3] *= 100
            join.conv.weight[:, 8 + 5 if isinstance(old, C3) else 5] *= 100
        inside = inside_of(old)
        assert inside is not None
        assert (int(inside.weights.argmax()), int(inside.aside.argmax())) == (3, 5)
    assert inside_of(C3k2(16, 16, 1, c3k=True)) is None
    assert inside_of(Conv(8, 8, 3)) is None


def test_depthwise_filters_are_the_least_squares_ones() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
    x = torch.randn(8, 3, 10, 10)
    with torch.no_grad():
        wanted = conv(x) + torch.tensor([1.0, -2.0, 0.5]).view(1, 3, 1, 1)
    positions = Positions.choose((8, 10, 10), 10**6, None, torch.Generator())
    found = fit_depthwise(Seen(x, conv, positions, positions.take(wanted, 0), torch.ones(3)))
    assert torch.allclose(found.filters.float().view_as(conv.weight), conv.weight, atol=1e-3)
    assert torch.allclose(found.bias, torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), atol=1e-3)
    made = conv(x)
    assert torch.allclose(found.mean.float(), made.mean((0, 2, 3)), atol=1e-3)
    assert torch.allclose(found.variance.float(), made.var((0, 2, 3), unbiased=False), rtol=1e-2)


def test_leading_filters_by_hand() -> None:
    outer = torch.tensor([[0.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 0.0]])
    kernel = torch.randn(5, 1, 1, 1) * -outer
    (found,) = leading_filters(kernel)
    assert torch.allclose(found, outer / outer.square().sum().sqrt(), atol=1e-5)


def test_repconvs_of_a_teacher_become_plain_convolutions() -> None:
    torch.manual_seed(0)
    block = RepConv(8, 8, g=2, act=nn.SiLU())
    for norm in (block.conv1.bn, block.conv2.bn):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.3, 0.3)
        norm.running_mean.uniform_(-0.2, 0.2)
    x = torch.randn(2, 8, 6, 6)
    model = nn.Sequential(nn.Identity(), block.eval())
    with torch.no_grad():
        wanted = model(x)
        merge_branches(model)
        assert torch.allclose(model(x), wanted, atol=1e-5)
        assert torch.allclose(merged(block)(x), wanted, atol=1e-5)
    assert isinstance(model[1], Conv)


def test_some_modules_end_in_no_convolution() -> None:
    assert ends_in_convolution(C3(8, 8))
    assert not ends_in_convolution(C1(8, 8))
    assert not ends_in_convolution(A2C2f(64, 64, 1, residual=True))
    assert ends_in_convolution(A2C2f(64, 64, 1))
    with pytest.raises(ValueError, match="not made by one convolution"):
        last_conv(C1(8, 8))


def test_swapped_modules_and_twins_are_told_one_by_one() -> None:
    design = Design.stock("yolov10n", 3).with_swap(["model.2", "model.23.cv2.0.0"], Swap("cib"))
    rows = modules_of(design)
    assert "model.2" in rows
    assert not any(row.startswith("model.2.") for row in rows)
    assert {"model.23.cv2.0.0", "model.23.one2one_cv2.0.0"} <= set(rows)
    assert len(set(rows)) == len(rows)
    beside = modules_of(Design.stock("yolo12x", 3))
    assert {"model.6", "model.8"} <= set(beside)
    assert "model.6" in modules_of(Design.stock("yolo12x", 3).with_swap(["model.6"], Swap("lcnet")))
