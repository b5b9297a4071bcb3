"""Streams as FFmpeg serves them, its process killed and frozen: MJPEG over HTTP, H.264 in a transport stream."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from app.core.errors import AppError
from app.engine.sources import LatestFrameReader, open_source
from tests.engine.outages import BACK_S, NOTICED_S
from tests.engine.reading import wait_until

pytestmark = [
    pytest.mark.alone,  # times, and counts processes
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that freezes a process"),
]

SCENE = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-f", "mpegts"]


def mjpeg_over_http(port: int) -> tuple[str, list[str]]:
    address = f"http://127.0.0.1:{port}/stream.mjpg"
    return address, ["-c:v", "mjpeg", "-f", "mpjpeg", "-listen", "1", address]


def h264_over_tcp(port: int) -> tuple[str, list[str]]:
    address = f"tcp://127.0.0.1:{port}"
    return address, [*H264, f"{address}?listen=1"]


class FFmpegServer:
    """FFmpeg on a free port; it serves one client, so it starts anew after each outage."""

    def __init__(self, form: Callable[[int], tuple[str, list[str]]]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.address, output = form(port)
        self._command = ["ffmpeg", "-nostdin", "-loglevel", "quiet", *SCENE, *output]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)

    def send(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)


def opened(server: FFmpegServer) -> LatestFrameReader:
    """Open the stream as soon as FFmpeg listens; looking whether it does would take its only client away."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return LatestFrameReader(open_source(server.address))
        except AppError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize("form", [mjpeg_over_http, h264_over_tcp])
def test_a_stream_of_ffmpeg_is_opened_again_after_it_was_killed_and_frozen(
    form: Callable[[int], tuple[str, list[str]]],
) -> None:
    before = set(psutil.Process().children(recursive=True))
    server = FFmpegServer(form)
    server.start()
    try:
        reader = opened(server)
        try:
            assert reader.next(5) is not None
            for outage in (signal.SIGKILL, signal.SIGSTOP):
                began = time.monotonic()
                server.send(outage)
                assert wait_until(lambda: reader.state == "lost", NOTICED_S), outage
                assert time.monotonic() - began < NOTICED_S
                assert reader.reason is not None
                server.kill()
                server.start()
                assert wait_until(lambda: reader.state == "playing", BACK_S), (outage, reader.problem)
                assert reader.next(2) is not None
        finally:
            reader.close()
    finally:
        server.kill()
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]
