"""Every error that the program raises is marked for translation, and its braces have their values."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent
MARK = "QT_TRANSLATE_NOOP"
# The command line speaks English; it still fills braces in.
UNMARKED = ("commands", "cli.py")


def _raised(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"AppError", "DesignError", "SourceLostError"}:
                yield node


def _constants(tree: ast.Module) -> dict[str, str]:
    """Texts that a module marks at its top."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = _marked(node.value)
            if text is not None:
                found[node.targets[0].id] = text
    return found


def _marked(node: ast.expr) -> str | None:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == MARK:
        context, text = node.args
        assert isinstance(context, ast.Constant)
        assert context.value == "core"
        assert isinstance(text, ast.Constant)
        assert isinstance(text.value, str)
        return text.value
    return None


def _flaws(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = _constants(tree)
    for call in _raised(tree):
        place = f"{path.relative_to(ROOT.parent)}:{call.lineno}"
        given = {keyword.arg for keyword in call.keywords if keyword.arg not in (None, "message", "hint")}
        open_ended = any(keyword.arg is None for keyword in call.keywords)
        for text in call.args:
            if isinstance(text, ast.JoinedStr):
                yield f"{place}: an f-string cannot be translated"
            elif (
                isinstance(text, ast.Constant)
                and text.value
                and path.relative_to(ROOT).parts[0] not in UNMARKED
            ):
                if text.value.strip("{}").isidentifier() and text.value.startswith("{"):
                    continue  # nothing but another text
                yield f"{place}: {text.value!r} is not marked"
            words = _marked(text) if not isinstance(text, ast.Constant) else str(text.value)
            if isinstance(text, ast.Name):
                words = constants.get(text.id)
            if words and (given or open_ended):
                needed = {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}
                if not open_ended and not needed <= given:
                    yield f"{place}: no value for {', '.join(sorted(needed - given))}"


@pytest.mark.parametrize("room", sorted(path.name for path in ROOT.iterdir() if path.name != "__pycache__"))
def test_errors_can_be_translated(room: str) -> None:
    place = ROOT / room
    files = [place] if place.suffix == ".py" else sorted(place.rglob("*.py"))
    assert [flaw for path in files for flaw in _flaws(path)] == []
