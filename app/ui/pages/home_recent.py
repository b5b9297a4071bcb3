"""The lists of recent designs and runs on the Home page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QDateTime, QEvent, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout

from app.core.errors import AppError
from app.core.runs import RunFolder
from app.ui import theme
from app.ui.text import problem_words
from app.ui.widgets.cards import Card, label
from app.ui.workspace import Workspace

_MOST = 6
_ROW = 36
_EMPTY_HEIGHT = 112


@dataclass(frozen=True)
class RecentItem:
    """One row: what a click opens, its name, its details at the right."""

    key: str
    name: str
    detail: str
    tooltip: str
    icon: str
    tone: str = "muted"


class RecentRow(QAbstractButton):
    """A row that opens something: icon, name, detail."""

    def __init__(self, item: RecentItem) -> None:
        super().__init__()
        self._item = item
        self.setObjectName("recentRow")
        self.setText(item.name)
        self.setAccessibleName(f"{item.name}, {item.detail}")
        self.setToolTip(item.tooltip)
        self.setFixedHeight(_ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Any width, one row high."""
        return QSize(200, _ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the row."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(theme.colour("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 6, 6)
        area = self.rect().adjusted(theme.INSIDE, 0, -theme.INSIDE, 0)
        theme.draw_icon(
            painter,
            self._item.icon,
            area.toRectF().adjusted(0, (_ROW - 18) / 2, 18 - area.width(), -(_ROW - 18) / 2),
            theme.tokens().muted,
        )
        words = area.adjusted(18 + theme.INSIDE, 0, 0, 0)
        small = theme.font(theme.SIZE_SMALL)
        painter.setFont(small)
        painter.setPen(theme.colour(self._item.tone))
        wanted = painter.fontMetrics().horizontalAdvance(self._item.detail) + 2
        detail_width = min(wanted, round(words.width() * 0.65))
        detail = words.adjusted(words.width() - detail_width, 0, 0, 0)
        elide = Qt.TextElideMode.ElideRight
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            detail,
            middle | Qt.AlignmentFlag.AlignRight,
            painter.fontMetrics().elidedText(self._item.detail, elide, detail_width),
        )
        painter.setFont(theme.font(theme.SIZE_BODY, QFont.Weight.Medium))
        painter.setPen(theme.colour("text"))
        name = words.adjusted(0, 0, -detail_width - theme.BETWEEN, 0)
        painter.drawText(name, middle, painter.fontMetrics().elidedText(self.text(), elide, name.width()))


class RecentList(Card):
    """A card with a heading, rows, and a sentence while there are none."""

    chosen = Signal(str)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(margin=theme.INSIDE)
        self.workspace = workspace
        self.heading = label(role="section")
        self.sentence = label(role="muted", wrap=True)
        for text in (self.heading, self.sentence):
            text.setContentsMargins(theme.INSIDE, 0, theme.INSIDE, 0)
        self._shown: list[RecentRow] = []
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.body.addSpacing(theme.INSIDE)
        self.body.addWidget(self.heading)
        self.body.addWidget(self.sentence)
        self.body.addLayout(self._rows)
        self.body.addStretch(1)
        self.setMinimumHeight(_EMPTY_HEIGHT)

    @property
    def rows(self) -> tuple[RecentRow, ...]:
        """The rows shown."""
        return tuple(self._shown)

    def items(self) -> Iterable[RecentItem]:
        """Return what the list shows, the newest first."""
        raise NotImplementedError

    def retranslate(self) -> None:
        """Set the texts."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Build the rows anew."""
        for row in self._shown:
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._shown.clear()
        for item in self.items():
            row = RecentRow(item)
            row.clicked.connect(lambda _checked=False, key=item.key: self.chosen.emit(key))
            self._rows.addWidget(row)
            self._shown.append(row)
        self.sentence.setVisible(not self._shown)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate, rows included."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
            self.refresh()
        super().changeEvent(event)


class RecentDesigns(RecentList):
    """Design files that were opened or saved last."""

    def items(self) -> Iterable[RecentItem]:
        """Those that still exist, with the day they were changed."""
        found = []
        for name in self.workspace.store.settings.recent_designs:
            path = Path(name)
            if path.is_file():
                found.append(RecentItem(name, path.stem, _day(path.stat().st_mtime), name, "design"))
        return found[:_MOST]

    def retranslate(self) -> None:
        """Set the texts."""
        self.heading.setText(self.tr("Recent designs"))
        self.sentence.setText(self.tr("Designs that you save appear here."))


class RecentRuns(RecentList):
    """Trainings of this workspace."""

    def items(self) -> Iterable[RecentItem]:
        """The newest runs and how they stand."""
        try:
            runs = self.workspace.folder.list_runs()[:_MOST]
        except OSError:
            return []
        return [self._item(run) for run in runs]

    def _item(self, run: RunFolder) -> RecentItem:
        try:
            state = run.state()
        except AppError as problem:
            return RecentItem(run.name, run.name, problem_words(problem)[0], str(run.path), "train", "bad")
        words = {
            "waiting": self.tr("waiting"),
            "running": self.tr("running, epoch {epoch} of {epochs}"),
            "finished": self.tr("finished"),
            "stopped": self.tr("stopped after epoch {epoch}"),
            "failed": self.tr("failed"),
            "lost": self.tr("interrupted after epoch {epoch}"),
        }
        text = words.get(state.status, state.status).format(epoch=state.epoch, epochs=state.epochs)
        map50 = (state.best or state.metrics).get("map50")
        if map50 is not None:
            text = self.tr("mAP50 {map50}, {state}").format(map50=f"{map50:.3f}", state=text)
        tone = {"failed": "bad", "lost": "warn", "running": "accent"}.get(state.status, "muted")
        return RecentItem(run.name, run.name, text, str(run.path), "train", tone)

    def retranslate(self) -> None:
        """Set the texts."""
        self.heading.setText(self.tr("Recent runs"))
        self.sentence.setText(self.tr("Trainings of this workspace appear here."))


def _day(seconds: float) -> str:
    """Write a day in the user's way."""
    moment = QDateTime.fromSecsSinceEpoch(round(seconds))
    return QLocale().toString(moment, QLocale().dateFormat(QLocale.FormatType.ShortFormat))
