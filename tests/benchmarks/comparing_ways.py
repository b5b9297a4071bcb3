"""The ways to compare two detectors that `tests.benchmarks.comparing` sets against each other, each in a process.

    python -m tests.benchmarks.comparing_ways WAY A B CLIP FOLDER

WAY is "studio PRECISION", "window PRECISION", "stock" or "exported". Says "ready" when it is, then does one block of
pictures for every line it is sent, and answers with a JSON object. Ways wait without using the machine, so that they
can take turns; stock predict is never in a process whose environment the Studio has prepared for itself.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PICTURES = 40
_WINDOW_S = 4.0

Block = Callable[[], dict[str, Any]]


def pictures_of(clip: str, count: int = PICTURES) -> list[Any]:
    """Return the first pictures of a clip."""
    from app.engine.sources import open_source

    source = open_source(clip)
    found = [frame.image for _ in range(count) if (frame := source.read()) is not None]
    source.close()
    return found


def studio(precision: str, a: Path, b: Path, clip: str) -> Block:
    """Whole pairs beside the two bare runtime calls on the same input, then a comparison without a window."""
    from app.engine.environment_setup import prepare

    prepare()
    from app.engine.comparison import compare_headless
    from app.engine.detector import Detector
    from app.engine.pairing import PairRunner

    pictures = pictures_of(clip)
    runner = PairRunner(*(Detector.load(path, "openvino", precision, "cpu") for path in (a, b)))
    runner.warm_up(pictures[0])
    batch = runner.detectors[0].preprocess(pictures[0]).batch

    def bare(turn: int) -> float:
        order = runner.detectors if turn // 2 % 2 else runner.detectors[::-1]
        begin = time.perf_counter()
        for detector in order:
            detector.infer(batch)
        return (time.perf_counter() - begin) * 1e3

    def block() -> dict[str, Any]:
        ratios, pairs, alone, shape = [], [], [], None
        for turn, picture in enumerate(pictures * 2):
            batch[...] = runner.detectors[0].preprocess(picture).batch
            first = bare(turn) if turn % 2 else None
            begin = time.perf_counter()
            runner.run(picture)
            pair = (time.perf_counter() - begin) * 1e3
            calls = bare(turn) if first is None else first
            ratios.append(pair / calls)
            pairs.append(pair)
            alone.append(calls)
            shape = batch.shape[2:]
        result = compare_headless(
            a, b, clip, len(pictures), runtime="openvino", precision=precision, device="cpu"
        )
        return {
            "pair_ms": statistics.median(pairs),
            "bare_ms": statistics.median(alone),
            "ratio": statistics.median(ratios),
            "pairs_per_second": result["pairs_per_second"],
            "speedup": result["speedup"]["median"],
            "input": list(shape or ()),
            "threads": result["a"]["threads"],
        }

    return block


def window(precision: str, a: Path, b: Path, clip: str) -> Block:
    """Pairs of a live comparison while a window paints every one of them on both sides."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and sys.platform == "linux":
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

    from app.ui.widgets.frame_view import FrameView
    from app.workers.compare import CompareWorker

    application = QApplication.instance() or QApplication([])
    page = QWidget()
    page.setProperty("kept", application)  # lives as long as the page
    page.resize(1280, 500)
    row = QHBoxLayout(page)
    views = FrameView("view_a"), FrameView("view_b")
    for view in views:
        row.addWidget(view)

    def block() -> dict[str, Any]:
        page.show()
        told: list[dict[str, Any]] = []
        ages: list[float] = []
        worker = CompareWorker(
            {
                "a": str(a),
                "b": str(b),
                "source": clip,
                "speed": 4.0,
                "runtime": "openvino",
                "precision": precision,
                "device": "cpu",
            }
        )

        def show() -> None:
            pair = worker.take_pair()
            if pair is not None and pair.a is not None and pair.b is not None:
                for view, side in zip(views, (pair.a, pair.b), strict=True):
                    view.show_frame(pair.image, side.boxes)
                    view.repaint()
                ages.append(pair.age_ms())

        loop = QEventLoop()
        worker.pair_ready.connect(show)
        worker.statistics_changed.connect(told.append)
        worker.ready.connect(lambda _: QTimer.singleShot(int(_WINDOW_S * 1000), loop.quit))
        worker.failed.connect(loop.quit)
        worker.start()
        loop.exec()
        worker.close()
        last = told[-1]
        return {
            "pair_ms": last["pair_ms"]["p50"],
            "bare_ms": last["a"]["inference_ms"]["p50"] + last["b"]["inference_ms"]["p50"],
            "pairs_per_second": last["pairs_per_second"],
            "age_ms": statistics.median(ages),
            "painted": len(ages),
        }

    return block


def stock(pictures: list[Any], files: tuple[Path, Path]) -> Block:
    """Two stock predicts with default settings for every picture."""
    from ultralytics import YOLO

    models = [YOLO(file, task="detect") for file in files]

    def block() -> dict[str, Any]:
        begin = time.perf_counter()
        for picture in pictures:
            for model in models:
                model.predict(picture, verbose=False)
        return {"pairs_per_second": len(pictures) / (time.perf_counter() - begin)}

    block()
    return block


def exported(file: Path, folder: Path) -> Path:
    """Return the stock OpenVINO export of a checkpoint, made in a folder."""
    from ultralytics import YOLO

    copy = folder / file.name
    shutil.copyfile(file, copy)
    return Path(YOLO(copy).export(format="openvino", verbose=False))


def _stock(way: str, a: Path, b: Path, folder: Path) -> Block:
    # No telemetry, no download, nothing installed; how fast it is stays ultralytics' own doing.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    os.environ.update(
        YOLO_OFFLINE="true",
        YOLO_AUTOINSTALL="false",
        ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS="1",
        YOLO_CONFIG_DIR=str(folder),
    )
    pictures = list(np.load(folder / "pictures.npy"))
    if way == "stock":
        return stock(pictures, (a, b))
    files = []
    for name, file in (("a", a), ("b", b)):
        (folder / name).mkdir()
        files.append(exported(file, folder / name))
    return stock(pictures, (files[0], files[1]))


def main(way: str, a: Path, b: Path, clip: str, folder: Path) -> None:
    """Make a way ready and do a block for every line on standard input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    kind, _, precision = way.partition(" ")
    made = {"studio": studio, "window": window}.get(kind)
    block = made(precision, a, b, clip) if made else _stock(kind, a, b, folder)
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(block()), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
