"""The bench on real models: each part in a process of its own, nothing measured twice, nobody stopped by another."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.bench import Bench
from app.core.errors import AppError
from app.core.folders import resources
from app.engine import bench as benching
from app.engine import bench_rounds, bench_subjects
from app.engine.bench import BenchRequest, bench
from app.engine.bench_process import BenchCancelledError, Child
from app.engine.latency_clock import LoadMeter
from app.engine.sample import write_dataset

SAMPLE = resources() / "sample"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every process that a bench starts is asked to do; others on this machine disturb nothing."""
    asked: list[str] = []

    class Watched(Child):
        def __init__(self, request: Mapping[str, Any], *rest: Any) -> None:
            asked.append(str(request["do"]))
            super().__init__(request, *rest)

    def part(request: Mapping[str, Any], cancelled: Any) -> dict[str, Any]:
        with Watched(request, cancelled) as child:
            return child.result()

    monkeypatch.setattr(bench_rounds, "Child", Watched)
    monkeypatch.setattr(benching, "part", part)
    monkeypatch.setattr(bench_subjects, "part", part)
    monkeypatch.setattr(LoadMeter, "is_busy", lambda _meter: False)
    return asked


def test_what_was_measured_is_not_measured_again_and_a_missing_model_is_a_row(
    tmp_path: Path, started: list[str]
) -> None:
    data = write_dataset(tmp_path / "data", train=2, val=4, test=0)
    gone = tmp_path / "gone.pt"
    request = BenchRequest(
        weights=(SAMPLE / "lightweight.pt", gone),
        data=str(data),
        folder=tmp_path / "bench",
        runtimes=("openvino",),
        precisions=("f32",),
        imgsz=64,
        frames=10,
        rivals=False,
        patience_s=0.0,
    )
    events: list[Mapping[str, Any]] = []

    def killed(event: Mapping[str, Any]) -> None:
        events.append(event)
        if event["event"] == "row" and event["row"]["map50_95"] is not None:
            raise KeyboardInterrupt  # as the user does, after the accuracy and before the milliseconds

    with pytest.raises(KeyboardInterrupt):
        bench(request, killed)
    assert started == ["cost", "accuracy"]
    started.clear()
    found = bench(request)
    assert started == ["latency"]
    good, bad = found.rows
    assert good.images == 4
    assert 0 < good.p50_ms <= good.p95_ms  # type: ignore[operator]
    assert (good.shape, good.calls, good.ratio, good.front) == ((64, 64), 10, (1.0, 1.0, 1.0), True)
    assert 900_000 < good.parameters < 930_000  # type: ignore[operator]
    assert bad.problem is not None
    assert "gone.pt" in str(bad.problem)
    assert Bench.from_json(json.loads((tmp_path / "bench" / "latest.json").read_text())) == found
    assert not [child for child in psutil.Process().children() if "bench.cell" in " ".join(child.cmdline())]


def test_a_child_that_is_killed_is_a_reason_and_a_cancelled_one_is_gone() -> None:
    request = {"do": "cost", "weights": str(SAMPLE / "standard.pt")}
    with Child(request, lambda: False) as child:
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(AppError, match="ended by the system"):
            child.result()
    with pytest.raises(BenchCancelledError), Child(request, lambda: True) as child:
        child.result()
    assert not psutil.pid_exists(child.pid)


def test_what_cannot_be_asked_for_is_refused(tmp_path: Path) -> None:
    request = BenchRequest((SAMPLE / "standard.pt",), "sample", tmp_path, frames=3)
    with pytest.raises(AppError, match="3 frames"):
        bench(request)
    with pytest.raises(AppError, match="0 models"):
        bench_subjects.named([])


def test_models_have_names_that_differ() -> None:
    paths = [
        Path("/w/runs/a/weights/best.pt"),
        Path("/w/runs/a/weights/last.pt"),
        Path("/x/a.pt"),
        Path("/y/a.pt"),
    ]
    names = [name for name, _ in bench_subjects.named(paths)]
    assert names == ["a", "a (last)", "/x/a.pt", "/y/a.pt"]
