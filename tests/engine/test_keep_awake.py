"""Keeping the machine awake: the helper lives exactly as long as the training."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.cli import run as verb
from app.commands import training as verbs
from app.core.settings import load_settings
from app.engine import keep_awake, training
from app.engine.keep_awake import keeping_awake
from tests.engine.tiny_runs import new_run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd-inhibit")

_INHIBIT = """#!/bin/sh
echo "$$ $*" >> "$RECORD"
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemd-inhibit that notes how it was called and then does as the real one: it runs the command."""
    program = tmp_path / "systemd-inhibit"
    program.write_text(_INHIBIT)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = tmp_path / "record"
    monkeypatch.setenv("RECORD", str(path))
    return path


def helper_of(record: Path) -> psutil.Process:
    return psutil.Process(int(record.read_text().split()[0]))


def test_a_block_holds_sleep_and_gives_it_back(record: Path) -> None:
    with keeping_awake() as agreed:
        assert agreed
        assert "--what=sleep:idle --mode=block" in record.read_text()
        helper = helper_of(record)
        assert helper.is_running()
    assert not helper.is_running()


def test_the_lock_dies_with_a_killed_training(record: Path) -> None:
    code = "import time; from app.engine.keep_awake import keeping_awake as k\nwith k(): time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        while not record.is_file():
            time.sleep(0.02)
        helper = helper_of(record)
        time.sleep(0.5)
        process.kill()
    helper.wait(5)


def test_nothing_is_held_where_it_is_not_wanted_or_not_possible(
    record: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with keeping_awake(False) as agreed:
        assert not agreed
    assert not record.exists()
    (record.parent / "systemd-inhibit").write_text("#!/bin/sh\nexit 1\n")
    with keeping_awake() as agreed:
        assert not agreed
    assert "may fall asleep" in capfd.readouterr().err
    monkeypatch.setenv("PATH", str(record.parent / "nothing"))
    with keeping_awake() as agreed:
        assert not agreed
    assert "is not there" in capfd.readouterr().err


@pytest.mark.parametrize("wanted", [True, False])
def test_the_command_line_holds_sleep_off_while_it_trains(
    wanted: bool, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_run(workspace, "run", workspace / "data.yaml")
    said: list[str] = []

    def hold() -> Callable[[], None]:
        said.append("held")
        return lambda: said.append("given back")

    monkeypatch.setattr(keep_awake, "_hold", hold)
    monkeypatch.setattr(training, "run", lambda *_args, **_more: said.append("trained"))
    monkeypatch.setattr(verbs, "_prepare", lambda _output: None)  # keeps the streams of this process
    monkeypatch.setattr(verbs, "load_settings", lambda: replace(load_settings(), keep_awake=wanted))
    arguments = ["train", "yolov5n", "--data", "sample", "--resume", "--name", "run"]
    assert verb([*arguments, "--workspace", str(workspace)]) == 0
    assert said == (["held", "trained", "given back"] if wanted else ["trained"])
