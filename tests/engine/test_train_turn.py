"""An estimate lets trainings, comparisons and older measurements go first, and says so."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from app.core import arbiter
from app.core.processes import identify
from app.core.train_config import TrainConfig
from app.engine import train_estimate, train_turn
from app.engine.jobs import Channel
from app.engine.train_errors import StopNow
from tests.engine.tiny_runs import DESIGN

CONFIG = TrainConfig(DESIGN, "data.yaml").to_dict()
RESULT = {"batch": 4}


class Listener(Channel):
    """A channel that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.stop = False

    @property
    def cancelled(self) -> bool:
        return self.stop

    def emit(self, event: Any) -> None:
        self.events.append(event)
        if event.get("for"):
            self.on_waiting()

    def on_waiting(self) -> None:
        """Called when it begins to wait."""

    @property
    def waited_for(self) -> list[str]:
        return [event["for"] for event in self.events if event["event"] == "waiting"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(arbiter, "_PAUSE_S", 0.02)


@pytest.fixture
def listener() -> Listener:
    return Listener()


def another(kind: str) -> Path:
    """Let the process that started this one say that it does something; return the file that says so."""
    process = identify(os.getppid())
    assert process is not None
    path = arbiter.folder() / f"{process.pid}-{kind}-0.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"kind": kind, "since": 0.0, "process": process.to_dict()}))
    return path


@pytest.mark.parametrize("kind", [arbiter.TRAINING, arbiter.COMPARISON, arbiter.MEASUREMENT])
def test_it_waits_with_a_word(kind: str, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_estimate, "estimate", lambda *_: RESULT)
    path = another(kind)
    listener.on_waiting = lambda: threading.Timer(0.05, path.unlink).start()  # type: ignore[method-assign]
    assert train_turn.run({"config": CONFIG, "wait": True}, listener) == RESULT
    assert listener.waited_for == [kind, ""]
    assert "Waiting" in listener.events[1]["text"]


def test_what_begins_in_the_middle_goes_first_too(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def estimate(_config: TrainConfig, folder: Path, channel: Channel) -> dict[str, Any]:
        tries.append(folder)
        assert folder.is_dir()
        if len(tries) == 1:
            path = another(arbiter.COMPARISON)
            listener.on_waiting = path.unlink  # type: ignore[method-assign]
        assert not channel.cancelled
        return RESULT

    monkeypatch.setattr(train_estimate, "estimate", estimate)
    assert train_turn.run({"config": CONFIG, "wait": True}, listener) == RESULT
    assert listener.waited_for == ["", arbiter.COMPARISON, ""]
    assert len(set(tries)) == 2
    assert not any(folder.exists() for folder in tries)


def test_at_once_it_waits_for_nobody_but_lets_others_know(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def estimate(_config: TrainConfig, _folder: Path, channel: Channel) -> dict[str, Any]:
        seen.append(len(list(arbiter.folder().glob(f"{os.getpid()}-measurement-*.json"))))
        assert not channel.cancelled
        return RESULT

    monkeypatch.setattr(train_estimate, "estimate", estimate)
    another(arbiter.TRAINING)
    assert train_turn.run({"config": CONFIG}, listener) == RESULT
    assert seen == [1]
    assert listener.waited_for == [""]


def test_a_cancelled_one_gives_nothing(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    def estimate(_config: TrainConfig, _folder: Path, channel: Channel) -> dict[str, Any]:
        listener.stop = True
        if channel.cancelled:
            raise StopNow
        return RESULT

    monkeypatch.setattr(train_estimate, "estimate", estimate)
    assert train_turn.run({"config": CONFIG, "wait": True}, listener) == {}
    another(arbiter.TRAINING)
    assert train_turn.run({"config": CONFIG, "wait": True}, listener) == {}  # while it waits
