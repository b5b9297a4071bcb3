"""Text as Markdown shows it."""

from __future__ import annotations

_MARKS = "\\`*_[]<>#|"


def markdown_escaped(text: str) -> str:
    """Return text that Markdown shows as it is, in a table too, if it is one line."""
    return "".join(f"\\{letter}" if letter in _MARKS else letter for letter in text)
