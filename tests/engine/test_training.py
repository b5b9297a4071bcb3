"""Real, tiny trainings: complete events, weights that stock YOLO opens, exact resuming, orderly ends."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import AppError
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.engine.train_errors import explain

ROOT = Path(__file__).resolve().parents[2]
DESIGN = """format: 1
base: yolov5n
swaps:
  model.3: separable
  model.4.m.*.cv2: {block: separable, rank: 2}
  model.24.cv3.*.0: separable
"""
TRAIN_PICTURES, VAL_PICTURES, BATCH = 10, 4, 4
BATCHES = 3

pytestmark = pytest.mark.timeout(600)


def child(run: RunFolder, *arguments: str, wait: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DEPTHWISE_STUDIO_NICE": "0"}
    command = [sys.executable, "-m", "tests.engine.train_child", str(run.path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=run.path, env=environment, timeout=500)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def new_run(workspace: Path, name: str, data: Path, **changes: Any) -> RunFolder:
    run = Workspace(workspace).new_run(name)
    given = {"epochs": 2, "imgsz": 64, "batch": BATCH, "device": "cpu", **changes}
    run.write_config(
        TrainConfig(
            changes.pop("design_text", DESIGN),
            str(data),
            name=run.name,
            **{key: value for key, value in given.items() if key != "design_text"},
        )
    )
    return run


@pytest.fixture(scope="module")
def data(bccd_yaml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few real pictures, copied, with a data.yaml beside them."""
    folder = tmp_path_factory.mktemp("few")
    for split, count in (("train", TRAIN_PICTURES), ("val", VAL_PICTURES)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for picture in sorted((bccd_yaml.parent / "images" / split).iterdir())[:count]:
            label = bccd_yaml.parent / "labels" / split / f"{picture.stem}.txt"
            shutil.copy(picture, folder / "images" / split)
            shutil.copy(label, folder / "labels" / split)
    text = "path: .\ntrain: images/train\nval: images/val\nnames: [RBC, WBC, Platelets]\n"
    (folder / "data.yaml").write_text(text)
    return folder / "data.yaml"


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[dict[str, Any]]]:
    """A run of three epochs, to its end, and what it printed."""
    run = new_run(tmp_path_factory.mktemp("workspace"), "whole", data, epochs=3)
    result = child(run)
    assert result.returncode == 0, result.stderr[-3000:]
    return run, lines(result.stdout)


# --- what a run leaves -------------------------------------------------------------------------------------


