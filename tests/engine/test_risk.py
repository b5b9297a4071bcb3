"""What single swaps risk: measured in isolation, kept on disk, resumed after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from app.core.blocks import eligible
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.risk import Key, Risk
from app.engine.attention import Attention
from app.engine.blocks_as_kernels import last_conv
from app.engine.checkpoint import save_checkpoint
from app.engine.models import build_model
from app.engine.refit_pictures import load_pictures
from app.engine.risk import measure_risks
from app.engine.risk_site import RiskSettings, channel_weights
from tests.engine.checkpoints import batch_of, lively_model

QUICK = RiskSettings(pictures=6, positions=1_000, check=500, rounds=1)
RANKS = tuple(Swap("separable", {"rank": rank}) for rank in (1, 2, 4))
PATHS = ("model.3", "model.6.m.1.cv2", "model.24.cv3.0.0")
WANTED: list[Key] = [(path, swap) for path in PATHS for swap in (*RANKS, Swap("dwconv"))]


@pytest.fixture(scope="module")
def teacher(frames: list[np.ndarray]) -> nn.Module:
    return lively_model(Design.stock("yolov5n", 3), batch_of(frames)).eval()


@pytest.fixture
def weights(teacher: nn.Module, tmp_path: Path) -> Path:
    file = tmp_path / "standard.pt"
    save_checkpoint(teacher, file, train_args={"imgsz": 160})
    return file


def test_risks_fall_with_the_rank(weights: Path, bccd_yaml: Path) -> None:
    seen: list[Key] = []
    risks = measure_risks(
        weights, bccd_yaml, WANTED, settings=QUICK, found=lambda path, swap, _risk: seen.append((path, swap))
    )
    assert set(risks.entries) == set(WANTED) == set(seen)
    assert risks.source == "standard.pt"
    assert risks.pictures == 6
    for path in PATHS:
        ranked = [risks.entries[path, swap] for swap in RANKS]
        grouped = risks.entries[path, Swap("dwconv")]
        lost = [risk.unexplained for risk in (*reversed(ranked), grouped)]
        assert lost == sorted(lost)
        values = [risk.value for risk in reversed(ranked)]
        assert values == sorted(values)
        assert 0 < values[0] < grouped.value
        assert all(loss is not None and 0 <= loss <= 1.05 for loss in lost)


def test_a_cancelled_measurement_goes_on_from_there(
    weights: Path, bccd_yaml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[Key] = []

    def until_five(path: str, swap: Swap, _risk: Risk) -> None:
        first.append((path, swap))
        if len(first) == 5:
            raise AppError("Cancelled.")

    with pytest.raises(AppError, match="Cancelled"):
        measure_risks(weights, bccd_yaml, WANTED, settings=QUICK, found=until_five)
    told: list[float] = []
    again: list[Key] = []
    risks = measure_risks(
        weights,
        bccd_yaml,
        WANTED,
        settings=QUICK,
        tell=told.append,
        found=lambda path, swap, _risk: again.append((path, swap)),
    )
    assert again[:5] == first
    assert sorted(again, key=str) == sorted(WANTED, key=str)
    assert told == sorted(told)
    assert told[-1] == 1.0

    from app.engine import risk

    def loaded(*_arguments: object) -> object:
        raise AssertionError("measured again")

    monkeypatch.setattr(risk, "load_teacher", loaded)
    assert dict(measure_risks(weights, bccd_yaml, WANTED, settings=QUICK).entries) == dict(risks.entries)
    unfitted = [*WANTED, ("model.4", Swap("ghost_c3")), ("model.99", RANKS[0])]
    assert measure_risks(weights, bccd_yaml, unfitted, settings=QUICK).entries == risks.entries


def test_other_pictures_are_another_measurement(weights: Path, bccd_yaml: Path) -> None:
    few = RiskSettings(pictures=4, positions=500, check=200, rounds=1)
    one = [WANTED[0]]
    first = measure_risks(weights, bccd_yaml, one, settings=QUICK)
    second = measure_risks(weights, bccd_yaml, one, settings=few)
    assert first.entries[one[0]] != second.entries[one[0]]
    assert second.pictures == 4


@pytest.mark.parametrize("path", ["model.5", "model.17.m.0.cv2", "model.24.cv2.1.0"])
def test_a_risk_is_the_movement_of_the_predictions(teacher: nn.Module, bccd_yaml: Path, path: str) -> None:
    """A small error of known size moves the weighted logits by as much as the weights of the channels say."""
    files = sorted((bccd_yaml.parent / "images" / "train").iterdir())[:6]
    pictures = load_pictures(files, 6, 160)
    module = last_conv(teacher.get_submodule(path))
    for parameter in teacher.parameters():
        parameter.requires_grad_(False)
    parts = [Attention.of(teacher, [path], pictures, seed=seed) for seed in range(8)]
    with torch.no_grad():
        before = teacher(pictures)[1]
    weight = before["scores"].sigmoid().amax(1, keepdim=True)
    total = float(weight.sum())
    heard = torch.stack([channel_weights(a, path, module.out_channels, total) for a in parts]).mean(0)
    size, generator = 1e-3, torch.Generator().manual_seed(0)

    def disturb(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        return output + size * torch.randn(output.shape, generator=generator)

    moved = []
    handle = module.register_forward_hook(disturb)
    with torch.no_grad():
        for _ in range(4):
            after = teacher(pictures)[1]
            scores = ((after["scores"] - before["scores"]).square() * weight).sum()
            boxes = ((after["boxes"] - before["boxes"]).square() * weight).sum()
            moved.append(float(scores + boxes / 64) / total)
    handle.remove()
    assert float(heard.sum()) * size**2 == pytest.approx(sum(moved) / len(moved), rel=0.3)


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("yolov8n", "model.22.cv3.0.0"),
        ("yolov10n", "model.23.cv2.0.0"),
        ("yolov3-tiny", "model.20.cv2.0.0"),
    ],
)
def test_other_families_are_measured_too(
    base: str, head: str, frames: list[np.ndarray], tmp_path: Path, bccd_yaml: Path
) -> None:
    torch.manual_seed(0)
    model = build_model(Design.stock(base, 3), names={0: "a", 1: "b", 2: "c"}).train()
    with torch.no_grad():
        model(batch_of(frames, 160))  # statistics that are not those of a fresh BatchNorm
    file = tmp_path / "standard.pt"
    save_checkpoint(model, file, train_args={"imgsz": 160})
    first = next(p for p in eligible(Design.stock(base, 3).architecture) if p.count(".") == 1)
    wanted = [(path, swap) for path in (first, head) for swap in RANKS]
    risks = measure_risks(file, bccd_yaml, wanted, settings=QUICK).entries
    for path in (first, head):
        values = [risks[path, swap].value for swap in RANKS]
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0


def test_only_trained_standard_models_can_be_measured(
    frames: list[np.ndarray], tmp_path: Path, bccd_yaml: Path, yolov5n_weights: Path
) -> None:
    light = tmp_path / "light.pt"
    save_checkpoint(lively_model(preset("separable", "yolov5n", 3), batch_of(frames)), light, train_args={})
    with pytest.raises(AppError, match="lightweight"):
        measure_risks(light, bccd_yaml, WANTED, settings=QUICK)
    with pytest.raises(AppError, match="head"):
        measure_risks(yolov5n_weights, bccd_yaml, WANTED, settings=QUICK)
