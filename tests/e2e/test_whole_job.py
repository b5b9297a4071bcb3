"""The whole job as a person does it: real clicks in a real window, a real training, a real clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from app.core.runs import Workspace
from app.ui.application import Studio
from app.ui.widgets.diagram import Diagram

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few pictures of the sample, with labels."""
    from tests.engine import conftest

    assert conftest
    from app.engine.sample import write_dataset

    return write_dataset(tmp_path_factory.mktemp("tiny"), train=24, val=8, test=0)


class Person:
    """Clicks and keys on a shown Studio."""

    def __init__(self, studio: Studio, qtbot: QtBot) -> None:
        self.window, self.services, self.qtbot = studio.window, studio.services, qtbot
        self.window.resize(1280, 800)
        with qtbot.waitExposed(self.window):
            self.window.show()

    def page(self, name: str) -> Any:
        """Return the page that is shown now, once it is."""
        self.qtbot.waitUntil(lambda: self.window.active == name, timeout=10_000)
        return self.window.page(name)

    def click(self, widget: QWidget | None) -> None:
        """Click the middle of a widget once it can be clicked."""
        assert widget is not None
        self.until(lambda: widget.isVisible() and widget.isEnabled() and widget.width() > 8)
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)

    def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Wait for something that the person waits for."""
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=int(seconds * 1000))

    def text(self, page: QWidget, name: str) -> str:
        """Return what a label says."""
        found = page.findChild(QLabel, name)
        assert found is not None
        return found.text()


def design_two_layers(person: Person) -> None:
    """Click two layers and make them separable."""
    page = person.page("design")
    diagram = page.findChild(Diagram)
    person.until(lambda: diagram.isVisible() and diagram.rect_of("model.5").width() > 20)
    before = person.text(page, "totals_parameters_lightweight")
    person.qtbot.wait(100)
    person.qtbot.mouseClick(diagram, Qt.MouseButton.LeftButton, pos=diagram.rect_of("model.5").center())
    person.qtbot.mouseClick(
        diagram,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        diagram.rect_of("model.7").center(),
    )
    person.qtbot.keyClicks(diagram, "1")
    assert set(person.services.workspace.design.resolved()) == {"model.5", "model.7"}
    assert person.text(page, "totals_parameters_lightweight") != before


def test_design_data_train_compare(studio: Studio, qtbot: QtBot, tiny_data: Path, workspace: Path) -> None:
    person = Person(studio, qtbot)
    person.window.show_page("design")
    design_two_layers(person)

    person.window.open_paths([tiny_data])
    data = person.page("data")
    person.until(lambda: data.primary.isVisible() and data.primary.isEnabled(), 60)
    person.click(data.primary)

    train = person.page("train")
    for name, value in (("trainEpochs", 2), ("trainSize", 96), ("trainBatch", 8)):
        train.findChild(QSpinBox, name).setValue(value)
    person.click(train.primary)
    folder = Workspace(workspace)
    person.until(lambda: [r for r in folder.list_runs() if r.state().status == "finished"], 200)
    run = folder.list_runs()[0]
    assert run.best.is_file()
    assert set(run.design().resolved()) == {"model.5", "model.7"}
    assert run.state().epoch == 2

    person.services.workspace.request_comparison("sample", str(run.best), "sample", True)
    compare = person.page("compare")
    person.until(lambda: "×" in compare.verdict.ratio.text(), 120)
    person.window.show_page("home")
    person.until(lambda: not compare.session.moving, 10)
    compare.session.stop()
    person.until(lambda: not compare.session.running, 15)
