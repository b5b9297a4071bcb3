"""Errors keep what it takes to say them in another language, also over the engine's pipe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.core.design import DesignError
from app.core.errors import AppError
from app.core.text import Text


def _sent(error: AppError) -> AppError:
    return AppError.from_dict(json.loads(json.dumps({"event": "error", **error.as_dict()})))


def test_templates_are_filled_in_and_kept() -> None:
    error = AppError(
        "There is no file {path}.", "Take {low} to {high}.", path=Path("a") / "b", low=1, high=2.5
    )
    assert str(error) == f"There is no file {Path('a') / 'b'}. Take 1 to 2.5."
    assert error.template == "There is no file {path}."
    assert error.hint_template == "Take {low} to {high}."
    assert error.values == {"path": str(Path("a") / "b"), "low": 1, "high": 2.5}


def test_without_values_braces_stand_for_themselves() -> None:
    error = AppError("This is {odd.", "Write {block: separable}.")
    assert (error.message, error.hint) == ("This is {odd.", "Write {block: separable}.")
    assert (_sent(error).message, _sent(error).hint) == ("This is {odd.", "Write {block: separable}.")


def test_the_pipe_carries_everything() -> None:
    inner = AppError("Line {line} is {what}.", "Correct it.", line=4, what="{odd}")
    error = DesignError("{source}: {problem}", inner.hint_template, source="mine.yaml", problem=inner)
    assert error.message == "mine.yaml: Line 4 is {odd}."
    back = _sent(error)
    assert (back.message, back.hint) == (error.message, error.hint)
    assert (back.template, back.hint_template) == ("{source}: {problem}", "Correct it.")
    what = {"line": 4, "what": "{odd}"}
    problem = back.values["problem"]
    assert isinstance(problem, Text)
    assert (problem.template, problem.values) == ("Line {line} is {what}.", what)
    assert back.values["source"] == "mine.yaml"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"values": [1]},
        {"values": {"path": {"no": "template"}}},
        {"values": {"other": 1}},
        {"template": "{path", "values": {"path": 1}},
        {"template": "{0}", "values": {"path": 1}},
        {"template": "{path.x}", "values": {"path": 1}},
    ],
)
def test_what_does_not_fit_is_read_as_plain_text(spoilt: dict[str, object]) -> None:
    sent = {
        "message": "There is no file x.",
        "hint": "Look.",
        "template": "There is no file {path}.",
        **spoilt,
    }
    back = AppError.from_dict(sent)
    assert (back.message, back.hint) == ("There is no file x.", "Look.")


def test_foreign_text_stays_on_one_line() -> None:
    error = AppError("There is no preset “{name}”.", name="a\n\x1b[31mb\u202e 1\u202f000 多")
    assert error.message == "There is no preset “a\\n\\x1b[31mb\\u202e 1\u202f000 多”."
