"""What recording adds to a pair: stretches with and without it take turns, on the same pictures."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from app.engine.detector import Detector
from app.engine.pairing import PairRunner
from app.engine.recording import Recorder
from app.engine.sources import open_source

_ROUNDS = 10
_STRETCH_S = 2.0
_SETTLE_S = 0.4
_FPS = 25.0


def main() -> None:
    """Print milliseconds per pair with and without recording, at full speed and paced at 25 pictures a second."""
    sample = Path("resources/sample")
    detectors = [
        Detector.load(sample / f"{side}.pt", "openvino", "f32", "cpu", 640)
        for side in ("standard", "lightweight")
    ]
    source = open_source("sample")
    images = []
    while (frame := source.read()) is not None and len(images) < 60:
        images.append(np.ascontiguousarray(frame.image))
    source.close()
    runner = PairRunner(*detectors)
    runner.warm_up(images[0])
    for fps in (None, _FPS):
        with tempfile.TemporaryDirectory() as folder:
            recorder = Recorder(Path(folder) / "out.mp4", detectors, lambda _event: None)
            time.sleep(2.0)
            plain, recorded = _take_turns(runner, images, recorder, fps)
            end = recorder.close()
        ratio = statistics.median(b / a for a, b in zip(plain, recorded, strict=True))
        pace = "full speed" if fps is None else f"{fps:g} pictures a second"
        print(
            f"{pace}: {statistics.median(plain):.2f} ms a pair, {statistics.median(recorded):.2f} ms recorded, "
            f"{100 * (ratio - 1):+.1f} % (median of {len(plain)} turns); "
            f"{end['frames']} pictures recorded, {end['dropped']} left out"
        )


def _take_turns(
    runner: PairRunner, images: list[np.ndarray], recorder: Recorder, fps: float | None
) -> tuple[list[float], list[float]]:
    """Return the median milliseconds of a pair in each stretch, without and with recording."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * _ROUNDS):
        recording = number % 4 in (1, 2)
        times = []
        end = time.perf_counter() + _STRETCH_S
        count = 0
        while (begin := time.perf_counter()) < end:
            image = images[count % len(images)]
            count += 1
            pair = runner.run(image)
            if recording:
                recorder.add(image, pair)
            times.append((time.perf_counter() - begin) * 1e3)
            if fps is not None:
                time.sleep(max(begin + 1 / fps - time.perf_counter(), 0))
        found[recording].append(statistics.fmean(times))
        time.sleep(_SETTLE_S)
    return found


if __name__ == "__main__":
    main()
