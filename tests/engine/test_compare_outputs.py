"""Recording and report of a real comparison, without a window and over the live pipe's outputs."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.errors import AppError
from app.engine.compare_outputs import OutputFiles, Outputs
from app.engine.comparison import compare_headless
from app.engine.detector import Detector
from app.engine.pairing import PairRunner, describe
from app.engine.session import Session

CHOICE = {"runtime": "openvino", "precision": "f32", "device": "cpu"}


def test_compare_writes_a_recording_and_a_report(
    standard: Path, lightweight: Path, clips_dir: Path, tmp_path: Path
) -> None:
    video, page = tmp_path / "out.mp4", tmp_path / "out.html"
    found = compare_headless(
        standard,
        lightweight,
        str(clips_dir / "tree.avi"),
        8,
        **CHOICE,
        imgsz=96,
        files=OutputFiles(video, page),
    )
    assert found["recording"]["state"] == "finished"
    assert 1 <= found["recording"]["frames"] <= 8
    assert found["report"] == [str(page.with_suffix(ending)) for ending in (".html", ".json", ".csv")]
    told = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["figures"]["pairs"] == 8
    assert told["models"]["a"]["parameters"] > told["models"]["b"]["parameters"]
    assert told["models"]["b"]["swaps"]
    with pytest.raises(AppError, match="no such folder"):
        compare_headless(
            standard,
            standard,
            str(clips_dir / "tree.avi"),
            1,
            **CHOICE,
            files=OutputFiles(tmp_path / "no" / "x.mp4"),
        )


def test_a_live_report_tells_the_accuracy_of_the_runs(
    standard: Path, lightweight: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "mine"
    (run / "weights").mkdir(parents=True)
    (run / "run.yaml").write_text("format: 1\nepochs: 3\ndata: cells.yaml\n", encoding="utf-8")
    (run / "design.yaml").write_text("format: 1\nbase: yolov5n\nclasses: 80\nswaps: {}\n", encoding="utf-8")
    metrics = {"map50": 0.9, "map50_95": 0.6, "precision": 0.8, "recall": 0.7, "epoch": 3}
    (run / "events.jsonl").write_text(
        json.dumps({"t": 0.0, "event": "started", "epochs": 3, "batches": 1})
        + "\n"
        + json.dumps({"t": 1.0, "event": "epoch", **metrics, "best": metrics})
        + "\n",
        encoding="utf-8",
    )
    best = run / "weights" / "best.pt"
    shutil.copy(standard, best)
    runner = PairRunner(*(Detector.load(path, **CHOICE, imgsz=96) for path in (best, lightweight)))
    told: list[dict[str, Any]] = []
    there = threading.Event()

    def tell(event: dict[str, Any]) -> None:
        told.append(event)
        there.set()

    outputs, session = Outputs(tell), Session()
    outputs.report(str(tmp_path / "early.html"), None, {})
    assert told.pop()["event"] == "problem"
    there.clear()
    for number, image in enumerate(frames):
        pair = runner.run(image, 0.1)
        session.add(pair, float(number), None, runner.names)
        outputs.add(image, number, pair, 2.0 * number, runner)
    assert 1 <= len(outputs.pictures.pictures()) <= 4
    sides = [{**describe(detector), "shape": (96, 96)} for detector in runner.detectors]
    outputs.report(str(tmp_path / "live.html"), session.figures("clip", sides), {"confidence": 0.1})
    assert there.wait(60)
    outputs.close()
    assert told[0]["event"] == "report", told
    page = Path(told[0]["path"]).read_text(encoding="utf-8")
    assert "0.600" in page
    assert "mine" in page
