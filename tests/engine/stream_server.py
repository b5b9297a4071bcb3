"""A stream server in a process of its own, which can be killed, frozen and started again: PORT FPS WIDTH HEIGHT."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ServedStream:
    """A server on a port of its own on the loopback.

    Args:
        fps: pictures a second.
        size: width and height in pixels.
    """

    def __init__(self, fps: float = 30.0, size: tuple[int, int] = (320, 240)) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._fps, self._size = fps, size
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def start(self) -> float:
        """Start the server, and return the monotonic time at which it answers."""
        numbers = (self.port, self._fps, *self._size)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.stream_server", *map(str, numbers)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "serving\n"
        return time.monotonic()

    def kill(self) -> None:
        """Kill the server."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(5)
            assert process.stdout is not None
            process.stdout.close()

    def freeze(self) -> None:
        """Stop every thread of the server; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> float:
        """Let it go on, and return the monotonic time."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        return time.monotonic()


def main(port: int, fps: float, width: int, height: int) -> None:
    """Serve until killed."""
    from tests.engine.streaming import StreamServer

    StreamServer(fps, (height, width), port)
    print("serving", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