def test_the_events_tell_the_whole_training(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, printed = finished
    events = list(run.events())
    assert events == printed
    kinds = [event["event"] for event in events if event["event"] != "message"]
    once = ["batch"] * BATCHES + ["epoch", "checkpoint"]
    # Batches are thinned out to ten a second; the last of each epoch is always there.
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [kind for kind in kinds if kind != "batch"] == [
        "started",
        *["epoch", "checkpoint"] * 3,
        "finished",
    ]
    assert len(kinds) <= 1 + 3 * len(once) + 1
    last_batches = {
        event["epoch"] for event in events if event["event"] == "batch" and event["batch"] == BATCHES
    }
    assert last_batches == {1, 2, 3}
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    started = next(event for event in events if event["event"] == "started")
    assert (started["epochs"], started["batches"], started["device"]) == (3, BATCHES, "cpu")
    assert started["images"] == {"train": TRAIN_PICTURES, "val": VAL_PICTURES}
    assert started["threads"] == len(os.sched_getaffinity(0))
    assert started["parameters"] > 1_000_000
    assert [event["epoch"] for event in epochs] == [1, 2, 3]
    for event in epochs:
        assert set(event["train"]) == set(event["val"]) == {"box", "cls", "dfl"}
        assert {"precision", "recall", "map50", "map50_95", "lr", "seconds", "remaining"} <= set(event)
        assert set(event["per_class"]) == {"RBC", "WBC", "Platelets"}
        assert set(event["per_class"]["RBC"]) == {"ap50", "ap50_95"}
    assert epochs[-1]["remaining"] == 0
    for event in events:
        if event["event"] == "batch":
            assert event["images_per_second"] > 0
            assert event["memory"] > 1e8


def test_the_table_says_what_the_events_say(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, _ = finished
    epochs = [event for event in run.events() if event["event"] == "epoch"]
    rows = list(csv.DictReader(run.metrics_path.read_text().splitlines()))
    assert len(rows) == len(epochs)
    for row, event in zip(rows, epochs, strict=True):
        assert int(row["epoch"]) == event["epoch"]
        for name in ("map50", "map50_95", "precision", "recall", "lr", "seconds"):
            assert float(row[name]) == event[name]
        assert float(row["train_box"]) == event["train"]["box"]
        assert float(row["val_dfl"]) == event["val"]["dfl"]
        assert float(row["ap50 Platelets"]) == event["per_class"]["Platelets"]["ap50"]


def test_the_folder_is_complete_and_the_state_finished(
    finished: tuple[RunFolder, list[dict[str, Any]]],
) -> None:
    run, _ = finished
    state = run.state()
    assert (state.status, state.epoch, state.pid) == ("finished", 3, None)
    names = {path.name for path in run.path.iterdir()}
    assert {"run.yaml", "design.yaml", "events.jsonl", "metrics.csv", "checkpoints", "weights"} <= names
    assert "process.json" not in names
    assert {path.name for path in (run.path / "weights").iterdir()} == {"best.pt", "last.pt"}
    assert not list(run.path.rglob("*.part"))
    assert run.design().base == "yolov5n"
    assert run.best.stat().st_size < 6_000_000


def test_evaluating_the_best_weights_gives_the_recorded_figures(
    finished: tuple[RunFolder, list[dict[str, Any]]], data: Path
) -> None:
    run, printed = finished
    from app.engine.evaluate import evaluate

    again = evaluate(run.best, data, device="cpu")
    recorded = printed[-1]["best"]
    for name in ("map50", "map50_95", "precision", "recall", "per_class", "imgsz"):
        assert again[name] == recorded[name]
    assert again["images"] == VAL_PICTURES
    with pytest.raises(AppError, match="test"):
        evaluate(run.best, data, "test", device="cpu")


# --- stock YOLO --------------------------------------------------------------------------------------------

STOCK = """
import importlib.abc, json, os, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "app" or name.startswith("app."):
            raise ImportError("the Studio is not here: " + name)

sys.meta_path.insert(0, Blocked())
from ultralytics import YOLO
model = YOLO(sys.argv[1])
swapped = model.model.model[3]
results = model.predict(sys.argv[2], imgsz=64, conf=0.001, verbose=False)
metrics = model.val(data=sys.argv[3], imgsz=64, device="cpu", plots=False, rect=False, workers=0,
                    project=os.getcwd(), verbose=False)
exported = model.export(format="onnx", imgsz=64, device="cpu", simplify=False)
print("RESULT " + json.dumps({
    "swapped": type(swapped).__name__ + "/" + type(swapped[0]).__name__,
    "design": "model.3: separable" in model.model.yaml["depthwise_studio"],
    "names": model.names[2], "shape": list(results[0].orig_shape), "map50": metrics.box.map50,
    "onnx": exported, "app": any(name == "app" or name.startswith("app.") for name in sys.modules),
}))
"""


def test_stock_yolo_opens_the_weights_where_the_studio_is_not(
    finished: tuple[RunFolder, list[dict[str, Any]]], data: Path, tmp_path: Path
) -> None:
    run, printed = finished
    shutil.copy(run.best, tmp_path / "best.pt")
    picture = next((data.parent / "images" / "val").iterdir())
    # The clean data.yaml of the run: its paths are absolute.
    clean = run.path / "data" / "data.yaml"
    config = tmp_path / "config"
    shutil.copytree(Path(os.environ["DEPTHWISE_STUDIO_CACHE"]) / "ultralytics", config)
    environment = {
        **{
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "ULTRALYTICS_SAFE_LOAD")
        },
        "YOLO_CONFIG_DIR": str(config),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
    }
    result = subprocess.run(
        [sys.executable, "-I", "-c", STOCK, str(tmp_path / "best.pt"), str(picture), str(clean)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    line = next(line for line in result.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    assert found["swapped"] == "Sequential/DWConv"
    assert found["design"]
    assert found["names"] == "Platelets"
    assert not found["app"]
    assert found["map50"] == pytest.approx(printed[-1]["best"]["map50"], abs=1e-3)
    assert (tmp_path / "best.onnx").is_file()


def test_safe_loading_accepts_the_weights(
    finished: tuple[RunFolder, list[dict[str, Any]]], tmp_path: Path
) -> None:
    run, _ = finished
    code = "import sys; from ultralytics.nn.tasks import load_checkpoint as l; print(type(l(sys.argv[1])[0]).__name__)"
    environment = {
        **os.environ,
        "ULTRALYTICS_SAFE_LOAD": "1",
        "YOLO_OFFLINE": "true",
        "YOLO_CONFIG_DIR": str(tmp_path),
    }
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, str(run.best)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=200,
    )
    assert result.stdout.split()[-1:] == ["DetectionModel"], result.stderr[-2000:]


# --- resuming ----------------------------------------------------------------------------------------------


def test_a_killed_training_goes_on_exactly_where_it_was(
    finished: tuple[RunFolder, list[dict[str, Any]]], data: Path, workspace: Path
) -> None:
    """The resumed run ends with the very weights and figures of the one that was left alone."""
    import torch

    whole, _ = finished
    run = new_run(workspace, "whole", data, epochs=3)
    killed = child(run, "kill", "2", "2")
    assert killed.returncode == -signal.SIGKILL
    assert run.state().status == "lost"
    with run.events_path.open("ab") as stream:
        stream.write(b'{"t": 9.9, "event": "ba')
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert lines(resumed.stdout)[0]["text"] == "Resumed after epoch 1."
    assert any(event["event"] == "started" and event["resumed_after"] == 1 for event in lines(resumed.stdout))
    events = [event for event in run.events() if event["event"] != "message"]
    kinds = [event["event"] for event in events if event["event"] != "batch"]
    assert kinds == ["started", *["epoch", "checkpoint"] * 3, "finished"]
    steps = [(event["epoch"], event["batch"]) for event in events if event["event"] == "batch"]
    assert steps == sorted(set(steps))
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    volatile = {"t", "seconds", "remaining"}
    mine = [{k: v for k, v in e.items() if k not in volatile} for e in run.events() if e["event"] == "epoch"]
    other = [
        {k: v for k, v in e.items() if k not in volatile} for e in whole.events() if e["event"] == "epoch"
    ]
    assert mine == other
    ours = torch.load(run.checkpoints / "last.ckpt", weights_only=True)
    theirs = torch.load(whole.checkpoints / "last.ckpt", weights_only=True)
    for part in ("model", "ema"):
        for name, value in theirs[part].items():
            assert torch.equal(ours[part][name], value), name
    assert len(run.metrics_path.read_text().splitlines()) == 4


def test_resuming_a_finished_run_writes_nothing(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, _ = finished

    def fingerprint() -> dict[str, tuple[str, int]]:
        files = (path for path in sorted(run.path.rglob("*")) if path.is_file())
        return {
            str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in files
        }

    before = fingerprint()
    result = child(run, "resume")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert fingerprint() == before


def test_killed_before_its_first_checkpoint_it_starts_again(data: Path, workspace: Path) -> None:
    run = new_run(workspace, "early", data, epochs=1)
    assert child(run, "kill", "1", "1").returncode == -signal.SIGKILL
    assert not list(run.checkpoints.glob("*.ckpt"))
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    kinds = [event["event"] for event in run.events() if event["event"] not in ("message", "batch")]
    assert kinds == ["started", "epoch", "checkpoint", "finished"]


def test_a_broken_checkpoint_falls_back_to_the_one_before(
    finished: tuple[RunFolder, list[dict[str, Any]]], workspace: Path
) -> None:
    whole, _ = finished
    run = RunFolder(workspace / "runs" / "whole")
    shutil.copytree(whole.path, run.path)
    newest = run.checkpoints / "last.ckpt"
    newest.write_bytes(newest.read_bytes()[:1000])
    text = run.events_path.read_text().splitlines(keepends=True)
    run.events_path.write_text("".join(text[:-1]))
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert lines(resumed.stdout)[0]["text"] == "Resumed after epoch 2."
    assert [event["epoch"] for event in run.events() if event["event"] == "epoch"] == [1, 2, 3]
    for path in run.checkpoints.iterdir():
        path.write_bytes(b"rubbish")
    run.events_path.write_text("".join(text[:-1]))
    refused = child(run, "resume")
    assert refused.returncode == 1
    assert "cannot be read" in refused.stderr


def test_a_run_is_never_overwritten(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, _ = finished
    before = run.events_path.read_bytes()
    result = child(run)
    assert result.returncode == 1
    assert "exists" in result.stderr
    assert run.events_path.read_bytes() == before


# --- ends --------------------------------------------------------------------------------------------------


def test_stopping_after_the_epoch_and_then_going_on(data: Path, workspace: Path) -> None:
    run = new_run(workspace, "polite", data, epochs=2)
    result = child(run, "stop_after_epoch", "1", "1")
    assert result.returncode == 0, result.stderr[-3000:]
    last = lines(result.stdout)[-1]
    assert (last["event"], last["by"], last["epoch"]) == ("stopped", "stop_after_epoch", 1)
    assert run.state().status == "stopped"
    assert run.last.is_file()
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    kinds = [event["event"] for event in run.events() if event["event"] not in ("message", "batch")]
    assert kinds == ["started", *["epoch", "checkpoint"] * 2, "finished"]


def test_stopping_now_keeps_the_last_checkpoint(data: Path, workspace: Path) -> None:
    run = new_run(workspace, "hasty", data, epochs=3)
    result = child(run, "stop_now", "2", "1")
    assert result.returncode == 0, result.stderr[-3000:]
    events = lines(result.stdout)
    assert (events[-1]["event"], events[-1]["by"], events[-1]["epoch"]) == ("stopped", "stop_now", 1)
    assert max((e["epoch"], e["batch"]) for e in events if e["event"] == "batch")[0] == 2
    assert events[-2]["event"] == "batch"
    assert (run.checkpoints / "last.ckpt").is_file()


def test_the_window_s_training_stops_by_the_run_folder(data: Path, workspace: Path) -> None:
    """The engine's job: stdin closed and stdout nowhere, as when the window is gone; a second run waits."""
    run = new_run(workspace, "apart", data, epochs=500)
    later = new_run(workspace, "later", data, epochs=1)
    environment = {**os.environ, "DEPTHWISE_STUDIO_NICE": "0"}
    with run.log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "--engine", "train"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=workspace,
            env=environment,
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"run": str(run.path), "then": [str(later.path)]}).encode() + b"\n")
    process.stdin.close()
    try:
        until(lambda: run.state().epoch >= 1, 120)
        assert run.state().status == "running"
        assert run.state().pid == process.pid
        assert later.state().status == "waiting"
        run.request("stop_now")
        assert process.wait(60) == 0
        assert run.state().status == "stopped"
        assert run.requested() is None
        until(lambda: later.state().status == "finished", 120)
        assert later.log_path.stat().st_size > 0
        assert b"Epoch" in run.log_path.read_bytes()
    finally:
        process.kill()
        process.wait()
        waiting = later.process()
        if waiting is not None:
            os.kill(waiting.pid, signal.SIGKILL)


def test_a_terminated_training_says_that_it_stopped(data: Path, workspace: Path) -> None:
    run = new_run(workspace, "terminated", data, epochs=500)
    with subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "--engine", "train"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DEPTHWISE_STUDIO_NICE": "0"},
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"run": str(run.path)}).encode() + b"\n")
        process.stdin.close()
        until(lambda: run.state().epoch >= 1, 120)
        process.terminate()
        process.wait(60)
    assert run.state().status == "stopped"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "/nowhere/data.yaml"}, "/nowhere"),
        ({"weights": "/nowhere/w.pt"}, "no weights"),
        ({"device": "7"}, "GPU 7"),
        ({"device": "toaster"}, "toaster"),
        ({"design_text": "format: 1\nbase: yolov5n\nclasses: 7\n"}, "7 classes"),
        ({"design_text": "format: 1\nbase: yolov5n\nswaps:\n  model.99: separable\n"}, "model.99"),
    ],
)
def test_what_cannot_be_trained_fails_with_a_reason(
    data: Path, workspace: Path, changes: dict[str, Any], words: str
) -> None:
    from app.engine.training import run as train

    folder = new_run(workspace, "bad", Path(changes.pop("data", data)), **changes)
    with pytest.raises(AppError) as caught:
        train(folder.config(), folder)
    assert words in caught.value.message
    state = folder.state()
    assert (state.status, state.reason, state.hint) == ("failed", caught.value.message, caught.value.hint)
    assert state.hint
    assert folder.process() is None


def test_a_loss_that_is_no_number_ends_the_training_with_a_word(data: Path, workspace: Path) -> None:
    wild = {"optimizer": "SGD", "lr0": 1.0, "warmup_epochs": 0.0, "nbs": BATCH, "box": 1e38}
    run = new_run(workspace, "wild", data, epochs=30, overrides=wild)
    result = child(run)
    assert result.returncode == 1
    last = list(run.events())[-1]
    assert last["event"] == "failed"
    assert "diverged" in last["reason"]
    assert "lr0" in last["hint"]
    for line in run.events_path.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/last.ckpt"), "disk is full (/x/last.ckpt)"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "cannot be written"),
        (ValueError("a\nb"), "ValueError: a"),
        (AppError("Mine.", "Hint."), "Mine."),
    ],
)
def test_every_failure_is_one_sentence_with_a_hint(error: Exception, words: str) -> None:
    told = explain(error)
    assert words in told.message
    assert told.hint
    assert "\n" not in told.message


def until(condition: Any, seconds: float) -> None:
    """Wait for a condition, looking four times a second."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.25)
