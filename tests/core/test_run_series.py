"""Events of a run as series to draw."""

from __future__ import annotations

import math
import threading
from typing import Any

from app.core.run_series import MOST_MESSAGES, RunSeries


def epoch(number: int, **changes: Any) -> dict[str, Any]:
    losses = {"box": 1.0 * number, "cls": 2.0, "dfl": 3.0}
    return {
        "event": "epoch",
        "epoch": number,
        "train": losses,
        "val": losses,
        "map50": 0.1 * number,
        **changes,
    }


def started() -> dict[str, Any]:
    return {"event": "started", "epochs": 5, "batches": 4}


def batch(number: int, in_epoch: int) -> dict[str, Any]:
    return {"event": "batch", "epoch": in_epoch, "batch": number, "losses": {"box": 1.0, "cls": 0.5}}


def test_series_have_a_value_per_epoch_and_gaps_are_nan() -> None:
    series = RunSeries()
    series.add([started(), epoch(1), epoch(2, map50=None, val={"box": 1.0})])
    x, y = series.curve("map50")
    assert x == [1.0, 2.0]
    assert y[0] == 0.1
    assert math.isnan(y[1])
    assert series.curve("train/total") == ([1.0, 2.0], [6.0, 7.0])
    assert math.isnan(series.curve("val/total")[1][1])
    assert series.curve("unknown") == ([], [])


def test_batches_lie_between_the_epochs() -> None:
    series = RunSeries()
    series.add([batch(1, 1), started(), batch(2, 1), batch(4, 1), batch(1, 2)])
    assert series.batches() == ([0.5, 1.0, 1.25], [1.5, 1.5, 1.5])


def test_the_snapshot_holds_the_newest_of_each() -> None:
    series = RunSeries()
    assert not series.snapshot.ended
    series.add([started(), batch(1, 1), epoch(1), {"event": "stopped", "reason": "Stopped."}])
    assert series.snapshot.batch["batch"] == 1
    assert series.snapshot.epoch["epoch"] == 1
    assert series.snapshot.final["event"] == "stopped"
    assert series.snapshot.ended


def test_a_restart_forgets_what_was_and_versions_grow() -> None:
    series = RunSeries()
    series.add([started(), epoch(1), epoch(2)])
    before = series.version
    series.add([started(), epoch(1)], restarted=True)
    assert series.curve("map50")[0] == [1.0]
    assert series.version > before
    assert not series.snapshot.ended


def test_messages_are_kept_up_to_a_number() -> None:
    series = RunSeries()
    series.add({"event": "message", "text": str(number)} for number in range(MOST_MESSAGES + 10))
    messages = series.messages()
    assert len(messages) == MOST_MESSAGES
    assert messages[-1]["text"] == str(MOST_MESSAGES + 9)


def test_reading_while_another_thread_writes_never_gives_unequal_lengths() -> None:
    series = RunSeries()
    series.add([started()])

    def write() -> None:
        for number in range(1, 2000):
            series.add([epoch(number), batch(1, number)])

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        for name in ("map50", "val/total", "lr"):
            x, y = series.curve(name)
            assert len(x) == len(y)
        x, y = series.batches()
        assert len(x) == len(y)
    writer.join()
