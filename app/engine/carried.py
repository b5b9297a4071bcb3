"""The design that a model of ours carries along, as text in `model.yaml`."""

from __future__ import annotations

from torch import nn

from app.core.design import Design, parse_design
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

DESIGN_KEY = "depthwise_studio"
"""Where a checkpoint's `model.yaml` keeps the text of its design."""


def carries_design(model: nn.Module) -> bool:
    """Say whether a model carries a design."""
    return isinstance(getattr(model, "yaml", {}).get(DESIGN_KEY), str)


def design_of(model: nn.Module) -> Design:
    """Return the design that a model of ours carries.

    Raises:
        AppError: it carries none, or one that cannot be read.
    """
    text = getattr(model, "yaml", {}).get(DESIGN_KEY)
    if not isinstance(text, str):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The checkpoint carries no design of the Studio."),
            QT_TRANSLATE_NOOP("core", "Open it as a standard model."),
        )
    return parse_design(text, "the checkpoint's design")
