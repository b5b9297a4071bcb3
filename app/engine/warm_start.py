"""First weights of a model from trained ones: copied, factorised, refitted to pictures, or fresh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from ultralytics.nn.tasks import DetectionModel

from app.core.architecture import Architecture
from app.core.design import Design
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import WARM_STARTS
from app.engine.attention import Attention
from app.engine.blocks_as_kernels import (
    Affine,
    affine,
    dense_kernel,
    first_conv,
    is_separable,
    last_conv,
    last_norm,
    make_affine,
    write_kernel,
    write_separable,
)
from app.engine.calibrate import calibrate, made_up_pictures
from app.engine.factorise import as_kernel, factorise
from app.engine.foreign_weights import ForeignWeights
from app.engine.models import build_model
from app.engine.refit import RefitSettings, refit
from app.engine.refit_pictures import MOST_PICTURES, gradient_chunk, load_pictures, picture_limit
from app.engine.transfer import COPIED, FACTORISED, FRESH, REFITTED, TransferReport, TransferRow

Emit = Callable[..., None]
"""Receives a text for people, and the values of its `{names}`."""

NO_PICTURES = QT_TRANSLATE_NOOP(
    "core",
    "There were no pictures to look at: swapped modules are only factorised, which costs much accuracy.",
)
FRESH_HEAD = QT_TRANSLATE_NOOP(
    "core",
    "The head is fresh: an original YOLOv5 predicts with anchors, this one without. Train before using it.",
)
FRESH_PARTS = QT_TRANSLATE_NOOP(
    "core", "Some modules are fresh, for the weights are of another number of classes. Train before using it."
)
_LOADING = QT_TRANSLATE_NOOP("core", "Reading {count} training pictures.")
_REFITTING = QT_TRANSLATE_NOOP("core", "Refitting to {count} training pictures of {imgsz} px.")
_SOME_PICTURES = 16


def warm_start(
    model: DetectionModel,
    design: Design,
    source: ForeignWeights,
    mode: str = "refit",
    pictures: Sequence[Path] = (),
    emit: Emit | None = None,
    *,
    imgsz: int | None = None,
    limit: int = MOST_PICTURES,
    settings: RefitSettings | None = None,
    tell: Callable[[float], None] | None = None,
) -> TransferReport:
    """Give a freshly built model its first weights, in place.

    Args:
        model: what `build_model` made of `design`, on the CPU.
        design: the model's design, its number of classes fixed.
        source: the trained weights.
        mode: "copy" (swapped modules stay fresh), "factorise", "refit", or "fresh" (nothing is carried over).
        pictures: training pictures; without any, "refit" can only factorise, and the report says so.
        emit: receives messages.
        imgsz: side of the pictures in pixels; None takes the one that the weights were trained at.
        limit: how many pictures to look at, at most.
        settings: how thoroughly to refit.
        tell: receives the share that is done, 0 to 1; may raise to end it.

    Raises:
        AppError: the weights are of another base model, or no picture can be read.
    """
    if mode not in WARM_STARTS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no warm start “{mode}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
            mode=mode,
            choices=", ".join(WARM_STARTS),
        )
    if source.base != design.base:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} holds weights of {base}, the design is of {wanted}."),
            QT_TRANSLATE_NOOP("core", "Choose weights of {wanted}, or change the design's base model."),
            name=source.path.name,
            base=source.base,
            wanted=design.base,
        )
    work = _WarmStart(model, design, source, mode)
    training = model.training
    model.eval()
    try:
        looked = work.run(pictures, emit or _ignore, imgsz, limit, settings, tell or _ignore)
    finally:
        model.train(training)
    return work.report(looked)


def _ignore(*_args: Any, **_values: Any) -> None:
    """Stand in for a listener."""


class _WarmStart:
    """One transfer from a teacher, the source as a model of its own, to the model."""

    def __init__(self, model: DetectionModel, design: Design, source: ForeignWeights, mode: str) -> None:
        self.model, self.design, self.source, self.mode = model, design, source, mode
        self.paths = list(design.architecture.convolutions)
        self.origins = dict.fromkeys(self.paths, FRESH)
        self.energies: dict[str, float] = {}
        self.teacher, self.known = load_teacher(source)
        self.complete = self.known.issuperset(self.paths)

    def run(
        self,
        pictures: Sequence[Path],
        emit: Emit,
        imgsz: int | None,
        limit: int,
        settings: RefitSettings | None,
        tell: Callable[[float], None],
    ) -> int:
        """Transfer; return how many pictures were looked at."""
        if self.mode == "fresh":
            return 0
        for path in self.paths:
            if path in self.known:
                self.origins[path] = self._transfer(path)
        made = [path for path, how in self.origins.items() if how == FACTORISED]
        if not made:
            return 0
        side = imgsz or self.source.imgsz or 640
        if not pictures:
            emit(NO_PICTURES)
            calibrate(self.model, made, made_up_pictures(_SOME_PICTURES, side), recalibrate=False)
            return 0
        count = min(limit, len(pictures), picture_limit(self.design, side))
        emit(_LOADING, count=count)
        seen = load_pictures(pictures, count, side, lambda share: tell(0.1 * share))
        if self.mode == "factorise":
            calibrate(self.model, made, seen, recalibrate=True)
        else:
            emit(_REFITTING, count=len(seen), imgsz=side)
            self._refit(seen, settings, tell)
        tell(1.0)
        return len(seen)

    def _transfer(self, path: str) -> str:
        """Copy or factorise one module that the teacher knows; return which."""
        old, new = self.teacher.get_submodule(path), self.model.get_submodule(path)
        mine, theirs = new.state_dict(), old.state_dict()
        if mine.keys() == theirs.keys() and all(mine[key].shape == theirs[key].shape for key in mine):
            new.load_state_dict(theirs)
            return COPIED
        if self.mode == "copy" or last_conv(old).out_channels != last_conv(new).out_channels:
            return FRESH
        return _rewrite(old, new)

    def _refit(self, seen: Tensor, settings: RefitSettings | None, tell: Callable[[float], None]) -> None:
        """Refit every module that can be, from the first swapped one on."""
        paths = [path for path, how in self.origins.items() if how != FRESH and not _is_fixed(path)]
        paths = paths[min(paths.index(path) for path in paths if self.origins[path] == FACTORISED) :]
        attention = Attention()
        if self.complete:
            chunk = gradient_chunk(self.design, seen.shape[-1])
            attention = Attention.of(self.teacher, paths, seen, chunk, lambda share: tell(0.1 + 0.2 * share))
        self.energies = refit(
            self.teacher, self.model, paths, seen, attention, settings, lambda share: tell(0.3 + 0.7 * share)
        )
        self.origins.update(dict.fromkeys(self.energies, REFITTED))

    def report(self, looked: int) -> TransferReport:
        """Return the report."""
        swaps = self.design.resolved()
        rows = tuple(
            TransferRow(
                path,
                swaps[path].block if path in swaps else None,
                self.origins[path],
                sum(p.numel() for p in self.model.get_submodule(path).parameters()),
                self.energies.get(path),
            )
            for path in self.paths
        )
        return TransferReport(
            self.source.path.name, self.source.kind, self.mode, looked, rows, tuple(self._notes(looked))
        )

    def _notes(self, looked: int) -> list[str]:
        notes = []
        if self.mode != "fresh" and self.source.kind == "yolov5-original":
            notes.append(FRESH_HEAD)
        elif self.mode in {"refit", "factorise"} and FRESH in self.origins.values():
            notes.append(FRESH_PARTS)
        if self.mode in {"refit", "factorise"} and not looked and FACTORISED in self.origins.values():
            notes.append(NO_PICTURES)
        return notes


def load_teacher(source: ForeignWeights) -> tuple[DetectionModel, set[str]]:
    """Return the source as a model in eval mode, and the paths of those convolutions whose weights are all known."""
    design = (source.design or Design.stock(source.base)).with_classes(source.classes)
    teacher = build_model(design).float().eval()
    own = teacher.state_dict()
    taken = {
        name: tensor
        for name, tensor in source.tensors.items()
        if name in own and own[name].shape == tensor.shape
    }
    teacher.load_state_dict(taken, strict=False)
    for parameter in teacher.parameters():
        parameter.requires_grad_(False)
    return teacher, _complete(teacher, design.architecture, set(taken))


def _complete(teacher: nn.Module, architecture: Architecture, taken: set[str]) -> set[str]:
    known = set()
    for path in architecture.convolutions:
        names = {f"{path}.{key}" for key in teacher.get_submodule(path).state_dict()}
        needed = {name for name in names if not name.endswith("num_batches_tracked")}
        if _is_fixed(path) or needed <= taken:
            known.add(path)
    return known


def _is_fixed(path: str) -> bool:
    """Say whether a module is never trained: the one that turns box distributions into numbers."""
    return ".dfl" in path


def _rewrite(old: nn.Module, new: nn.Module) -> str:
    """Write the standard module's kernel into another block as well as it can be; return how that is called."""
    matrix, constant = dense_kernel(old)
    norm, target = last_norm(old), last_norm(new)
    conv = first_conv(new)
    if is_separable(new):
        shape = (matrix.shape[1], conv.in_channels, *conv.kernel_size)
        filters, pointwise = factorise(as_kernel(matrix, shape), conv.out_channels // conv.in_channels)
        write_separable(new, filters, pointwise)
    else:
        write_kernel(new, matrix)
    if norm is not None and target is not None:
        wanted = affine(norm, last_conv(old).out_channels)
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        moved = Affine(wanted.scale, wanted.shift + wanted.scale * constant)
        make_affine(target, moved, mean.double() - constant, variance.double())
    return COPIED if not is_separable(new) and conv.groups == 1 else FACTORISED
