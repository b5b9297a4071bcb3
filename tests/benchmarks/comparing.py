"""What the comparison adds to the bare runtime calls, and what stock predict manages with the same files.

`python -m tests.benchmarks.comparing A B CLIP` prints one JSON document. The ways take turns in one process, so
that a change of the machine's speed meets them all.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

PICTURES = 40
ROUNDS = 4


def frames(clip: Path, count: int) -> list[Any]:
    """Return the first pictures of a clip."""
    from app.engine.sources import open_source

    source = open_source(str(clip))
    found = [frame.image for _ in range(count) if (frame := source.read()) is not None]
    source.close()
    return found


def overhead(a: Path, b: Path, pictures: list[Any], precision: str) -> dict[str, float]:
    """Time a whole pair against the sum of the two bare runtime calls on the same input."""
    from app.engine.detector import Detector
    from app.engine.pairing import PairRunner

    runner = PairRunner(*(Detector.load(path, "openvino", precision, "cpu") for path in (a, b)))
    runner.warm_up(pictures[0])
    ratios, pairs, bare = [], [], []
    for turn in range(ROUNDS * len(pictures)):
        picture = pictures[turn % len(pictures)]
        batch = runner.detectors[0].preprocess(picture).batch

        def call(batch: Any = batch) -> float:
            return sum(detector.infer(batch)[1] for detector in runner.detectors)

        first = call() if turn % 2 else None
        pair = runner.run(picture).pair_ms
        alone = call() if first is None else first
        ratios.append(pair / alone)
        pairs.append(pair)
        bare.append(alone)
    return {
        "pair_ms": statistics.median(pairs),
        "bare_ms": statistics.median(bare),
        "ratio": statistics.median(ratios),
    }


def stock_rate(a: Path, b: Path, pictures: list[Any]) -> float:
    """Return pairs a second of two stock predicts with default settings."""
    from ultralytics import YOLO

    models = [YOLO(path) for path in (a, b)]
    for model in models:
        model.predict(pictures[0], verbose=False)
    begin = time.perf_counter()
    for picture in pictures:
        for model in models:
            model.predict(picture, verbose=False)
    return len(pictures) / (time.perf_counter() - begin)


def our_rate(a: Path, b: Path, clip: Path, count: int, precision: str) -> float:
    """Return pairs a second of the comparison, decoding included."""
    from app.engine.comparison import compare_headless

    result = compare_headless(a, b, str(clip), count, runtime="openvino", precision=precision, device="cpu")
    return float(result["pairs_per_second"])


def main(a: Path, b: Path, clip: Path) -> dict[str, Any]:
    """Measure everything."""
    from app.engine.environment_setup import prepare

    prepare()
    from app.engine.openvino_model import openvino
    from app.engine.runtimes import OpenVinoRuntime

    pictures = frames(clip, PICTURES)
    able = [p for p in OpenVinoRuntime.precisions(openvino().Core(), "CPU") if p in ("f32", "bf16")]
    result: dict[str, Any] = {p: overhead(a, b, pictures, p) for p in able}
    rates: dict[str, list[float]] = {name: [] for name in (*able, "stock")}
    for _ in range(ROUNDS):
        rates["stock"].append(stock_rate(a, b, pictures))
        for precision in able:
            rates[precision].append(our_rate(a, b, clip, PICTURES, precision))
    result["pairs_per_second"] = {name: statistics.median(values) for name, values in rates.items()}
    return result


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:4])), indent=1))
