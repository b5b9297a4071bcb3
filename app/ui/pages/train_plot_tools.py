"""What stands around the plots of the Train page: views, smoothing, a menu for each plot, curves of the machine."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from app.core.files import write_text
from app.core.run_series import RunSeries
from app.ui import theme
from app.ui.widgets.cards import button, label, tool
from app.ui.widgets.plots import Curve, LinePlot

CURVES, PICTURES, MACHINE = range(3)
_MOST_SMOOTHING = 0.99


class PlotBar(QWidget):
    """Which view is shown, and how much curves are smoothed."""

    view_chosen = Signal(int)
    smoothing_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._views = QButtonGroup(self)
        self.words = label(role="muted")
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setObjectName("smoothing")
        self.smoothing.setRange(0, 99)
        self.smoothing.setFixedWidth(110)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for number in (CURVES, PICTURES, MACHINE):
            view = button(f"plotView{number}", "segment")
            view.setCheckable(True)
            self._views.addButton(view, number)
            row.addWidget(view)
        row.addStretch(1)
        row.addWidget(self.words)
        row.addWidget(self.smoothing)
        self.check(CURVES)
        self._views.idClicked.connect(self.view_chosen)
        self.smoothing.valueChanged.connect(lambda value: self.smoothing_changed.emit(value / 100))

    def check(self, number: int) -> None:
        """Mark a view as the one that is shown."""
        self._views.button(number).setChecked(True)
        for widget in (self.words, self.smoothing):
            widget.setVisible(number == CURVES)

    def retranslate(self) -> None:
        """Set the texts."""
        words = (self.tr("Curves"), self.tr("Pictures"), self.tr("Machine"))
        for number, text in enumerate(words):
            view = self._views.button(number)
            view.setText(text)
            view.setMinimumWidth(view.fontMetrics().horizontalAdvance(text) + 24)
        self.words.setText(self.tr("Smoothing"))
        self.smoothing.setAccessibleName(self.tr("Smoothing"))
        self.smoothing.setToolTip(
            self.tr("Draws exponential moving averages; figures and files keep what was measured.")
        )


class PlotMenu(QObject):
    """The menu of one plot: logarithmic axis, everything in view, picture and values as files."""

    def __init__(self, plot: LinePlot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.tool: QToolButton = tool(f"{plot.objectName()}Menu", "more")
        self.tool.setProperty("role", "small")
        self.tool.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.tool)
        self.log = QAction(self.menu, checkable=True)
        self.all = QAction(self.menu)
        self.picture = QAction(self.menu)
        self.values = QAction(self.menu)
        self.menu.addActions([self.log, self.all, self.picture, self.values])
        self.tool.setMenu(self.menu)
        plot.corner.addWidget(self.tool)
        self.menu.aboutToShow.connect(lambda: self.all.setEnabled(plot.zoomed))
        self.log.toggled.connect(plot.set_logarithmic)
        self.all.triggered.connect(lambda: plot.show_all())
        self.picture.triggered.connect(lambda: self._ask("png"))
        self.values.triggered.connect(lambda: self._ask("csv"))

    def save(self, path: Path) -> None:
        """Write what is drawn: a picture as .png, values as .csv.

        Raises:
            OSError: The file cannot be written.
        """
        if path.suffix == ".csv":
            write_text(path, self._plot.table())
        elif not self._plot.grab().save(str(path)):
            raise OSError(f"{path} cannot be written")

    def _ask(self, form: str) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self._plot, self.tr("Save"), f"{self._plot.heading.text()}.{form}", f"{form.upper()} (*.{form})"
        )
        if not name:
            return
        try:
            self.save(Path(name))
        except OSError as error:
            self._plot.heading.setToolTip(str(error))

    def retranslate(self) -> None:
        """Set the texts."""
        self.log.setText(self.tr("Logarithmic axis"))
        self.all.setText(self.tr("Show everything (double click)"))
        self.picture.setText(self.tr("Save as a picture…"))
        self.values.setText(self.tr("Save the values…"))
        name = self.tr("Options of {plot}").format(plot=self._plot.heading.text())
        self.tool.setAccessibleName(name)
        self.tool.setToolTip(name)


def usage_curves(run: str, series: RunSeries, memory: bool) -> list[Curve]:
    """Return the curves of a run's machine: shares in per cent, or memory in GB; colours as of classes."""
    words = {
        "cpu": QCoreApplication.translate("PlotTools", "processor"),
        "gpu": QCoreApplication.translate("PlotTools", "graphics card"),
        "memory": QCoreApplication.translate("PlotTools", "in use"),
        "process": QCoreApplication.translate("PlotTools", "this training"),
        "gpu_memory": QCoreApplication.translate("PlotTools", "graphics card"),
    }
    names = ("memory", "process", "gpu_memory") if memory else ("cpu", "gpu")
    curves = []
    for number, name in enumerate(names):
        x, y = series.usage(name)
        if any(value == value for value in y):  # not only gaps
            shown = [value / 1e9 for value in y] if memory else y
            curves.append(Curve(f"{run}/{name}", words[name], x, shown, theme.run_colour(number)))
    return curves
