"""Texts of the core, in the user's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.core.errors import AppError
from app.core.run_state import RunState
from app.core.text import Text, value_from_json
from app.core.text import filled as filled_in_english


def translated(text: str) -> str:
    """Translate a text that ``app.core`` marked with ``QT_TRANSLATE_NOOP("core", …)``."""
    return QCoreApplication.translate("core", text) if text else ""


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Translate a text and write values into its braces; texts among the values are translated too.

    A translation whose braces do not fit gives way to the English text, and that to its bare template.
    """
    shown = {
        name: filled(value.template, value.values) if isinstance(value, Text) else value
        for name, value in values.items()
    }
    for text in (translated(template), template):
        try:
            return filled_in_english(text, shown)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            continue
    return template


def note_words(note: Any) -> str:
    """Return a text that the engine sent, with or without its template, in the user's language."""
    try:
        value = value_from_json(note)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError):
        return str(note)
    return filled(value.template, value.values) if isinstance(value, Text) else translated(str(value))


def problem_words(problem: AppError) -> tuple[str, str]:
    """Return what an error says, and what it advises, in the user's language."""
    return filled(problem.template, problem.values), filled(problem.hint_template, problem.values)


def reason_words(state: RunState) -> tuple[str, str]:
    """Return why a run ended, and what to do next, in the user's language; empty where there is nothing to say."""
    return filled(state.reason_template, state.values), filled(state.hint_template, state.values)


def listed(words: Iterable[str]) -> str:
    """Join words the way the user's language writes a list."""
    return QCoreApplication.translate("Text", ", ").join(words)


def in_a_row(first: str, second: str) -> str:
    """Join two sentences, of which either may be empty: with a space in English, without one in Chinese."""
    if not first or not second:
        return first or second
    return QCoreApplication.translate("Text", "{first} {second}").format(first=first, second=second)
