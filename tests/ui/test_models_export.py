"""The export dialog: formats and what they lack, the fields of each, a real export, and how it is told."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.core.export_formats import FORMATS
from app.core.folders import resources
from app.core.runs import RunFolder
from app.ui.application import Studio
from app.ui.pages import models_export_formats, models_export_work
from app.ui.pages.models import ModelsPage
from app.ui.pages.models_export import ExportDialog
from app.ui.pages.models_export_words import commands, tools_python
from app.workers.job import EngineJob
from tests.ui.train_runs import EPOCHS, events_of, make_run

CHECK = {
    "pictures": 8,
    "boxes": 180,
    "max_box_px": 6.43,
    "max_score": 0.141,
    "agree": 82,
    "only_torch": 3,
    "only_export": 4,
    "class_changed": 1,
}


def _state(name: str) -> dict[str, Any]:
    form = FORMATS[name]
    if not form.tools:
        return {"format": name, "ready": True}
    if name == "tensorrt":
        problem = AppError(
            "{title} needs an NVIDIA GPU that PyTorch can use.", "Export there.", title=form.title
        )
        return {"format": name, "ready": False, "missing": [], "gpu": True, "problem": problem.as_dict()}
    lacking = ", ".join(form.tools)
    template = "{title} needs packages that are not installed: {missing}."
    problem = AppError(template, "", title=form.title, missing=lacking)
    return {
        "format": name,
        "ready": False,
        "missing": [*form.tools],
        "gpu": False,
        "problem": problem.as_dict(),
    }


class Answering(EngineJob):
    """A job that gives prepared answers from its thread, as the engine would."""

    asked: ClassVar[list[dict[str, Any]]] = []
    answer: ClassVar[Callable[[Answering], None]]

    def run(self) -> None:
        """Give the answer."""
        if self.job == "export.formats":
            self.done.emit({"formats": [_state(name) for name in FORMATS]})
        else:
            Answering.asked.append(self._request)
            Answering.answer(self)


def _writes(check: dict[str, Any]) -> Callable[[Answering], None]:
    def answer(job: Answering) -> None:
        job.progressed.emit(0.6, "Checking against torch")
        name = f"{Path(job._request['weights']).parents[1].name}.{job._request['format']}"
        output = str(Path(job._request["folder"]) / name)
        job.done.emit(
            {"output": output, "bytes": 1_400_000, "bundle": job._request["bundle"], "check": check}
        )

    return answer


def _until_cancelled(job: Answering) -> None:
    end = time.monotonic() + 20
    while not job._cancelled.is_set() and time.monotonic() < end:
        time.sleep(0.01)
    job.was_cancelled.emit()


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> type[Answering]:
    """Jobs whose answers the test prepares."""
    Answering.asked = []
    for module in (models_export_formats, models_export_work):
        monkeypatch.setattr(module, "EngineJob", Answering)
    return Answering


@pytest.fixture
def runs(workspace: Path) -> list[RunFolder]:
    """Two runs with weights."""
    return [make_run(workspace, name, events_of(EPOCHS)) for name in ("std", "other")]


@pytest.fixture
def page(studio: Studio) -> ModelsPage:
    """The Models page of a shown window."""
    studio.window.resize(1280, 800)
    studio.window.show()
    studio.window.show_page("models")
    shown = studio.window.page("models")
    assert isinstance(shown, ModelsPage)
    return shown


def opened(page: ModelsPage, qtbot: QtBot, *weights: Path) -> ExportDialog:
    """Open the dialog by the page's button, and wait until the formats are known."""
    page.refresh()
    for number, path in enumerate(weights):
        page.table.choose(path, extend=number > 0)
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    dialog = page.export_dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=60_000)
    return dialog


def cells(dialog: ExportDialog) -> dict[str, str]:
    items = [dialog.formats.list.topLevelItem(number) for number in range(len(FORMATS))]
    return {item.text(0): item.text(1) for item in items if item is not None}


