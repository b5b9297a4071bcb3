"""How soon the Design page answers: from click to painted numbers, through real events.

    sh tools/with_display.sh python -m tests.benchmarks.editing [BASE...]

Every replaceable layer of a base model is selected, swapped (its convolutions, then itself as a whole where that is
possible) and restored by undo, once with the layers closed and once with all of them open. Milliseconds are shown as
on a machine that is measured; the table is an imagined one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest

if TYPE_CHECKING:
    from app.ui.pages.design import DesignPage

BASES = ("yolov5n", "yolov5x", "yolov9e", "yolo26x-p6")
LIMIT_MS = 50.0
INSIDE, WHOLE = (Qt.Key.Key_1, "separable"), (Qt.Key.Key_5, "shufflenetv2")


Times = tuple[float, float]
"""Milliseconds until everything is painted, and how many of them this thread worked; on a busy machine they differ."""


def answered(action: Callable[[], object]) -> Times:
    """Return how long an action takes until everything that it changes is painted."""
    start, own = time.perf_counter(), time.thread_time()
    action()
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()
    return (time.perf_counter() - start) * 1000, (time.thread_time() - own) * 1000


def measure(page: DesignPage, base: str, opened: bool) -> dict[str, dict[str, float]]:
    """Return p50 and p95 of each sort of step, and the p95 of our own work in it, in milliseconds."""
    from app.core.design import Design

    page.workspace.apply(Design.stock(base), "start")
    if opened:
        for layer in page.snapshot.architecture.layers:
            page.diagram.set_open(layer.path, True)
        page.diagram.fit()
    times: dict[str, list[Times]] = {"select": [], "swap": [], "swap_whole": [], "undo": []}
    for layer in page.snapshot.architecture.layers:
        facts = page.snapshot.facts[layer.path]
        if not facts.targets:
            continue
        place = page.diagram.rect_of(layer.path).topLeft()
        times["select"].append(
            answered(lambda place=place: QTest.mouseClick(page.diagram, Qt.MouseButton.LeftButton, pos=place))
        )
        page.select((layer.path,))
        for name, (key, kind) in (("swap", INSIDE), ("swap_whole", WHOLE)):
            if not page.inspector.kinds.targets_for(kind):
                continue
            times[name].append(answered(lambda key=key: QTest.keyClick(page.diagram, key)))
            times["undo"].append(answered(page.workspace.undo_stack.undo))
    return {name: _summary(column) for name, column in times.items()}


def measure_crowded(page: DesignPage, base: str) -> dict[str, dict[str, float]]:
    """Return the same for steps that concern the whole model: everything selected and swapped at once."""
    from app.core.design import Design

    page.workspace.apply(Design.stock(base), "start")
    times: dict[str, list[Times]] = {"select_all": [], "swap_all": [], "undo": []}
    control = Qt.KeyboardModifier.ControlModifier
    for key in (Qt.Key.Key_1, Qt.Key.Key_3, Qt.Key.Key_5, Qt.Key.Key_6, Qt.Key.Key_8) * 2:
        page.select(())
        times["select_all"].append(answered(lambda: QTest.keyClick(page.diagram, Qt.Key.Key_A, control)))
        times["swap_all"].append(answered(lambda key=key: QTest.keyClick(page.diagram, key)))
        times["undo"].append(answered(page.workspace.undo_stack.undo))
    return {name: _summary(column) for name, column in times.items()}


def know_milliseconds(page: DesignPage, base: str) -> None:
    """Give the page a full latency table of a base model, from an imagined machine."""
    from app.core.design import Design
    from app.core.latency_devices import KnownTable
    from app.core.latency_plan import default_kinds, plan
    from tests.core.latency_machine import table

    known = KnownTable(table(plan(Design.stock(base), default_kinds())), here=True)
    known.table.modules(Design.stock(base))
    page.latency.tables.known = (known,)
    page.latency.tables.changed.emit()


def _summary(times: list[Times]) -> dict[str, float]:
    wall, own = ([column[i] for column in times] for i in (0, 1))
    return {"p50": round(statistics.median(wall), 1), "p95": _p95(wall), "own_p95": _p95(own)}


def _p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0], 1)


def main(bases: tuple[str, ...] = BASES) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return every figure by base model and state."""
    from app.core.settings import load_settings, save_settings
    from app.ui import application as studio

    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(Path(temporary) / "config")
        settings = load_settings()
        save_settings(type(settings)(**{**settings.__dict__, "workspace": temporary}))
        made = studio.build(studio.create_application([]))
        made.window.resize(1280, 800)
        made.window.start()
        made.window.show_page("design")
        page: DesignPage = made.window.page("design")  # type: ignore[assignment]
        while not page.diagram.hasFocus():
            QCoreApplication.processEvents()
        result = {}
        for base in bases:
            know_milliseconds(page, base)
            measure(page, base, False)
            result[base] = {
                "closed": measure(page, base, False),
                "opened": measure(page, base, True),
                "everything": measure_crowded(page, base),
            }
        made.services.workspace.undo_stack.setClean()
        made.window.end()
        return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bases", nargs="*", default=BASES)
    print(json.dumps(main(tuple(parser.parse_args().bases)), indent=1))
