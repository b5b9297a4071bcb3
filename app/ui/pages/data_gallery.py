"""The Data page's left side: the pictures of a split, with their boxes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QTabBar, QWidget

from app.core.errors import AppError
from app.core.text import grouped
from app.ui import theme
from app.ui.pages.data_summary import Summary
from app.ui.widgets.cards import Card, label
from app.ui.widgets.picture_dialog import LARGE_SIDE, PictureDialog
from app.ui.widgets.thumbnail_feed import Thumb, ThumbnailFeed
from app.ui.widgets.thumbnails import PAGE, SIDE, ThumbnailGrid

_LARGE = "large"


class Gallery(Card):
    """Tabs of splits above a grid of thumbnails; double click shows one large."""

    failed = Signal(object)
    class_dropped = Signal()
    """All classes are shown again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=theme.BETWEEN)
        self._summary: Summary | None = None
        self._cls: int | None = None
        self._generation = 0
        self._wanted = ""
        self.feed = ThumbnailFeed(self)
        self.tabs = QTabBar()
        self.tabs.setObjectName("splits")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.narrowed = label(role="muted")
        self.boxes = QCheckBox()
        self.boxes.setObjectName("showBoxes")
        self.boxes.setChecked(True)
        self.grid = ThumbnailGrid()
        self.nothing = label(role="muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setVisible(False)
        self.dialog: PictureDialog | None = None
        head = QHBoxLayout()
        head.setSpacing(theme.BETWEEN)
        head.addWidget(self.tabs)
        head.addStretch(1)
        head.addWidget(self.narrowed)
        head.addWidget(self.boxes)
        self.body.addLayout(head)
        self.body.addWidget(self.grid, 1)
        self.body.addWidget(self.nothing, 1)
        self.tabs.currentChanged.connect(lambda _index: self._restart())
        self.boxes.toggled.connect(self.grid.show_boxes)
        self.grid.opened.connect(self.show_large)
        self.grid.pictures.page_wanted.connect(self._on_grid_page_wanted)
        self.feed.total_received.connect(self._on_feed_total_received)
        self.feed.thumb_received.connect(self._on_feed_thumb_received)
        self.feed.place_received.connect(self._on_feed_place_received)
        self.feed.failed.connect(self._on_feed_failed)
        self.feed.lost.connect(self.grid.pictures.ask_again)
        self.retranslate()

    @property
    def split(self) -> str:
        """The split that is shown."""
        return str(self.tabs.tabData(self.tabs.currentIndex()) or "")

    def show_summary(self, summary: Summary) -> None:
        """Show another data set, from its first split."""
        self._summary, self._cls = summary, None
        self.grid.pictures.names = summary.names
        self.grid.set_aspect(summary.aspect)
        self.feed.open(summary.spec)
        self.tabs.blockSignals(True)
        while self.tabs.count():
            self.tabs.removeTab(0)
        for split in summary.images:
            self.tabs.setTabData(self.tabs.addTab(""), split)
        self.tabs.blockSignals(False)
        self.retranslate()
        self._restart()

    def show_class(self, cls: int | None) -> None:
        """Show only pictures that hold a class, or all."""
        if cls != self._cls:
            self._cls = cls
            self._restart()

    def show_large(self, row: int) -> None:
        """Show a picture large; in there, the arrow keys go on to the next."""
        if self._summary is None or not 0 <= row < self.grid.pictures.rowCount():
            return
        if self.dialog is None:
            self.dialog = PictureDialog(self.window())
            self.dialog.asked.connect(self._ask_large)
        self.dialog.show_album(self._summary.names, self.grid.pictures.rowCount(), row)
        self.dialog.open()

    def reveal(self, path: str) -> None:
        """Bring the picture of this path, or of this label, into view; nothing happens if there is none."""
        if self._summary is not None:
            self.feed.find(path)

    def release(self) -> None:
        """Let the engine process go until pictures are wanted again."""
        self.feed.release()

    def close_feed(self) -> None:
        """End the engine process and wait for it."""
        self.feed.close()

    def retranslate(self) -> None:
        """Set the texts."""
        self.boxes.setText(self.tr("Boxes"))
        self.tabs.setAccessibleName(self.tr("Splits"))
        self.grid.setAccessibleName(self.tr("Pictures"))
        words = {"train": self.tr("Train"), "val": self.tr("Val"), "test": self.tr("Test")}
        for place in range(self.tabs.count()):
            split = str(self.tabs.tabData(place))
            count = self._summary.images[split] if self._summary else 0
            self.tabs.setTabText(place, f"{words.get(split, split)}  {grouped(count)}")
        self._update_words()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _restart(self) -> None:
        """Show the chosen split and class from the beginning."""
        self._generation += 1
        self.feed.forget()
        count = self._summary.images.get(self.split, 0) if self._summary else 0
        if self._cls is None:
            self.grid.pictures.clear(count)
        else:
            self.grid.pictures.clear()
            self._on_grid_page_wanted(0, PAGE)
        self.grid.scrollToTop()
        self._update_words()

    def _on_grid_page_wanted(self, offset: int, count: int) -> None:
        if self.split:
            self.feed.request(str(self._generation), self.split, offset, count, self._side(), self._cls)

    def _ask_large(self, row: int) -> None:
        self._wanted = f"{_LARGE} {self._generation} {row}"
        self.feed.request(self._wanted, self.split, row, 1, LARGE_SIDE, self._cls)

    def _on_feed_total_received(self, token: str, total: int) -> None:
        if token == str(self._generation):
            self.grid.pictures.set_total(total)
            self._update_words()

    def _on_feed_thumb_received(self, token: str, row: int, thumb: Thumb) -> None:
        if token == str(self._generation):
            self.grid.pictures.put(row, thumb)
        elif token == self._wanted and self.dialog is not None:
            self.dialog.show_picture(row, thumb)

    def _on_feed_place_received(self, split: str, row: int) -> None:
        for place in range(self.tabs.count()):
            if self.tabs.tabData(place) == split:
                self.class_dropped.emit()
                self.show_class(None)
                self.tabs.setCurrentIndex(place)
                self.grid.choose(row)

    def _on_feed_failed(self, problem: AppError) -> None:
        self.failed.emit(problem)

    def _update_words(self) -> None:
        total = self.grid.pictures.rowCount()
        name = self._summary.names[self._cls] if self._summary and self._cls is not None else ""
        shown = self.tr("{count} with “{name}”").format(count=grouped(total), name=name) if name else ""
        self.narrowed.setText(shown)
        empty = bool(self._summary) and not name and total == 0
        self.nothing.setVisible(empty)
        self.grid.setVisible(not empty)
        self.nothing.setText(self.tr("This split has no pictures; see the findings below.") if empty else "")

    def _side(self) -> int:
        return round(SIDE * min(self.devicePixelRatioF(), 2.0))
