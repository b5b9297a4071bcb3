"""Inference time of several checkpoints on several runtimes, in turn, in one process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

RUNTIMES = (("torch", "f32"), ("openvino", "f32"), ("openvino", "bf16"))
ROUNDS = 60
WARM_UP = 10


def measure(weights: Mapping[str, str], imgsz: int, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Return name → "runtime precision" → median milliseconds of one square input.

    The checkpoints take turns within each round, so that a change of the machine's speed meets them all.
    """
    from app.engine.environment_setup import prepare

    prepare()
    import numpy as np

    from app.core.errors import AppError
    from app.engine.detector import Detector

    batch = np.random.default_rng(0).random((1, 3, imgsz, imgsz), dtype=np.float32)
    result: dict[str, dict[str, float]] = {name: {} for name in weights}
    for runtime, precision in RUNTIMES:
        try:
            detectors = {n: Detector.load(w, runtime, precision, "cpu", imgsz) for n, w in weights.items()}
        except AppError as error:
            print(f"{runtime} {precision} is left out: {error}")
            continue
        times: dict[str, list[float]] = {name: [] for name in weights}
        for detector in detectors.values():
            detector.warm_up(imgsz, imgsz, WARM_UP)
        for _ in range(rounds):
            for name, detector in detectors.items():
                start = time.perf_counter()
                detector.infer(batch)
                times[name].append((time.perf_counter() - start) * 1e3)
        for name, values in times.items():
            result[name][f"{runtime} {precision}"] = statistics.median(values)
    return result