def test_each_format_says_how_it_stands_and_how_what_it_lacks_is_got(
    page: ModelsPage, runs: list[RunFolder], answering: type[Answering], qtbot: QtBot
) -> None:
    dialog = opened(page, qtbot, runs[0].best)
    assert dialog.windowTitle() == "Export std"
    assert cells(dialog) == {
        "ONNX": "Ready",
        "OpenVINO": "Ready",
        "TorchScript": "Ready",
        "TensorRT": "Needs an NVIDIA GPU",
        "NCNN": "Needs ncnn, pnnx",
        "CoreML": "Needs coremltools, torch",
        "LiteRT": "Needs litert_torch, ai_edge_litert, torch",
    }
    assert dialog.options.isVisible()
    assert dialog.start.isEnabled()
    qtbot.keyClick(dialog.formats.list, Qt.Key.Key_End)
    assert dialog.formats.chosen.name == "litert"
    assert dialog.missing.isVisible()
    assert not dialog.start.isEnabled()
    assert "litert_torch" in dialog.missing.sentence.text()
    dialog.missing.copy.click()
    first, second = QGuiApplication.clipboard().text().splitlines()
    assert "-m venv" in first
    assert second.endswith("-m pip install litert-torch")
    dialog.formats.choose("tensorrt")
    assert "NVIDIA" in dialog.missing.sentence.text()
    assert not dialog.missing.copy.isVisible(), "nothing that is installed helps"
    dialog.formats.choose("ncnn")
    assert dialog.missing.commands.toPlainText() == commands(FORMATS["ncnn"], "", Path())
    assert sys.executable in dialog.missing.commands.toPlainText()


