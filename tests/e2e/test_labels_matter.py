"""Training really learns from the labels: with shuffled ones its mAP collapses."""

from __future__ import annotations

from pathlib import Path

from app.core.folders import resources
from tests.e2e.conftest import Verb

SETTINGS = (
    "--set",
    "optimizer=AdamW",
    "--set",
    "lr0=0.001",
    "--set",
    "warmup_epochs=0",
    "--set",
    "close_mosaic=0",
)


def test_shuffled_labels_collapse(tmp_path: Path, verb: Verb) -> None:
    """The same training twice from the same weights, on the same pictures, judged on the same true labels."""
    from tests.engine import conftest  # prepares ultralytics' environment

    assert conftest
    from app.engine.sample import write_dataset

    reached = {}
    for name, shuffled in (("true", False), ("shuffled", True)):
        data = write_dataset(tmp_path / name, train=96, val=32, test=0, labels_shuffled=shuffled)
        events = verb(
            "train", "yolov5n", "--data", str(data), "--epochs", "4", "--imgsz", "224", "--name", name,
            "--weights", str(resources() / "sample" / "standard.pt"), "--workspace", str(tmp_path), *SETTINGS,
        )  # fmt: skip
        reached[name] = verb(
            "val", str(tmp_path / "runs" / name / "weights" / "last.pt"), "--data", str(data)
        )["map50"]
        assert events[-1]["event"] == "finished"
    assert reached["true"] > 0.6
    assert reached["shuffled"] < 0.5 * reached["true"]
