"""A display for each process that runs tests beside others, so that no window takes another's focus."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

OWN = "DEPTHWISE_STUDIO_TEST_DISPLAYS"
"""Environment variable that `tools/run_tests.py` sets where windows are tested side by side."""

_SECONDS = 20.0


class Display:
    """A virtual display with a window manager, for this process and its children."""

    def __init__(self, folder: Path) -> None:
        told = folder / "display"
        with told.open("w") as number, (folder / "xvfb.log").open("w") as log:
            descriptor = number.fileno()
            self._server = subprocess.Popen(
                ["Xvfb", "-displayfd", str(descriptor), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
                pass_fds=(descriptor,), stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + _SECONDS
        while not told.read_text().endswith("\n"):
            if self._server.poll() is not None or time.monotonic() > end:
                self._server.kill()
                self._server.wait()
                raise RuntimeError(f"The virtual display did not start: {(folder / 'xvfb.log').read_text()}")
            time.sleep(0.05)
        os.environ["DISPLAY"] = f":{told.read_text().strip()}"
        self._manager = subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        """End window manager and display."""
        for process in (self._manager, self._server):
            process.terminate()
            process.wait()
