"""The window's responsiveness while the engine works, and how soon the sample is live.

    sh tools/with_display.sh python -m tests.benchmarks.window [--seconds 40]

A thread posts an event every 10 ms into the window's loop; beside it a bare Qt window in a process of its own is
measured in the same way, at the same time, under the same load.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from tests.benchmarks.heartbeat import Heartbeat

if TYPE_CHECKING:
    from app.ui.application import Studio

LIMITS = {"p999": 50.0, "maximum": 150.0}


def wait(seconds: float) -> None:
    """Let the event loop run."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], bool], seconds: float) -> float:
    """Let the event loop run until the condition holds; return the seconds it took.

    Raises:
        TimeoutError: it did not.
    """
    start = time.perf_counter()
    while not condition():
        if time.perf_counter() - start > seconds:
            raise TimeoutError(f"not within {seconds} s")
        wait(0.02)
    return time.perf_counter() - start


def beside_a_bare_loop(seconds: float) -> dict[str, Any]:
    """Measure this window and a bare one at the same time; milliseconds."""
    other = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.heartbeat", str(seconds)], stdout=subprocess.PIPE, text=True
    )
    heartbeat = Heartbeat()
    heartbeat.start()
    wait(seconds)
    mine = heartbeat.stop()
    bare = json.loads(other.communicate()[0])
    return {"window": mine.__dict__, "bare": bare}


def open_studio(workspace: Path) -> Studio:
    """Return a shown Studio on a workspace of its own."""
    from app.core.settings import load_settings, save_settings
    from app.ui import application as studio

    settings = load_settings()
    save_settings(type(settings)(**{**settings.__dict__, "workspace": str(workspace)}))
    application = studio.create_application(sys.argv[:1])
    made = studio.build(application)
    made.window.resize(1280, 800)
    made.window.start()
    wait(1.0)
    return made


def see_it_live(made: Studio) -> float:
    """Click the card of the Home page; return the seconds until boxes of both detectors are painted."""
    window = made.window
    window.show_page("home")
    button = next(b for b in window.page("home").findChildren(QPushButton) if "sample" in b.text().lower())
    start = time.perf_counter()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    page: Any = window.page("compare")

    def both_have_boxes() -> bool:
        pair = page._pair
        return pair is not None and bool(pair.a and pair.b and pair.a.boxes and pair.b.boxes)

    wait_until(both_have_boxes, 120)
    return time.perf_counter() - start


def measure_comparison(made: Studio, seconds: float) -> dict[str, Any]:
    """Measure while two detectors run on the sample."""
    page: Any = made.window.page("compare")
    result = beside_a_bare_loop(seconds)
    page.session.stop()
    return result


def measure_training(made: Studio, workspace: Path, seconds: float) -> dict[str, Any]:
    """Measure while a training on all cores draws its curves."""
    from app.core.design import dump_design, preset
    from app.core.run_queue import RunQueue
    from app.core.runs import Workspace
    from app.core.train_config import TrainConfig
    from app.workers.queue import enqueue
    from app.workers.training import end_training

    folder = Workspace(workspace)
    run = folder.new_run("heartbeat")
    run.write_config(
        TrainConfig(
            dump_design(preset("separable")), "sample", "heartbeat", 500, imgsz=160, workspace=str(workspace)
        )
    )
    enqueue(RunQueue(folder), [run.name], awake=False)
    made.services.workspace.notify_runs_changed()
    made.window.show_page("train")
    wait_until(lambda: any(e["event"] == "batch" for e in run.events()), 120)
    result = beside_a_bare_loop(seconds)
    result["batches"] = sum(e["event"] == "batch" for e in run.events())
    end_training(run)
    return result


def measure(seconds: float) -> dict[str, Any]:
    """Return all figures: seconds until live, and delays in milliseconds."""
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(Path(temporary) / "config")
        workspace = Path(temporary) / "workspace"
        workspace.mkdir()
        made = open_studio(workspace)
        first = see_it_live(made)
        comparison = measure_comparison(made, seconds)
        again = see_it_live(made)
        made.window.page("compare").session.stop()  # type: ignore[attr-defined]
        training = measure_training(made, workspace, seconds)
        made.services.workspace.undo_stack.setClean()
        made.window.end()
        return {"live_first_s": first, "live_again_s": again, "comparison": comparison, "training": training}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=40)
    print(json.dumps(measure(parser.parse_args().seconds), indent=1))
