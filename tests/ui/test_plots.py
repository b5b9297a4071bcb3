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


def test_ten_thousand_points_are_thinned_without_losing_a_peak(qtbot: QtBot) -> None:
    import numpy as np

    from app.ui.widgets.plots import Curve, LinePlot, thinned

    x = np.arange(10_000.0)
    y = np.sin(x / 900)
    y[[137, 5003]] = 3.0, -4.0
    y[7000:7400] = np.nan
    few_x, few_y = thinned(x, y, 700)
    assert len(few_x) <= 702
    assert np.all(np.diff(few_x) > 0)
    assert {137.0, 5003.0, 0.0, 9999.0} <= set(few_x)
    assert np.isnan(few_y[(few_x >= 7040) & (few_x < 7360)]).all()
    assert [list(part) for part in thinned(x[:700], y[:700], 700)] == [list(x[:700]), list(y[:700])]
    plot = LinePlot("plotTest", from_zero=False)
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    plot.show()
    plot.show_curves([Curve("a", "a", list(x), list(y), "#0072B2")])
    assert len(plot.curve("a")[0]) < 1100
    assert plot.plot.viewRange()[1][0] < -1
    plot.read_at(5003.0)
    assert "-4" in plot.reading.text().replace("−", "-")
