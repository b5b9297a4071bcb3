"""The data page's jobs: checking and thumbnails."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.core.errors import AppError
from app.engine.dataset import run_check, run_thumbnails
from tests.engine.data_folders import Channel, Folder


def test_the_check_job_reports_progress_and_can_be_cancelled(bccd_yaml: Path) -> None:
    channel = Channel()
    result = run_check({"data": str(bccd_yaml)}, channel)
    assert {"images", "boxes", "findings"} <= result.keys()
    assert channel.fractions == sorted(channel.fractions)
    assert channel.fractions[-1] == 1.0
    assert len(channel.fractions) >= 5
    channel = Channel()
    channel.cancel_after = 2
    with pytest.raises(AppError, match="cancelled"):
        run_check({"data": str(bccd_yaml)}, channel)


def test_thumbnails_are_small_upright_and_carry_their_boxes(folder: Folder) -> None:
    folder.picture("train", "train1").write_bytes(b"broken")
    sideways = Image.new("RGB", (640, 320), (0, 200, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(folder.picture("train", "train2"), exif=exif)
    channel = Channel()
    request = {"data": str(folder.yaml), "split": "train", "offset": 0, "count": 10, "size": 160}
    assert run_thumbnails(request, channel) == {"total": 3}
    first, broken, turned = channel.thumbnails
    assert [event["index"] for event in channel.thumbnails] == [0, 1, 2]
    assert first["boxes"] == [[0, 0.5, 0.5, 0.25, 0.25], [1, 0.25, 0.25, 0.1, 0.2]]
    assert Image.open(BytesIO(base64.b64decode(first["jpeg"]))).size == (64, 48)
    assert Image.open(BytesIO(base64.b64decode(turned["jpeg"]))).size == (80, 160)
    assert (broken["jpeg"], bool(broken["problem"])) == ("", True)


def test_thumbnails_come_by_the_page_and_by_class(bccd_yaml: Path) -> None:
    channel = Channel()
    request = {"data": str(bccd_yaml), "split": "val", "offset": 80, "count": 60, "size": 200}
    assert run_thumbnails(request, channel)["total"] == 87
    assert [event["index"] for event in channel.thumbnails] == list(range(80, 87))
    channel = Channel()
    few = run_thumbnails({**request, "offset": 0, "cls": 2, "count": 5}, channel)
    assert 0 < few["total"] < 87
    assert len(channel.thumbnails) == 5
    assert all(2 in [box[0] for box in event["boxes"]] for event in channel.thumbnails)


def test_one_job_sends_page_after_page(bccd_yaml: Path) -> None:
    channel = Channel()
    page = {"command": "page", "split": "train", "offset": 9, "count": 2, "size": 64}
    channel.waiting = [{**page, "token": 5}, {"command": "forget"}, {**page, "token": 8}]
    channel.waiting.append(
        {"command": "find", "path": str(bccd_yaml.parent / "labels/val/BloodImage_00222.txt")}
    )
    request = {"data": str(bccd_yaml), "split": "test", "count": 3, "size": 64, "follow": True, "token": 7}
    run_thumbnails(request, channel)
    assert [(e["event"], e.get("token")) for e in channel.events] == [
        ("page", 7), *[("thumbnail", 7)] * 3, ("page", 8), *[("thumbnail", 8)] * 2, ("place", None),
    ]  # fmt: skip
    place = channel.events[-1]
    assert sorted((bccd_yaml.parent / "images" / "val").iterdir())[place["index"]].stem == "BloodImage_00222"
    assert place["split"] == "val"
    assert [event["total"] for event in channel.events if event["event"] == "page"] == [72, 205]


@pytest.mark.parametrize("after", [1, 5, 8])
def test_a_check_can_be_called_off_at_any_time(folder: Folder, after: int) -> None:
    """While pictures are listed, looked at, and compared."""
    whole = Channel()
    run_check({"data": str(folder.yaml)}, whole)
    assert whole.fractions == sorted(whole.fractions)
    assert whole.fractions[-1] == 1.0
    assert len([share for share in whole.fractions if 0.85 <= share < 1.0]) > 5, (
        "it is told while they are compared"
    )
    channel = Channel()
    channel.cancel_after = after
    with pytest.raises(AppError, match="cancelled"):
        run_check({"data": str(folder.yaml)}, channel)
    assert len(channel.fractions) <= after + 2
