"""Two detectors on one source: frame by frame without a window, or live in the engine process."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from app.core.arbiter import COMPARISON, active
from app.core.errors import AppError
from app.core.source_options import SourceOptions
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.compare_outputs import FileOutputs, OutputFiles
from app.engine.detector import Detector, common_runtime
from app.engine.pairing import PairRunner, PairStatistics, describe
from app.engine.postprocess import CONFIDENCE, IOU
from app.engine.session import MOST_SAMPLES
from app.engine.source_types import mirrored
from app.engine.sources import Frame, LatestFrameReader, Source, open_source

LIVE_FRAMES = 300
"""Pairs taken from a camera or stream, which would never end, where nobody says how many."""


_PLAIN, _NO_FILES = SourceOptions(), OutputFiles()


def _silent(_fraction: float, _text: str) -> None:
    pass


def compare_headless(
    a: Path | str,
    b: Path | str,
    source: str,
    frames: int | None = None,
    *,
    runtime: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    imgsz: int | None = None,
    threads: int | None = None,
    confidence: float = CONFIDENCE,
    iou: float = IOU,
    options: SourceOptions = _PLAIN,
    files: OutputFiles = _NO_FILES,
    progress: Callable[[float, str], None] = _silent,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run two detectors on the same pictures and return what they took and found.

    Files and folders are taken frame by frame, unpaced, dropping nothing, once; of cameras and streams the
    newest picture wins. Compiling and warming up are not counted. Times cover the newest 50,000 pairs.

    Args:
        a: Left weights, by convention the standard detector.
        b: Right weights, by convention the lightweight one.
        source: What `open_source` takes.
        frames: Number of pairs; all of a file, 300 of a camera, where None.
        runtime: As in `Detector.load`, the same on both sides.
        precision: As in `Detector.load`.
        device: As in `Detector.load`.
        imgsz: As in `Detector.load`.
        threads: As in `Detector.load`.
        confidence: Boxes at or below it are dropped.
        iou: Overlap above which the worse box of a class is dropped.
        options: Size and rate of a camera; whether pictures are mirrored.
        files: A recording and a report to write.
        progress: Told how far it is.
        should_stop: Asked before every picture; the pairs so far are the result.

    Returns:
        The keys of `compare`, as documented for the command line.

    Raises:
        AppError: The source or a detector cannot be used, or the source holds no picture.
    """
    if frames is not None and frames < 1:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{frames} frames cannot be compared."),
            QT_TRANSLATE_NOOP("core", "Give a number of frames from 1 on."),
            frames=frames,
        )
    with ExitStack() as stack:
        stack.enter_context(active(COMPARISON))
        opened = stack.enter_context(closing(open_source(source, options=options)))
        progress(0.0, "Preparing the detectors")
        runtime = common_runtime((a, b), runtime)
        detectors = [Detector.load(path, runtime, precision, device, imgsz, threads) for path in (a, b)]
        runner, statistics = PairRunner(*detectors), PairStatistics(MOST_SAMPLES)
        settings = {"confidence": confidence, "iou": iou, **options.as_json()}
        outputs = stack.enter_context(closing(FileOutputs(files, runner, settings)))
        limit = frames or (LIVE_FRAMES if opened.live else None)
        expected = min(count for count in (limit, opened.frames, 10**9) if count is not None)
        elapsed, lost = 0.0, 0
        pictures = (_live if opened.live else _all)(opened, options.mirror)
        begin = time.perf_counter()
        for frame, lost in pictures:  # noqa: B007 - the last count is the result
            warming = time.perf_counter()
            runner.warm_up(frame.image)
            begin += time.perf_counter() - warming
            pair = runner.run(frame.image, confidence, iou)
            statistics.add(pair)
            outputs.add(frame.image, frame.index, pair)
            elapsed = time.perf_counter() - begin
            progress(min(statistics.pairs / expected, 1.0), f"{statistics.pairs} pairs")
            if statistics.pairs == limit or should_stop():
                break
        pictures.close()
        if not statistics.pairs:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{name} holds no picture."),
                QT_TRANSLATE_NOOP("core", "Choose a source with at least one picture."),
                name=opened.name,
            )
        found = _result(opened, detectors, statistics, elapsed, lost)
        return {**found, **outputs.finish(opened.name, lost, found["notes"])}


def _all(source: Source, mirror: bool) -> Generator[tuple[Frame, int]]:
    while (frame := source.read()) is not None:
        yield Frame(frame.index, mirrored(frame.image), frame.captured_at) if mirror else frame, 0


def _live(source: Source, mirror: bool) -> Generator[tuple[Frame, int]]:
    reader = LatestFrameReader(source)
    reader.set_mirror(mirror)
    try:
        while (frame := reader.next()) is not None:
            yield frame, reader.dropped
        if reader.problem is not None:
            raise reader.problem
    finally:
        reader.close()


def _result(
    source: Source, detectors: list[Detector], statistics: PairStatistics, elapsed: float, dropped: int
) -> dict[str, Any]:
    figures = statistics.as_dict()
    sides = {name: {**describe(d), **figures.pop(name)} for name, d in zip("ab", detectors, strict=True)}
    return {
        "source": source.name,
        "frames": statistics.pairs,
        "dropped": dropped,
        **sides,
        **figures,
        "pairs_per_second": statistics.pairs / elapsed,
        "notes": list(source.notes),
    }


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Compare live until told to close: the engine job "compare"; see `app.engine.live`."""
    from app.engine.live import LiveComparison, LiveRequest

    return LiveComparison(LiveRequest.from_json(request), channel).run()
