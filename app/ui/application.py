"""The composition root: makes the application, what pages share, and the window."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app import __version__
from app.core.folders import config_folder
from app.ui.i18n import Languages
from app.ui.messages import Messages
from app.ui.page import Services
from app.ui.store import SettingsStore
from app.ui.tasks import Tasks
from app.ui.theme import ThemeController
from app.ui.window import MainWindow
from app.ui.workspace import Workspace


@dataclass(frozen=True)
class Studio:
    """A running Studio: its window, and the objects that must live as long."""

    services: Services
    theme: ThemeController
    languages: Languages
    window: MainWindow


def build(application: QApplication, settings_file: Path | None = None) -> Studio:
    """Make the window and what it stands on, without showing it.

    Args:
        application: The Qt application.
        settings_file: Preferences other than the user's own, for tests.
    """
    store = SettingsStore(settings_file)
    theme = ThemeController(application)
    theme.apply(store.settings.theme)
    languages = Languages(application)
    languages.apply(store.settings.language)
    messages = Messages()
    services = Services(Workspace(store), messages, Tasks(messages), store)
    geometry = QSettings(str(config_folder() / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(services, geometry)
    store.changed.connect(lambda settings: theme.apply(settings.theme))
    store.changed.connect(lambda settings: languages.apply(settings.language))
    return Studio(services, theme, languages, window)


def create_application(argv: Sequence[str]) -> QApplication:
    """Return the Qt application, named, with fractional scale factors taken as they are."""
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(list(argv))
    application.setApplicationName("depthwise-studio")
    application.setApplicationDisplayName("Depthwise Studio")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("depthwise-studio")
    return application


def run(argv: Sequence[str] | None = None) -> int:
    """Open the Studio and return its exit status.

    Args:
        argv: Arguments of the process; files named there are opened.
    """
    arguments = list(sys.argv if argv is None else argv)
    application = create_application(arguments)
    studio = build(application)
    studio.window.start()
    return application.exec()
