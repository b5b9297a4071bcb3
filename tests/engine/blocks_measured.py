"""Measures a built block operation by operation: what it allocates, and for how long each tensor is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

_IN_PLACE = {
    "native_batch_norm",
    "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm",
    "batch_norm",
    *("silu", "relu", "hardswish", "sigmoid", "hardsigmoid", "mish", "leaky_relu", "gelu"),
}
"""Operations that a runtime writes over their input, as the cost model counts them."""


class Allocations(TorchDispatchMode):
    """Records every operation with the storages that it reads and the one that it makes."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.names = {self._key(image): 0}
        self.kept = [image]
        self.sizes = [image.numel()]
        self.reads: list[list[int]] = []
        self.makes: list[int] = []

    @staticmethod
    def _key(tensor: torch.Tensor) -> int:
        return tensor.untyped_storage()._cdata

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        result = output[0] if isinstance(output, (tuple, list)) else output
        if not isinstance(result, torch.Tensor):
            return output
        tensors = [t for t in tree_flatten(args)[0] if isinstance(t, torch.Tensor)]
        read = [self.names[self._key(t)] for t in tensors if self._key(t) in self.names]
        if not read:
            return output
        self.kept.append(result)
        if self._key(result) not in self.names:
            name = func._schema.name.partition("::")[2]
            if name.rstrip("_") in _IN_PLACE:
                self.names[self._key(result)] = read[0]
            else:
                self.names[self._key(result)] = len(self.sizes)
                self.sizes.append(result.numel())
                self.reads.append(read)
                self.makes.append(len(self.sizes) - 1)
                return output
        self.reads.append(read)
        self.makes.append(self.names[self._key(result)])
        return output

    def peak(self, output: torch.Tensor) -> int:
        """Return the largest number of elements that are needed at once."""
        last = {tensor: step for step, read in enumerate(self.reads) for tensor in read}
        last[self.names[self._key(output)]] = len(self.reads)
        born = {0: -1}
        for step, made in enumerate(self.makes):
            born.setdefault(made, step)
        return max(
            sum(
                size
                for tensor, size in enumerate(self.sizes)
                if born[tensor] <= step <= last.get(tensor, step if born[tensor] == step else -1)
            )
            for step in range(len(self.reads))
        )


def peak_elements(block: nn.Module, image: torch.Tensor) -> int:
    """Return the most elements alive at once while a block runs in eval mode, its input included."""
    recorder = Allocations(image)
    with torch.no_grad(), recorder:
        output = block.eval()(image)
    return recorder.peak(output)


def flops(run: Callable[[], Any]) -> int:
    """Return what torch counts while something runs."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        run()
    return int(counter.get_total_flops())
