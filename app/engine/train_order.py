"""What a training saw, in one number: equal in two runs that saw the same pictures in the same order."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import torch

_STEP = 16
"""Of the pixels every sixteenth row and column counts: enough to tell augmentations apart."""


class SeenOrder:
    """A checksum over the batches of one epoch: file names, classes, boxes and a sample of the pixels."""

    def __init__(self) -> None:
        self._sum = 0

    def restart(self) -> None:
        """Begin a new epoch."""
        self._sum = 0

    def add(self, batch: Mapping[str, Any]) -> None:
        """Count a batch as the loader gives it, pictures as bytes."""
        self._sum = zlib.crc32("\n".join(batch["im_file"]).encode(), self._sum)
        pixels = batch["img"][..., ::_STEP, ::_STEP]
        for values in (batch["cls"], batch["bboxes"], pixels):
            self._sum = zlib.crc32(_bytes(values), self._sum)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits."""
        return f"{self._sum:08x}"


def _bytes(values: torch.Tensor) -> bytes:
    return values.detach().cpu().contiguous().numpy().tobytes()
