"""Axes that people read: whole epochs, small rates without padding zeros."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot


@pytest.mark.parametrize("epochs", [2, 3, 7, 40, 300])
@pytest.mark.parametrize("width", [260, 600, 1400])
def test_epochs_are_whole_numbers(qtbot: QtBot, epochs: int, width: int) -> None:
    from app.ui.widgets.plots import Curve, LinePlot

    plot = LinePlot("plotTest")
    qtbot.addWidget(plot)
    plot.resize(width, 240)
    plot.show()
    x = list(range(1, epochs + 1))
    plot.show_curves([Curve("a", "a", x, [0.1 * i for i in x], "#0072B2")])
    axis = plot.plot.getPlotItem().getAxis("bottom")
    low, high = plot.plot.viewRange()[0]
    levels = axis.tickValues(low, high, width)
    shown = [value for _, values in levels[:1] for value in values]
    assert shown, "an axis without a tick"
    assert all(float(value).is_integer() for value in shown)
    assert all("." not in text for text in axis.tickStrings(shown, 1.0, levels[0][0]))


def test_small_rates_are_short_and_of_one_form(qtbot: QtBot) -> None:
    from app.ui.widgets.plots import LinePlot

    plot = LinePlot("plotTest")
    qtbot.addWidget(plot)
    axis = plot.plot.getPlotItem().getAxis("left")
    assert axis.tickStrings([0, 2.5e-5, 5e-5, 1e-4], 1.0, 2.5e-5) == ["0", "2.5e-5", "5e-5", "1e-4"]
