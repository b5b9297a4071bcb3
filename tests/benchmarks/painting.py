"""What painting a pair of 1280×720 pictures costs the window's thread.

    sh tools/with_display.sh python -m tests.benchmarks.painting

Both views show a new picture each time, with twenty boxes and labels on each side, as in a comparison: from the moment
the pair is handed over until both are painted. Prints one JSON document, milliseconds.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from app.core.frames import Picture
from app.ui.widgets.frame_view import FrameView
from app.ui.widgets.viewport import Viewport
from app.workers.compare import Box, drawable

WIDTH, HEIGHT = 1280, 720
TIMES = 60
LIMIT_MS = 8.0


def pictures(count: int = 4) -> list[QImage]:
    """Return pictures as the worker's thread hands them over."""
    rows = [bytes((i * 7 + x) % 256 for x in range(WIDTH * 3)) for i in range(16)]
    found = []
    for shift in range(count):
        pixels = b"".join(rows[(y + shift) % len(rows)] for y in range(HEIGHT))
        found.append(drawable(Picture(WIDTH, HEIGHT, WIDTH * 3, pixels)))
    return found


def boxes(shift: int) -> list[Box]:
    """Return twenty boxes, some of them on one side alone."""
    marks = ("agree", "agree", "alone", "changed")
    return [
        Box(*(60.0 * i + shift, 30.0 * i, 60.0 * i + 110, 30.0 * i + 140), 0.9 - i / 40, i % 3, marks[i % 4])
        for i in range(20)
    ]


def measure(size: QSize, times: int = TIMES) -> dict[str, float]:
    """Return median and 95th percentile of painting a pair, in a window of this size."""
    page = QWidget()
    row = QHBoxLayout(page)
    viewport = Viewport(page)
    views = [FrameView(f"view_{side}", side=side, viewport=viewport) for side in "ab"]
    for view in views:
        view.set_classes({0: "red cell", 1: "white cell", 2: "platelet"})
        row.addWidget(view)
    page.resize(size)
    page.show()
    deadline = time.monotonic() + 5
    while not page.windowHandle().isExposed() and time.monotonic() < deadline:
        QApplication.processEvents()
    shown, taken = pictures(), []
    for turn in range(times + 5):
        image, both = shown[turn % len(shown)], (boxes(turn % 9), boxes(turn % 7))
        begin = time.perf_counter()
        for view, found in zip(views, both, strict=True):
            view.show_frame(image, found)
        for view in views:
            view.repaint()
        taken.append((time.perf_counter() - begin) * 1e3)
    page.close()
    page.deleteLater()
    taken = sorted(taken[5:])
    return {"p50": statistics.median(taken), "p95": taken[int(len(taken) * 0.95)]}


def main() -> dict[str, Any]:
    """Measure in windows of the usual sizes."""
    application = QApplication.instance() or QApplication([])
    sizes = (QSize(1280, 480), QSize(1920, 760))
    found = {f"{size.width()}×{size.height()}": measure(size) for size in sizes}
    assert application is not None
    return found


if __name__ == "__main__":
    print(json.dumps(main(), indent=1, ensure_ascii=False))
