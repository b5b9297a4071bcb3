"""Text as LaTeX prints it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core.text import MINUS, THIN_SPACE

_LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        THIN_SPACE: r"\,",
        MINUS: "$-$",
        "–": "--",
        "×": r"$\times$",
        "±": r"$\pm$",
        "“": "``",
        "”": "''",
    }
)


def latex_escaped(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_LETTERS.get(letter, letter) for letter in text)
