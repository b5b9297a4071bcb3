"""What a comparison runs on, as its menus tell it, and what is made ready before Play."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.core import runtime_table
from app.core.runtime_table import Choice, Measured
from app.ui.messages import Messages
from app.ui.pages.compare_menus import ChoiceMenu, sample_weights
from app.ui.pages.compare_preparation import Preparation, class_words
from app.ui.pages.compare_runtime_menus import RuntimeMenus
from app.ui.pages.compare_session import CompareSession
from app.ui.tasks import Tasks

pytestmark = pytest.mark.window


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def menus(qtbot: QtBot) -> RuntimeMenus:
    made = RuntimeMenus()
    qtbot.addWidget(made)
    made.retranslate()
    return made


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    made = Tasks(Messages())
    yield made
    made.cancel_all()


def keep(*rows: Measured) -> None:
    file = runtime_table.table_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    table = {"machine": runtime_table.machine(), "rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(table))


def hint(menu: ChoiceMenu, value: str) -> str:
    return str(menu.itemData(menu.findData(value), Qt.ItemDataRole.ToolTipRole))


def possible(menu: ChoiceMenu, value: str) -> bool:
    return bool(menu.model().flags(menu.model().index(menu.findData(value), 0)) & Qt.ItemFlag.ItemIsEnabled)


def test_the_menus_say_what_was_measured_and_what_is_not_possible_here(menus: RuntimeMenus) -> None:
    assert hint(menus.runtime, "auto") == "OpenVINO in f32, until the runtimes of this machine are measured."
    assert possible(menus.precision, "f16")
    keep(
        Measured(Choice("openvino", "cpu", "f32"), 20.0, 1.0),
        Measured(Choice("openvino", "cpu", "bf16"), 9.0, 0.9),
        Measured(Choice("torch", "cpu", "f32"), 40.0, 1.0),
    )
    menus.runtime.opening.emit()
    assert hint(menus.runtime, "auto").startswith(
        "OpenVINO in f32: of all that keep the accuracy the fastest"
    )
    assert "40.0 ms" in hint(menus.runtime, "torch")
    assert hint(menus.precision, "bf16") == "Never by itself: it finds 90% of the boxes of f32 again."
    assert hint(menus.precision, "f16") == "Nothing here computes in f16."
    assert not possible(menus.precision, "f16")
    assert "may find other boxes" in hint(menus.precision, "int8")
    assert not possible(menus.device, menus.device.itemData(2))


def test_files_name_the_runtimes_that_run_them(menus: RuntimeMenus) -> None:
    assert possible(menus.runtime, "torch")
    menus.show_sides("/x/standard.pt", "/x/small.onnx")
    assert hint(menus.runtime, "torch") == "small.onnx is run by ONNX Runtime or OpenVINO alone."
    assert not possible(menus.runtime, "torch")
    assert possible(menus.runtime, "onnxruntime")
    menus.show_sides("/x/standard.pt", "/x/small_openvino_model")
    assert hint(menus.runtime, "onnxruntime") == "small_openvino_model is run by OpenVINO alone."
    assert not possible(menus.runtime, "onnxruntime")
    menus.show_sides("/x/standard.pt", "/x/other.pt")
    assert possible(menus.runtime, "torch")


def test_names_that_only_look_alike_are_told() -> None:
    told = class_words({"shared": ["dog"], "only_a": ["Car"], "only_b": ["cars"], "alike": [["Car", "cars"]]})
    assert "Car – cars" in told
    assert class_words({"shared": ["dog"], "only_a": ["x"], "only_b": [], "alike": []}).endswith("dog.")
    assert "no box can agree" in class_words({"shared": [], "only_a": ["x"], "only_b": ["y"], "alike": []})


def test_chosen_detectors_are_converted_before_play(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    session = CompareSession()
    session.change(a=str(sample_weights("standard")), runtime="openvino", precision="f32", device="cpu")
    preparation = Preparation(tasks, session)
    with qtbot.waitSignal(tasks.ended, timeout=60_000):
        preparation.begin()
        assert [task.title for task in tasks.running] == ["Preparing the detectors"]
    assert list((tmp_path / "cache" / "detectors").glob("*/model.xml"))
    preparation.begin()
    assert not tasks.running


def test_what_another_choice_made_needless_is_given_up(qtbot: QtBot, tasks: Tasks) -> None:
    session = CompareSession()
    session.change(a=str(sample_weights("standard")), runtime="openvino", precision="int8", device="cpu")
    preparation = Preparation(tasks, session)
    preparation.begin()
    first = tasks.running[0]
    session.change(runtime="torch", precision="f32")
    with qtbot.waitSignal(tasks.ended, timeout=30_000):
        preparation.begin()
    assert first.state == "cancelled"
    qtbot.waitUntil(lambda: not tasks.running, timeout=30_000)
