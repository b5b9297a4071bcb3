"""Streams and cameras as sources: lost, found again, released."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from app.core.errors import AppError
from app.engine import source_capture
from app.engine.source_cameras import Camera, camera_backend
from app.engine.source_capture import CaptureRequest
from app.engine.source_refusals import camera_refusal, no_permission
from app.engine.source_screen import count_screens
from app.engine.sources import LatestFrameReader, SourceLostError, find_camera, list_cameras, open_source
from tests.engine.barcode import read_number
from tests.engine.reading import frames_of, opened, reading, wait_until
from tests.engine.streaming import streaming

pytestmark = pytest.mark.alone  # times, or counts processes

ROOT = Path(__file__).resolve().parents[2]


# --- streams ------------------------------------------------------------------------------------------------


def test_a_stream_is_read_live_and_the_newest_picture_wins() -> None:
    with streaming(fps=60) as server, reading(open_source(server.address)) as reader:
        ages, numbers, indices = [], [], []
        for _ in range(20):
            frame = reader.next(2)
            assert frame is not None
            ages.append(time.monotonic() - frame.captured_at)
            numbers.append(read_number(frame.image))
            indices.append(frame.index)
            time.sleep(0.05)
        assert reader.source.live
        assert numbers == sorted(set(numbers))
        assert np.diff(numbers).tolist() == np.diff(indices).tolist()  # index counts the dropped ones too
        assert reader.dropped > 10
        assert float(np.median(ages)) < 0.1


def test_a_frozen_stream_is_noticed_within_two_seconds_and_comes_back() -> None:
    with streaming() as server, reading(open_source(server.address)) as reader:
        first = reader.next(2)
        assert first is not None
        server.frozen.set()
        frozen_at = time.monotonic()
        assert wait_until(lambda: reader.state == "lost", 3)
        assert time.monotonic() - frozen_at < 2.0
        server.frozen.clear()
        assert wait_until(lambda: reader.state == "playing", 6)
        again = reader.next(2)
        assert again is not None
        assert again.index > first.index
        assert server.connections >= 2


def test_a_stream_that_hangs_up_is_noticed_at_once_and_tried_again() -> None:
    with streaming() as server, reading(open_source(server.address)) as reader:
        assert reader.next(2) is not None
        server.hung_up.set()
        assert wait_until(lambda: reader.state == "lost", 1.5)
        server.hung_up.clear()
        assert wait_until(lambda: reader.state == "playing", 4)


def test_a_stream_that_repeats_its_last_picture_is_opened_again_once() -> None:
    with streaming() as server, reading(open_source(server.address)) as reader:
        assert wait_until(lambda: (frame := reader.next(2)) is not None and frame.index > 12, 3)
        server.repeating.set()
        stopped_at = time.monotonic()
        assert wait_until(lambda: reader.state == "lost", 3)
        assert time.monotonic() - stopped_at < 2.1
        assert reader.reason is not None
        assert reader.reason.template == "{name} repeats the same picture."
        assert wait_until(lambda: reader.state == "playing", 4)
        # Opened anew it still shows that picture: it is a still one then, and is left alone.
        assert wait_until(lambda: bool(reader.source.notes), 4)
        assert reader.source.notes[-1].template == "{name} shows a still picture."
        assert server.connections == 2
        assert reader.state == "playing"


def test_a_stream_that_comes_back_with_another_size_goes_on_and_says_so() -> None:
    with streaming() as server, reading(open_source(server.address)) as reader:
        assert reader.next(2) is not None
        server.hung_up.set()
        assert wait_until(lambda: reader.state == "lost", 1.5)
        server.size = (480, 640)
        server.hung_up.clear()

        def wide() -> bool:
            frame = reader.next(0.2)
            return frame is not None and frame.image.shape == (480, 640, 3)

        assert wait_until(wide, 5)
        told = reader.source.notes[-1]
        assert (told.values["before"], told.values["after"]) == ("320×240", "640×480")


def test_a_paused_stream_is_released_and_taken_up_again() -> None:
    with streaming() as server, reading(open_source(server.address)) as reader:
        assert reader.next(2) is not None
        reader.pause()
        assert wait_until(lambda: reader.state == "paused", 2)
        assert wait_until(lambda: server.open_connections == 0, 2)
        reader.resume()
        assert wait_until(lambda: reader.state == "playing", 4)


def test_closing_releases_the_stream_and_its_process_even_while_it_hangs() -> None:
    with streaming() as server:
        reader = LatestFrameReader(open_source(server.address))
        assert reader.next(2) is not None
        children = psutil.Process().children()
        server.frozen.set()
        time.sleep(0.3)
        began = time.monotonic()
        reader.close()
        assert time.monotonic() - began < 1.5
        assert reader.state == "closed"
        assert reader.next(0.1) is None
        assert wait_until(lambda: server.open_connections == 0, 2)
        captures = [child for child in psutil.Process().children() if child in children and _captures(child)]
        assert captures == []


def _captures(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_stream_that_never_shows_a_picture_is_refused_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        for scheme in ("http", "rtsp"):
            began = time.monotonic()
            with pytest.raises(AppError, match="showed no picture within 3 s") as raised:
                open_source(f"{scheme}://user:secret@{address}/live", timeout_s=3)
            assert 1 < time.monotonic() - began < 3.3
            assert raised.value.hint
            assert "secret" not in str(raised.value)
            assert address in raised.value.message


def test_a_stream_nobody_serves_is_refused_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(AppError, match="cannot be opened"):
        open_source("http://127.0.0.1:9/none")
    assert time.monotonic() - began < 4


def test_a_stream_that_freezes_raises_when_read_without_a_reader() -> None:
    with streaming() as server, opened(server.address) as source:
        assert source.read() is not None
        server.hung_up.set()
        with pytest.raises(SourceLostError):
            frames_of(source)


def test_a_killed_owner_leaves_no_capture_behind() -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from app.engine.sources import open_source
        if __name__ == "__main__":
            source = open_source(sys.argv[1])
            source.read()
            print("open", flush=True)
            time.sleep(60)
        """
    )
    with streaming() as server:
        owner = subprocess.Popen(
            [sys.executable, "-c", script, server.address], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "open\n"
            children = psutil.Process(owner.pid).children(recursive=True)
            assert server.open_connections == 1
        finally:
            owner.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            owner.wait(5)
            assert owner.stdout is not None
            owner.stdout.close()
        assert children
        assert wait_until(lambda: server.open_connections == 0, 3)
        assert wait_until(lambda: not any(child.is_running() for child in children), 3)


# --- screens ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not count_screens(), reason="no screen that programs may look at")
def test_the_screen_is_a_source() -> None:
    with opened("screen") as source:
        frame = source.read()
        assert frame is not None
        assert frame.image.ndim == 3
        assert frame.image.flags.c_contiguous
        assert source.live


@pytest.mark.parametrize("spec", ["screen:77", "screen:0"])
def test_a_screen_that_is_not_there_is_refused(spec: str) -> None:
    with pytest.raises(AppError, match="cannot be shown"):
        open_source(spec, timeout_s=5)


# --- cameras ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("linux", "Close other programs"),
        ("win32", "Settings > Privacy & security > Camera"),
        ("darwin", "System Settings > Privacy & Security > Camera"),
    ],
)
def test_a_refused_camera_names_the_setting_to_change(platform: str, words: str) -> None:
    refused = camera_refusal("“Webcam” (camera:0)", "", None, platform)
    assert refused.message == "The camera “Webcam” (camera:0) cannot be opened."
    assert words in refused.hint


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a device")
def test_a_camera_that_another_program_holds_names_the_program() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    holder = subprocess.Popen(["sleep", "20"], stdin=slave)
    os.close(slave)
    try:
        refused = camera_refusal("“Webcam” (camera:0)", path, 3.0)
    finally:
        holder.kill()
        holder.wait(5)
        os.close(master)
    assert refused.message == "The camera “Webcam” (camera:0) is used by another program: sleep."


