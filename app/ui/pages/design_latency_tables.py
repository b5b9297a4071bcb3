"""Which latency tables there are on the Design page, which of them is chosen, and those of other devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.core.design import Design
from app.core.errors import AppError
from app.core.latency import LatencyTable, Setting
from app.core.latency_devices import KnownTable, add_device, forget_device, has_tables
from app.ui.page import Services
from app.ui.pages.design_latency_choice import full_name, long_name
from app.workers.latency_tables import TablesReader

SUFFIX = ".json"
Shape = tuple[int, int]


class LatencyTables(QObject):
    """Reads tables in a thread, remembers the chosen one across restarts, takes and forgets those of other devices."""

    changed = Signal()
    """Other tables, other figures in one, or another one is chosen."""

    def __init__(self, page: QWidget, services: Services, opened: Callable[[], tuple[Design, Shape]]) -> None:
        """Begin without tables.

        Args:
            page: owns the dialogs.
            services: preferences, workspace and the ways to the user.
            opened: returns the open design and its input size.
        """
        super().__init__(page)
        self._page, self._opened = page, opened
        self._workspace, self._messages = services.workspace, services.messages
        self._store = services.store
        self._started = False
        self._follow = False
        self._reader: TablesReader | None = None
        self._wanted: list[Path | None] = []
        self.known: tuple[KnownTable, ...] = ()

    @property
    def chosen(self) -> KnownTable | None:
        """The table that designs are predicted with; None while there is none."""
        wanted = self._store.settings.latency
        by_key = {known.key: known for known in self.known}
        return by_key.get(wanted) or next(iter(self.known), None)

    def choose(self, key: str) -> None:
        """Predict with another table from now on."""
        self._store.update(latency=key)
        self.changed.emit()

    def start(self) -> None:
        """Read what there is, the first time."""
        if not self._started:
            self._started = True
            if has_tables():
                self.read()

    def follow(self) -> None:
        """Choose the table whose figures come next."""
        self._follow = True

    def read(self, only: Path | None = None) -> None:
        """Read all tables, or one file of this machine again."""
        if only not in self._wanted:
            self._wanted.append(only)
        if self._reader is None:
            self._read_next()

    def close(self) -> None:
        """Wait for the thread that reads."""
        self._wanted.clear()
        if self._reader is not None:
            self._reader.wait()

    def _read_next(self) -> None:
        if not self._wanted:
            return
        self._reader = TablesReader(*self._opened(), self._wanted.pop(0), self)
        self._reader.read.connect(self._on_reader_read)
        self._reader.finished.connect(self._on_reader_finished)
        self._reader.start()

    def _on_reader_read(self, found: list[KnownTable], everything: bool) -> None:
        if everything:
            self.known = tuple(found)
        else:
            self.known = (*found, *self._others(found))
        if found and not everything and self._follow:
            self._follow = False
            self._store.update(latency=found[0].key)
        self.changed.emit()

    def _on_reader_finished(self) -> None:
        if self._reader is not None:
            self._reader.wait()
            self._reader.deleteLater()
            self._reader = None
        self._read_next()

    def _others(self, found: list[KnownTable]) -> tuple[KnownTable, ...]:
        keys = {one.key for one in found}
        return tuple(one for one in self.known if one.key not in keys)

    def of(self, setting: Setting) -> KnownTable:
        """Return the table of a setting of this machine, an empty one where nothing is kept, and choose it."""
        found = next((one for one in self.known if one.key == setting.key), None)
        if found is None:
            found = KnownTable(LatencyTable(setting), here=True)
            self.known = (found, *self.known)
        self._store.update(latency=found.key)
        return found

    def takes(self, paths: list[Path]) -> bool:
        """Return whether files may be tables."""
        return bool(paths) and all(path.suffix.lower() == SUFFIX for path in paths)

    def load(self, paths: list[Path]) -> None:
        """Take tables of other devices; the last one is predicted with."""
        for path in paths:
            try:
                added = add_device(path)
            except AppError as problem:
                self._messages.error(problem)
                continue
            self.known = (*self._others([added]), added)
            words = self.tr("Designs are predicted for {machine} now.")
            self._messages.success(words.format(machine=added.table.setting.machine))
            self.choose(added.key)

    def choose_file(self) -> None:
        """Ask for a table of another device."""
        name, _ = QFileDialog.getOpenFileName(
            self._page,
            self.tr("Load a latency table"),
            str(self._workspace.folder.root),
            self.tr("Latency tables ({patterns})").format(patterns=f"*{SUFFIX}"),
        )
        if name:
            self.load([Path(name)])

    def forget(self, known: KnownTable) -> None:
        """Let go of another device's table."""
        try:
            forget_device(known.table.setting)
        except AppError as problem:
            self._messages.error(problem)
            return
        self.known = tuple(one for one in self.known if one is not known)
        self.changed.emit()

    def fill_menu(self, menu: QMenu) -> None:
        """Add the tables to choose from, those of this machine first."""
        chosen = self.chosen
        for here, title in ((True, self.tr("This machine")), (False, self.tr("Other devices"))):
            some = [one for one in self.known if one.here == here]
            if some:
                menu.addSection(title)
            for one in some:
                action = menu.addAction(full_name(one))
                action.setObjectName(f"device_{one.key}")
                action.setCheckable(True)
                action.setChecked(one is chosen)
                action.setToolTip(long_name(one.table.setting))
                action.triggered.connect(lambda _checked=False, key=one.key: self.choose(key))
