"""A comparison that plays for twenty minutes: memory, handles and threads of window and engine stay, rates hold.

    sh tools/with_display.sh python -m tests.benchmarks.soak [--seconds 1200] [--sources sample stream] [-o F.json]

The Studio itself plays the sample's pair, on the sample's clip and then on a real MJPEG stream that another process
serves on the loopback. Every second the resident memory, the open handles and the threads of the window and of every
process below it are noted; what they have after the first minute is held against what they have at the end. Prints one
JSON document; the status is 1 where something grew or slowed down.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]

SETTLED_S = 60.0
MOST_MB = 20.0
MOST_SLOWER = 0.85
"""Pairs a second at the end, against those after the first minute, below which a rate is not steady."""

_STREAM = """
import sys, time
from tests.engine.streaming import streaming
with streaming(fps=30.0, size=(480, 640)) as server:
    print(server.address, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Sample:
    """What a process has at a moment: megabytes resident, open handles, threads."""

    megabytes: float
    handles: int
    threads: int


@dataclass(frozen=True)
class Growth:
    """A process after it has settled, and at the end: medians of a stretch."""

    name: str
    settled: Sample
    end: Sample

    @property
    def faults(self) -> list[str]:
        """What grew."""
        found = []
        if self.end.megabytes - self.settled.megabytes >= MOST_MB:
            found.append(f"{self.name}: {self.settled.megabytes:.0f} MB became {self.end.megabytes:.0f} MB")
        if self.end.handles > self.settled.handles:
            found.append(f"{self.name}: {self.settled.handles} handles became {self.end.handles}")
        if self.end.threads > self.settled.threads:
            found.append(f"{self.name}: {self.settled.threads} threads became {self.end.threads}")
        return found


class Watch:
    """Notes what the window and the processes below it have.

    Args:
        settled_s: when what they have then is the measure, in seconds from the making.
        stretch_s: length of the two stretches whose medians are compared.
        ignored: processes below this one that are not watched.
    """

    def __init__(self, settled_s: float, stretch_s: float, ignored: set[int] | None = None) -> None:
        self._settled_s, self._stretch_s = settled_s, stretch_s
        self._ignored = ignored or set()
        self._begin = time.monotonic()
        self._rows: dict[str, list[tuple[float, Sample]]] = {}
        self._pairs: list[tuple[float, int]] = []

    def look(self, pairs: int) -> None:
        """Note what every process has now, and how many pairs there have been."""
        now = time.monotonic() - self._begin
        self._pairs.append((now, pairs))
        own = psutil.Process()
        with contextlib.suppress(psutil.Error):
            below = [child for child in own.children(recursive=True) if child.pid not in self._ignored]
            for process in (own, *below):
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._rows.setdefault(_name(process, own), []).append((now, _sample(process)))

    def growths(self) -> list[Growth]:
        """Return every process that lived from the settling to the end, then and now."""
        end = self._pairs[-1][0]
        found = []
        for name, rows in self._rows.items():
            early = [one for at, one in rows if self._settled_s <= at < self._settled_s + self._stretch_s]
            late = [one for at, one in rows if at >= end - self._stretch_s]
            if early and late:
                found.append(Growth(name, _median(early), _median(late)))
        return found

    def rates(self) -> tuple[float, float]:
        """Return pairs a second in the first and in the last third after the settling."""
        rows = [row for row in self._pairs if row[0] >= self._settled_s]
        third = max(len(rows) // 3, 2)
        early, late = rows[:third], rows[-third:]
        first, last = ((part[-1][1] - part[0][1]) / (part[-1][0] - part[0][0]) for part in (early, late))
        return first, last

    def verdict(self) -> dict[str, Any]:
        """Return everything, with the faults found."""
        growths, (first, last) = self.growths(), self.rates()
        faults = [fault for growth in growths for fault in growth.faults]
        if not growths or first <= 0:
            faults.append("nothing was compared")
        elif last < MOST_SLOWER * first:
            faults.append(f"{first:.1f} pairs a second became {last:.1f}")
        return {
            "seconds": self._pairs[-1][0],
            "pairs": self._pairs[-1][1],
            "pairs_per_second": {"first": first, "last": last},
            "processes": [asdict(growth) for growth in growths],
            "faults": faults,
        }


def _name(process: psutil.Process, own: psutil.Process) -> str:
    if process.pid == own.pid:
        return "window"
    words = process.cmdline()
    job = words[words.index("--engine") + 1] if "--engine" in words else Path(process.name()).name
    return f"{job} {process.pid}"


def _sample(process: psutil.Process) -> Sample:
    with process.oneshot():
        handles = process.num_fds() if hasattr(process, "num_fds") else process.num_handles()
        return Sample(process.memory_info().rss / 1e6, handles, process.num_threads())


def _median(rows: list[Sample]) -> Sample:
    return Sample(
        statistics.median(one.megabytes for one in rows),
        statistics.median_low(one.handles for one in rows),
        statistics.median_low(one.threads for one in rows),
    )


@contextmanager
def stream() -> Iterator[tuple[str, int]]:
    """Serve an MJPEG stream in a process of its own; gives its address and process id."""
    server = subprocess.Popen(
        [sys.executable, "-c", _STREAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip(), server.pid
    finally:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()


def play(
    page: Any, wait: Callable[[float], None], watch: Watch, seconds: float, every: float = 1.0
) -> dict[str, Any]:
    """Watch the Compare page, which plays already, for some time; then end its comparison."""
    counted = [0]

    def take(figures: dict[str, Any]) -> None:
        counted[0] = int(figures["frames"])

    page.session.statistics_changed.connect(take)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        wait(every)
        watch.look(counted[0])
    page.session.statistics_changed.disconnect(take)
    page.session.stop()
    return watch.verdict()


def soak(seconds: float, sources: list[str]) -> dict[str, Any]:
    """Play every source in a Studio of its own folder; source → what was found."""
    from tests.benchmarks.window import open_studio, see_it_live, wait, wait_until

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary, stream() as (address, server):
        os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(Path(temporary) / "config")
        workspace = Path(temporary) / "workspace"
        workspace.mkdir()
        made = open_studio(workspace)
        page: Any = made.window.page("compare")
        for source in sources:
            see_it_live(made)
            if source == "stream":
                page.session.change(source=address)
                wait_until(lambda: page.session.state == "playing", 30)
            settled = min(SETTLED_S, seconds / 4)
            watch = Watch(settled, max(seconds / 20, 3.0), {server})
            found[source] = play(page, wait, watch, seconds)
            print(json.dumps({source: found[source]["faults"] or "steady"}), file=sys.stderr, flush=True)
        made.services.workspace.undo_stack.setClean()
        made.window.end()
    return found


def main() -> int:
    """Soak, print, and say whether it held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=1200, help="for each source")
    parser.add_argument("--sources", nargs="+", default=["sample", "stream"], choices=["sample", "stream"])
    parser.add_argument("-o", "--output", type=Path, help="file for the JSON document")
    options = parser.parse_args()
    found = soak(options.seconds, options.sources)
    text = json.dumps(found, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text)
    return 1 if any(one["faults"] for one in found.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