def test_a_device_file_of_another_group_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    refused = no_permission("“Webcam” (camera:0)", "/dev/null")
    assert refused is not None
    assert "no permission for /dev/null" in refused.message
    assert "usermod -aG root $USER" in refused.hint


class _Device:
    """Records what a camera is asked for."""

    def __init__(self, index: int, backend: int) -> None:
        self.asked: dict[int, float] = {}
        _Device.last = self

    last: _Device

    def isOpened(self) -> bool:
        return True

    def set(self, what: int, value: float) -> bool:
        self.asked[what] = value
        return True


def test_a_camera_is_asked_for_size_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", _Device)
    source_capture._open(CaptureRequest(0, camera_backend(), 0, 0, 1280, 720, 30.0))
    asked = _Device.last.asked
    assert next(iter(asked)) == cv2.CAP_PROP_FOURCC  # the size counts for the format that is set
    wanted = (asked[cv2.CAP_PROP_FRAME_WIDTH], asked[cv2.CAP_PROP_FRAME_HEIGHT], asked[cv2.CAP_PROP_FPS])
    assert wanted == (1280, 720, 30.0)
    source_capture._open(CaptureRequest(0, camera_backend(), 0, 0))
    assert set(_Device.last.asked) == {cv2.CAP_PROP_BUFFERSIZE}


TWO = [Camera(0, "Integrated Webcam"), Camera(2, "HD Pro Webcam C920", "")]


@pytest.mark.parametrize(("wanted", "index"), [("0", 0), ("2", 2), ("c920", 2), ("Integrated Webcam", 0)])
def test_cameras_are_found_by_number_and_by_name(wanted: str, index: int) -> None:
    assert find_camera(wanted, TWO).index == index


def test_cameras_that_are_not_there_or_not_one_are_refused_by_name() -> None:
    with pytest.raises(AppError, match="names several cameras") as several:
        find_camera("webcam", TWO)
    assert "HD Pro Webcam C920" in several.value.message
    with pytest.raises(AppError, match="no camera “7”") as missing:
        find_camera("7", TWO)
    assert "Integrated Webcam" in missing.value.hint
    with pytest.raises(AppError, match="this machine has no camera"):
        find_camera("0", [])


@pytest.mark.skipif(bool(list_cameras()), reason="this machine has a camera")
def test_a_machine_without_a_camera_says_so_at_once() -> None:
    began = time.monotonic()
    for spec in ("0", "camera:0", "camera:Logitech"):
        with pytest.raises(AppError, match="no camera"):
            open_source(spec)
    assert time.monotonic() - began < 1


@pytest.mark.camera
@pytest.mark.skipif(not list_cameras(), reason="this machine has no camera")
def test_a_real_camera_shows_new_pictures_and_is_released() -> None:
    camera = list_cameras()[0]
    for _ in range(2):  # a second time, to prove that it was released
        with reading(open_source(f"camera:{camera.index}")) as reader:
            frames = [reader.next(3) for _ in range(5)]
        assert all(frame is not None for frame in frames)
        assert frames[0] is not None
        assert frames[0].image.ndim == 3
