"""First weights: copied, factorised, refitted; and a start that the first step of training does not spoil."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from app.core.blocks import eligible
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.engine.checkpoint import save_checkpoint
from app.engine.foreign_weights import ForeignWeights
from app.engine.models import build_model
from app.engine.refit import RefitSettings
from app.engine.transfer import TransferReport
from app.engine.weights import read_weights, warm_start
from tests.engine.checkpoints import batch_of, lively_model

QUICK = RefitSettings(positions=2_000, check=500, rounds=1)


@pytest.fixture(scope="module")
def teacher(frames: list[np.ndarray]) -> nn.Module:
    return lively_model(Design.stock("yolov5n", 3), batch_of(frames))


@pytest.fixture(scope="module")
def source(teacher: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> ForeignWeights:
    return source_of(teacher, tmp_path_factory.mktemp("source") / "standard.pt")


@pytest.fixture(scope="module")
def pictures(bccd_yaml: Path) -> list[Path]:
    return sorted((bccd_yaml.parent / "images" / "train").iterdir())[:6]


def source_of(model: nn.Module, file: Path) -> ForeignWeights:
    save_checkpoint(model, file, train_args={"imgsz": 160})
    return read_weights(file)


def started(
    design: Design,
    source: ForeignWeights,
    mode: str = "refit",
    pictures: Sequence[Path] = (),
    names: dict[int, str] | None = None,
) -> tuple[nn.Module, TransferReport]:
    model = build_model(design, names=names)
    return model, warm_start(model, design, source, mode, pictures, imgsz=160, settings=QUICK)


def swapped(kind: str = "separable", rank: int = 1, paths: Sequence[str] | None = None) -> Design:
    design = Design.stock("yolov5n", 3)
    chosen = [p for p in eligible(design.architecture) if p != "model.0"] if paths is None else paths
    return design.with_swap(chosen, Swap(kind, {"rank": rank} if kind == "separable" else {}))


def raw(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        out = copy.deepcopy(model).eval()(x)[1]
    return torch.cat([out["boxes"], out["scores"]], 1)


def how(report: TransferReport) -> dict[str, str]:
    return {row.path: row.how for row in report.rows}


def test_a_standard_model_is_copied(source: ForeignWeights, frames: list[np.ndarray]) -> None:
    model, report = started(Design.stock("yolov5n", 3), source)
    assert set(how(report).values()) == {"copied"}
    own = model.state_dict()
    assert all(torch.equal(own[name], source.tensors[name]) for name in own)
    assert model.training


def test_rows_are_all_modules_and_add_up(source: ForeignWeights, pictures: list[Path]) -> None:
    design = preset("separable", "yolov5n", 3)
    model, report = started(design, source, "factorise", pictures)
    assert [row.path for row in report.rows] == list(design.architecture.convolutions)
    assert sum(row.parameters for row in report.rows) == sum(p.numel() for p in model.parameters())
    assert report.totals["parameters"] == sum(p.numel() for p in model.parameters())
    assert {row.path for row in report.rows if row.block} == set(design.resolved())
    assert {row.path for row in report.rows if row.how == "factorised"} == set(design.resolved())
    assert TransferReport.from_json(report.to_json()) == report
    assert report.to_text().count("factorised") >= len(design.resolved())
    assert report.pictures == 6


def test_factorised_blocks_are_the_nearest_of_their_rank(
    source: ForeignWeights, pictures: list[Path]
) -> None:
    light, _ = started(swapped(rank=4, paths=["model.0"]), source, "factorise", pictures)
    block = light.get_submodule("model.0")
    assert isinstance(block, nn.Sequential)
    made = torch.einsum("oi,ihw->oihw", block[1].conv.weight[:, :, 0, 0], block[0].conv.weight[:, 0])
    made = made.view(16, 3, 4, 6, 6).sum(2)
    # Input channel by channel: the leading part of the singular value decomposition.
    exact = source.tensors["model.0.conv.weight"]
    for channel in range(3):
        u, s, v = torch.linalg.svd(exact[:, channel].flatten(1), full_matrices=False)
        best = (u[:, :4] * s[:4]) @ v[:4]
        assert torch.allclose(made[:, channel].flatten(1), best, atol=1e-4)


@pytest.mark.parametrize("mode", ["factorise", "refit"])
@pytest.mark.parametrize("kind", ["separable", "dwconv"])
def test_training_mode_starts_from_what_validation_saw(
    source: ForeignWeights, pictures: list[Path], mode: str, kind: str
) -> None:
    paths = ["model.1", "model.4.m.0.cv2", "model.7", "model.24.cv2.0.0"]
    model, _ = started(swapped(kind, paths=paths), source, mode, pictures)
    from app.engine.refit_pictures import load_pictures

    seen = load_pictures(pictures, 6, 160)
    inputs: dict[str, torch.Tensor] = {}
    hooks = [
        module.register_forward_pre_hook(lambda _m, x, name=name: inputs.__setitem__(name, x[0]))
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d) and name.startswith(tuple(f"{path}." for path in paths))
    ]
    with torch.no_grad():
        model.eval()(seen)
    for hook in hooks:
        hook.remove()
    assert len(inputs) == (8 if kind == "separable" else 4)
    for name, x in inputs.items():
        norm = model.get_submodule(name)
        with torch.no_grad():
            fixed = norm.eval()(x)
            own = copy.deepcopy(norm).train()(x)
        assert (fixed - own).square().mean() < 0.01 * fixed.var(), name
        if kind == "separable" and ".0.bn" in name.removeprefix(
            paths[paths.index(name.rpartition(".")[0][:-2])]
        ):
            assert torch.allclose(fixed, x, atol=1e-3)
            assert norm.eps == 1e-3
            assert norm.momentum == 0.03


def test_a_whole_step_in_training_mode_changes_little(source: ForeignWeights, pictures: list[Path]) -> None:
    from app.engine.refit_pictures import load_pictures

    seen = load_pictures(pictures, 6, 160)
    model, _ = started(swapped(rank=2), source, "refit", pictures)
    before = raw(model, seen)
    with torch.no_grad():
        out = copy.deepcopy(model).train()(seen)
    after = torch.cat([out["boxes"], out["scores"]], 1)
    kept = 1 - (after - before).square().sum() / (before - before.mean()).square().sum()
    spoiled = copy.deepcopy(model)
    for module in spoiled.modules():
        if isinstance(module, nn.Sequential) and hasattr(module[0], "bn"):  # what a fresh BatchNorm would do
            module[0].bn.weight.data.fill_(1.0)
            module[0].bn.bias.data.zero_()
    with torch.no_grad():
        out = spoiled.train()(seen)
    lost = torch.cat([out["boxes"], out["scores"]], 1)
    assert kept > 0.9
    assert kept > 1 - (lost - before).square().sum() / (before - before.mean()).square().sum()


def test_refit_is_better_than_factorise(
    source: ForeignWeights, teacher: nn.Module, pictures: list[Path], bccd_yaml: Path
) -> None:
    from app.engine.refit_pictures import load_pictures

    others = sorted((bccd_yaml.parent / "images" / "val").iterdir())[:4]
    unseen = load_pictures(others, 4, 160)
    wanted = raw(teacher, unseen)
    errors = {}
    for mode in ("factorise", "refit"):
        model, report = started(swapped(), source, mode, pictures)
        errors[mode] = float((raw(model, unseen) - wanted).square().mean() / wanted.var())
    assert errors["refit"] < 0.7 * errors["factorise"]
    assert {row.how for row in report.rows if row.block} == {"refitted"}
    assert all(0 < row.energy <= 1 for row in report.rows if row.how == "refitted" and row.energy is not None)
    assert report.totals["energy"] > 0.5


def test_what_lies_before_the_first_swap_stays(source: ForeignWeights, pictures: list[Path]) -> None:
    model, report = started(swapped(paths=["model.7", "model.24.cv3.1.0"]), source, "refit", pictures)
    origin = how(report)
    assert all(way == "copied" for path, way in origin.items() if int(path.split(".")[1]) < 7)
    assert origin["model.7"] == "refitted"
    assert origin["model.24.dfl.conv"] == "copied"
    own = model.state_dict()
    assert all(torch.equal(own[n], source.tensors[n]) for n in own if n.startswith("model.6."))


def test_a_separable_target_is_reproduced(
    frames: list[np.ndarray], tmp_path: Path, pictures: list[Path], bccd_yaml: Path
) -> None:
    # A standard model whose kernels are products already: rank 1 loses nothing.
    teacher = lively_model(Design.stock("yolov5n", 3), batch_of(frames))
    paths = ["model.3", "model.6.m.1.cv2", "model.18"]
    with torch.no_grad():
        for path in paths:
            weight = teacher.get_submodule(path).conv.weight
            outer = torch.randn(weight.shape[1], 3, 3) / 3
            weight.copy_(weight[:, :, 1:2, 1:2] * outer * 4)
    model, report = started(
        swapped(paths=paths), source_of(teacher, tmp_path / "product.pt"), "refit", pictures
    )
    rows = {row.path: row for row in report.rows}
    assert all(rows[path].energy > 0.9999 for path in paths if rows[path].energy is not None)
    assert all(row.how == "copied" for row in report.rows if row.block is None)
    from app.engine.refit_pictures import load_pictures

    unseen = load_pictures(sorted((bccd_yaml.parent / "images" / "val").iterdir())[:2], 2, 160)
    wanted = raw(teacher, unseen)
    assert (raw(model, unseen) - wanted).square().mean() < 1e-3 * wanted.var()


def test_from_the_original_checkpoint(yolov5n_weights: Path, pictures: list[Path]) -> None:
    source = read_weights(yolov5n_weights)
    design = preset("separable", "yolov5n", 3)
    model, report = started(design, source, "refit", pictures)
    origin = how(report)
    assert all(
        way == "fresh" for path, way in origin.items() if path.startswith("model.24.") and ".dfl" not in path
    )
    assert all(way != "fresh" for path, way in origin.items() if not path.startswith("model.24."))
    assert any("head is fresh" in note for note in report.notes)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    stock, stock_report = started(Design.stock("yolov5n", 3), source)
    carried = [n for n in stock.state_dict() if not n.startswith("model.24.")]
    assert len(carried) == 342
    assert all(torch.equal(stock.state_dict()[n], source.tensors[n]) for n in carried)
    assert stock_report.totals["fresh"]["modules"] == 18


def test_without_pictures_it_is_factorised_and_said(source: ForeignWeights) -> None:
    said: list[str] = []
    model = build_model(swapped())
    report = warm_start(
        model, swapped(), source, "refit", (), lambda text, **_values: said.append(text), imgsz=160
    )
    assert {row.how for row in report.rows if row.block} == {"factorised"}
    assert any("only factorised" in text for text in said)
    assert any("only factorised" in note for note in report.notes)
    assert all(torch.isfinite(value).all() for value in model.half().state_dict().values())


def test_another_number_of_classes(source: ForeignWeights, pictures: list[Path]) -> None:
    design = Design.stock("yolov5n", 5).with_swap(["model.24.cv3.0.0", "model.3"], Swap("separable"))
    _, report = started(design, source, "refit", pictures)
    origin = how(report)
    assert {path for path, way in origin.items() if way == "fresh"} == {
        f"model.24.cv3.{i}.2" for i in range(3)
    }
    assert any("classes" in note for note in report.notes)


def test_from_a_lightweight_model(
    frames: list[np.ndarray], tmp_path: Path, pictures: list[Path], bccd_yaml: Path
) -> None:
    teacher = lively_model(swapped(rank=2, paths=["model.3", "model.5"]), batch_of(frames))
    source = source_of(teacher, tmp_path / "light.pt")
    same, report = started(swapped(rank=2, paths=["model.3", "model.5"]), source)
    assert set(how(report).values()) == {"copied"}
    assert torch.equal(raw(same, batch_of(frames)), raw(load_half(teacher), batch_of(frames)))
    back, report = started(Design.stock("yolov5n", 3), source)
    assert set(how(report).values()) == {"copied"}
    wanted = raw(teacher, batch_of(frames))
    assert (raw(back, batch_of(frames)) - wanted).square().mean() < 1e-4 * wanted.var()
    _, report = started(swapped(rank=1, paths=["model.3", "model.7"]), source, "refit", pictures)
    assert how(report)["model.3"] == "refitted"
    assert how(report)["model.7"] == "refitted"


def load_half(model: nn.Module) -> nn.Module:
    return copy.deepcopy(model).half().float()


def test_copy_and_fresh(source: ForeignWeights) -> None:
    design = swapped(paths=["model.3"])
    _, report = started(design, source, "copy")
    assert {path for path, way in how(report).items() if way == "fresh"} == {"model.3"}
    _, report = started(design, source, "fresh")
    assert set(how(report).values()) == {"fresh"}


def test_another_base_is_refused(source: ForeignWeights) -> None:
    design = Design.stock("yolov5s", 3)
    with pytest.raises(AppError, match=r"yolov5n.*yolov5s"):
        warm_start(build_model(design), design, source)
    with pytest.raises(AppError, match="magic"):
        started(Design.stock("yolov5n", 3), source, "magic")


def test_the_same_twice(source: ForeignWeights, pictures: list[Path]) -> None:
    first, _ = started(swapped(paths=["model.3", "model.4.m.0.cv2"]), source, "refit", pictures)
    second, _ = started(swapped(paths=["model.3", "model.4.m.0.cv2"]), source, "refit", pictures)
    a, b = first.state_dict(), second.state_dict()
    assert all(
        torch.allclose(a[n].float(), b[n].float(), atol=1e-4) for n in a if not n.startswith("model.24")
    )
