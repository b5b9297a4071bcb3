"""What "auto" stands for: measured, kept, never at the cost of accuracy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import AppError
from app.core.folders import resources
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


BARE = """
import importlib.abc, importlib.metadata, importlib.util, os, sys

absent = set(os.environ["ABSENT"].split())

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
find_spec, version = importlib.util.find_spec, importlib.metadata.version

def spec_of(name, *more):
    return None if name.partition(".")[0] in absent else find_spec(name, *more)

def version_of(name):
    if name in absent:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)

importlib.util.find_spec, importlib.metadata.version = spec_of, version_of
"""
VERBS = """
import json
from app.cli import run

kept = os.dup(1)  # a verb keeps standard output for itself
for words in json.loads(sys.argv[1]):
    status = run(words)
    if status:
        sys.exit(status)
    os.dup2(kept, 1)
    os.write(1, b"\\0")
"""
VERB = "from app.cli import run; sys.exit(run(sys.argv[1:]))"
ALL = ("openvino", "onnx", "onnxruntime")


def _without(absent: Sequence[str], code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python in which packages are not installed."""
    return subprocess.run(
        [sys.executable, "-c", BARE + code, *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "ABSENT": " ".join(absent)},
    )


def _bare(*verb: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a verb where neither OpenVINO nor ONNX is installed."""
    return _without(ALL, VERB, *map(str, verb))


def test_on_a_bare_board_every_verb_runs_on_torch(tmp_path: Path) -> None:
    sample = [resources() / "sample" / f"{name}.pt" for name in ("standard", "lightweight")]
    made = tmp_path / "made.pt"
    verbs = (
        ("layers",),
        ("cost", "separable"),
        ("check", "sample"),
        ("convert", sample[0], "--design", "head", "--data", "sample", "--pictures", "4", "-o", made),
        ("val", made, "--data", "sample", "--runtime", "auto"),
        ("compare", *sample, "--source", "sample", "--frames", "8"),
    )
    done = _without(ALL, VERBS, json.dumps([[*map(str, verb), "--json"] for verb in verbs]))
    assert done.returncode == 0, done.stderr
    found = [json.loads(text) for text in done.stdout.split("\0")[:-1]]
    assert len(found) == len(verbs)
    assert found[4]["runtime"] == "torch"
    assert [found[5][side]["runtime"] for side in "ab"] == ["torch", "torch"]


def test_onnx_runtime_is_offered_only_with_what_writes_its_models() -> None:
    code = "from app.engine.runtime_choice import candidates; print(*{c.runtime for c in candidates()})"
    for absent in (("onnx",), ("onnxruntime",), ALL):
        done = _without(absent, code)
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.split()) == {"torch"} | ({"openvino"} - set(absent))


def test_what_a_missing_package_is_needed_for_names_it(tmp_path: Path) -> None:
    weights = resources() / "sample" / "standard.pt"
    for form, name in (("onnx", "a.onnx"), ("openvino", "a_openvino_model")):
        done = _bare("export", weights, "--format", form, "-o", tmp_path / name)
        assert done.returncode == 1
        assert f"“{form}” is missing" in done.stderr
        assert "Traceback" not in done.stderr
