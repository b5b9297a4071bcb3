"""The main window: rail, pages, menu bar, notes, tray."""

from __future__ import annotations

import traceback
from pathlib import Path

from PySide6.QtCore import QByteArray, QCoreApplication, QEvent, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.ui import drops
from app.ui.actions import Actions
from app.ui.documents import Documents
from app.ui.messages import Choice, ask
from app.ui.page import Page, Services
from app.ui.pages import PAGES
from app.ui.pages.failed import FailedPage
from app.ui.rail import Rail
from app.ui.requests import HOME, Request
from app.ui.text import listed
from app.ui.widgets.notes import NoteArea
from app.ui.widgets.tray import Tray

MINIMUM = QSize(720, 440)
DEFAULT = QSize(1280, 800)
_FRAME = QSize(8, 40)


class MainWindow(QMainWindow):
    """Shows one page at a time and makes each at its first visit."""

    def __init__(self, services: Services, geometry: QSettings) -> None:
        """Build the window.

        Args:
            services: The shared document and the ways to the user.
            geometry: Where the window's place on the screen is kept.
        """
        super().__init__()
        self.setObjectName("studio")
        self.services = services
        self._geometry = geometry
        self._pages: dict[str, Page] = {}
        self._frames: dict[str, QScrollArea] = {}
        self._active = ""
        self._ended = False
        self._entries = {entry.name: entry for entry in PAGES}
        self.setMinimumSize(MINIMUM)
        self.setAcceptDrops(True)

        self.rail = Rail(tuple((entry.name, entry.icon) for entry in PAGES))
        self.stack = QStackedWidget()
        self.tray = Tray(services.tasks)
        self._lay_out()
        self.notes = NoteArea(services.messages, self.stack)
        self.documents = Documents(self, services.workspace, services.messages, services.tasks)
        self.actions_ = Actions(self, services, self.documents)

        self.rail.chosen.connect(self.show_page)
        services.workspace.page_requested.connect(self._on_workspace_page_requested)
        services.workspace.design_changed.connect(self._update_title)
        services.workspace.file_changed.connect(self._update_title)
        services.store.save_failed.connect(self._on_store_save_failed)
        self.retranslate()
        self._restore_geometry()

    def _lay_out(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self.stack, 1)
        column.addLayout(row, 1)
        column.addWidget(self.tray)
        self.setCentralWidget(centre)

    @property
    def active(self) -> str:
        """Name of the visible page; empty before the first one."""
        return self._active

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages made so far."""
        return tuple(self._pages.values())

    def page(self, name: str) -> Page:
        """Return a page, making it at the first call."""
        if name not in self._pages:
            page = self._create(name)
            self._pages[name] = page
            self._frames[name] = _scrolled(page)
            self.stack.addWidget(self._frames[name])
        return self._pages[name]

    def show_page(self, name: str) -> None:
        """Make a page the visible one."""
        if name == self._active:
            return
        before = self._pages.get(self._active)
        page = self.page(name)
        if before is not None:
            before.deactivated()
        self._active = name
        self.stack.setCurrentWidget(self._frames[name])
        self.rail.show_active(name)
        self.actions_.show_page(name, page)
        self.notes.raise_()
        page.setFocus()
        page.activated()

    def _create(self, name: str) -> Page:
        """Make a page; one that cannot be made tells why in its place."""
        try:
            return self._entries[name].create(self.services)
        except Exception:  # noqa: BLE001 - whatever a page fails with, the other pages must go on
            page = FailedPage(self.services, self._entries[name].title, traceback.format_exc())
            page.setObjectName(f"page_{name}")
            page.retry_requested.connect(lambda: self._retry(name))
            return page

    def _retry(self, name: str) -> None:
        del self._pages[name]
        failed = self._frames.pop(name)
        self.stack.removeWidget(failed)
        failed.deleteLater()
        self._active = ""
        self.show_page(name)

    def _on_workspace_page_requested(self, name: str, request: Request | None) -> None:
        self.show_page(name)
        if request is not None:
            self._pages[name].receive(request)

    def _on_store_save_failed(self, reason: str) -> None:
        self.services.messages.warning(
            self.tr("The preferences could not be saved: {reason}").format(reason=reason),
            self.tr("They hold until the Studio is closed."),
        )

    def retranslate(self) -> None:
        """Set the words of the window itself."""
        for number, entry in enumerate(PAGES, 1):
            self.rail.set_word(entry.name, entry.title, f"Ctrl+{number}")
        self.rail.setAccessibleName(self.tr("Pages"))
        self._update_title()

    def _update_title(self) -> None:
        workspace = self.services.workspace
        self.setWindowTitle(f"{workspace.name}[*] – Depthwise Studio")
        self.setWindowModified(workspace.dirty)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
            self.actions_.retranslate()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the newest note, then leaves full screen."""
        if event.key() == Qt.Key.Key_Escape:
            if self.notes.close_newest():
                return
            if self.isFullScreen():
                self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
                return
        super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files; their kind is looked at when they are dropped."""
        if drops.local_paths([url.toString() for url in event.mimeData().urls()]):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Give dropped files to the visible page if it takes them, else to the page they belong to."""
        paths = drops.local_paths([url.toString() for url in event.mimeData().urls()])
        if paths:
            event.acceptProposedAction()
            self.open_paths(paths)

    def open_paths(self, paths: list[Path]) -> None:
        """Open files as if they had been dropped on the window."""
        page = self._pages.get(self._active)
        if page is not None and page.accepts_drop(paths):
            page.dropped(paths)
        else:
            self.documents.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask where something would be lost, then end everything in order."""
        if not self._may_close():
            event.ignore()
            return
        self.shut_down()
        self.services.workspace.discard_recovery()
        event.accept()

    def end(self) -> None:
        """End in order without a question; an unsaved design is kept for the next start."""
        self.services.workspace.write_recovery()
        self.shut_down()
        QCoreApplication.exit(0)

    def shut_down(self) -> None:
        """End every thread and child, once."""
        if self._ended:
            return
        self._ended = True
        self._geometry.setValue("window/geometry", self.saveGeometry())
        for page in self._pages.values():
            page.shutdown()
        self.services.tasks.cancel_all()

    def _may_close(self) -> bool:
        if not self.documents.may_discard():
            return False
        reasons = []
        for page in self._pages.values():
            reason = page.blocks_close()
            if reason is None:
                continue
            answer = page.confirm_close()
            if answer is False:
                return False
            if answer is None:
                reasons.append(reason)
        running = [task.title for task in self.services.tasks.running if task.can_cancel]
        if running:
            reasons.append(self.tr("Still running: {titles}.").format(titles=listed(running)))
        if not reasons:
            return True
        choice = Choice("close", self.tr("Stop and close"), "danger")
        return bool(ask(self, self.tr("Close the Studio?"), "\n".join(reasons), (choice,)))

    def _restore_geometry(self) -> None:
        saved = self._geometry.value("window/geometry")
        if isinstance(saved, QByteArray) and self.restoreGeometry(saved):
            return
        room = self.screen().availableSize() - _FRAME
        self.resize(DEFAULT.boundedTo(room))
        if DEFAULT.width() > room.width() or DEFAULT.height() > room.height():
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def start(self) -> None:
        """Show the first page and the window."""
        self.show_page(HOME)
        self.show()

    def settle(self, paths: list[Path]) -> None:
        """Once the window is up: offer back what a crash left unsaved, open what was asked for."""
        self.documents.offer_recovery()
        if paths:
            self.open_paths(paths)

    def raise_and_open(self, paths: list[Path]) -> None:
        """Come to the front and open files; another Studio was started on this workspace."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()
        if paths:
            self.open_paths(paths)


def _scrolled(page: Page) -> QScrollArea:
    """Wrap a page so that a window smaller than the page's least size scrolls instead of cutting it off."""
    result = QScrollArea()
    result.setWidgetResizable(True)
    result.setFrameShape(QFrame.Shape.NoFrame)
    result.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    result.setWidget(page)
    return result
