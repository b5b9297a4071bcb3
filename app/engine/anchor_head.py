"""Detectors of the original YOLOv5: the head that predicts with anchors, and models that carry it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from ultralytics.nn.tasks import DetectionModel

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.stock import stock_model

_MOST_ANCHORS = 16
_OTHER = QT_TRANSLATE_NOOP("core", "Choose another checkpoint.")


class AnchorDetect(nn.Module):
    """The head of YOLOv5 up to v7.0, in eval mode, with an output like that of later heads.

    Each cell of a level predicts `anchors` boxes. With σ the sigmoid of the convolution's output:
    centre = (2σ − 0.5 + cell) · stride, size = (2σ)² · anchor, score = objectness · class
    (Jocher 2020, YOLOv5, https://doi.org/10.5281/zenodo.3908559, models/yolo.py of v7.0).

    Args:
        convolutions: one 1×1 convolution a level, to anchors · (5 + classes) channels.
        anchors: levels × anchors × 2, width and height in cells of their level.
        strides: pixels from cell to cell of each level.
    """

    def __init__(self, convolutions: nn.ModuleList, anchors: Tensor, strides: Tensor) -> None:
        super().__init__()
        self.m = convolutions
        self.register_buffer("anchors", anchors)
        self.register_buffer("stride", strides)
        self.na = anchors.shape[1]
        self.no: int = convolutions[0].out_channels // self.na  # type: ignore[operator,assignment]
        self.nc: int = self.no - 5
        self.nl = len(convolutions)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Return N × (4 + classes) × boxes: `xywh` in pixels of the input, and scores."""
        return torch.cat([self._level(number, x) for number, x in enumerate(levels)], 2)

    def _level(self, number: int, x: Tensor) -> Tensor:
        y = self.m[number](x)
        batch, _, rows, columns = y.shape
        y = y.view(batch, self.na, self.no, rows, columns).sigmoid()
        down = torch.arange(rows, device=y.device, dtype=y.dtype)
        across = torch.arange(columns, device=y.device, dtype=y.dtype)
        cells = torch.stack(
            [across.view(1, -1).expand(rows, columns), down.view(-1, 1).expand(rows, columns)]
        ).view(1, 1, 2, rows, columns)
        stride = self.stride[number].to(y.dtype)  # type: ignore[index]
        anchors = self.anchors[number].to(y.dtype).view(1, self.na, 2, 1, 1) * stride  # type: ignore[index]
        centres = (y[:, :, 0:2] * 2 - 0.5 + cells) * stride
        sizes = (y[:, :, 2:4] * 2) ** 2 * anchors
        scores = y[:, :, 4:5] * y[:, :, 5:]
        found = torch.cat([centres, sizes, scores], 2)
        return found.permute(0, 2, 1, 3, 4).reshape(batch, 4 + self.nc, -1)


def original_model(base: str, tensors: Mapping[str, Tensor], name: str) -> DetectionModel:
    """Return a detector of the original YOLOv5, in eval mode and float32.

    Args:
        base: base model whose backbone and neck it has.
        tensors: of the checkpoint, by name.
        name: of the file, for refusals.

    Raises:
        AppError: the head does not fit.
    """
    convolutions, anchors = _head_parts(tensors, name)
    classes = int(convolutions[0].shape[0]) // anchors.shape[1] - 5
    model = stock_model(base, classes)
    old = model.model[-1]
    strides = torch.as_tensor(model.stride, dtype=torch.float32)
    if [w.shape[1] for w in convolutions] != [branch[0].conv.in_channels for branch in old.cv2]:
        raise _unfit(name)
    made = nn.ModuleList(nn.Conv2d(w.shape[1], w.shape[0], 1) for w in convolutions)
    head = AnchorDetect(made, anchors, strides)
    for attribute in ("i", "f", "type", "np"):
        setattr(head, attribute, getattr(old, attribute))
    model.model[-1] = head
    prefix = f"model.{len(model.model) - 1}."
    wanted = {k: v for k, v in tensors.items() if not k.startswith(prefix) or k.startswith(f"{prefix}m.")}
    wanted |= {f"{prefix}anchors": anchors, f"{prefix}stride": strides}
    try:
        model.load_state_dict(wanted)
    except RuntimeError as error:
        raise _unfit(name) from error
    return model.float().eval()


def _head_parts(tensors: Mapping[str, Tensor], name: str) -> tuple[list[Tensor], Tensor]:
    """Return the weights of the head's convolutions, level by level, and the anchors in cells."""
    last = max((int(key.split(".")[1]) for key in tensors if key.endswith(".anchors")), default=-1)
    anchors = tensors.get(f"model.{last}.anchors")
    weights: list[Tensor] = []
    while (weight := tensors.get(f"model.{last}.m.{len(weights)}.weight")) is not None:
        weights.append(weight)
    fits = (
        anchors is not None
        and anchors.ndim == 3
        and anchors.shape[0] == len(weights)
        and 1 <= anchors.shape[1] <= _MOST_ANCHORS
        and anchors.shape[2] == 2
        and all(w.ndim == 4 and tuple(w.shape[2:]) == (1, 1) for w in weights)
        and len({w.shape[0] for w in weights}) == 1
        and weights[0].shape[0] % anchors.shape[1] == 0
        and weights[0].shape[0] // anchors.shape[1] > 5
    )
    if anchors is None or not fits:
        raise _unfit(name)
    return weights, anchors.float()


def _unfit(name: str) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "The head of {name} is not that of an original YOLOv5."), _OTHER, name=name
    )
