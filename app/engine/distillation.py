"""Distillation: the detector learns from a teacher's predictions beside the labels, and never more than from them.

Stock's distillation compares features through a randomly initialised projector and adds them at a fixed weight; its
gradient is many times the detection loss's, and both share one clip. Here both terms are functions of the same raw
predictions, the teacher's in the form of the detection loss's own terms: binary cross-entropy of the scores (Hinton et
al. 2015, *Distilling the knowledge in a neural network*, at temperature 1) and the divergence of the box sides'
distributions (Zheng et al. 2022, *Localization distillation for dense object detection*), each anchor weighed by how
sure the teacher is. It is then scaled so that its gradient at the predictions is a given share of the labels'.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

TEACHER_LOSS = "dis_loss"
"""Name of the teacher's term among the losses; validation has none."""

_MOST = 10.0
"""The teacher's term is never multiplied by more: where both agree, little is to be learnt."""

Head = Mapping[str, Tensor]
"""Raw predictions of one head: "boxes" (N × 4·bins × anchors) and "scores" (N × classes × anchors), logits."""


class DistillingLoss:
    """The detection loss with the teacher's term beside it.

    It takes the place of a model's `criterion`. Copies of it are the detection loss alone: averaged and saved models
    have no teacher.

    Args:
        stock: The model's own criterion.
        teacher: A detector in eval mode with the same classes, strides and box bins.
        share: Norm of the teacher's gradient at the predictions by that of the labels'; less where both agree.
    """

    def __init__(self, stock: Any, teacher: nn.Module, share: float) -> None:
        self.stock = stock
        self.teacher = teacher
        self.share = share
        self.measured = 0.0
        """Share of the labels' gradient that the teacher's had in the last batch."""

    def __call__(self, predictions: Any, batch: Mapping[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the losses, one after the other and multiplied by the batch size, and each by name."""
        losses, items = self.stock(predictions, batch)
        if isinstance(predictions, tuple):  # decoded as well: this is validation
            return losses, items
        pictures = batch["img"]
        with torch.no_grad():
            taught = self.teacher(pictures)[1]
        students = _heads(predictions)
        gains = getattr(self.stock, "hyp", None) or self.stock.one2many.hyp
        term = torch.stack(
            [
                divergence(student, teacher, float(gains.cls), float(gains.dfl))
                for student, teacher in zip(students, _heads(taught), strict=True)
            ]
        ).mean()
        term = term * self._scale(losses.sum() / len(pictures), term, students)
        return torch.cat([losses, term[None] * len(pictures)]), {**items, TEACHER_LOSS: term.detach()}

    def _scale(self, labels: Tensor, term: Tensor, students: list[Head]) -> float:
        """Return what to multiply the teacher's term by."""
        at = [head[name] for head in students for name in ("boxes", "scores")]
        wanted, extra = (_norm(torch.autograd.grad(loss, at, retain_graph=True)) for loss in (labels, term))
        scale = min(_MOST, self.share * wanted / extra) if extra > 0 else 1.0
        self.measured = scale * extra / wanted if wanted > 0 else 0.0
        return scale

    def __getattr__(self, name: str) -> Any:
        """Pass on what else the trainer asks the criterion for, such as `update` of end-to-end heads."""
        if name == "stock":  # not yet there while a copy is made
            raise AttributeError(name)
        return getattr(self.stock, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Return a copy of the detection loss alone."""
        return copy.deepcopy(self.stock, memo)


def divergence(student: Head, teacher: Head, class_gain: float, box_gain: float) -> Tensor:
    """Return how far a head's predictions are from the teacher's; zero where they are equal.

    Args:
        student: Raw predictions.
        teacher: Raw predictions of the same shapes.
        class_gain: Weight of the scores, as in the detection loss.
        box_gain: Weight of the distances.
    """
    known = teacher["scores"].float()
    target = known.sigmoid()
    gap = _entropy(student["scores"].float(), target) - _entropy(known, target)
    sure = target.amax(1)  # N × anchors
    total = sure.sum().clamp(min=1.0)
    distance = _side_gap(student["boxes"].float(), teacher["boxes"].float())
    return class_gain * gap.sum() / total + box_gain * (distance * sure).sum() / total


def _entropy(logits: Tensor, target: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="none")


def _side_gap(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean over the four sides of a box of how far their distributions are apart, N × anchors."""
    count, channels, anchors = student.shape
    if channels == 4:  # no distribution: distances themselves
        return (student - teacher).abs().mean(1)
    shape = (count, 4, channels // 4, anchors)
    expected = teacher.view(shape).log_softmax(2)
    gap = functional.kl_div(student.view(shape).log_softmax(2), expected, reduction="none", log_target=True)
    return gap.sum(2).mean(1)


def _heads(predictions: Mapping[str, Any]) -> list[Head]:
    """Return the predictions of every head, of which end-to-end models have two."""
    if "scores" in predictions:
        return [predictions]
    return [predictions[name] for name in ("one2many", "one2one") if name in predictions]


def _norm(gradients: tuple[Tensor, ...]) -> float:
    return float(torch.stack([gradient.float().norm() for gradient in gradients]).norm())


def check_teacher(teacher: nn.Module, student: nn.Module, name: str) -> None:
    """Refuse a teacher whose predictions cannot be laid beside the student's.

    Raises:
        AppError: It has other classes, strides, box bins or heads.
    """
    theirs, ours = (_outputs(model) for model in (teacher, student))
    if theirs != ours:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} cannot teach this model: its predictions are of another form."),
            QT_TRANSLATE_NOOP("core", "Take a detector of the same family and classes as the teacher."),
            name=name,
        )


def _outputs(model: Any) -> tuple[Any, ...]:
    head = model.model[-1]
    twin = getattr(head, "one2one_cv2", None) is not None
    return head.nc, head.reg_max, [float(stride) for stride in head.stride], twin


def distil(model: Any, teacher: nn.Module, share: float) -> None:
    """Make a model that is about to be trained learn from a teacher too.

    Args:
        model: A detection model on its device, with the trainer's settings in `args`.
        teacher: A detector; it is moved to the same device and frozen.
        share: See `DistillingLoss`.
    """
    device = next(model.parameters()).device
    teacher.requires_grad_(False).to(device).eval()
    model.criterion = DistillingLoss(model.init_criterion(), teacher, share)
