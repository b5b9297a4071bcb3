"""The text of a design file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.user_models import base_hash, base_title, is_user_model

if TYPE_CHECKING:
    from app.core.design import Design, Swap

FORMAT = 1
"""Version of the design file."""


def dump_design(design: Design) -> str:
    """Return the text of a design file."""
    lines = [f"format: {FORMAT}", *_dump_base(design.base)]
    if design.classes is not None:
        lines.append(f"classes: {design.classes}")
    if design.activation is not None:
        lines.append(f"activation: {design.activation}")
    if design.notes:
        lines.append(f'notes: "{_quoted(design.notes)}"')
    if design.swaps:
        lines.append("swaps:")
        lines.extend(f"  {_key(pattern)}: {_dump_swap(swap)}" for pattern, swap in design.swaps)
    else:
        lines.append("swaps: {}")
    return "\n".join(lines) + "\n"


def _dump_base(base: str) -> tuple[str, ...]:
    if not is_user_model(base):
        return (f"base: {base}",)
    return f'base: "{base_title(base)}"', f'model: "{base_hash(base)}"'


def _quoted(text: str) -> str:
    """Return a text for YAML's double quotes, with everything escaped that a reader could not see or YAML refuses."""

    def character(c: str) -> str:
        if c in '"\\':
            return "\\" + c
        code = ord(c)
        if c.isprintable():
            return c
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return "".join(character(c) for c in text)


def _key(pattern: str) -> str:
    return f'"{pattern}"' if pattern.startswith("*") else pattern


def _dump_swap(swap: Swap) -> str:
    if not swap.options:
        return swap.block
    options = ", ".join(f"{name}: {value}" for name, value in sorted(swap.options.items()))
    return f"{{block: {swap.block}, {options}}}"
