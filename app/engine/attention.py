"""Where on the pictures, and in which channels, an error would change the detections.

How much the predictions move when a module's output moves is their gradient. The predictions are summed with random
signs, each weighted by the square root of the score that the model gives its place, so that background counts little;
the square of the gradient of that sum is then, on average, the sum of the squares of all their gradients (Hutchinson
1990). Its mean over the channels says how much a position matters, its sum over the positions how much a channel does:
the diagonal of the Gauss-Newton approximation, in two factors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from app.engine.blocks_as_kernels import last_conv

_BOX_SHARE = 1 / 8
"""Weight of the box logits: 64 numbers make a box, a class has one."""


@dataclass(frozen=True)
class Attention:
    """How much an error matters; an empty one treats everything alike.

    Attributes:
        maps: module path → squared gradient at each output position, N × height × width.
        scales: module path → root of the squared gradient of each output channel, largest 1, float64.
        strength: how much more than everywhere a position of mean gradient counts.
    """

    maps: dict[str, Tensor] = field(default_factory=dict)
    scales: dict[str, Tensor] = field(default_factory=dict)
    strength: float = 3.0

    @classmethod
    def of(
        cls,
        model: nn.Module,
        paths: Collection[str],
        pictures: Tensor,
        chunk: int = 16,
        tell: Callable[[float], None] | None = None,
        seed: int = 0,
    ) -> Attention:
        """Measure a trained model.

        Args:
            model: a detection model in eval mode, head included, whose parameters need no gradient.
            paths: modules to look at.
            pictures: N × 3 × H × W.
            chunk: pictures at a time; the activations of all layers are held for as many.
            tell: receives the share that is done.
            seed: of the signs.
        """
        probe = _Probe(seed)
        hooks = [
            last_conv(model.get_submodule(path)).register_forward_hook(probe.watch(path)) for path in paths
        ]
        try:
            for start in range(0, len(pictures), chunk):
                probe.look(model, pictures[start : start + chunk])
                if tell is not None:
                    tell(min(start + chunk, len(pictures)) / len(pictures))
        finally:
            for hook in hooks:
                hook.remove()
        maps = {path: torch.cat(parts) for path, parts in probe.maps.items()}
        scales = {path: (s / s.max().clamp_min(1e-30)).sqrt() for path, s in probe.sums.items()}
        return cls(maps, scales)

    def density(self, path: str, height: int, width: int) -> Tensor | None:
        """Return how much each output position of a module matters, N × height × width; None: all alike."""
        seen = self.maps.get(path)
        if seen is None or seen.shape[1:] != (height, width):
            return None
        return 1 + self.strength * seen / seen.mean().clamp_min(1e-30)

    def scale(self, path: str) -> Tensor | None:
        """Return how much an error of each output of a module matters, or None where that is not known."""
        return self.scales.get(path)


def predictions(raw: dict[str, Any]) -> list[dict[str, Tensor]]:
    """Return the boxes and scores in what a model makes beside its detections: one set, or one a head.

    The one-to-one heads of v10 and 26 read detached features: what lies before them is heard through the other head
    alone, and each head's own branches through that head.
    """
    return [raw[name] for name in ("one2many", "one2one") if name in raw] or [raw]


class _Probe:
    """Sums up squared gradients, chunk by chunk."""

    def __init__(self, seed: int) -> None:
        self.maps: dict[str, list[Tensor]] = {}
        self.sums: dict[str, Tensor] = {}
        self._generator = torch.Generator().manual_seed(seed)

    def watch(self, path: str) -> Callable[[nn.Module, Any, Tensor], None]:
        """Return a hook that has the gradient of a convolution's output noted."""

        def note(gradient: Tensor) -> None:
            squared = gradient.detach().square()
            self.maps.setdefault(path, []).append(squared.mean(1))
            total = squared.sum((0, 2, 3), dtype=torch.float64)
            self.sums[path] = self.sums[path] + total if path in self.sums else total

        def hook(_conv: nn.Module, _inputs: Any, output: Tensor) -> None:
            if output.requires_grad:
                output.register_hook(note)

        return hook

    def look(self, model: nn.Module, pictures: Tensor) -> None:
        """Run the model on a few pictures, forth and back."""
        with torch.enable_grad():
            raw = model(pictures.detach().clone().requires_grad_(True))[1]
            total = torch.zeros(())
            for made in predictions(raw):
                boxes, scores = made["boxes"], made["scores"]
                weight = scores.detach().sigmoid().amax(1, keepdim=True).sqrt()
                total = total + (scores * self._signs(scores) * weight).sum()
                total = total + _BOX_SHARE * (boxes * self._signs(boxes) * weight).sum()
            total.backward()

    def _signs(self, like: Tensor) -> Tensor:
        return torch.randint(0, 2, like.shape, generator=self._generator).to(like.dtype) * 2 - 1
