"""Two views of compared runs that have controls of their own: curves by class, and pictures side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QListWidget, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.pages.models_judge_views import BoxPicture, Line, RecallPlot, jpeg_of, judged_boxes
from app.ui.widgets.cards import label

_SIDE_BY_SIDE = 3


class CurvesPane(QWidget):
    """Precision against recall, of one class or of the mean over all.

    Args:
        runs: As the engine judged them.
        colour: Gives a run's colour.
    """

    def __init__(self, runs: Sequence[Mapping[str, Any]], colour: Callable[[str], str]) -> None:
        super().__init__()
        self.setProperty("grows", True)
        self._runs, self._colour = runs, colour
        self._names = list(dict.fromkeys(name for run in runs for name in run["curves"]))
        self.plot = RecallPlot()
        self.choice = QComboBox()
        self.choice.setObjectName("curveClass")
        self.choice.addItem(self.tr("Mean of the classes"), "")
        for name in self._names:
            self.choice.addItem(name, name)
        self.choice.setAccessibleName(self.tr("Class"))
        row = QHBoxLayout()
        row.setSpacing(theme.BETWEEN)
        row.addWidget(self.choice)
        for run in runs:
            legend = label(f"━ {run['name']}")
            legend.setStyleSheet(f"color: {colour(str(run['name']))}")
            row.addWidget(legend)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        self.choice.currentIndexChanged.connect(lambda _index: self._draw())
        self._draw()

    def _draw(self) -> None:
        wanted = self.choice.currentData()
        names = [wanted] if wanted else self._names
        self.plot.show_lines([self._line(run, names) for run in self._runs])

    def _line(self, run: Mapping[str, Any], names: Sequence[str]) -> Line:
        known = [run["curves"][name] for name in names if name in run["curves"]]
        values = tuple(sum(column) / len(column) for column in zip(*known, strict=True)) if known else ()
        return Line(str(run["name"]), self._colour(str(run["name"])), values)


class PicturesPane(QWidget):
    """A list of pictures, and the chosen one with the boxes of up to three runs.

    Args:
        judgement: As the engine returned it.
    """

    def __init__(self, judgement: Mapping[str, Any]) -> None:
        super().__init__()
        self._pictures, self._runs = judgement["pictures"], judgement["runs"]
        self.listing = QListWidget()
        self.panes = [BoxPicture() for _ in self._runs[:_SIDE_BY_SIDE]]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.BETWEEN)
        if not self._pictures:
            row.addWidget(label(self.tr("There are no pictures to show."), role="muted"))
            return
        self.setProperty("grows", True)
        self.listing.setObjectName("judgePictures")
        self.listing.setFixedWidth(270)
        self.listing.setAccessibleName(self.tr("Pictures that tell most"))
        for picture in self._pictures:
            faults = " / ".join(str(one["missed"] + one["wrong"]) for one in picture["runs"])
            self.listing.addItem(f"{picture['name']}  {faults}")
        row.addWidget(self.listing)
        right = QVBoxLayout()
        words = self.tr("Green: right. Red: wrong. Dashed: missed. Boxes of at least 0.25 confidence.")
        right.addWidget(label(words, role="muted", wrap=True))
        side = QHBoxLayout()
        for pane in self.panes:
            side.addWidget(pane, 1)
        right.addLayout(side, 1)
        row.addLayout(right, 1)
        self.listing.currentRowChanged.connect(self._show)
        self.listing.setCurrentRow(0)

    def _show(self, number: int) -> None:
        picture = self._pictures[number]
        jpeg = jpeg_of(picture)
        words = self.tr("{run}: {missed} missed, {wrong} wrong")
        for pane, row, run in zip(self.panes, picture["runs"], self._runs, strict=False):
            caption = words.format(run=row["run"], missed=row["missed"], wrong=row["wrong"])
            pane.show_picture(jpeg, judged_boxes(picture, row, run["classes"]), caption)