def test_another_python_is_kept_and_asked_and_one_that_is_none_is_refused(
    page: ModelsPage, runs: list[RunFolder], answering: type[Answering], qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = opened(page, qtbot, runs[0].best)
    field = dialog.formats.python
    field.setFocus()
    qtbot.keyClicks(field, str(tmp_path / "nowhere"))
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert dialog.formats.problem.isVisible()
    assert page.store.settings.export_python == ""
    assert not answering.asked, "Enter in the field exports nothing"
    field.setText(sys.executable)
    with qtbot.waitSignal(page.tasks.added):
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert page.store.settings.export_python == sys.executable
    assert not dialog.formats.problem.isVisible()
    qtbot.waitUntil(lambda: not page.tasks.running)
    dialog.formats.choose("coreml")
    assert dialog.missing.commands.toPlainText().splitlines() == [
        commands(FORMATS["coreml"], sys.executable, Path())
    ]


def test_looking_again_takes_the_python_that_the_commands_made(
    page: ModelsPage, runs: list[RunFolder], answering: type[Answering], qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = opened(page, qtbot, runs[0].best)
    dialog.missing._folder = tmp_path
    dialog.formats.choose("litert")
    made = tools_python(tmp_path)
    assert str(made) in dialog.missing.commands.toPlainText()
    dialog.missing.again.click()
    assert page.store.settings.export_python == "", "it is not there yet"
    qtbot.waitUntil(lambda: not page.tasks.running)
    made.parent.mkdir()
    made.write_bytes(b"")
    made.chmod(0o755)
    dialog.missing.again.click()
    assert page.store.settings.export_python == dialog.formats.python.text() == str(made)
    qtbot.waitUntil(lambda: not page.tasks.running)


def test_a_format_offers_what_it_has_and_the_engine_is_asked_for_what_was_chosen(
    page: ModelsPage, runs: list[RunFolder], answering: type[Answering], qtbot: QtBot, tmp_path: Path
) -> None:
    answering.answer = staticmethod(_writes(CHECK))
    dialog = opened(page, qtbot, runs[0].best, runs[1].best)
    options = dialog.options
    assert dialog.windowTitle() == "Export 2 models"
    dialog.formats.choose("torchscript")
    assert [options.precision.itemText(i) for i in range(options.precision.count())] == ["f32"]
    dialog.formats.choose("openvino")
    qtbot.keyClick(options.precision, Qt.Key.Key_End)
    assert "accuracy" in options.precision.accessibleDescription()
    assert not options.data.isVisible(), "the runs have their own training pictures"
    sizes = [options.size_.itemText(i) for i in range(options.size_.count())]
    assert sizes[0] == "64 × 64, as it was trained"
    options.size_.setCurrentIndex(len(sizes) - 1)
    options.height_.setFocus()
    options.height_.setValue(100)
    qtbot.keyClick(options.height_, Qt.Key.Key_Tab)
    assert options.height_.value() == 96
    options.dynamic.click()
    options.bundle.click()
    options.use_folder(tmp_path)
    with qtbot.waitSignals([dialog.exported, dialog.exported]):
        dialog.start.click()
    qtbot.waitUntil(lambda: dialog.queue.task is None)
    assert [Path(one["weights"]).parents[1].name for one in answering.asked] == [
        row.name for row in dialog._rows
    ]
    common = {key: value for key, value in answering.asked[0].items() if key != "weights"}
    assert common == {
        "format": "openvino",
        "precision": "int8",
        "imgsz": [96, 64],
        "dynamic": True,
        "bundle": True,
        "data": "",
        "folder": str(tmp_path),
    }
    assert dialog.outcome.text() == "2 of 2 models are written."
    lines = dialog.check.text().splitlines()
    assert [line.partition(" Detections:")[0] for line in lines] == [
        f"{row.name}.openvino is written: 1.40\u202fMB." for row in dialog._rows
    ]
    dialog = opened(page, qtbot, runs[0].best)
    qtbot.keyClick(dialog.formats.list, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.show_folder.isVisible)
    assert dialog.outcome.text() == "std.openvino is written: 1.40\u202fMB."
    lines = dialog.check.text().splitlines()
    assert lines[0] == "On 8 pictures boxes are at most 6.4 px and scores at most 0.14 off torch."
    assert lines[1].startswith("Detections: 82 of 90 are the same")
    assert "requirements.txt" in lines[2]


def test_int8_of_weights_without_a_run_waits_for_a_data_set(
    page: ModelsPage, answering: type[Answering], qtbot: QtBot, tmp_path: Path
) -> None:
    weights = tmp_path / "foreign.pt"
    weights.write_bytes(b"weights")
    page.store.update(recent_data=())
    page._inspected[weights, weights.stat().st_mtime_ns] = {"imgsz": 320}
    page.dropped([weights])
    dialog = opened(page, qtbot, weights)
    assert dialog.options.size_.currentText() == "320 × 320, as it was trained"
    qtbot.keyClick(dialog.options.precision, Qt.Key.Key_End)
    assert dialog.options.data.isVisible()
    assert not dialog.start.isEnabled()
    assert "INT8" in dialog.lack.text()
    page.store.update(recent_data=("/data/pets/data.yaml",))
    dialog = opened(page, qtbot, weights)
    assert dialog.options.data.currentText() == "pets"
    assert dialog.start.isEnabled()
    assert dialog.orders()[0].data == "/data/pets/data.yaml"


def test_an_export_is_cancelled_and_a_failure_is_told(
    page: ModelsPage, runs: list[RunFolder], answering: type[Answering], qtbot: QtBot
) -> None:
    answering.answer = staticmethod(_until_cancelled)
    dialog = opened(page, qtbot, runs[0].best, runs[1].best)
    dialog.start.click()
    qtbot.waitUntil(lambda: bool(answering.asked))
    assert dialog.bar.isVisible()
    assert not dialog.start.isEnabled()
    assert [task.title for task in page.tasks.running] == [f"Exporting {dialog._rows[0].name} to ONNX"]
    dialog.cancel.click()
    qtbot.waitUntil(lambda: dialog.queue.task is None)
    assert dialog.outcome.text() == "The export was cancelled."
    assert len(answering.asked) == 1, "what waited is forgotten"
    answering.answer = staticmethod(
        lambda job: job.failed.emit(AppError("The disk is full.", "Free some space."))
    )
    page.table.choose(runs[0].best)
    dialog = opened(page, qtbot, runs[0].best)
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.outcome.text() == "The disk is full.")
    assert dialog.check.text() == "Free some space."
    assert not dialog.show_folder.isVisible()
    answering.answer = staticmethod(_writes({**CHECK, "pictures": 0}))
    dialog.start.click()
    dialog.close()
    with qtbot.waitSignal(page.messages.posted) as posted:
        pass
    assert posted.args[0].text == "std.onnx is written: 1.40\u202fMB."
    assert "Not checked" in posted.args[0].hint


@pytest.mark.alone  # exports: beside another it runs out of time
@pytest.mark.timeout(120)
def test_a_real_run_is_exported_at_64_px_and_checked(
    page: ModelsPage, runs: list[RunFolder], workspace: Path, qtbot: QtBot
) -> None:
    shutil.copyfile(resources() / "sample" / "lightweight.pt", runs[0].best)
    dialog = opened(page, qtbot, runs[0].best)
    assert cells(dialog)["ONNX"] == "Ready"
    dialog.options.size_.setCurrentIndex(0)
    with qtbot.waitSignal(dialog.exported, timeout=90_000) as written:
        dialog.options.size_.setCurrentIndex(dialog.options.size_.count() - 1)
        dialog.options.width_.setValue(64)
        dialog.options.height_.setValue(64)
        dialog.start.click()
    assert written.args[0] == workspace / "exports" / "std.onnx"
    assert written.args[0].stat().st_size > 1_000_000
    qtbot.waitUntil(lambda: dialog.queue.task is None)
    assert "off torch" in dialog.check.text()
    assert "are the same" in dialog.check.text()
