"""CompareWorker: pictures out of the ring, the newest only, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.ui.widgets.frame_view import FrameView
from app.workers.compare import CompareWorker, make_ring_folder
from tests.benchmarks.soak import Watch, stream
from tests.pairs import make_pair


@pytest.fixture(scope="module")
def pair(clips_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_pair(clips_dir / "vtest.avi", tmp_path_factory.mktemp("pair"))


@pytest.fixture
def worker(pair: tuple[Path, Path], clips_dir: Path) -> Iterator[CompareWorker]:
    worker = CompareWorker(
        {"a": str(pair[0]), "b": str(pair[1]), "source": str(clips_dir / "vtest.avi"), "confidence": 0.05}
    )
    yield worker
    worker.close()
    assert not own_folders()


def own_folders() -> list[Path]:
    parent = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
    return list(parent.glob(f"depthwise-studio-ring-{os.getpid()}-*"))


def child() -> psutil.Process:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "compare" in process.cmdline():
                found.append(process)
    assert len(found) == 1
    return found[0]


def test_pairs_come_with_their_picture_and_detectors(qtbot: QtBot, worker: CompareWorker) -> None:
    told: list[dict[str, Any]] = []
    worker.ready.connect(told.append)
    with qtbot.waitSignal(worker.statistics_changed, timeout=30_000):
        worker.start()
    assert [(ready["a"]["runtime"], ready["b"]["shape"]) for ready in told] == [("openvino", [128, 160])]
    pair = worker.take_pair()
    assert pair is not None
    assert (pair.image.width(), pair.image.height()) == (768, 576)
    assert pair.a is not None
    assert pair.a.boxes[0].right > pair.a.boxes[0].left
    assert pair.counts is not None
    assert sum(pair.counts[name] for name in ("agree", "class_changed", "only_a")) == len(pair.a.boxes)
    assert 0 < pair.age_ms() < 10_000


def test_a_consumer_that_is_busy_gets_the_newest_and_no_queue(qtbot: QtBot, worker: CompareWorker) -> None:
    told: list[int] = []
    worker.pair_ready.connect(lambda: told.append(1))
    with qtbot.waitSignal(worker.statistics_changed, timeout=30_000):
        worker.start()
    qtbot.wait(800)
    # Nobody took a pair: it was said once that there is one.
    assert len(told) == 1
    first = worker.take_pair()
    qtbot.waitUntil(lambda: len(told) == 2, timeout=5000)
    second = worker.take_pair()
    assert first is not None
    assert second is not None
    assert second.index > first.index


def test_a_killed_child_is_told_and_leaves_no_files(qtbot: QtBot, worker: CompareWorker) -> None:
    with qtbot.waitSignal(worker.statistics_changed, timeout=30_000):
        worker.start()
    with qtbot.waitSignal(worker.failed, timeout=10_000) as told:
        child().send_signal(signal.SIGKILL)
    assert isinstance(told.args[0], AppError)
    assert worker.wait(5000)
    assert not own_folders()


def test_the_ring_of_a_killed_studio_is_removed() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = make_ring_folder()
    left = mine.with_name(f"depthwise-studio-ring-{gone.pid}-abc")
    left.mkdir()
    (left / "ring").write_bytes(bytes(100))
    another = make_ring_folder()
    assert not left.exists()
    assert mine.exists()
    mine.rmdir()
    another.rmdir()


def test_a_stuck_child_is_ended(qtbot: QtBot, worker: CompareWorker) -> None:
    with qtbot.waitSignal(worker.statistics_changed, timeout=30_000):
        worker.start()
    process = child()
    process.suspend()
    worker.close()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


# --- what goes on for long (`make soak` is longer) -------------------------------------------------------

SETTLED_S, SECONDS = 1.5, 4.0


@pytest.fixture
def served() -> Iterator[tuple[str, int]]:
    with stream() as found:
        yield found


def test_nothing_grows_on_a_file_and_on_a_stream(
    qtbot: QtBot, worker: CompareWorker, served: tuple[str, int]
) -> None:
    address, server = served
    view = FrameView("soaked")
    qtbot.addWidget(view)
    view.show()
    painted = [0]

    def show() -> None:
        pair = worker.take_pair()
        if pair is not None and pair.a is not None:
            painted[0] += 1
            view.show_frame(pair.image, pair.a.boxes)

    worker.pair_ready.connect(show)
    with qtbot.waitSignal(worker.statistics_changed, timeout=30_000):
        worker.start()
    worker.send({"command": "speed", "value": 4.0})
    verdicts = [watched(qtbot, painted, server)]
    with qtbot.waitSignal(worker.source_opened, timeout=10_000):
        worker.send({"command": "source", "source": address})
    with qtbot.waitSignal(worker.statistics_changed, timeout=10_000):
        pass
    verdicts.append(watched(qtbot, painted, server))
    for verdict in verdicts:
        assert {process["name"].split()[0] for process in verdict["processes"]} >= {"window", "compare"}
        # Rates are for the long soak: a few seconds of a shared machine say nothing about them.
        assert [fault for fault in verdict["faults"] if "pairs a second" not in fault] == []
        assert verdict["pairs"] > 20


def watched(qtbot: QtBot, painted: list[int], server: int) -> dict[str, Any]:
    """Let the event loop run, and return what was found meanwhile."""
    watch, begin, before = Watch(SETTLED_S, 1.0, {server}), time.monotonic(), painted[0]
    while time.monotonic() - begin < SECONDS:
        qtbot.wait(200)
        watch.look(painted[0] - before)
    return watch.verdict()
