"""The one exception that a user may cause and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.text import QT_TRANSLATE_NOOP, Text, Value, filled, value_from_json, value_to_json


class AppError(Exception):
    """A problem the user can understand and act on.

    Both texts are English and may hold `{names}` of the values, so that the window can say them in its language;
    without values braces stand for themselves.

    Args:
        message: One sentence: what is wrong, and where.
        hint: One sentence: what to do next.
        values: What stands in the braces; what is neither text nor number is written as text. A value that is a
            `Text` or another `AppError` is translated as well.

    Attributes:
        message: What is wrong, in English, filled in.
        hint: What to do next, likewise.
        template, hint_template: The same with their braces.
        values: What stands in the braces.
    """

    def __init__(self, message: str, hint: str = "", **values: Any) -> None:
        self.template, self.hint_template = message, hint
        self.values: dict[str, Value] = {name: _value(value) for name, value in values.items()}
        self.message, self.hint = filled(message, self.values), filled(hint, self.values)
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """Return the error as plain data: the engine sends it over a pipe, a run keeps it."""
        texts: dict[str, Any] = {"message": self.message, "hint": self.hint}
        if self.values:
            values = {name: value_to_json(value) for name, value in self.values.items()}
            texts |= {"template": self.template, "hint_template": self.hint_template, "values": values}
        return texts

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AppError:
        """Read an error that the engine sent; what is missing or does not fit is left out."""
        message, hint = str(data.get("message", "Unknown error.")), str(data.get("hint", ""))
        values = data.get("values")
        if not isinstance(values, Mapping) or not values:
            return AppError(message, hint)
        template, hint_template = str(data.get("template", message)), str(data.get("hint_template", hint))
        try:
            named = {str(name): value_from_json(value) for name, value in values.items()}
            return AppError(template, hint_template, **named)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            return AppError(message, hint)


def _value(value: Any) -> Value:
    if isinstance(value, AppError):
        return Text(value.template, value.values)
    return value if isinstance(value, str | int | float) else str(value)


def missing_package(error: ModuleNotFoundError) -> AppError:
    """Return what to tell about a Python package that is not there: some are needed for one job alone."""
    return AppError(
        QT_TRANSLATE_NOOP("core", "The Python package “{name}” is missing."),
        QT_TRANSLATE_NOOP("core", "`python main.py doctor` says what to do."),
        name=error.name or error,
    )
