"""Executes a detection model layer by layer over many pictures, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Walk:
    """Executes a detection model one layer at a time, keeping only the outputs that later layers read.

    Args:
        model: a detection model of ultralytics in eval mode.
        pictures: N × 3 × H × W.

    Attributes:
        length: number of layers.
    """

    def __init__(self, model: nn.Module, pictures: Tensor) -> None:
        self._layers: list[Any] = list(model.model)  # type: ignore[arg-type]
        self._outputs: dict[int, Any] = {-1: pictures}
        self._next = 0
        self.length = len(self._layers)
        self._last_use: dict[int, int] = {}
        for index, layer in enumerate(self._layers):
            for source in self._sources(index, layer.f):
                self._last_use[source] = index

    def step(self, chunk: int, begin: Callable[[int], None] | None = None) -> None:
        """Execute the next layer.

        Args:
            chunk: pictures at a time.
            begin: told the number of the first picture of each chunk.
        """
        index, layer = self._next, self._layers[self._next]
        inputs = [self._outputs[source] for source in self._sources(index, layer.f)]
        made = []
        for start in range(0, len(inputs[0]), chunk):
            if begin is not None:
                begin(start)
            part = [value[start : start + chunk] for value in inputs]
            made.append(layer(part[0] if isinstance(layer.f, int) else part))
        if index + 1 < len(self._layers):
            self._outputs[index] = torch.cat(made) if len(made) > 1 else made[0]
        for source in [s for s in self._outputs if self._last_use.get(s, -1) <= index and s != index]:
            del self._outputs[source]
        self._next += 1

    @staticmethod
    def _sources(index: int, sources: int | list[int]) -> list[int]:
        listed = [sources] if isinstance(sources, int) else sources
        return [index + source if source < 0 else source for source in listed]
