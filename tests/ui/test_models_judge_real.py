"""Runs compared by the engine itself: from the button to figures, pictures, a report and measured milliseconds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.core.folders import resources
from app.core.runs import RunFolder
from app.ui.application import Studio
from app.ui.pages.models import ModelsPage
from app.ui.pages.models_judge import COSTS, JudgeWindow
from app.ui.pages.models_judge_panes import PicturesPane
from app.ui.pages.models_judge_pareto import ParetoView
from tests.ui.test_models_judge import cells
from tests.ui.train_runs import make_run

ROOT = Path(__file__).resolve().parents[2]
WAIT = 120_000
DRAWN = (
    "import sys; from pathlib import Path; from app.engine.sample import write_dataset\n"
    "print(write_dataset(Path(sys.argv[1]), train=4, val=6, test=0))"
)


@pytest.fixture
def pair(workspace: Path, tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """The sample's two detectors as runs, on six pictures of the sample."""
    drawn = subprocess.run(
        [sys.executable, "-c", DRAWN, str(tmp_path / "pictures")],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    made = []
    for role in ("standard", "lightweight"):
        run = make_run(workspace, role, [], role, imgsz=224)
        run.write_config(replace(run.config(), data=drawn.stdout.strip()))
        run.best.parent.mkdir(exist_ok=True)
        shutil.copy(resources() / "sample" / f"{role}.pt", run.best)
        made.append(run)
    return made[0], made[1]


@pytest.mark.timeout(300)
def test_runs_are_judged_and_measured(
    studio: Studio, pair: tuple[RunFolder, RunFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    studio.window.show()
    studio.window.show_page("models")
    page = studio.window.page("models")
    assert isinstance(page, ModelsPage)
    page.table.choose(pair[0].best)
    page.table.choose(pair[1].best, extend=True)
    qtbot.mouseClick(page.judge, Qt.MouseButton.LeftButton)
    (window,) = page.findChildren(JudgeWindow)
    for split in ("train", "val"):  # another split, and back, before anything came
        window.split.setCurrentIndex(window.split.findData(split))
    qtbot.waitUntil(lambda: bool(window.judgement), timeout=WAIT)
    assert window.judgement["split"] == "val"
    assert "6 pictures of val" in window.sentence.text()
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=WAIT)  # what was called off has ended, too
    assert window.judgement["split"] == "val"
    first, second = window.judgement["runs"]
    assert {first["name"], second["name"]} == {"standard", "lightweight"}
    assert min(first["map50"], second["map50"]) > 0.5
    (name, *scores) = cells(window, "Accuracy")[0]
    assert name == "mAP50-95"
    assert scores[0].startswith(f"{first['map50_95']:.3f} [")
    change = f"{second['map50_95'] - first['map50_95']:+.3f}".replace("-", "−")
    assert cells(window, "Change")[0][1].startswith(f"{change} [")
    (pictures,) = window.findChildren(PicturesPane)
    assert [pane.caption.partition(":")[0] for pane in pictures.panes] == [first["name"], second["name"]]
    window.write_report(tmp_path / "report.html", "html")
    assert "data:image/jpeg;base64," in (tmp_path / "report.html").read_text(encoding="utf-8")

    window.show_tab(COSTS)
    (view,) = window.findChildren(ParetoView)
    second["ms"] = 3.0  # one is known: the other is measured
    combo = window.findChild(QComboBox, "paretoAxis")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("ms"))
    qtbot.mouseClick(view.measure, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: first.get("ms") is not None, timeout=WAIT)
    assert 0.1 < first["ms"] < 2000
    assert len(view.plot.chart.marks) == 2
    row = next(row for row in cells(window, "Cost") if row[0] == "milliseconds here")
    assert float(row[1]) == pytest.approx(first["ms"], rel=0.01)
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=WAIT)
    window.close()
    qtbot.waitUntil(lambda: not page.findChildren(JudgeWindow))
