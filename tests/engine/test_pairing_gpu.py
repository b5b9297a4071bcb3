"""The clock waits for an accelerator; runs where there is one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from app.engine.detector import Detector
from app.engine.pairing import PairRunner

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


def test_a_time_covers_the_work_on_the_device(
    standard: Path, lightweight: Path, frames: list[np.ndarray]
) -> None:
    detectors = [Detector.load(path, "torch", "f32", "cuda") for path in (standard, lightweight)]
    runner = PairRunner(*detectors)
    runner.warm_up(frames[0])
    for image in frames:
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begun.record()
        begin = time.perf_counter()
        pair = runner.run(image, 0.1)
        wall_ms = (time.perf_counter() - begin) * 1e3
        # Nothing is left on the device: what it still did would be in nobody's time.
        assert torch.cuda.current_stream().query()
        ended.record()
        ended.synchronize()
        inference_ms = pair.a.timings.inference_ms + pair.b.timings.inference_ms
        assert inference_ms <= pair.pair_ms <= wall_ms
        assert begun.elapsed_time(ended) <= wall_ms + 1.0
