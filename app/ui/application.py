"""The composition root: makes the application, what pages share, and the window."""

from __future__ import annotations

import faulthandler
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app import __version__
from app.core.folders import cache_folder, config_folder
from app.core.settings import load_settings
from app.ui.crash import CrashGuard
from app.ui.garbage import collect_here
from app.ui.i18n import Languages
from app.ui.messages import Messages
from app.ui.page import Services
from app.ui.single import SingleInstance, hand_over
from app.ui.store import SettingsStore
from app.ui.tasks import Tasks
from app.ui.theme import ThemeController
from app.ui.window import MainWindow
from app.ui.workspace import Workspace

_LOG_BYTES = 1_000_000


@dataclass(frozen=True)
class Studio:
    """A running Studio: its window, and the objects that must live as long."""

    services: Services
    theme: ThemeController
    languages: Languages
    window: MainWindow


def build(
    application: QApplication, settings_file: Path | None = None, geometry_file: Path | None = None
) -> Studio:
    """Make the window and what it stands on, without showing it.

    Args:
        application: The Qt application.
        settings_file: Preferences other than the user's own, for tests.
        geometry_file: Where the window's place is kept, for tests.
    """
    collect_here(application)
    store = SettingsStore(settings_file)
    theme = ThemeController(application)
    theme.apply(store.settings.theme)
    languages = Languages(application)
    languages.apply(store.settings.language)
    messages = Messages()
    services = Services(Workspace(store), messages, Tasks(messages), store)
    geometry = QSettings(str(geometry_file or config_folder() / "window.ini"), QSettings.Format.IniFormat)
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
        argv: Arguments of the process; files named there are opened. A Studio that already runs on the same
            workspace gets them and is raised instead.
    """
    arguments = list(sys.argv if argv is None else argv)
    application = create_application(arguments)
    paths = [path for path in map(Path, application.arguments()[1:]) if path.exists()]
    workspace = load_settings().workspace_path
    if hand_over(workspace, paths):
        return 0
    studio = build(application)
    window = studio.window
    guard = CrashGuard(studio.services.workspace.write_recovery, window.end, window)
    guard.install()
    application.commitDataRequest.connect(lambda _manager: studio.services.workspace.write_recovery())
    application.aboutToQuit.connect(window.shut_down)
    single = SingleInstance(application)
    single.listen(workspace)
    single.called.connect(window.raise_and_open)
    studio.services.workspace.folder_changed.connect(
        lambda: single.listen(studio.services.workspace.folder.root)
    )
    window.start()
    QTimer.singleShot(0, window, lambda: _settle(application, window, paths))
    QTimer.singleShot(0, window, lambda: _warm_up(studio.services))
    status = application.exec()
    single.close()
    return status


def _warm_up(services: Services) -> None:
    """Let the engine find the fastest runtime, once, while nothing else runs."""
    from app.ui.warm_up import WarmUp

    WarmUp(services.tasks, services.tasks).start()


def _settle(application: QApplication, window: MainWindow, paths: list[Path]) -> None:
    """Do what may wait until the window is painted: its imports would delay it."""
    from app.ui.interrupts import Interrupts

    Interrupts(window.end, application)
    _keep_log()
    window.settle(paths)


def _keep_log() -> None:
    """Write what goes wrong to a small file in the cache folder, a crash of the interpreter included."""
    from logging.handlers import RotatingFileHandler

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "studio.log", maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
        faulthandler.enable((folder / "crash.log").open("w", encoding="utf-8"))
    except OSError as error:
        print(f"no log can be kept in {folder}: {error}", file=sys.stderr)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("app").addHandler(handler)
