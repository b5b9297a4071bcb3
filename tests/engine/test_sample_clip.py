"""The sample's clip and card."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.core.errors import AppError
from app.engine.sample import Clip, clip_frames, write_card, write_clip
from app.engine.sample.card import draw_card
from app.engine.sample.objects import KINDS


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
def test_a_written_clip_reads_back_frame_by_frame(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, frames=12, size=(320, 240), fps=20)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(20)
    read = []
    while (result := capture.read())[0]:
        read.append(result[1])
    capture.release()
    drawn = list(clip_frames(frames=12, size=(320, 240)))
    assert len(read) == len(drawn) == 12
    for ours, theirs in zip(drawn, read, strict=True):
        assert theirs.shape == (240, 320, 3)
        assert np.abs(ours.astype(int) - theirs).mean() < 6


def test_the_end_meets_the_start_and_nothing_jumps() -> None:
    clip = Clip(size=(320, 240))
    assert clip.scene(0) == clip.scene(clip.frames)
    order = [0, 1, 2, 100, 101, 102, clip.frames - 2, clip.frames - 1, clip.frames]
    frames = {index: clip.frame(index).astype(int) for index in order}
    steps = [np.abs(frames[a] - frames[a + 1]).mean() for a in order if a + 1 in frames]
    assert max(steps) < 2.5 * min(steps)
    assert np.abs(frames[0] - frames[100]).mean() > 3 * max(steps)


def test_things_move_smoothly_within_the_whole_clip() -> None:
    clip = Clip()
    places = np.array([[(item.x, item.y) for item in clip.scene(i).items] for i in range(clip.frames + 1)])
    steps = np.abs(np.diff(places, axis=0))
    jumps = steps[..., 0] > 5
    assert steps[..., 0][~jumps].max() < 0.5
    assert steps[..., 1].max() < 0.5
    assert (np.abs(places[:-1][jumps][:, 0]) > 25).all(), "things come in again out of sight only"


def test_every_class_is_to_be_seen() -> None:
    clip = Clip()
    seen = {box.label for index in (0, 75, 150, 225) for box in clip.boxes(index)}
    assert seen == set(range(len(KINDS)))


def test_frames_come_in_any_order_and_again() -> None:
    one, other = Clip(seed=2, size=(160, 120)), Clip(seed=2, size=(160, 120))
    backwards = [one.frame(i) for i in (5, 3, 3, 0)]
    forwards = [other.frame(i) for i in (0, 3, 3, 5)]
    for a, b in zip(backwards, reversed(forwards), strict=True):
        assert np.array_equal(a, b)
    later = list(islice(clip_frames(seed=2, size=(160, 120), start=3), 3))
    assert np.array_equal(later[0], backwards[1])


def test_clips_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"clip\.gif"):
        write_clip(tmp_path / "clip.gif", frames=1)
    with pytest.raises(AppError, match="cannot be written"):
        write_clip(tmp_path / "nowhere" / "clip.avi", frames=1)
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_clip_leaves_nothing(tmp_path: Path) -> None:
    def stop(_share: float, _text: str) -> None:
        raise AppError("enough")

    with pytest.raises(AppError, match="enough"):
        write_clip(tmp_path / "clip.avi", frames=3, size=(160, 120), progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_card_is_an_a4_pdf_and_a_png(tmp_path: Path) -> None:
    path = write_card(tmp_path / "card.pdf")
    data = path.read_bytes()
    assert data.startswith(b"%PDF-")
    assert b"%%EOF" in data[-32:]
    box = data.split(b"MediaBox")[1].split(b"]")[0].split(b"[")[1].split()
    assert [float(value) for value in box] == pytest.approx([0, 0, 595.3, 841.9], abs=0.5)
    picture = cv2.imread(str(tmp_path / "card.png"))
    assert picture.shape[0] / picture.shape[1] == pytest.approx(297 / 210, rel=0.01)
    assert picture.std() > 10
    again = tmp_path / "again"
    assert write_card(again / "card.pdf").read_bytes() == data


def test_the_card_stays_readable_without_a_chinese_font(monkeypatch: pytest.MonkeyPatch) -> None:
    complete = np.asarray(draw_card())
    monkeypatch.setattr("app.engine.sample.card._CHINESE", ("no such font.ttf",))
    english = np.asarray(draw_card())
    assert english.shape == complete.shape
    changed = (english != complete).any(axis=2).mean()
    assert 0 < changed < 0.05
