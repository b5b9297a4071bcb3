"""Which layers cost what: measured from the Compare page while the comparison rests."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.core.compare_layers import LayerComparison, LayerMs, ModuleMs, SideMs
from app.core.errors import AppError
from app.ui.pages.compare_layers import LayersDialog

FOUND = LayerComparison(
    "openvino", "f32", "cpu", 2, (384, 640), SideMs("/a.pt", 6.0, 6.3), SideMs("/b.pt", 3.0, 3.1),
    (
        LayerMs("model.0", "Conv", 2.0, 1.0, (ModuleMs("model.0.conv", 2.0, 1.0),)),
        LayerMs("model.2", "C3 / C3 (2)", 4.0, 2.0,
                (ModuleMs("model.2.cv1", 4.0, 1.5), ModuleMs("model.2.m.0", None, 0.5))),
        LayerMs("", "", 0.3, 0.1, (ModuleMs("", 0.3, 0.1),)),
    ),
)  # fmt: skip


@pytest.fixture
def dialog(qtbot: QtBot, services: Any) -> LayersDialog:
    made = LayersDialog(services, None)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    return made


def test_bars_stand_side_by_side_and_a_click_opens_a_layer(qtbot: QtBot, dialog: LayersDialog) -> None:
    dialog.set_request({"a": "/a.pt", "b": "/b.pt"})
    dialog._on_job_done(FOUND.as_dict())
    dialog._on_job_finished()
    dialog.show()
    qtbot.waitExposed(dialog)
    bars = dialog.bars
    assert [name for name, _ in bars.rows()] == ["0  Conv", "2  C3 / C3 (2)", "not attributed to a module"]
    assert bars.rows()[0][1] == ("2.0", "1.0", "−50\u202f%")
    qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(20, 45))
    assert [name for name, _ in bars.rows()][2:4] == ["cv1", "m.0"]
    assert bars.rows()[3][1][0] == "–"
    qtbot.keyClick(bars, Qt.Key.Key_Return)
    assert len(bars.rows()) == 3
    assert "openvino f32, cpu, 2 threads, 384×640" in dialog.words.text()
    assert "bars 6.30 ms, whole model 6.00 ms" in dialog.sums.text()
    # The left bar of the first layer is twice as long as the right one.
    picture = bars.grab().toImage()
    scale = picture.devicePixelRatio()
    lengths = []
    for y in (10, 20):
        row = [
            picture.pixelColor(int(x * scale), int(y * scale)).name() for x in range(230, bars.width() - 176)
        ]
        lengths.append(sum(one == row[0] for one in row))
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=0.1)


def test_the_comparison_rests_while_layers_are_measured_and_a_failure_is_told(
    qtbot: QtBot, dialog: LayersDialog
) -> None:
    assert not dialog.measure.isEnabled()
    dialog.set_request(
        {"a": "/no/such.pt", "b": "/no/such.pt", "runtime": "openvino", "precision": "f32", "device": "cpu"}
    )
    assert dialog.measure.isEnabled()
    paused = []
    dialog.measuring_began.connect(lambda: paused.append(True))
    dialog.start()
    assert paused == [True]
    assert not dialog.measure.isEnabled()
    assert "rests" in dialog.words.text()
    qtbot.waitUntil(dialog.measure.isEnabled, timeout=30_000)
    assert isinstance(dialog._problem, AppError)
    assert "such.pt" in dialog.words.text()
