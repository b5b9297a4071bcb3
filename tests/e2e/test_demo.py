"""The demo: the whole job on the built-in sample, without window, network or camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.runs import Workspace
from tests.e2e.conftest import Verb


@pytest.mark.slow
def test_demo_ends_with_a_true_table(tmp_path: Path, verb: Verb) -> None:
    result = verb("demo", "--epochs", "1", "--pictures", "12", "--frames", "60", "--workspace", str(tmp_path))
    assert result["seconds"] < 180
    cost = result["cost"]
    assert cost["lightweight"]["flops"] < 0.5 * cost["standard"]["flops"]
    assert result["compare"]["frames"] == 60
    assert result["compare"]["dropped"] == 0
    assert result["compare"]["a"]["detections"] > 60
    run = Workspace(tmp_path).run(result["run"])
    assert run.state().status == "finished"
    told = verb("val", str(run.best), "--data", "sample", "--imgsz", "320")
    assert told["map50"] == pytest.approx(result["accuracy"]["lightweight"]["map50"], abs=1e-6)
    assert result["accuracy"]["standard"]["map50"] > 0.8
    assert result["accuracy"]["lightweight"]["map50"] > 0.6
