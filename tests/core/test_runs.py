"""Run folders: names, records, events that survive a crash, states, control."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from app.core.errors import AppError
from app.core.events import EventLog, EventTail, encode_event, read_backwards, read_events
from app.core.files import replacing, write_text
from app.core.processes import ProcessIdentity, identify, is_alive
from app.core.runs import RunFolder, Workspace, check_name, make_name
from app.core.train_config import TrainConfig

DESIGN = "format: 1\nbase: yolov5n\nclasses: 3\nswaps:\n  model.3: separable\n"


def config(**changes: object) -> TrainConfig:
    return TrainConfig(**{"design_text": DESIGN, "data": "/data/data.yaml", "epochs": 3, **changes})  # type: ignore[arg-type]


def started(**changes: object) -> dict[str, object]:
    event = {"t": 0.0, "event": "started", "time": "2025-01-02T03:04:05+00:00", "epochs": 3, "batches": 4}
    return {**event, "device": "cpu", "parameters": 1000, **changes}


def epoch(number: int, t: float) -> dict[str, object]:
    best = {"epoch": number, "map50_95": number / 10}
    return {
        "t": t,
        "event": "epoch",
        "epoch": number,
        "map50_95": number / 10,
        "remaining": 5.0,
        "best_so_far": best,
    }


def batch(number: int, t: float, in_epoch: int) -> dict[str, object]:
    return {"t": t, "event": "batch", "epoch": in_epoch, "batch": number, "losses": {"box": 1.0}}


@pytest.fixture
def run(workspace: Path) -> RunFolder:
    folder = Workspace(workspace).new_run("bccd")
    folder.write_config(config(name=folder.name))
    return folder


# --- the workspace -----------------------------------------------------------------------------------------


def test_a_taken_name_is_numbered_and_nothing_is_overwritten(workspace: Path) -> None:
    space = Workspace(workspace)
    first = space.new_run("yolov5n light")
    write_text(first.path / "mine.txt", "precious")
    names = [space.new_run("yolov5n light").name for _ in range(2)]
    assert names == ["yolov5n light-2", "yolov5n light-3"]
    assert (first.path / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize(
    "name", ["", "  ", "../up", "a/b", "a\\b", ".hidden", "con", "NUL.txt", "a" * 81, "tail.", "q?"]
)
def test_a_name_that_is_no_folder_is_refused(workspace: Path, name: str) -> None:
    with pytest.raises(AppError):
        Workspace(workspace).new_run(name)
    assert not (workspace / "runs").exists() or not list((workspace / "runs").iterdir())


@pytest.mark.parametrize("name", ["血细胞", "yolov5n-light (2)", "a.b_c+d"])
def test_names_that_people_give_are_taken(name: str) -> None:
    assert check_name(name) == name


def test_a_run_is_found_by_name_and_a_stranger_is_refused(workspace: Path, run: RunFolder) -> None:
    assert Workspace(workspace).run("bccd") == run
    with pytest.raises(AppError, match="no run named"):
        Workspace(workspace).run("other")
    with pytest.raises(AppError):
        Workspace(workspace).run("../bccd")


def test_runs_are_listed_newest_first_and_other_folders_left_out(workspace: Path) -> None:
    space = Workspace(workspace)
    for index, name in enumerate(("a", "b", "c")):
        folder = space.new_run(name)
        folder.write_config(config(name=name))
        os.utime(folder.path / "run.yaml", (1000 + index, 1000 + index))
    (space.runs / "notes").mkdir()
    (space.runs / "file.txt").write_text("x")
    assert [item.name for item in space.list_runs()] == ["c", "b", "a"]
    assert Workspace(workspace / "nowhere").list_runs() == []


@pytest.mark.parametrize("text", ["a/b:c", "..", "nul", "x" * 200, "  ", "血/细胞", "C:\\models\\yolo"])
def test_any_text_makes_a_name(text: str) -> None:
    name = make_name(text, "-standard")
    assert check_name(name) == name
    assert name.endswith("-standard")


# --- the record --------------------------------------------------------------------------------------------


def test_the_record_comes_back_as_it_was(run: RunFolder) -> None:
    wanted = config(
        overrides={"optimizer": "AdamW", "lr0": 0.0005, "close_mosaic": 0}, weights="/w/a.pt", seed=7
    )
    run.write_config(wanted)
    assert run.config() == wanted
    assert (run.path / "design.yaml").read_text() == DESIGN
    assert abs(run.created() - time.time()) < 60


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"epochs": True},
        {"imgsz": 100},
        {"batch": -1},
        {"role": "other"},
        {"warm_start": "magic"},
        {"overrides": {"project": "/tmp"}},
        {"overrides": {"lr0": "high"}},
        {"overrides": {"lr0": float("nan")}},
        {"overrides": {"optimizer": "Magic"}},
        {"overrides": {"patience": True}},
    ],
)
def test_a_value_out_of_range_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(AppError) as caught:
        config(**changes)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "[]", "design_text: [", "a: b", "design_text: x\ndata: y\noverrides: 3"]
)
def test_a_broken_record_is_an_app_error(run: RunFolder, text: str) -> None:
    (run.path / "run.yaml").write_text(text)
    with pytest.raises(AppError):
        run.config()


def test_unknown_keys_of_a_later_version_are_left_aside(run: RunFolder) -> None:
    data = yaml.safe_load((run.path / "run.yaml").read_text())
    (run.path / "run.yaml").write_text(yaml.safe_dump({**data, "format": 2, "quantum": True}))
    assert run.config().epochs == 3


# --- events ------------------------------------------------------------------------------------------------


def test_events_come_back_in_order_and_not_finite_numbers_become_null(run: RunFolder) -> None:
    run.append_event(started())
    run.append_event({"t": 1.0, "event": "epoch", "losses": {"box": float("nan"), "cls": float("inf")}})
    events = list(run.events())
    assert [event["event"] for event in events] == ["started", "epoch"]
    assert events[1]["losses"] == {"box": None, "cls": None}
    for line in run.events_path.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(name))


def test_a_half_written_last_line_is_left_out_and_then_cut_off(run: RunFolder) -> None:
    run.append_event(started())
    with run.events_path.open("ab") as stream:
        stream.write(encode_event(batch(1, 1.0, 1))[:-9])
    assert [event["event"] for event in run.events()] == ["started"]
    assert run.state(lambda _: False).batch == 0
    run.append_event(batch(2, 2.0, 1))
    assert [event.get("batch") for event in run.events()] == [None, 2]


def test_garbage_between_events_is_left_out(run: RunFolder) -> None:
    run.append_event(started())
    with run.events_path.open("ab") as stream:
        stream.write(b'\x00\xff\xfe\n[1, 2]\n"x"\n{"t": 1}\n\n')
    run.append_event(epoch(1, 2.0))
    assert [event["event"] for event in run.events()] == ["started", "epoch"]
    assert run.state(lambda _: False).epoch == 1


def test_a_log_can_be_cut_back_to_a_position(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.append(started())
    position = log.position
    log.append(batch(1, 1.0, 1))
    log.close()
    again = EventLog(tmp_path / "events.jsonl", keep=position)
    assert again.position == position
    again.append(epoch(1, 2.0))
    again.close()
    assert [event["event"] for event in read_events(tmp_path / "events.jsonl")] == ["started", "epoch"]


def test_a_tail_gives_each_event_once_and_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.poll() == ([], False)
    log = EventLog(path)
    log.append(started())
    line = encode_event(batch(1, 1.0, 1))
    with path.open("ab") as stream:
        stream.write(line[:10])
        stream.flush()
        assert [event["event"] for event in tail.poll()[0]] == ["started"]
        assert tail.poll() == ([], False)
        stream.write(line[10:])
    assert [event["event"] for event in tail.poll()[0]] == ["batch"]
    assert tail.poll() == ([], False)
    log.close()


def test_a_tail_notices_that_the_run_was_resumed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.append(started())
    position = log.position
    for number in range(5):
        log.append(batch(number, 1.0, 1))
    log.close()
    tail = EventTail(path)
    assert len(tail.poll()[0]) == 6
    resumed = EventLog(path, keep=position)
    for number in range(40):  # longer than before: the size alone would not tell
        resumed.append(batch(number, 2.0, 1))
    events, restarted = tail.poll()
    assert restarted
    assert len(events) == 41
    assert tail.poll() == ([], False)
    resumed.close()


def test_lines_backwards_are_the_lines_reversed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    lines = [b"%d " % index + b"y" * (index * 37 % 5000) for index in range(200)]
    path.write_bytes(b"\n".join(lines) + b"\ntorn")
    assert list(read_backwards(path)) == lines[::-1]
    path.write_bytes(b"")
    assert list(read_backwards(path)) == []
    path.write_bytes(b"torn only")
    assert list(read_backwards(path)) == []


# --- states ------------------------------------------------------------------------------------------------


def test_states_of_a_run_through_its_life(run: RunFolder) -> None:
    assert run.state().status == "waiting"
    assert run.state().epochs == 3
    run.claim()
    assert run.state().status == "waiting"
    assert run.state().live
    run.append_event(started())
    run.append_event(batch(2, 5.0, 1))
    state = run.state()
    assert (state.status, state.epoch, state.batch, state.batches) == ("running", 0, 2, 4)
    assert state.pid == os.getpid()
    assert state.started == 1735787045.0
    run.append_event(epoch(1, 9.0))
    state = run.state()
    assert (state.epoch, state.batch, state.remaining, state.seconds) == (1, 0, 5.0, 9.0)
    run.append_event(batch(1, 10.0, 2))
    assert (run.state().epoch, run.state().batch) == (1, 1)
    run.append_event({"t": 20.0, "event": "finished", "best": {"epoch": 1, "map50_95": 0.4}})
    state = run.state()
    assert (state.status, state.pid, state.best["map50_95"], state.remaining) == ("finished", None, 0.4, None)
    assert not state.live


@pytest.mark.parametrize("name", ["stopped", "failed"])
def test_a_final_event_wins_over_a_living_process(run: RunFolder, name: str) -> None:
    run.claim()
    run.append_event(started())
    run.append_event({"t": 1.0, "event": name, "reason": "The disk is full.", "hint": "Free some."})
    state = run.state()
    assert (state.status, state.reason, state.hint) == (name, "The disk is full.", "Free some.")


def test_a_killed_training_is_lost_and_says_so(run: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        run.claim(child.pid)
        run.append_event(started())
        run.append_event(epoch(1, 3.0))
        assert run.state().status == "running"
        child.kill()
    state = run.state()
    assert state.status == "lost"
    assert state.epoch == 1
    assert "ended" in state.reason
    assert "Resume" in state.hint


def test_another_process_with_the_same_number_is_not_the_training(run: RunFolder) -> None:
    me = identify()
    assert me is not None
    assert is_alive(me)
    stranger = ProcessIdentity(me.pid, me.started - 100.0, me.host)
    assert not is_alive(stranger)
    write_text(run.path / "process.json", json.dumps(stranger.to_dict()))
    run.append_event(started())
    assert run.state().status == "lost"


def test_a_run_of_another_machine_counts_until_it_falls_silent(run: RunFolder) -> None:
    elsewhere = ProcessIdentity(1, 1.0, "another-machine")
    write_text(run.path / "process.json", json.dumps(elsewhere.to_dict()))
    run.append_event(started())
    assert run.state().status == "running"
    long_ago = time.time() - 3600
    os.utime(run.events_path, (long_ago, long_ago))
    assert run.state().status == "lost"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_broken_process_file_is_no_process(run: RunFolder, text: str) -> None:
    (run.path / "process.json").write_text(text)
    assert run.process() is None
    assert run.state().status == "waiting"


def test_control_is_asked_for_read_and_cleared(run: RunFolder) -> None:
    assert run.requested() is None
    run.request("stop_after_epoch")
    assert run.requested() == "stop_after_epoch"
    run.request("stop_now")
    assert run.requested() == "stop_now"
    run.clear_request()
    assert run.requested() is None
    with pytest.raises(AppError):
        run.request("explode")
    (run.path / "control.json").write_text("{")
    assert run.requested() is None


@pytest.mark.alone
def test_the_states_of_two_hundred_runs_come_at_once(workspace: Path) -> None:
    space = Workspace(workspace)
    for index in range(200):
        folder = space.new_run(f"run {index}")
        folder.write_config(config(name=folder.name))
        lines = [encode_event(started())]
        for number in range(1, 41):
            lines += [encode_event(batch(b, number * 1.0, number)) for b in range(20)]
            lines.append(encode_event(epoch(number, number * 1.0)))
        lines.append(encode_event({"t": 50.0, "event": "finished", "best": {"epoch": 40, "map50_95": 0.4}}))
        folder.events_path.write_bytes(b"".join(lines))
    begun = time.perf_counter()
    states = [item.state() for item in space.list_runs()]
    seconds = time.perf_counter() - begun
    assert {state.status for state in states} == {"finished"}
    assert {state.epoch for state in states} == {40}
    assert seconds < 0.5, f"{seconds:.2f} s"


# --- files -------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.txt"
    write_text(path, "one\n")

    def fail_halfway() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_text() == "one\n"
    assert list(path.parent.iterdir()) == [path]


def test_core_runs_imports_neither_qt_nor_torch_nor_psutil() -> None:
    code = (
        "import sys, app.core.runs, app.core.train_config, app.core.events\n"
        "print([m for m in ('PySide6', 'torch', 'psutil', 'numpy', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# --- pausing, and resuming otherwise -----------------------------------------------------------------------


def test_a_pause_is_asked_for_taken_back_and_read_from_the_events(run: RunFolder) -> None:
    run.claim()
    run.append_event(started())
    run.append_event(batch(1, 1.0, 1))
    run.request("pause")
    assert run.requested() == "pause"
    assert not run.state().paused
    run.append_event({"t": 1.5, "event": "paused", "epoch": 1, "batch": 1})
    state = run.state()
    assert (state.status, state.paused) == ("running", True)
    run.continue_()
    assert run.requested() is None
    run.append_event({"t": 1.5, "event": "continued", "seconds": 9.0})
    assert not run.state().paused
    run.request("stop_now")
    run.continue_()
    assert run.requested() == "stop_now"
    run.append_event({"t": 1.6, "event": "paused", "epoch": 1, "batch": 1})
    run.release()
    assert not run.state().paused  # nobody is there to go on


def test_a_run_is_told_otherwise_before_it_is_resumed(run: RunFolder) -> None:
    created = run.created()
    run.append_event(started())
    run.append_event({**epoch(2, 4.0), "epochs": 3})
    before = (run.path / "run.yaml").stat().st_mtime_ns
    assert run.change() == run.config()
    assert (run.path / "run.yaml").stat().st_mtime_ns == before
    assert run.change(epochs=9, batch=4, device="cpu") == config(
        name=run.name, epochs=9, batch=4, device="cpu"
    )
    assert run.config().epochs == 9
    assert run.created() == created
    with pytest.raises(AppError, match="2 epochs already"):
        run.change(epochs=1)
    with pytest.raises(AppError, match="batch is 5000"):
        run.change(batch=5000)
    run.append_event({**batch(1, 5.0, 3), "epochs": 9, "batches": 7})
    state = run.state(lambda _: True)
    assert (state.epochs, state.batches, state.batch) == (9, 7, 1)
    run.claim()
    with pytest.raises(AppError, match="Stop it first"):
        run.change(epochs=20)


def test_an_event_is_written_whole_or_not_at_all(run: RunFolder) -> None:
    log = EventLog(run.events_path)
    log.append(started())
    size = log.position
    whole = log._stream

    class Full:
        """A disk that takes a part, and then no more."""

        left = 20

        def write(self, data: memoryview) -> int:
            if not self.left:
                raise OSError(28, "No space left on device")
            taken, self.left = min(len(data), self.left), 0
            return whole.write(data[:taken])

        def __getattr__(self, name: str) -> object:
            return getattr(whole, name)

    log._stream = Full()  # type: ignore[assignment]
    with pytest.raises(OSError, match="No space"):
        log.append(batch(1, 1.0, 1))
    assert log.position == size
    log._stream = whole
    log.append(batch(2, 2.0, 1))
    log.close()
    assert [event["event"] for event in run.events()] == ["started", "batch"]
