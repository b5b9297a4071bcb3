"""The Models page: rows and figures, filter and order, exports and comparisons."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.runs import RunFolder
from app.ui.application import Studio
from app.ui.pages.models import ModelsPage
from app.ui.pages.models_rows import figures_path
from app.ui.pages.models_table import GFLOPS, KIND, MAP, NAME, SIZE, STATE
from app.ui.requests import ModelRequest
from app.ui.widgets.elided import ElidedLabel
from tests.ui.train_runs import EPOCHS, events_of, make_run

ROOT = Path(__file__).resolve().parents[2]
FAILED = {
    "event": "failed",
    "reason": "The disk is full (last.ckpt).",
    "hint": "Free some space, then resume.",
}


def finished(score: float) -> dict[str, object]:
    per_class = {"RBC": {"ap50": 0.9, "ap50_95": 0.5}, "Platelets": {"ap50": None, "ap50_95": None}}
    best = {"epoch": EPOCHS, "map50": score + 0.2, "map50_95": score, "per_class": per_class}
    return {"event": "finished", "epoch": EPOCHS, "epochs": EPOCHS, "best": best}


@pytest.fixture
def runs(workspace: Path) -> dict[str, RunFolder]:
    """A standard and a lightweight run, a failed one, a converted and an exported model."""
    made = {
        "std": make_run(workspace, "std", events_of(EPOCHS, finished(0.58))),
        "light": make_run(workspace, "light", events_of(EPOCHS, finished(0.53)), "lightweight"),
        "bad": make_run(workspace, "bad", events_of(0, FAILED)),
    }
    exports = workspace / "exports"
    (exports / "light_openvino_model").mkdir(parents=True)
    (exports / "light_openvino_model" / "light.bin").write_bytes(b"x" * 3_000_000)
    (exports / "light.onnx").write_bytes(b"x" * 4_000_000)
    return made


@pytest.fixture
def show(studio: Studio, qtbot: QtBot) -> Callable[[], ModelsPage]:
    """Return a function that shows the Models page."""

    def go() -> ModelsPage:
        studio.window.resize(1280, 800)
        studio.window.show()
        studio.window.show_page("models")
        page = studio.window.page("models")
        assert isinstance(page, ModelsPage)
        return page

    return go


def cells(page: ModelsPage, name: str, column: int) -> list[str]:
    model = page.table.model()
    rows = [row for row in range(model.rowCount()) if model.index(row, NAME).data() == name]
    return [str(model.index(row, column).data()) for row in rows]


def test_an_empty_workspace_says_where_models_come_from(show: Callable[[], ModelsPage], qtbot: QtBot) -> None:
    page = show()
    assert page.empty.isVisible()
    assert not page.primary.isEnabled()
    with qtbot.waitSignal(page.workspace.page_requested) as asked:
        page.empty.primary.click()
    assert asked.args[0] == "train"


def test_the_table_says_what_the_runs_say(show: Callable[[], ModelsPage], runs: dict[str, RunFolder]) -> None:
    page = show()
    assert cells(page, "std", MAP) == ["0.580"]
    assert cells(page, "std", GFLOPS) == ["4.10"]
    assert cells(page, "bad", STATE) == ["failed"]
    assert cells(page, "bad", SIZE) == ["–"]
    assert sorted(cells(page, "light", KIND)) == ["ONNX", "OpenVINO", "standard"]
    assert sorted(cells(page, "light", SIZE))[-2:] == ["3.00", "4.00"]


def test_exports_of_every_format_and_bundles_are_listed(
    show: Callable[[], ModelsPage], workspace: Path
) -> None:
    exports = workspace / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    for name in ("one.onnx", "one.torchscript", "one.tflite"):
        (exports / name).write_bytes(bytes(2_000_000))
    for name in ("one_ncnn_model", "one.mlpackage", "one-bundle"):
        (exports / name / "inside").mkdir(parents=True)
        (exports / name / "inside" / "weights").write_bytes(bytes(3_000_000))
    page = show()
    assert sorted(cells(page, "one", KIND)) == ["CoreML", "LiteRT", "NCNN", "ONNX", "TorchScript", "bundle"]
    assert sorted(cells(page, "one", SIZE)) == ["2.00"] * 3 + ["3.00"] * 3


def test_filter_and_order(show: Callable[[], ModelsPage], runs: dict[str, RunFolder], qtbot: QtBot) -> None:
    page = show()
    qtbot.keyClicks(page.filter, "STD")
    assert [row.name for row in page.table.visible_rows] == ["std"]
    page.filter.clear()
    assert len(page.table.visible_rows) == 5
    page.table.sortByColumn(MAP, Qt.SortOrder.DescendingOrder)
    assert [row.name for row in page.table.visible_rows][:2] == ["std", "light"]
    page.table.sortByColumn(SIZE, Qt.SortOrder.DescendingOrder)
    assert page.table.visible_rows[0].path.name == "light.onnx"


def test_the_card_tells_figures_classes_origin_and_why_it_failed(
    show: Callable[[], ModelsPage], runs: dict[str, RunFolder]
) -> None:
    page = show()
    page.table.choose(runs["std"].best)
    texts = page.card.texts()
    assert "0.580" in texts
    assert "0.900 / 0.500" in texts
    assert "best.pt" in texts
    QApplication.processEvents()
    labels = [text for text in page.card.findChildren(ElidedLabel) if text.isVisible()]
    assert [text.text() for text in labels if text.toolTip() == "/data/data.yaml"] == ["data"]
    shown = [text for text in labels if text.property("role") == "muted"]
    assert {text.text() for text in shown} >= {"GFLOPs at 64 px", "Picture size", "Batch and seed"}
    assert not [text.text() for text in shown if text.width() < text.sizeHint().width()], "no name is cut"
    page.table.choose(runs["bad"].best)
    assert "The disk is full" in page.card.sentence.text()
    assert not page.primary.isEnabled()
    assert page.primary.toolTip()


def test_two_models_are_compared_with_the_standard_one_left(
    show: Callable[[], ModelsPage], runs: dict[str, RunFolder], workspace: Path, qtbot: QtBot
) -> None:
    events = events_of(EPOCHS, finished(0.5), role="lightweight")
    light = make_run(workspace, "really light", events, "lightweight")
    page = show()
    page.table.choose(light.best)
    page.table.choose(runs["std"].best, extend=True)
    with qtbot.waitSignal(page.workspace.page_requested) as asked:
        page.compare_chosen()
    assert (asked.args[1].a, asked.args[1].b) == (str(runs["std"].best), str(light.best))
    page.table.choose(light.best)
    with qtbot.waitSignal(page.workspace.page_requested) as asked:
        page.compare_chosen()
    assert (asked.args[1].a, asked.args[1].b) == ("", str(light.best))


@pytest.mark.alone  # trains or exports: beside another it runs out of time
def test_a_measured_conversion_shows_its_figures(
    show: Callable[[], ModelsPage], workspace: Path, runs: dict[str, RunFolder], qtbot: QtBot
) -> None:
    made = workspace / "exports" / "std-lightweight.pt"
    made.write_bytes(b"not really a checkpoint")
    figures_path(made).write_text(
        '{"map50": 0.8, "map50_95": 0.5, "per_class": {"RBC": {"ap50": 0.7, "ap50_95": 0.4}}}'
    )
    page = show()
    assert cells(page, "std-lightweight", MAP) == ["0.500"]
    with qtbot.waitSignal(page.messages.posted, timeout=60_000) as posted:
        page.receive(ModelRequest(made))
    assert [row.path for row in page.table.chosen] == [made]
    assert "std-lightweight.pt" in posted.args[0].text
    assert "0.700 / 0.400" in page.card.texts()
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=20_000)


@pytest.mark.alone  # trains or exports: beside another it runs out of time
@pytest.mark.timeout(300)
def test_a_real_checkpoint_is_exported_and_checked(
    show: Callable[[], ModelsPage], workspace: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    weights = tmp_path / "tiny.pt"
    code = (
        "import sys; from pathlib import Path\n"
        "from app.engine.environment_setup import prepare; prepare()\n"
        "from app.core.design import Design, Swap\n"
        "from app.engine.models import build_model\n"
        "from app.engine.checkpoint import save_checkpoint\n"
        "design = Design.stock('yolov5n', 2).with_swap(['model.3'], Swap('separable', {'rank': 2}))\n"
        "save_checkpoint(build_model(design, names={0: 'a', 1: 'b'}), Path(sys.argv[1]), train_args={'imgsz': 64})\n"
    )
    subprocess.run([sys.executable, "-c", code, str(weights)], check=True, cwd=ROOT, timeout=120)
    page = show()
    page.dropped([weights])
    assert [row.path for row in page.table.chosen] == [weights]
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=60_000)
    assert "yolov5n" in page.card.texts()
    with qtbot.waitSignal(page.messages.posted, timeout=200_000) as posted:
        page.export_chosen("onnx")
    assert posted.args[0].kind == "success", posted.args[0].text
    assert "tiny.onnx" in posted.args[0].text
    assert "away from torch" in posted.args[0].hint
    assert (workspace / "exports" / "tiny.onnx").stat().st_size > 1_000_000
    assert [row.path.name for row in page.table.chosen] == ["tiny.onnx"]
