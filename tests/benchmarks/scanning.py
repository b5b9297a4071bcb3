"""How long 100,000 pictures take to look through: at first, called off in the middle, and once more.

    python -m tests.benchmarks.scanning [--pictures N] [--folder FOLDER]

The pictures are small JPEGs of distinct content in a temporary folder, a label beside each. Every figure comes from the
job that the window runs, in a process of its own, over its pipe.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SIDE = 32
_SHARE = 0.95
"""Of the pictures these train, the others validate."""
_CANCEL_AT = (0.0, 0.3, 0.95)


@dataclass(frozen=True)
class Scan:
    """One look through a data set.

    Attributes:
        seconds: From the start of the process to its last event.
        told: How often it told how far it is.
        silence: The longest time between two such events, seconds.
        answer: From the wish to cancel until its process was gone, seconds; None where it was not cancelled.
        images: Pictures by split.
        memory: The most bytes that the process held.
    """

    seconds: float
    told: int
    silence: float
    answer: float | None
    images: dict[str, int]
    memory: int


def write(folder: Path, count: int) -> Path:
    """Write pictures and labels; return their data.yaml."""
    import cv2

    random = np.random.default_rng(0)
    for split, numbers in _split(count):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in numbers:
            coarse = random.integers(0, 255, (4, 4, 3), dtype=np.uint8)
            picture = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / "images" / split / f"{number:06d}.jpg"), picture)
            label = folder / "labels" / split / f"{number:06d}.txt"
            label.write_text(f"{number % 3} 0.5 0.5 0.4 0.4\n")
    description = folder / "data.yaml"
    description.write_text("train: images/train\nval: images/val\nnames: [a, b, c]\n")
    return description


def _split(count: int) -> Iterator[tuple[str, range]]:
    edge = round(count * _SHARE)
    yield "train", range(edge)
    yield "val", range(edge, count)


def scan(data: Path, cache: Path, cancel_at: float | None = None) -> Scan:
    """Run the job "dataset.check"; cancel it once it has told that share."""
    import psutil

    environment = {**os.environ, "DEPTHWISE_STUDIO_CACHE": str(cache)}
    begun = last = time.monotonic()
    told, silence, memory, asked = 0, 0.0, 0, None
    result: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "--engine", "dataset.check"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({"data": str(data)}) + "\n")
        child.stdin.flush()
        process = psutil.Process(child.pid)
        for line in child.stdout:
            now, event = time.monotonic(), json.loads(line)
            if event["event"] == "progress":
                told, silence, last = told + 1, max(silence, now - last), now
                memory = max(memory, process.memory_info().rss)
                if cancel_at is not None and asked is None and event["fraction"] >= cancel_at:
                    asked = now
                    child.stdin.write('{"command": "cancel"}\n')
                    child.stdin.flush()
            elif event["event"] == "done":
                result = event["result"]
        child.wait()
    ended = time.monotonic()
    if cancel_at is None and not result:
        raise SystemExit("the scan failed")
    answer = ended - asked if asked is not None else None
    return Scan(ended - begun, told, silence, answer, result.get("images", {}), memory)


def main() -> None:
    parser = argparse.ArgumentParser(description="Look through many pictures.")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--folder", help="where the pictures go for the time being")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        begun = time.monotonic()
        data = write(folder / "data", options.pictures)
        print(f"{options.pictures} pictures written in {time.monotonic() - begun:.0f} s", flush=True)
        called_off = {share: scan(data, folder / "other cache", share) for share in _CANCEL_AT}
        first = scan(data, folder / "cache")
        again = scan(data, folder / "cache")
    assert sum(first.images.values()) == options.pictures
    assert again.images == first.images
    for share, one in called_off.items():
        print(f"called off at {share:.0%}: gone after {one.answer:.2f} s (aim: 1 s)")
    for words, one in (("first", first), ("again", again)):
        pace = options.pictures / one.seconds
        print(
            f"{words}: {one.seconds:.1f} s, {pace:.0f} pictures/s, told {one.told} times, silent for "
            f"{one.silence:.2f} s at most, {one.memory / 1e6:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
