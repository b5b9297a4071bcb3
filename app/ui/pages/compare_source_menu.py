"""Where the pictures of a comparison come from, as a menu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from app.core.errors import AppError
from app.core.source_options import SourceOptions, address_scheme, without_password
from app.ui.drops import VIDEO_SUFFIXES
from app.ui.pages.compare_menus import ChoiceMenu, Entry
from app.ui.pages.compare_source_dialogs import AddressDialog, CameraDialog
from app.ui.requests import SAMPLE
from app.ui.store import SettingsStore

_VIDEO, _FOLDER, _STREAM, _CAMERA = "@video", "@folder", "@stream", "@camera"


class SourceMenu(ChoiceMenu):
    """The sample, cameras by name, screens, what was used lately, and ways to choose a file, a folder, an address."""

    cameras_wanted = Signal()
    """The menu opens: who owns it may list the cameras."""

    options_changed = Signal(dict)
    """A person changed how the chosen camera shall be opened; `SourceOptions` as JSON."""

    def __init__(self, store: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__("source", parent)
        self._store = store
        self._cameras: list[Mapping[str, Any]] = []
        self._screens = 0
        self._chosen = SAMPLE

    def set_cameras(self, cameras: Sequence[Mapping[str, Any]], screens: int = 0) -> None:
        """Show these cameras, and so many screens."""
        found = list(cameras)
        if (found, screens) != (self._cameras, self._screens):
            self._cameras, self._screens = found, screens
            self.retranslate()

    def choose(self, value: str) -> None:
        """Choose a source."""
        self._chosen = value
        self.retranslate()

    def options_of(self, source: str) -> dict[str, Any]:
        """Return how a source shall be opened, as a person last said for that camera."""
        name = self._camera_name(source)
        kept = self._store.settings.cameras.get(name or "", {})
        try:
            return SourceOptions.from_json(kept).as_json()
        except AppError:  # edited by hand
            return {}

    def showPopup(self) -> None:
        """Ask for the cameras whenever the menu opens."""
        self.cameras_wanted.emit()
        super().showPopup()

    def retranslate(self) -> None:
        """Fill the menu anew."""
        cameras = [Entry(str(camera["name"]), f"camera:{camera['index']}") for camera in self._cameras]
        if self._camera_name(self._chosen) is not None:
            cameras.append(Entry(self.tr("Camera settings…"), _CAMERA))
        recent = [self._recent(source) for source in self._store.settings.recent_sources]
        groups = [
            [Entry(self.tr("Sample clip"), SAMPLE)],
            cameras,
            self._screen_entries(),
            recent,
            self._ways(),
        ]
        shown = {entry.value for group in groups for entry in group}
        if self._chosen not in shown:
            groups.insert(0, [self._recent(self._chosen)])
        self.show_entries(groups, self._chosen)

    def _screen_entries(self) -> list[Entry]:
        if self._screens == 1:
            return [Entry(self.tr("Screen"), "screen:1")]
        words = self.tr("Screen {number}")
        return [Entry(words.format(number=n), f"screen:{n}") for n in range(1, self._screens + 1)]

    def _ways(self) -> list[Entry]:
        return [
            Entry(self.tr("Video file…"), _VIDEO),
            Entry(self.tr("Folder of pictures…"), _FOLDER),
            Entry(self.tr("Stream address…"), _STREAM),
        ]

    @staticmethod
    def _recent(source: str) -> Entry:
        """Return the entry of a file or an address; passwords are shown nowhere."""
        if address_scheme(source) is not None:
            shown = without_password(source)
            return Entry(shown.partition("://")[2], source, shown)
        return Entry(Path(source).name or source, source, source)

    def _camera_name(self, source: str) -> str | None:
        for camera in self._cameras:
            if source == f"camera:{camera['index']}":
                return str(camera["name"])
        return None

    def _take(self, value: str) -> None:
        if value == _CAMERA:
            super().choose(self._chosen)
            self._ask_for_options()
            return
        if value.startswith("@"):
            super().choose(self._chosen)
            value = self._ask(value)
        if value:
            self.choose(value)
            self.value_chosen.emit(value)

    def _ask(self, way: str) -> str:
        if way == _VIDEO:
            pattern = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
            kinds = self.tr("Videos ({pattern})").format(pattern=pattern)
            return QFileDialog.getOpenFileName(self, self.tr("Choose a video"), "", kinds)[0]
        if way == _FOLDER:
            return QFileDialog.getExistingDirectory(self, self.tr("Choose a folder of pictures"))
        dialog = AddressDialog(self)
        agreed = dialog.exec() == QDialog.DialogCode.Accepted
        dialog.deleteLater()
        return dialog.value if agreed else ""

    def _ask_for_options(self) -> None:
        name = self._camera_name(self._chosen)
        if name is None:
            return
        dialog = CameraDialog(name, SourceOptions.from_json(self.options_of(self._chosen)), self)
        agreed = dialog.exec() == QDialog.DialogCode.Accepted
        dialog.deleteLater()
        if agreed:
            options = dialog.options.as_json()
            self._store.update(cameras={**self._store.settings.cameras, name: options})
            self.options_changed.emit(options)
