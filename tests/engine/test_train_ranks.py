"""Several GPUs: the process that watches the others. What each GPU's process does needs GPUs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import AppError
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.engine import train_ranks
from app.engine.train_ranks import engine_command, train_on_ranks

STAND_IN = """
import json, os, sys, time
from pathlib import Path
request = json.loads(sys.stdin.readline())
folder = Path(request["run"])
seen = {name: os.environ[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")}
(folder / f"seen-{request['rank']}.json").write_text(json.dumps(seen))
what = sys.argv[1]
if request["rank"] == 0 and what != "silent":
    with open(folder / "events.jsonl", "a") as stream:
        for event in ({"t": 1.0, "event": "started"}, {"t": 2.0, "event": "finished"}):
            if what == "waits" and event["event"] == "finished":
                while not (folder / "control.json").exists():
                    time.sleep(0.05)
            stream.write(json.dumps(event) + "\\n")
            stream.flush()
            if what == "dies":
                sys.exit(3)
elif what != "silent":
    time.sleep(60)
"""


@pytest.fixture
def run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setattr(train_ranks, "_GRACE_S", 0.5)  # the others would sleep for a minute
    folder = Workspace(workspace).new_run("several")
    folder.write_config(TrainConfig("format: 1\nbase: yolov5n\n", "/d.yaml", device="0,1"))
    return folder


def train(run: RunFolder, what: str, asked: str | None = None, resume: bool = False) -> tuple[Any, list[str]]:
    told: list[str] = []
    command = [sys.executable, "-c", STAND_IN, what]
    final = train_on_ranks(run, 2, resume, lambda event: told.append(event["event"]), lambda: asked, command)
    return final, told


def test_events_are_passed_on_and_the_others_ended(run: RunFolder) -> None:
    final, told = train(run, "works")
    assert told == ["started", "finished"]
    assert final["event"] == "finished"
    seen = [json.loads((run.path / f"seen-{rank}.json").read_text()) for rank in range(2)]
    assert [entry["RANK"] for entry in seen] == ["0", "1"]
    assert {entry["WORLD_SIZE"] for entry in seen} == {"2"}
    assert len({entry["MASTER_PORT"] for entry in seen}) == 1


@pytest.mark.parametrize(("what", "status"), [("dies", "3"), ("silent", "0")])
def test_a_process_that_ends_without_a_word_is_an_error(run: RunFolder, what: str, status: str) -> None:
    with pytest.raises(AppError, match=f"GPU 0 ended .status {status}"):
        train(run, what)


def test_the_wish_to_stop_reaches_the_processes(run: RunFolder) -> None:
    _, told = train(run, "waits", "stop_after_epoch")
    assert told == ["started", "finished"]
    assert run.requested() == "stop_after_epoch"


def test_the_engine_s_command_trains() -> None:
    assert engine_command()[-2:] == ["--engine", "train"]


def test_a_frozen_application_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/Studio/studio")
    assert engine_command() == ["/opt/Studio/studio", "--engine", "train"]
