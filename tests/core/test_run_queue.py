"""The file of the runs that wait."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.errors import AppError
from app.core.processes import identify
from app.core.run_queue import QueueEntry, QueueState, RunQueue
from app.core.runs import Workspace


@pytest.fixture
def queue(tmp_path: Path) -> RunQueue:
    return RunQueue(Workspace(tmp_path))


def test_entries_keep_their_order_and_can_be_moved_and_removed(queue: RunQueue) -> None:
    assert queue.read() == QueueState()
    queue.add([QueueEntry("a"), QueueEntry("b"), QueueEntry("c")])
    queue.add([QueueEntry("d", resume=True)], first=True)
    assert queue.read().names == ("d", "a", "b", "c")
    assert queue.move("c", 0).names == ("c", "d", "a", "b")
    assert queue.move("c", 99).names == ("d", "a", "b", "c")
    assert queue.move("nobody", 0).names == ("d", "a", "b", "c")
    assert queue.remove("a").names == ("d", "b", "c")
    assert queue.add([QueueEntry("d")]).names == ("b", "c", "d")  # asked for again it is not there twice
    again = RunQueue(queue.workspace).read()
    assert again.names == ("b", "c", "d")
    assert "run: b" in queue.path.read_text()


def test_the_keeper_takes_one_after_the_other_and_leaves_when_nothing_waits(queue: RunQueue) -> None:
    queue.add([QueueEntry("a"), QueueEntry("b", resume=True)])
    started = []
    queue.keep(lambda: started.append(1) or identify())
    queue.keep(lambda: started.append(2) or identify())
    assert started == [1]
    assert queue.take() == QueueEntry("a")
    assert (queue.read().running, queue.read().names, queue.read().kept) == ("a", ("b",), True)
    assert queue.take() == QueueEntry("b", resume=True)
    assert queue.take() is None
    assert queue.read() == QueueState()


def test_a_held_queue_gives_nothing_and_keeps_everything(queue: RunQueue) -> None:
    queue.add([QueueEntry("a")])
    queue.hold(True)
    assert queue.take() is None
    assert (queue.read().names, queue.read().held) == (("a",), True)
    queue.hold(False)
    assert queue.take() == QueueEntry("a")


def test_a_dead_keeper_does_not_count(queue: RunQueue) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        queue.keep(lambda: identify(process.pid))
        assert queue.read().kept
        process.kill()
        process.wait()
    assert not queue.read().kept


@pytest.mark.parametrize("text", ["waiting: [", "just words", "- a\n- b\n"])
def test_a_file_that_is_no_queue_is_kept_aside(queue: RunQueue, text: str) -> None:
    queue.path.write_text(text)
    assert queue.read() == QueueState()
    assert queue.path.with_suffix(".broken.yaml").read_text() == text
    assert queue.add([QueueEntry("a")]).names == ("a",)


def test_what_a_person_wrote_is_taken_where_it_makes_sense(queue: RunQueue) -> None:
    queue.path.write_text("waiting: [a, {run: b, resume: true}, 7, {run: ../../etc}, a]\nheld: perhaps\n")
    state = queue.read()
    assert state.waiting == (QueueEntry("a"), QueueEntry("b", resume=True))
    assert not state.held


def test_changes_of_many_at_once_are_all_kept(queue: RunQueue) -> None:
    def add(number: int) -> None:
        for part in range(5):
            RunQueue(queue.workspace).add([QueueEntry(f"run-{number}-{part}")])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queue.read().names) == 30


def test_a_workspace_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AppError, match=r"queue\.yaml"):
        RunQueue(Workspace(tmp_path / "file")).add([QueueEntry("a")])
