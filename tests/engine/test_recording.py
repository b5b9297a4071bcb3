"""Recordings: what browsers play, whole after a kill, without slowing the comparison."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest

from app.engine.detector import Detections, Timings
from app.engine.matching import Match
from app.engine.pairing import Pair
from app.engine.recording import Recorder

HIGH, WIDE = 240, 320


class Named:
    """What a recorder asks of a detector."""

    runtime, precision, device, threads, imgsz = "openvino", "f32", "cpu", 2, 320
    names: ClassVar = {0: "cell", 1: "<b>轮</b>\n"}

    def __init__(self, name: str) -> None:
        self.weights = Path(name)


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    count = len(xyxy)
    scores, classes = np.full(count, 0.9, np.float32), np.arange(count, dtype=np.int64) % 2
    return Detections(xyxy, scores, classes, Timings(0.1, 12.0, 0.1))


PAIR = Pair(
    found((20, 60, 120, 200), (200, 60, 300, 200)),
    found((21, 61, 121, 201)),
    Match(((0, 0),), (), (1,), ()),
    25,
)


def picture(number: int, size: tuple[int, int] = (HIGH, WIDE)) -> np.ndarray:
    image = np.full((*size, 3), 40, np.uint8)
    image[:, : 10 + number * 4] = (30, 200, 30)
    return image


class Told:
    """Events, as they come."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.first = threading.Event()

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["frames"] or event["state"] != "recording":
            self.first.set()


def record(recorder: Recorder, told: Told, count: int, begin: float = 100.0) -> None:
    """Hand over pictures at 25 a second, each once the encoder has room for it."""
    for number in range(count):
        before = recorder._sent
        while recorder._sent == before and not recorder._ended:
            recorder.add(picture(number), PAIR, begin + number / 25)
            time.sleep(0.002)


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as opened:
        return list(opened.decode(video=0))


def test_a_recording_plays_in_browsers_and_shows_both_sides(tmp_path: Path) -> None:
    told, path = Told(), tmp_path / "out.mp4"
    recorder = Recorder(path, (Named("standard.pt"), Named("light.pt")), told)
    record(recorder, told, 30)
    end = recorder.close()
    assert end["state"] == "finished"
    assert end["frames"] == 30
    assert end["seconds"] == pytest.approx(29 / 25, abs=0.01)
    assert told.events[0]["state"] == "recording"
    assert told.events[-1] == end
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        shown = [frame.to_ndarray(format="bgr24") for frame in opened.decode(stream)]
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it plays while it downloads
    assert b"moof" not in data
    last = shown[-1].astype(int)
    wide = (last.shape[1] - 4) // 2
    # Both sides show the picture; boxes differ.
    for left in (0, wide + 4):
        assert abs(last[20, left + 20] - (30, 200, 30)).max() < 12
    assert abs(last[:300, :wide] - last[:300, wide + 4 :]).max() > 100
    assert last[-100:, :wide].max() > 150  # figures below
    assert not list(Path("/dev/shm").glob(f"depthwise-studio-ring-{os.getpid()}-*"))
    assert recorder.add(picture(0), PAIR) is None  # nothing happens any more


def test_a_killed_encoder_leaves_what_it_wrote_and_says_so(tmp_path: Path) -> None:
    told, path = Told(), tmp_path / "out.mp4"
    recorder = Recorder(path, (Named("a.pt"), Named("b.pt")), told)
    record(recorder, told, 60)
    assert recorder.pid is not None
    os.kill(recorder.pid, signal.SIGKILL)
    end = recorder.close()
    assert end["state"] == "failed"
    assert "has ended" in end["message"]
    assert len(frames_of(path)) >= 25
    recorder.add(picture(0), PAIR)


def test_a_full_disk_ends_the_recording_with_one_message(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    told = Told()
    recorder = Recorder(path, (Named("a.pt"), Named("b.pt")), told)
    record(recorder, told, 40)
    end = recorder.close()
    assert [event["state"] for event in told.events].count("failed") == 1
    assert "No space left" in end["message"]


def test_pictures_are_left_out_while_the_encoder_is_behind(tmp_path: Path) -> None:
    told = Told()
    recorder = Recorder(tmp_path / "out.mp4", (Named("a.pt"), Named("b.pt")), told)
    assert recorder.pid is not None
    os.kill(recorder.pid, signal.SIGSTOP)
    begin = time.perf_counter()
    for number in range(200):
        recorder.add(picture(number % 40, (720, 1280)), PAIR, 100 + number / 25)
    assert time.perf_counter() - begin < 2.0
    os.kill(recorder.pid, signal.SIGCONT)
    # A larger picture than before goes on in the same video.
    assert told.first.wait(20)
    recorder.add(picture(1, (1080, 1920)), PAIR, 120)
    end = recorder.close()
    assert end["state"] == "finished"
    assert end["dropped"] >= 190
    assert end["frames"] in (3, 4)


def test_a_comparison_that_never_rests_is_recorded_sparingly(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out.mp4", (Named("a.pt"), Named("b.pt")), Told())
    periods = []
    for processors, gap in ((2, 0.04), (2, 0.026), (0, 0.026)):  # pairs of 25 ms
        recorder._processors, recorder._cost_s = processors, 0.018
        for number in range(60):
            recorder._note_rest(100 + number * gap, PAIR.pair_ms / 1e3)
        periods.append(recorder._period())
    recorder.close()
    # 3 % of two processors, at 18 ms a picture; not where processors are left over.
    assert periods == pytest.approx([1 / 30, 0.018 / 0.06, 1 / 30])
