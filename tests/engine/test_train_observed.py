"""What a training leaves for watching and judging: usage, pictures, predictions by epoch, the model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from app.core.run_card import PROVENANCE, card, card_markdown
from app.core.run_pictures import FOLDER, batch_file, kept, read_watched, val_file
from app.core.runs import RunFolder
from app.engine.run_pictures import run_job
from tests.engine.tiny_runs import BATCHES, VAL_PICTURES

Finished = tuple[RunFolder, list[dict[str, Any]]]


class Channel:
    """Takes what a job sends."""

    cancelled = False

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def emit(self, event: dict[str, Any]) -> None:
        self.events.append(event)


def test_every_epoch_has_boxes_on_the_same_pictures(finished: Finished, few_cells: Path) -> None:
    run, _ = finished
    watched = read_watched(run.path)
    pictures = sorted((few_cells.parent / "images" / "val").iterdir())
    assert set(watched.names) == {path.name for path in pictures}
    assert list(watched.epochs) == [1, 2, 3]
    assert watched.classes == ("RBC", "WBC", "Platelets")
    for name, boxes in zip(watched.names, watched.truth, strict=True):
        label = few_cells.parent / "labels" / "val" / Path(name).with_suffix(".txt").name
        rows = [line.split() for line in label.read_text().splitlines()]
        assert [box[0] for box in boxes] == [int(row[0]) for row in rows]
        assert all(0 <= side <= 1 for box in boxes for side in box[1:5])


def test_pictures_are_small_and_reach_the_window_encoded_anew(finished: Finished, tmp_path: Path) -> None:
    run, _ = finished
    for number in range(VAL_PICTURES):
        assert (run.path / FOLDER / val_file(number)).stat().st_size < 60_000
    for number in range(min(BATCHES, 3)):
        picture = cv2.imread(str(run.path / FOLDER / batch_file(number)))
        assert picture.std() > 10
    channel = Channel()
    result = run_job({"run": str(run.path)}, channel)
    assert result["pictures"] == len(channel.events) == VAL_PICTURES + min(BATCHES, 3)
    foreign = tmp_path / FOLDER
    foreign.mkdir()
    (foreign / val_file(0)).write_bytes(b"no picture")
    assert run_job({"run": str(tmp_path)}, Channel()) == {"pictures": 0}


def test_usage_is_noted_now_and_then(finished: Finished) -> None:
    _, events = finished
    told = [event for event in events if event["event"] == "usage"]
    assert told or events[-1]["t"] < 4  # every two seconds
    for event in told:
        assert 0 <= event["cpu"] <= 100
        assert 0 < event["process"] <= event["memory_total"]
        assert 0 < event["memory"] <= event["memory_total"]
        assert 0 <= event["epoch"] <= 3


def test_the_card_says_how_to_do_it_again(finished: Finished) -> None:
    run, events = finished
    text = (run.path / "card.md").read_text(encoding="utf-8")
    best = events[-1]["best"]
    found = card(run)
    assert found["results"]["map50_95"] == best["map50_95"]
    assert found["status"] == "finished"
    assert f"runs repeat {run.name}" in text
    assert "model.24.cv3.*.0: separable" in text
    assert found["versions"]["torch"] in text
    assert found["machine"]["processor"] in text
    prints = json.loads((run.path / PROVENANCE).read_text())["data"]["fingerprints"]
    assert set(prints) == {"train", "val"}
    assert all(value in text for value in prints.values())
    for name, row in best["per_class"].items():
        assert name in text
        assert row["ap50"] is None or f"{row['ap50']:.3f}" in text


def test_the_card_and_a_check_of_the_data_agree_on_its_fingerprint(
    finished: Finished, few_cells: Path
) -> None:
    from app.engine.dataset_fingerprint import fingerprint

    run, _ = finished
    seen = fingerprint(few_cells)
    noted = json.loads((run.path / PROVENANCE).read_text())["data"]
    assert noted == {"fingerprint": seen.digest, "fingerprints": seen.splits}
    assert f"| fingerprint | {seen.digest} |" in (run.path / "card.md").read_text(encoding="utf-8")


def test_a_card_of_before_shows_its_fingerprints(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    (tmp_path / PROVENANCE).write_text('{"data": {"fingerprints": {"train": "00aa", "val": "11bb"}}}')
    assert card(run)["data"]["fingerprints"] == {"train": "00aa", "val": "11bb"}
    text = card_markdown(card(run))
    assert "| fingerprint of val | 11bb |" in text
    assert "| fingerprint |" not in text


@pytest.mark.parametrize("epoch", [1, 200, 205, 1000, 1050])
def test_fewer_and_fewer_epochs_are_kept(epoch: int) -> None:
    assert kept(epoch)
    assert sum(kept(number) for number in range(1, 10_001)) < 600
