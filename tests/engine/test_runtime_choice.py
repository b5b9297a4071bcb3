"""What "auto" stands for: measured, kept, never at the cost of accuracy."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import AppError
from app.engine import runtime_choice
from app.engine.detector import Detector
from app.engine.runtime_choice import Choice, Measured, measure, measured, resolve

F32 = Choice("openvino", "cpu", "f32")
BF16 = Choice("openvino", "cpu", "bf16")
TORCH = Choice("torch", "cpu", "f32")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


def keep(*rows: Measured, machine: dict[str, object] | None = None) -> None:
    file = runtime_choice.table_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    table = {"machine": machine or runtime_choice.machine(), "rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(table))


def test_until_it_is_measured_the_default_is_sound() -> None:
    assert measured() == []
    assert resolve() == F32
    assert resolve(device="cuda") == Choice("torch", "cuda", "f32")
    assert resolve(runtime="torch") == TORCH


def test_the_fastest_that_keeps_the_accuracy_wins() -> None:
    keep(Measured(BF16, 5.0, 0.99), Measured(F32, 10.0, 1.0), Measured(TORCH, 30.0, 1.0))
    assert resolve() == BF16
    assert resolve(precision="f32") == F32
    assert resolve(runtime="torch") == TORCH


def test_what_costs_accuracy_is_taken_only_when_asked_for() -> None:
    keep(Measured(BF16, 5.0, 0.8), Measured(F32, 10.0, 1.0))
    assert resolve() == F32
    assert resolve(precision="bf16") == BF16


def test_figures_of_another_machine_do_not_count() -> None:
    keep(Measured(TORCH, 1.0, 1.0), machine={**runtime_choice.machine(), "threads": 999})
    assert resolve() == F32
    runtime_choice.table_file().write_text("{broken")
    assert resolve() == F32


def test_measuring_keeps_a_table_that_auto_follows(
    standard: Path, lightweight: Path, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_choice, "BUDGET_S", 0.5)
    told: list[float] = []
    rows = measure([standard, lightweight], frames[:2], lambda fraction, _: told.append(fraction))
    by_choice = {row.choice: row for row in rows}
    assert {F32, TORCH} <= by_choice.keys()
    assert by_choice[F32].agreement == 1.0
    assert by_choice[TORCH].agreement > 0.99
    assert all(row.milliseconds > 0 for row in rows)
    assert told == sorted(told)
    assert measured() == rows
    best = min((row for row in rows if row.keeps_accuracy), key=lambda row: row.milliseconds)
    detector = Detector.load(standard)
    assert (detector.runtime, detector.precision) == (best.choice.runtime, best.choice.precision)


def test_nothing_to_measure_with_is_said() -> None:
    with pytest.raises(AppError):
        measure([], [])
