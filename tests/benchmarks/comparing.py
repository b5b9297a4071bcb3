"""What a comparison adds to the bare runtime calls, and what stock predict manages with the same two files.

    sh tools/with_display.sh python -m tests.benchmarks.comparing A B CLIP [--rounds 6]

Prints one JSON document. Every way (see `comparing_ways`) waits in a process of its own, and they take turns, so that a
change of the machine's speed meets them all; what is compared is compared round by round, and the median of the rounds
counts. Decoding and drawing are in no ratio to the bare calls, and in every number of pairs a second of the Studio;
stock predict is given decoded pictures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.comparing_ways import pictures_of

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 6
FLOOR = 1.05
"""Times the bare calls that a pair may take."""


class Way:
    """A way of comparing, waiting in a process for its turn."""

    def __init__(self, way: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.comparing_ways", way, *arguments]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.blocks: list[dict[str, Any]] = []
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended early")
        return line

    def take_turn(self) -> None:
        """Do one block."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.blocks.append(json.loads(self._answer()))

    def median(self, name: str) -> float:
        """Return the median of a figure over the rounds."""
        return float(statistics.median(block[name] for block in self.blocks))

    def over(self, other: Way, name: str = "pairs_per_second") -> float:
        """Return the median over the rounds of this way's figure against another's."""
        pairs = zip(self.blocks, other.blocks, strict=True)
        return float(statistics.median(mine[name] / theirs[name] for mine, theirs in pairs))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def precisions() -> list[str]:
    """Return the precisions that OpenVINO computes in here and that need no calibration."""
    from app.engine.environment_setup import prepare

    prepare()
    from app.engine.openvino_model import openvino
    from app.engine.runtimes import OpenVinoRuntime

    able = OpenVinoRuntime.precisions(openvino().Core(), "CPU")
    return [precision for precision in ("f32", "bf16") if precision in able]


def measure(a: Path, b: Path, clip: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure everything, the ways in turn."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        np.save(Path(temporary) / "pictures.npy", np.stack(pictures_of(clip)))
        arguments = [str(a.resolve()), str(b.resolve()), clip, temporary]
        ways: dict[str, Way] = {}
        names = [f"{way} {precision}" for precision in precisions() for way in ("studio", "window")]
        for name in (*names, "stock", "exported"):
            ways[name] = Way(name, arguments)
            stack.callback(ways[name].close)
        for turn in range(rounds):
            order = list(ways.values())
            for way in order if turn % 2 else order[::-1]:
                way.take_turn()
    return {
        name.removeprefix("studio "): _told(ways, name.removeprefix("studio "))
        for name in names
        if name.startswith("studio ")
    } | {
        "pairs_per_second": {name: way.median("pairs_per_second") for name, way in ways.items()},
    }


def _told(ways: dict[str, Way], precision: str) -> dict[str, Any]:
    """Return what one precision's comparison takes, beside the bare calls, with a window and beside stock."""
    mine, shown = ways[f"studio {precision}"], ways[f"window {precision}"]
    return {
        **{name: mine.blocks[-1][name] for name in ("input", "threads")},
        "pair_ms": mine.median("pair_ms"),
        "bare_ms": mine.median("bare_ms"),
        "ratio": mine.median("ratio"),
        "ratios": [block["ratio"] for block in mine.blocks],
        "wanted_ratio": FLOOR,
        "with_window": {
            "pair_ms": shown.median("pair_ms"),
            "inference_ms": shown.median("bare_ms"),
            "times_without_window": shown.over(mine, "pair_ms"),
            "age_ms": shown.median("age_ms"),
        },
        "times_stock": mine.over(ways["stock"]),
        "times_exported": mine.over(ways["exported"]),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("clip")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.a, chosen.b, chosen.clip, chosen.rounds), indent=1))
