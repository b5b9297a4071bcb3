"""Short texts that stand for what a figure depends on."""

from __future__ import annotations

import hashlib

from app.core.design import Design


def design_key(design: Design) -> str:
    """Return a text that is the same for designs which are the same model."""
    swaps = "\n".join(
        f"{path} {swap.block} {sorted(swap.options.items())}" for path, swap in design.resolved().items()
    )
    activation = "" if design.activation is None else f"\n{design.activation}"
    return digest(f"{design.base}\n{design.architecture.classes}\n{swaps}{activation}")


def digest(text: str) -> str:
    """Return the beginning of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]
