"""Home: the three ways to begin, and what was worked on last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.errors import AppError
from app.ui import drops, theme
from app.ui.page import Page, Services
from app.ui.pages.home_pictures import Picture, draw_files, draw_lighten, draw_live
from app.ui.pages.home_recent import RecentDesigns, RecentRuns
from app.ui.requests import DESIGN, SAMPLE, TRAIN, RunRequest
from app.ui.widgets.cards import Card, button, label


class BeginCard(Card):
    """A picture, a title, two lines, and buttons."""

    def __init__(self, draw: Callable[[QPainter], None], buttons: tuple[QPushButton, ...]) -> None:
        super().__init__()
        self.heading = label(role="section", wrap=True)
        self.words = label(role="muted", wrap=True)
        self.body.addWidget(Picture(draw))
        self.body.addSpacing(theme.INSIDE)
        self.body.addWidget(self.heading)
        self.body.addWidget(self.words)
        self.body.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        for item in buttons:
            row.addWidget(item)
        row.addStretch(1)
        self.body.addSpacing(theme.INSIDE)
        self.body.addLayout(row)


class DropCard(BeginCard):
    """The card that files may be dropped on; it lights up while they hover."""

    files_dropped = Signal(list)

    def __init__(self, buttons: tuple[QPushButton, ...]) -> None:
        super().__init__(draw_files, buttons)
        self.setObjectName("dropZone")
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Light up for files."""
        if drops.local_paths([url.toString() for url in event.mimeData().urls()]):
            event.acceptProposedAction()
            self._light("true")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Go dark again."""
        self._light("false")

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand the files on."""
        self._light("false")
        event.acceptProposedAction()
        self.files_dropped.emit(drops.local_paths([url.toString() for url in event.mimeData().urls()]))

    def _light(self, on: str) -> None:
        theme.set_role(self, "card", drop=on)


class HomePage(Page):
    """Three cards above the recent designs and runs."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._see = button("seeLive", "primary", "play")
        self._lighten = button("lightenModel", icon="design")
        self._open = button("openFiles", icon="open")
        self.live_card = BeginCard(draw_live, (self._see,))
        self.lighten_card = BeginCard(draw_lighten, (self._lighten,))
        self.drop_card = DropCard((self._open,))
        self.designs = RecentDesigns(services.workspace)
        self.runs = RecentRuns(services.workspace)
        self._lay_out()
        self._see.clicked.connect(self._on_see_clicked)
        self._lighten.clicked.connect(lambda: self.workspace.go_to(DESIGN))
        self._open.clicked.connect(lambda: self.workspace.request_open([]))
        self.drop_card.files_dropped.connect(self.workspace.request_open)
        self.designs.chosen.connect(self._on_designs_chosen)
        self.runs.chosen.connect(lambda name: self.workspace.go_to(TRAIN, RunRequest(name)))
        self.workspace.runs_changed.connect(self._refresh_if_visible)
        self.workspace.folder_changed.connect(self._refresh_if_visible)
        self.retranslate()

    def _lay_out(self) -> None:
        self._lead = label(role="muted")
        self.tools.addWidget(self._lead)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GROUPS)
        cards = QHBoxLayout()
        cards.setSpacing(theme.AROUND)
        for card in (self.live_card, self.lighten_card, self.drop_card):
            cards.addWidget(card, 1)
        recent = QHBoxLayout()
        recent.setSpacing(theme.AROUND)
        recent.addWidget(self.designs, 1)
        recent.addWidget(self.runs, 1)
        column.addLayout(cards)
        column.addLayout(recent)
        column.addStretch(1)
        self.body.addWidget(content, 1)

    def activated(self) -> None:
        """Look for recent work once the page is on the screen."""
        QTimer.singleShot(0, self, self.refresh)

    def refresh(self) -> None:
        """Read the recent designs and runs again."""
        self.designs.refresh()
        self.runs.refresh()

    def _refresh_if_visible(self) -> None:
        if self.isVisible():
            self.refresh()

    def _on_see_clicked(self) -> None:
        self.workspace.request_comparison(SAMPLE, SAMPLE, SAMPLE, play=True)

    def _on_designs_chosen(self, name: str) -> None:
        try:
            opened = self.workspace.open_design(Path(name))
        except AppError as problem:
            self.messages.error(problem)
            self.designs.refresh()
            return
        if opened:
            self.workspace.go_to(DESIGN)

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Welcome"))
        self._lead.setText(
            self.tr("Make a YOLOv5 detector lighter, and see what it gains and what it costs.")
        )
        self.live_card.heading.setText(self.tr("See it live"))
        self.live_card.words.setText(
            self.tr("A standard and a lightweight detector on the same clip, side by side, with their times.")
        )
        self._see.setText(self.tr("Play the sample"))
        self.lighten_card.heading.setText(self.tr("Lighten a model"))
        self.lighten_card.words.setText(
            self.tr("Replace convolutions by depthwise separable ones with a click, and watch the cost fall.")
        )
        self._lighten.setText(self.tr("Start designing"))
        self.drop_card.heading.setText(self.tr("Open my files"))
        self.drop_card.words.setText(
            self.tr("Drop weights, a design, a data set, a folder or a video anywhere on this window.")
        )
        self._open.setText(self.tr("Choose files…"))
        self.designs.retranslate()
        self.runs.retranslate()
