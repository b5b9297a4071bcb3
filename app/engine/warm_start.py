"""First weights of a model from trained ones: copied, factorised, refitted to pictures, or fresh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.tasks import DetectionModel

from app.core.design import Design
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import WARM_STARTS
from app.core.user_models import same_base
from app.engine.attention import Attention
from app.engine.blocks_as_kernels import ends_in_convolution, is_linear, last_conv, merge_branches
from app.engine.calibrate import calibrate, made_up_pictures
from app.engine.foreign_weights import ForeignWeights
from app.engine.models import build_model
from app.engine.refit import RefitSettings, refit
from app.engine.refit_pictures import MOST_PICTURES, gradient_chunk, load_pictures, picture_limit
from app.engine.stages import identity_norms
from app.engine.transfer import (
    COPIED,
    FACTORISED,
    FRESH,
    IDENTITY,
    REFITTED,
    TransferReport,
    TransferRow,
)
from app.engine.transfer_modules import is_fixed, is_known, modules_of, own_state, swaps_with_twins
from app.engine.transplant import rewrite, transplant

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
FRESH_BLOCKS = QT_TRANSLATE_NOOP(
    "core",
    "Some new blocks are fresh, for nothing of what they replace fits into them. Train before using it.",
)
OTHER_ACTIVATION = QT_TRANSLATE_NOOP(
    "core",
    "The activation changed: the weights were trained with another one. Train before using it.",
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
    if not same_base(source.base, design.base):
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
        self.swaps = swaps_with_twins(design)
        self.paths = modules_of(design)
        self._all = frozenset(self.paths)
        self.origins = dict.fromkeys(self.paths, FRESH)
        self.energies: dict[str, float] = {}
        self.carried: dict[str, set[nn.Module]] = {}
        self.teacher, taken = load_teacher(source)
        self.bends_otherwise = design.architecture.activations != _activations_of(source)
        self.known = {path for path in self.paths if is_known(self.teacher, path, self._all, taken)}
        counters = {name for name in self.teacher.state_dict() if name.endswith("num_batches_tracked")}
        self.complete = all(is_fixed(n) for n in self.teacher.state_dict().keys() - counters - taken)

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
            if path in self.known and self._copy(path):
                self.origins[path] = COPIED
        if self.mode == "copy":
            return 0
        merge_branches(self.teacher)
        rest = [path for path in self.paths if path in self.known and self.origins[path] == FRESH]
        for path in rest:
            self.origins[path] = self._make(path)
        changed = [path for path in rest if self.origins[path] != COPIED]
        if not changed and not self.bends_otherwise:
            return 0
        side = imgsz or self.source.imgsz or 640
        if not pictures:
            emit(NO_PICTURES)
            seen = made_up_pictures(_SOME_PICTURES, side)
            calibrate(self.model, changed, seen, recalibrate=False, normalised=self._fresh_norms())
            return 0
        count = min(limit, len(pictures), picture_limit(self.design, side))
        emit(_LOADING, count=count)
        seen = load_pictures(pictures, count, side, lambda share: tell(0.1 * share))
        if self.mode == "factorise":
            calibrate(self.model, changed, seen, recalibrate=True, behind=not self.bends_otherwise)
        else:
            emit(_REFITTING, count=len(seen), imgsz=side)
            self._refit(seen, changed, settings, tell)
        tell(1.0)
        return len(seen)

    @torch.no_grad()
    def _copy(self, path: str) -> bool:
        """Copy a module that has the same weights in the teacher; say whether it has."""
        old, new = self.teacher.get_submodule(path), self.model.get_submodule(path)
        mine, theirs = own_state(new, path, self._all), own_state(old, path, self._all)
        if mine.keys() != theirs.keys() or any(mine[key].shape != theirs[key].shape for key in mine):
            return False
        for key, value in mine.items():
            value.copy_(theirs[key])
        return True

    def _make(self, path: str) -> str:
        """Make the weights of a module from the teacher's other ones; return how that is called."""
        old, new = self.teacher.get_submodule(path), self.model.get_submodule(path)
        if is_linear(new) and is_linear(old):
            if last_conv(old).out_channels != last_conv(new).out_channels:
                return FRESH
            return COPIED if rewrite(old, new) else FACTORISED
        if path not in self.swaps:
            return FRESH
        self.carried[path] = transplant(old, new)
        norms = identity_norms(new)
        if norms is not None:
            for norm in norms:
                nn.init.zeros_(norm.weight)
                nn.init.zeros_(norm.bias)
            return IDENTITY
        return FACTORISED if self.carried[path] else FRESH

    def _fresh_norms(self) -> set[nn.Module]:
        """Return the BatchNorms of new blocks that have no trained weights."""
        norms: set[nn.Module] = {
            norm
            for path in self.carried
            for norm in self.model.get_submodule(path).modules()
            if isinstance(norm, nn.BatchNorm2d)
        }
        return norms.difference(*self.carried.values())

    def _refit(
        self, seen: Tensor, changed: list[str], settings: RefitSettings | None, tell: Callable[[float], None]
    ) -> None:
        """Refit every module that can be, from the first changed one on; with another activation, every one."""
        first = 0 if self.bends_otherwise else min(self.paths.index(path) for path in changed)
        paths = [path for path in self.paths[first:] if self._can_be_refitted(path)]
        attention = Attention()
        if self.complete:
            chunk = gradient_chunk(self.design, seen.shape[-1])
            attention = Attention.of(self.teacher, paths, seen, chunk, lambda share: tell(0.1 + 0.2 * share))
        self.energies = refit(
            self.teacher,
            self.model,
            paths,
            seen,
            attention,
            settings,
            lambda share: tell(0.3 + 0.7 * share),
            self.carried,
        )
        self.origins.update(dict.fromkeys(self.energies, REFITTED))

    def _can_be_refitted(self, path: str) -> bool:
        if path not in self.known or is_fixed(path):
            return False
        old, new = self.teacher.get_submodule(path), self.model.get_submodule(path)
        if path in self.carried:
            return ends_in_convolution(old)
        return self.origins[path] != FRESH and is_linear(old) and is_linear(new)

    def report(self, looked: int) -> TransferReport:
        """Return the report."""
        rows = tuple(
            TransferRow(
                path,
                self.swaps[path].block if path in self.swaps else None,
                self.origins[path],
                self._parameters(path),
                self.energies.get(path),
            )
            for path in self.paths
        )
        return TransferReport(
            self.source.path.name, self.source.kind, self.mode, looked, rows, tuple(self._notes(looked))
        )

    def _parameters(self, path: str) -> int:
        state = own_state(self.model.get_submodule(path), path, self._all)
        trained = {name for name, _ in self.model.get_submodule(path).named_parameters()}
        return sum(tensor.numel() for name, tensor in state.items() if name in trained)

    def _notes(self, looked: int) -> list[str]:
        notes = []
        if self.mode != "fresh" and self.source.kind == "yolov5-original":
            notes.append(FRESH_HEAD)
        elif self.mode in {"refit", "factorise"} and any(
            how == FRESH and path not in self.swaps for path, how in self.origins.items()
        ):
            notes.append(FRESH_PARTS)
        if self.mode in {"refit", "factorise"}:
            if any(how == FRESH and path in self.swaps for path, how in self.origins.items()):
                notes.append(FRESH_BLOCKS)
            if not looked and {FACTORISED, IDENTITY} & set(self.origins.values()):
                notes.append(NO_PICTURES)
        if self.mode != "fresh" and self.bends_otherwise:
            notes.append(OTHER_ACTIVATION)
        return notes


def _activations_of(source: ForeignWeights) -> tuple[str, ...]:
    """Return the activations with which weights were trained."""
    return (source.design or Design.stock(source.base)).architecture.activations


def load_teacher(source: ForeignWeights) -> tuple[DetectionModel, set[str]]:
    """Return the source as a model in eval mode, and the names of those of its tensors that the file has."""
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
    return teacher, set(taken)
