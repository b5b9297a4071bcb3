"""The runtimes are measured once, where that is possible."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui import warm_up
from app.ui.application import Studio
from app.ui.warm_up import WarmUp

pytestmark = pytest.mark.alone  # times, and measures in the background


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(warm_up, "sample_weights", lambda side: tmp_path / f"{side}.pt")
    for side in ("standard", "lightweight"):
        (tmp_path / f"{side}.pt").write_bytes(b"weights")
    return tmp_path


def test_it_is_needed_until_a_table_is_kept(sample: Path) -> None:
    assert WarmUp.needed()
    (sample / "cache" / "runtimes.json").write_text("{}")
    assert not WarmUp.needed()


def test_without_the_sample_there_is_nothing_to_measure(sample: Path) -> None:
    (sample / "lightweight.pt").unlink()
    assert not WarmUp.needed()


def test_it_stays_out_of_the_way_of_other_work(sample: Path, studio: Studio, qtbot: QtBot) -> None:
    tasks = studio.services.tasks
    other = tasks.add("something else")
    WarmUp(tasks, tasks).start(0)
    qtbot.wait(50)
    assert tasks.running == (other,)
    other.end()
