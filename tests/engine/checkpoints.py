"""Checkpoints for tests: untrained, but alive: their activations vary and they see plenty of boxes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from app.core.design import Design
from app.engine.models import build_model
from app.engine.preprocess import plan, prepare

NAMES = {0: "disc", 1: "square", 2: "star"}


def clip_frames(clip: Path, count: int, step: int = 20) -> list[np.ndarray]:
    """Return every `step`-th picture of a clip."""
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG)
    frames = []
    for index in range(count * step):
        ok, image = capture.read()
        assert ok
        if index % step == 0:
            frames.append(image)
    capture.release()
    return frames


def batch_of(frames: list[np.ndarray], imgsz: int = 320) -> torch.Tensor:
    """Return pictures of one size as a network input."""
    box = plan(frames[0].shape[:2], imgsz)
    return torch.from_numpy(np.concatenate([prepare(frame, box) for frame in frames]))


def lively_model(
    design: Design, pictures: torch.Tensor, names: dict[int, str] | None = None, seed: int = 0
) -> nn.Module:
    """Return a detection model in eval mode, with random weights, that finds many boxes on such pictures."""
    torch.manual_seed(seed)
    named = names or NAMES
    model = build_model(design, classes=len(named), names=named)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain average of what follows
        model.train()(pictures)
        head = model.model[-1]
        raw = model.eval()(pictures)[1]
        raw = raw.get("one2many", raw)
        direct = head.reg_max == 1  # distances themselves, in cells, instead of distributions over them
        _spread(head.cv2, raw["boxes"], mean=4.0 * direct, deviation=1.0 if direct else 0.35)
        _spread(head.cv3, raw["scores"], mean=-2.8, deviation=0.6)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return model.eval()


def _spread(branches: nn.ModuleList, logits: torch.Tensor, mean: float, deviation: float) -> None:
    """Scale and shift the last convolutions so that their output has this mean and deviation."""
    scale = deviation / float(logits.std())
    for branch in branches:
        branch[-1].weight.mul_(scale)
        branch[-1].bias.mul_(scale).add_(mean - scale * float(logits.mean()))


def save_checkpoint(model: nn.Module, path: Path, imgsz: int = 320) -> Path:
    """Save a model as ultralytics does, in float16."""
    import copy

    saved = copy.deepcopy(model).half()
    torch.save(
        {"model": saved, "ema": None, "epoch": -1, "train_args": {"imgsz": imgsz, "task": "detect"}}, path
    )
    return path
