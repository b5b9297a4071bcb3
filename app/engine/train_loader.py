"""Loading that knows the epoch: which pictures come, and what augmentation makes of them, depends on nothing else.

An epoch is then the same after an interruption, on another device, with any number of loader processes, and in both
runs of a pair. Stock's loader processes go on with random numbers of their own, which no checkpoint can hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import RandomSampler, Sampler


class Numbered(int):
    """Index of a picture that knows its epoch; a loader process is told nothing but indices."""

    epoch: int

    def __new__(cls, index: int, epoch: int) -> Numbered:
        """Make one."""
        made = super().__new__(cls, index)
        made.epoch = epoch
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Numbered, (int(self), self.epoch)


class EpochSampler(Sampler[int]):
    """Yields the pictures of one epoch after the other, each epoch in an order of its own.

    Args:
        base: Stock's sampler; its order is replaced where it shuffles by itself.
        seed: Seed of the training.

    Attributes:
        next_epoch: Which epoch the next pass is; loader processes are ahead of the training.
    """

    def __init__(self, base: Any, seed: int) -> None:
        self._base = base
        self._seed = seed
        self.next_epoch = 0

    def __len__(self) -> int:
        return len(self._base)

    def __iter__(self) -> Iterator[int]:
        epoch = self.next_epoch
        self.next_epoch += 1
        return (Numbered(int(index), epoch) for index in self._order(epoch))

    def _order(self, epoch: int) -> Sequence[int] | Iterator[int]:
        if isinstance(self._base, RandomSampler):
            generator = torch.Generator().manual_seed(_mixed(self._seed, epoch))
            order: list[int] = torch.randperm(len(self), generator=generator).tolist()
            return order
        if hasattr(self._base, "set_epoch"):  # several GPUs: every process takes its share of one order
            self._base.set_epoch(epoch)
        return iter(self._base)


class SeededItems:
    """Fetches pictures with random numbers that belong to the picture and the epoch.

    Args:
        dataset: Where they come from.
        seed: Seed of the training.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self._dataset = dataset
        self._seed = seed

    def __call__(self, indices: Sequence[int]) -> list[Any]:
        """Return the pictures; this process's own random numbers stay as they are."""
        python, numpy = random.getstate(), np.random.get_state()
        try:
            return [self._item(index) for index in indices]
        finally:
            random.setstate(python)
            np.random.set_state(numpy)

    def _item(self, index: int) -> Any:
        seed = _mixed(self._seed, getattr(index, "epoch", 0), int(index))
        random.seed(seed)
        np.random.seed(seed)
        return self._dataset[index]


def make_repeatable(loader: Any, seed: int, epoch: Callable[[], int]) -> None:
    """Let the pictures of stock's loader, and their augmentation, depend on the epoch alone.

    Args:
        loader: A loader of ultralytics for training, not yet iterated.
        seed: Seed of the training.
        epoch: Tells the running epoch whenever the loader begins anew.
    """
    sampler = EpochSampler(loader.batch_sampler.sampler.sampler, seed)
    loader.batch_sampler.sampler.sampler = sampler
    loader.dataset.__getitems__ = SeededItems(loader.dataset, seed)
    make = loader._get_iterator

    def make_iterator() -> Any:
        sampler.next_epoch = epoch()
        return make()

    loader._get_iterator = make_iterator


def _mixed(*numbers: int) -> int:
    """Return 32 bits that differ wherever one of the numbers does."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
