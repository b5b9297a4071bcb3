"""Risks: guesses from shapes, measured ones, and what is guessed from both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.core.blocks import eligible
from app.core.design import Design, Swap
from app.core.risk import MAP, MEASURED, PRIOR, Risk, Risks, heard, prior, read_lines, read_row, risk_row


def ranks(path: str, base: str = "yolov5n") -> list[float]:
    keys = [(path, Swap("separable", {"rank": rank})) for rank in (1, 2, 3, 4)]
    risks = prior(Design.stock(base).architecture, keys)
    return [risks.entries[key].value for key in keys]


def test_a_guess_falls_with_the_rank_and_is_marked() -> None:
    architecture = Design.stock("yolov5n").architecture
    for path in eligible(architecture):
        values = ranks(path)
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0
    grouped = prior(architecture, [("model.3", Swap("dwconv"))])
    assert grouped.kind == PRIOR
    assert grouped.entries["model.3", Swap("dwconv")].estimated
    assert grouped.entries["model.3", Swap("dwconv")].value > ranks("model.3")[0]


def test_what_fewer_levels_hear_risks_less() -> None:
    shares = heard(Design.stock("yolov5n").architecture)
    assert shares["model.1"] == 1.0
    assert shares["model.17"] == 1.0  # P3, and from there all others
    assert shares["model.18"] == pytest.approx(2 / 3)
    assert shares["model.21"] == shares["model.24.cv2.0"] == pytest.approx(1 / 3)
    assert ranks("model.21")[0] < ranks("model.18")[0] < ranks("model.7")[0]


def test_what_was_not_measured_is_guessed_in_the_same_unit() -> None:
    architecture = Design.stock("yolov5n").architecture
    paths = [path for path in eligible(architecture) if path != "model.0"]
    keys = [(path, Swap("separable")) for path in paths]
    guesses = prior(architecture, keys)
    known = {key: Risk(7 * guesses.entries[key].value, 0.1) for key in keys[:9]}
    full = Risks(MEASURED, known, "best.pt", 32).completed(architecture, keys)
    assert all(full.entries[key] == known[key] for key in keys[:9])
    for key in keys[9:]:
        assert full.entries[key].value == pytest.approx(7 * guesses.entries[key].value)
        assert full.entries[key].estimated
    assert Risks(MEASURED, known).completed(architecture, keys[:9]).entries is known


def test_guesses_risk_something_where_most_measured_swaps_cost_nothing() -> None:
    """mAP on few pictures: most single swaps lose none."""
    architecture = Design.stock("yolov5n").architecture
    keys = [(path, Swap("separable")) for path in eligible(architecture)]
    wanted = [*keys, ("model.5", Swap("dwconv"))]
    guess = prior(architecture, wanted).entries
    few = {key: Risk(0.01 if number < 3 else 0.0) for number, key in enumerate(keys)}
    ratio = 0.03 / sum(guess[key].value for key in keys)
    assert Risks(MAP, few).completed(architecture, wanted).entries[wanted[-1]].value == pytest.approx(
        ratio * guess[wanted[-1]].value
    )
    none = {key: Risk(0.0) for key in keys}
    assert Risks(MAP, none).completed(architecture, wanted).entries[wanted[-1]] == guess[wanted[-1]]


def test_risks_are_plain_data() -> None:
    entries = {
        ("model.3", Swap("separable", {"rank": 2})): Risk(0.25, 0.05),
        ("model.5", Swap("dwconv")): Risk(0.0, None, -0.002, True),
    }
    risks = Risks(MEASURED, entries, "best.pt", 32)
    again = Risks.from_json(json.loads(json.dumps(risks.to_json())))
    assert dict(again.entries) == entries
    assert (again.kind, again.source, again.pictures) == (MEASURED, "best.pt", 32)


def test_a_file_that_a_crash_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    rows = [risk_row("model.3", Swap("separable"), Risk(0.1)), risk_row("model.5", Swap("dwconv"), Risk(2.0))]
    file = tmp_path / "risks.jsonl"
    text = "".join(json.dumps(row) + "\n" for row in [{"source": "best.pt"}, *rows])
    file.write_text(text[:-20], encoding="utf-8")
    assert list(read_lines(file)) == [("model.3", Swap("separable"))]
    assert read_lines(tmp_path / "missing.jsonl") == {}
    foreign = [None, 3, {"path": "a"}, {**rows[0], "block": "unknown"}, {**rows[0], "options": {"depth": 3}}]
    assert all(read_row(row) is None for row in foreign)
