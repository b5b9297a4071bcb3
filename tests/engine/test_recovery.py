"""The hooks that win accuracy back: what they change, and that they leave the rest alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from ultralytics.cfg import get_cfg

from app.core.design import Design, parse_design
from app.core.errors import AppError
from app.core.runs import RunFolder
from app.core.train_config import TrainConfig
from app.engine.checkpoint import save_checkpoint
from app.engine.distillation import DistillingLoss, check_teacher, distil, divergence
from app.engine.models import build_model
from app.engine.recalibration import recalibrate
from app.engine.recovery import Recovery, prepare_recovery, spare_depthwise
from app.engine.train_events import Recorder
from app.engine.weights import ForeignWeights, read_weights
from tests.engine.tiny_runs import DESIGN

SIDE = 64


def batch(seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "img": torch.rand(2, 3, SIDE, SIDE, generator=generator),
        "cls": torch.tensor([[0.0], [1.0], [2.0]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.6, 0.5], [0.3, 0.3, 0.3, 0.4], [0.7, 0.6, 0.2, 0.2]]),
        "batch_idx": torch.tensor([0.0, 0.0, 1.0]),
    }


def student(base: str = "yolov5n") -> Any:
    torch.manual_seed(1)
    design = parse_design(DESIGN, "design") if base == "yolov5n" else Design.stock(base)
    model: Any = build_model(design.with_classes(3))
    model.args = get_cfg()
    return model


def teacher(base: str = "yolov5n", classes: int = 3) -> nn.Module:
    torch.manual_seed(2)
    return build_model(Design.stock(base, classes)).eval()


def gradients(model: Any, loss: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


# --- distillation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.02])
def test_the_teacher_never_drowns_the_labels(share: float) -> None:
    """The very case of the stock default: a teacher far away, here one that is sure of everything."""
    model, other = student(), teacher()
    with torch.no_grad():
        for level in other.model[-1].cv3:
            level[-1].bias.fill_(6.0)
    distil(model, other, share)
    seen = batch()
    predictions = model(seen["img"])
    at = [predictions["boxes"], predictions["scores"]]
    loss, items = model.criterion(predictions, seen)
    labels, extra = (
        torch.cat([g.flatten() for g in torch.autograd.grad(part.sum(), at, retain_graph=True)])
        for part in (loss[:3], loss[3:])
    )
    assert float(extra.norm()) == pytest.approx(share * float(labels.norm()), rel=1e-3)
    assert model.criterion.measured == pytest.approx(share, rel=1e-3)
    assert set(items) == {"box_loss", "cls_loss", "dfl_loss", "dis_loss"}
    alone, _ = model.criterion.stock(predictions, seen)
    assert torch.equal(alone, loss[:3])


def test_with_a_small_share_the_weights_follow_the_labels() -> None:
    model = student()
    seen = batch()
    alone = gradients(model, model.loss(seen)[0].sum())
    distil(model, teacher(), 0.05)
    both = gradients(model, model.loss(seen)[0].sum())
    assert not torch.equal(alone, both)
    assert torch.cosine_similarity(alone, both, dim=0) > 0.99


def test_a_teacher_that_agrees_says_nothing() -> None:
    torch.manual_seed(0)
    head = {"boxes": torch.randn(2, 64, 5), "scores": torch.randn(2, 3, 5)}
    same = {name: value.detach().clone() for name, value in head.items()}
    assert float(divergence(head, same, 0.5, 1.5)) == pytest.approx(0, abs=1e-6)
    nearer = {**same, "scores": same["scores"] + 0.1}
    farther = {**same, "scores": same["scores"] + 1.0}
    assert 0 < divergence(head, nearer, 0.5, 1.5) < divergence(head, farther, 0.5, 1.5)
    moved = {**same, "boxes": same["boxes"] + torch.linspace(0, 1, 64).view(1, 64, 1)}
    assert float(divergence(head, moved, 0.5, 1.5)) > 0.001


def test_learning_from_the_teacher_brings_the_predictions_nearer() -> None:
    model, other = student(), teacher()
    distil(model, other, 1.0)
    seen = batch()
    with torch.no_grad():
        known = other(seen["img"])[1]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    distances = []
    for _ in range(8):
        predictions = model(seen["img"])
        term = divergence(predictions, known, 0.5, 1.5)
        distances.append(float(term.detach()))
        optimizer.zero_grad()
        model.criterion(predictions, seen)[0][3].backward()
        optimizer.step()
    assert distances[-1] < 0.8 * distances[0]
    assert all(p.grad is None for p in other.parameters())


def test_validation_and_copies_know_no_teacher() -> None:
    model = student()
    distil(model, teacher(), 0.5)
    seen = batch()
    copied: Any = copy.deepcopy(model)
    assert not isinstance(copied.criterion, DistillingLoss)
    assert set(model.state_dict()) == set(student().state_dict())
    model.eval()
    loss, items = model.loss(seen, model(seen["img"]))
    assert len(loss) == 3
    assert "dis_loss" not in items


@pytest.mark.parametrize("base", ["yolov10n", "yolo26n"])
def test_detectors_of_two_heads_learn_with_both(base: str) -> None:
    model = student(base)
    distil(model, teacher(base), 0.5)
    loss, items = model.loss(batch())
    assert float(items["dis_loss"]) > 0
    assert torch.isfinite(loss).all()
    before = model.criterion.o2m
    model.criterion.update()
    assert model.criterion.o2m != before  # the trainer moves the heads' weights through the wrapper


@pytest.mark.parametrize("other", [("yolov5n", 4), ("yolov10n", 3), ("yolo26n", 3)])
def test_a_teacher_of_another_form_is_refused(other: tuple[str, int]) -> None:
    with pytest.raises(AppError, match=r"cannot teach"):
        check_teacher(teacher(*other), student(), "best.pt")


def test_a_larger_teacher_of_the_family_is_welcome() -> None:
    check_teacher(teacher("yolov5s"), student(), "best.pt")


# --- weight decay ------------------------------------------------------------------------------------------


def groups_of(optimizer: torch.optim.Optimizer) -> Mapping[int, float]:
    return {id(p): float(g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}


def test_depthwise_kernels_alone_are_spared_of_weight_decay() -> None:
    model = student()
    kernels = [p for p in model.parameters() if p.ndim == 4]
    others = [p for p in model.parameters() if p.ndim != 4]
    optimizer = torch.optim.AdamW(
        [
            {"params": kernels, "weight_decay": 0.01, "lr": 0.003, "param_group": "weight"},
            {"params": others, "weight_decay": 0.0, "param_group": "bias"},
        ]
    )
    moved = spare_depthwise(optimizer, model)
    depthwise = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.groups == m.in_channels > 1]
    assert moved == len(depthwise) == 6
    decay = groups_of(optimizer)
    assert set(decay) == {id(p) for p in model.parameters()}
    assert {id(m.weight) for m in depthwise} == {id(p) for p in kernels if decay[id(p)] == 0}
    added = optimizer.param_groups[-1]
    assert (added["lr"], added["param_group"]) == (0.003, "spared")
    assert spare_depthwise(optimizer, model) == 0


# --- BatchNorm ---------------------------------------------------------------------------------------------


def test_recalibrated_statistics_are_those_of_the_pictures() -> None:
    model = student().eval()
    pictures = [batch(seed)["img"] * 3 for seed in range(3)]
    first = model.model[0].bn
    before = copy.deepcopy(model.state_dict())
    recalibrate(model, pictures)
    with torch.no_grad():
        made = [model.model[0].conv(chunk) for chunk in pictures]
    mean = torch.stack([out.mean((0, 2, 3)) for out in made]).mean(0)
    variance = torch.stack([out.var((0, 2, 3)) for out in made]).mean(0)
    torch.testing.assert_close(first.running_mean, mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first.running_var, variance, rtol=1e-4, atol=1e-5)
    assert first.momentum == 0.03
    assert not any(module.training for module in model.modules())
    changed = {
        name.rpartition(".")[2] for name, t in model.state_dict().items() if not torch.equal(t, before[name])
    }
    assert changed == {"running_mean", "running_var", "num_batches_tracked"}
    again = copy.deepcopy(model.state_dict())
    recalibrate(model, pictures)
    assert all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())


# --- which of them a training takes ------------------------------------------------------------------------


def written(path: Path, design: Design) -> ForeignWeights:
    save_checkpoint(build_model(design), path, train_args={"imgsz": SIDE})
    return read_weights(path)


def prepared(
    tmp_path: Path, source: ForeignWeights, started: dict[str, Any] | None = None, **changes: Any
) -> tuple[Recovery, str | None]:
    """Return what a training of ten epochs of the tiny design takes."""
    config = TrainConfig(DESIGN, "/d.yaml", epochs=10, weights=str(source.path), **changes)
    recorder = Recorder(RunFolder(tmp_path / "run"), lambda _event: None)
    recorder.started = started
    design = parse_design(config.design_text, "design").with_classes(3)
    form = build_model(design, 3, device="meta")
    try:
        return prepare_recovery(config, source, design, form, recorder)
    finally:
        recorder.close()


def test_the_first_weights_decide_what_auto_takes(tmp_path: Path) -> None:
    light = parse_design(DESIGN, "design")
    standard = written(tmp_path / "standard.pt", Design.stock("yolov5n", 3))
    same = written(tmp_path / "same.pt", light.with_classes(3))
    other = written(tmp_path / "other.pt", Design.stock("yolov5n", 4))
    recovery, teacher = prepared(tmp_path, standard)
    assert (recovery.options, recovery.teacher, teacher) == (("plain",), None, None)
    assert recovery.settings["mosaic"] == 0
    assert prepared(tmp_path, same, warm_start="copy")[0].options == ("plain",)  # all of it is carried over
    assert prepared(tmp_path, standard, warm_start="copy")[0].options == ()  # its new layers are random
    assert prepared(tmp_path, other)[0].options == ()
    assert prepared(tmp_path, standard, recover="off")[0].settings == {}
    recovery, teacher = prepared(tmp_path, standard, recover="distill", distill=0.2)
    assert (teacher, recovery.share) == (str(standard.path), 0.2)
    assert recovery.teacher is not None
    begun = {"recovery": ["distill", "spare"], "teacher": str(standard.path)}
    resumed, teacher = prepared(tmp_path, same, started=begun, recover="off")
    assert (resumed.options, teacher) == (("distill", "spare"), str(standard.path))
    for source, changes, words in (
        (same, {"recover": "distill"}, "needs a trained standard model"),
        (same, {"recover": "distill", "teacher": "/gone.pt"}, "no teacher"),
        (standard, {"recover": "staged"}, "two runs"),
    ):
        with pytest.raises(AppError, match=words):
            prepared(tmp_path, source, **changes)
