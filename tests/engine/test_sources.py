"""Files and folders as sources, through OpenCV's real backends."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.core.errors import AppError
from app.engine.sources import open_source
from tests.engine.barcode import draw_number, read_number
from tests.engine.broken_pictures import png_that_claims
from tests.engine.reading import frames_of, opened, reading, wait_until

pytestmark = pytest.mark.alone  # times, or counts processes


@pytest.fixture
def numbered_clip(tmp_path: Path) -> Path:
    path = tmp_path / "numbered.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50.0, (256, 64))
    for number in range(60):
        image = np.full((64, 256, 3), 128, np.uint8)
        draw_number(image, number)
        writer.write(image)
    writer.release()
    return path


# --- files ------------------------------------------------------------------------------------------------


def test_a_video_gives_every_picture_in_order(numbered_clip: Path) -> None:
    with opened(numbered_clip) as source:
        frames = frames_of(source)
    assert [frame.index for frame in frames] == list(range(60))
    assert [read_number(frame.image) for frame in frames] == list(range(60))
    assert (source.live, source.fps, source.frames, source.notes) == (False, 50.0, 60, [])
    assert frames[0].image.shape == (64, 256, 3)
    assert frames[0].image.dtype == np.uint8


def test_seeking_hits_the_very_picture(numbered_clip: Path) -> None:
    with opened(numbered_clip) as source:
        for index in (40, 3, 3, 0, 59, 12):
            source.seek(index)
            frame = source.read()
            assert frame is not None
            assert (frame.index, read_number(frame.image)) == (index, index)
        source.seek(60)
        assert source.read() is None


def test_seeking_a_compressed_clip_gives_the_same_picture_as_reading_it(clips_dir: Path) -> None:
    wanted = {7, 130, 131, 260}
    with opened(clips_dir / "person.mp4") as source:
        read = {frame.index: frame.image for frame in (source.read() for _ in range(261)) if frame}
        for index in (260, 7, 131, 130):
            source.seek(index)
            frame = source.read()
            assert frame is not None
            assert frame.index == index
            np.testing.assert_array_equal(frame.image, read[index])
    assert wanted <= read.keys()


def test_a_clip_that_breaks_off_ends_there_and_says_so(clips_dir: Path) -> None:
    with opened(clips_dir / "tree.avi") as source:
        assert source.frames == 444
        assert len(frames_of(source)) == 68
        assert source.frames == 68
        assert source.notes == ["tree.avi promises 444 pictures and breaks off after 68."]
        assert source.notes[0].values == {"name": "tree.avi", "promised": "444", "held": "68"}
        assert source.read() is None
        source.seek(10)
        assert [frame.index for frame in frames_of(source)] == list(range(10, 68))
        assert len(source.notes) == 1


def test_a_clip_cut_in_the_middle_ends_cleanly(clips_dir: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.avi"
    cut.write_bytes((clips_dir / "vtest.avi").read_bytes()[:2_000_000])
    with opened(cut) as source:
        count = len(frames_of(source))
    assert 50 < count < 795


@pytest.mark.parametrize("content", [b"", b"nonsense " * 500, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(AppError, match=r"clip\.mp4 holds no video") as raised:
        open_source(str(path))
    assert raised.value.hint


def test_pictures_come_by_number_and_broken_ones_are_left_out_with_a_note(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        image = np.full((64, 256, 3), 128, np.uint8)
        draw_number(image, number)
        cv2.imwrite(str(tmp_path / f"shot{number}.png"), image)
    (tmp_path / "shot5.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (tmp_path / "notes.txt").write_text("not a picture")
    with opened(tmp_path) as source:
        frames = frames_of(source)
        assert source.frames == 4
        source.seek(3)
        last = source.read()
    assert [read_number(frame.image) for frame in frames] == [1, 2, 10]
    assert last is not None
    assert read_number(last.image) == 10
    assert len(source.notes) == 1
    assert source.notes[0].startswith("Left out shot5.jpg: ")


def test_a_single_picture_is_a_source_and_is_turned_upright(tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.new("RGB", (80, 40), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    path = tmp_path / "überblick.jpg"
    picture.save(path, exif=exif)
    with opened(path) as source:
        (frame,) = frames_of(source)
    assert frame.image.shape == (80, 40, 3)
    assert frame.image[40, 20, 2] > 240  # BGR: red is last


def test_a_picture_that_claims_to_be_huge_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_that_claims(60_000, 60_000))
    with opened(tmp_path) as source:
        assert source.read() is None
    assert "fill the memory" in source.notes[0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "No source is given"),
        ("nowhere.mp4", "There is no source"),
        ("ftp://example.org/a.mp4", "ftp:// are not supported"),
        ("file:///etc/passwd", "file:// are not supported"),
        ("concat:a.mp4|b.mp4", "There is no source"),
    ],
)
def test_what_cannot_be_a_source_is_refused_with_advice(spec: str, message: str) -> None:
    with pytest.raises(AppError, match=message) as raised:
        open_source(spec)
    assert raised.value.hint


def test_an_empty_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="holds no pictures"):
        open_source(str(tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(AppError, match="neither a file nor a folder"):
            open_source(str(tmp_path / "pipe"))


def test_the_sample_is_a_clip_that_shows_the_same_pixels_every_round() -> None:
    with opened("sample") as source:
        assert (source.live, source.fps, source.frames) == (False, 25.0, 300)
        first = [source.read() for _ in range(3)]
        source.seek(0)
        again = [source.read() for _ in range(3)]
        source.seek(299)
        last = source.read()
        assert source.read() is None
    for one, other in zip(first, again, strict=True):
        assert one is not None
        assert other is not None
        assert one.index == other.index
        assert one.image.shape == (480, 640, 3)
        np.testing.assert_array_equal(one.image, other.image)
    assert last is not None
    assert last.index == 299
    assert not np.array_equal(last.image, again[0].image if again[0] else None)


# --- real time ----------------------------------------------------------------------------------------------


def test_a_paced_file_runs_at_its_own_rate_and_a_slow_reader_gets_the_newest(numbered_clip: Path) -> None:
    began = time.monotonic()
    seen = []
    with reading(open_source(str(numbered_clip))) as reader:
        while (frame := reader.next()) is not None:
            seen.append(read_number(frame.image))
            assert frame.index == seen[-1]
            time.sleep(0.09)
        lasted = time.monotonic() - began
        assert reader.state == "ended"
        assert reader.delivered + reader.dropped == 60
    assert 1.0 < lasted < 2.5  # 60 pictures at 50 a second
    assert seen == sorted(set(seen))
    assert 8 <= len(seen) <= 20
    assert seen[-1] == 59


def test_unpaced_a_file_runs_as_fast_as_it_decodes(numbered_clip: Path) -> None:
    began = time.monotonic()
    with reading(open_source(str(numbered_clip)), paced=False) as reader:
        assert wait_until(lambda: reader.state == "ended", 2)
    assert time.monotonic() - began < 0.8


def test_a_looped_file_begins_again(numbered_clip: Path) -> None:
    with reading(open_source(str(numbered_clip)), loop=True, paced=False) as reader:
        assert wait_until(lambda: reader.dropped > 130, 5)
        assert reader.state == "playing"


def test_pause_step_and_seek(numbered_clip: Path) -> None:
    with reading(open_source(str(numbered_clip))) as reader:
        assert reader.next(2) is not None
        reader.pause()
        assert wait_until(lambda: reader.state == "paused", 2)
        reader.next(0.1)  # one that had come before
        assert reader.next(0.15) is None
        reader.seek(30)
        at = reader.next(2)
        assert at is not None
        assert read_number(at.image) == 30
        assert reader.next(0.15) is None
        reader.step()
        stepped = reader.next(2)
        assert stepped is not None
        assert read_number(stepped.image) == 31
        reader.resume()
        onward = reader.next(2)
        assert onward is not None
        assert read_number(onward.image) >= 32


def test_a_seek_after_the_end_plays_on(numbered_clip: Path) -> None:
    with reading(open_source(str(numbered_clip)), paced=False) as reader:
        assert wait_until(lambda: reader.state == "ended", 2)
        reader.next(0)
        reader.seek(57)
        frame = reader.next(2)
        assert frame is not None
        assert read_number(frame.image) >= 57
