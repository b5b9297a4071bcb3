"""The modules whose first weights are told one by one: convolutions, swapped modules, and tensors beside them."""

from __future__ import annotations

from collections.abc import Mapping, Set

from torch import Tensor, nn

from app.core.design import Design, Swap
from app.core.sites import mirrors


def swaps_with_twins(design: Design) -> dict[str, Swap]:
    """Return module path → swap, the twins in one-to-one heads included."""
    found: dict[str, Swap] = {}
    for path, swap in design.resolved().items():
        found |= dict.fromkeys((path, *mirrors(design.architecture, path)), swap)
    return found


def modules_of(design: Design) -> tuple[str, ...]:
    """Return the paths of all modules with weights, in order of execution.

    Every convolution is one, except where a whole module is swapped: then that is. So is every module that has tensors
    of its own beside convolutions; of it only those tensors count.
    """
    architecture, swaps = design.architecture, swaps_with_twins(design)
    loose = [path for path in architecture.tensors if not _owner(path, swaps)]
    found: dict[str, None] = {}
    for conv in architecture.convolutions:
        owner = _owner(conv, swaps)
        for path in loose:
            if conv.startswith(f"{path}."):
                found.setdefault(path)
        found.setdefault(owner or conv)
    return tuple(found)


def _owner(path: str, swaps: Mapping[str, Swap]) -> str:
    """Return the swapped module at or above a path, or ""."""
    while path:
        if path in swaps:
            return path
        path = path.rpartition(".")[0]
    return ""


def own_state(module: nn.Module, path: str, paths: Set[str]) -> dict[str, Tensor]:
    """Return the tensors of a module by name; only those beside its convolutions where these are told on their own."""
    state = module.state_dict()
    if any(other.startswith(f"{path}.") for other in paths):
        return {name: tensor for name, tensor in state.items() if "." not in name}
    return dict(state)


def is_known(teacher: nn.Module, path: str, paths: Set[str], taken: Set[str]) -> bool:
    """Say whether the weights of everything in a module were in the file.

    Args:
        teacher: the model of the file.
        path: module path, which the teacher may not have.
        paths: all modules that are told one by one.
        taken: names of the tensors that were in the file.
    """
    try:
        module = teacher.get_submodule(path)
    except AttributeError:
        return False
    names = {f"{path}.{name}" for name in own_state(module, path, paths)}
    return is_fixed(path) or {name for name in names if not name.endswith("num_batches_tracked")} <= taken


def is_fixed(path: str) -> bool:
    """Say whether a module is never trained: the one that turns box distributions into numbers."""
    return ".dfl" in path
