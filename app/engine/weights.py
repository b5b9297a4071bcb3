"""Weights of whatever origin: read them safely, carry them over into a design, say what is in a file."""

from __future__ import annotations

from typing import Any

from app.engine.foreign_weights import ForeignWeights, read_weights
from app.engine.transfer import TransferReport
from app.engine.warm_start import warm_start

__all__ = ["ForeignWeights", "TransferReport", "read_weights", "run_inspect", "warm_start"]


def run_inspect(request: dict[str, Any], _channel: Any) -> dict[str, Any]:
    """Job "weights.inspect": what a checkpoint is.

    Args:
        request: {"path": file}.

    Raises:
        AppError: the file is no checkpoint that can be used.
    """
    found = read_weights(request["path"])
    return {
        "path": str(found.path),
        "kind": found.kind,
        "base": found.base,
        "classes": found.classes if found.classes is not None else len(found.names or {}) or None,
        "names": list((found.names or {}).values()),
        "imgsz": found.imgsz,
        "swaps": {path: swap.block for path, swap in found.design.resolved().items()} if found.design else {},
        "parameters": sum(
            t.numel()
            for name, t in found.tensors.items()
            if not name.endswith(_BUFFERS) and t.is_floating_point()
        ),
        "provenance": dict(found.provenance),
    }


_BUFFERS = ("running_mean", "running_var", ".anchors", ".anchor_grid")
