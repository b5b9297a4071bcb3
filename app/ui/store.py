"""The preferences while the Studio runs: one copy, saved at every change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.settings import Settings, load_settings, save_settings


class SettingsStore(QObject):
    """Holds the preferences and tells when they change."""

    changed = Signal(object)
    """The new ``Settings``."""
    save_failed = Signal(str)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._settings = load_settings(path)

    @property
    def settings(self) -> Settings:
        """The preferences as they are now."""
        return self._settings

    def update(self, **values: Any) -> None:
        """Change some fields of ``Settings``, save them, and tell."""
        self.replace(replace(self._settings, **values))

    def replace(self, settings: Settings) -> None:
        """Take other preferences, save them, and tell; the same ones again do nothing."""
        if settings == self._settings:
            return
        self._settings = settings
        try:
            save_settings(settings, self._path)
        except OSError as error:
            self.save_failed.emit(str(error))
        self.changed.emit(settings)
