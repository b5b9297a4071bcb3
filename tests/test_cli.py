"""The command line as scripts see it: documents, exit statuses, one clear line for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.design import load_design, preset

ROOT = Path(__file__).resolve().parent.parent


def studio(*arguments: str, status: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=280,
    )
    assert done.returncode == status, done.stderr[-2000:]
    return done


def document(*arguments: str) -> Any:
    return json.loads(studio(*arguments, "--json").stdout)


def test_layers_tells_what_may_become_what() -> None:
    rows = {row["path"]: row for row in document("layers", "--base", "yolov5s")["modules"]}
    assert {"separable", "dwconv", "ghost", "lcnet"} <= set(rows["model.0"]["kinds"])
    assert "3×3 kernels" in rows["model.0"]["refusals"]["repconv"]
    assert {"ghost_c3", "c3k2", "mobilenetv3"} <= set(rows["model.4"]["kinds"])
    assert "Open it" in rows["model.4"]["refusals"]["separable"]
    assert (rows["model.4"]["c1"], rows["model.4"]["c2"], rows["model.4"]["refusal"]) == (128, 128, None)
    assert rows["model.4"]["heavier"] == []
    assert rows["model.2.cv1"]["kinds"] == []
    assert "1×1" in rows["model.2.cv1"]["refusal"]
    assert "model.24.cv3.2.1" in studio("layers").stdout


def test_design_writes_what_was_asked(tmp_path: Path) -> None:
    target = tmp_path / "d.yaml"
    made = document(
        "design", "--base", "yolov5s", "--classes", "3", "--preset", "backbone",
        "--swap", "model.24.cv3.*.*=separable:rank=2", "-o", str(target),
    )  # fmt: skip
    design = load_design(target)
    assert design.base == "yolov5s"
    assert made["swaps"] == len(design.resolved()) == len(preset("backbone", "yolov5s").resolved()) + 6
    assert design.resolved()["model.24.cv3.1.0"].option("rank") == 2


def test_a_whole_module_takes_the_place_of_what_a_preset_changed_inside(tmp_path: Path) -> None:
    target = tmp_path / "d.yaml"
    made = document(
        "design", "--preset", "backbone", "--swap", "model.4=mobilenetv3:expansion=150:squeeze=0",
        "--swap", "model.6=ghost_c3", "-o", str(target),
    )  # fmt: skip
    swaps = load_design(target).resolved()
    assert swaps["model.4"].option("expansion") == 150
    assert swaps["model.6"].block == "ghost_c3"
    assert not any(path.startswith(("model.4.", "model.6.")) for path in swaps)
    assert made["cost"]["lightweight"]["flops"] < made["cost"]["standard"]["flops"]
    rows = document("cost", str(target))["modules"]
    assert next(row for row in rows if row["path"] == "model.4")["kind"] == "mobilenetv3"


def test_cost_has_the_keys_that_scripts_read(tmp_path: Path) -> None:
    result = document("cost", "separable", "--imgsz", "320", "--classes", "3")
    assert {"imgsz", "standard", "lightweight", "deployed", "modules"} <= set(result)
    keys = {"parameters", "flops", "activation_bytes", "file_bytes"}
    assert set(result["standard"]) == set(result["lightweight"]) == keys
    assert {"path", "kind", "standard", "lightweight"} <= set(result["modules"][0])
    assert sum(m["lightweight"]["flops"] for m in result["modules"]) == result["lightweight"]["flops"]
    assert "GFLOPs at 320×320" in studio("cost", "separable", "--imgsz", "320").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cost", "nothing.yaml"), "nothing.yaml"),
        (("cost", "yolov5q"), "no design file, preset or base model"),
        (("cost", "separable", "--imgsz", "100"), "100 pixels"),
        (("layers", "--base", "yolov9000"), "yolov9000"),
        (("design", "--swap", "model.3", "-o", "x.yaml"), "PATTERN=BLOCK"),
        (("design", "--swap", "model.2=separable", "-o", "x.yaml"), "cannot be replaced"),
        (("check", "nowhere/data.yaml"), "nowhere"),
        (("val", "none.pt", "--data", "sample"), "none.pt"),
        (("convert", "none.pt", "--design", "separable"), "none.pt"),
        (("export", "none.pt", "--format", "onnx"), "none.pt"),
        (("compare", "a.pt", "b.pt", "--source", "nowhere.mp4"), "nowhere.mp4"),
        (("train", "separable", "--data", "nowhere.yaml", "--epochs", "1"), "nowhere.yaml"),
        (("train", "separable", "--data", "sample", "--epochs", "1", "--imgsz", "100"), "multiple of 32"),
        (("runs", "show", "nobody"), "nobody"),
    ],
)
def test_bad_input_gets_one_line_and_status_1(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    if arguments[0] in {"runs", "train"}:
        arguments = (*arguments, "--workspace", str(tmp_path))
    done = studio(*arguments, status=1, cwd=tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert words in last
    assert "Traceback" not in done.stderr
    assert not done.stdout.strip() or "--json" in arguments


def test_the_queue_is_listed(tmp_path: Path) -> None:
    from app.core.run_queue import QueueEntry, RunQueue
    from app.core.runs import Workspace

    RunQueue(Workspace(tmp_path)).add([QueueEntry("first"), QueueEntry("second", resume=True)])
    found = json.loads(studio("runs", "queue", "--workspace", str(tmp_path), "--json").stdout)
    assert found["waiting"] == [{"run": "first", "resume": False}, {"run": "second", "resume": True}]
    assert found["going"] is False
    assert "stands still" in studio("runs", "queue", "--workspace", str(tmp_path)).stdout


@pytest.mark.parametrize("arguments", [("frobnicate",), ("cost",), ("cost", "separable", "--imgsz", "big")])
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    assert "--help" in studio(*arguments, status=2).stderr


def test_version_and_help() -> None:
    from app import __version__

    assert studio("--version").stdout.strip() == __version__
    assert "compare" in studio("--help").stdout


def test_without_a_display_the_window_is_not_tried() -> None:
    from app.start import has_display

    kept = {k: os.environ.pop(k, None) for k in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    try:
        assert not has_display()
        os.environ["DISPLAY"] = ":4711"
        assert not has_display()
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        assert has_display()
    finally:
        for key, value in kept.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


def test_doctor_names_every_part() -> None:
    topics = {f["topic"] for f in document("doctor")["findings"]}
    assert {"system", "torch", "ultralytics", "OpenVINO devices", "export", "cameras", "disk"} <= topics
