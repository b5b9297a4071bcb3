"""What a comparison leaves behind: snapshots, recordings, numbers on the clipboard, reports, the printed card."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import AppError
from app.core.text import duration, grouped, size
from app.ui.page import Services
from app.ui.pages.compare_numbers import Row, as_mime
from app.ui.pages.compare_session import CompareSession
from app.workers.job import EngineJob

RECORDING, FINISHED = "recording", "finished"


def open_path(path: Path) -> None:
    """Open a file or folder with the program that the system has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def free_path(folder: Path, kind: str) -> Path:
    """Return a path of a kind (``.mp4``) that says when, and that is not taken."""
    name = time.strftime("compare-%Y%m%d-%H%M%S")
    path, number = folder / f"{name}{kind}", 2
    while path.exists():
        path, number = folder / f"{name}-{number}{kind}", number + 1
    return path


class Keeper(QObject):
    """Asks for files, has them written, and tells where they are."""

    recording_changed = Signal()
    """It began, went on, or ended."""
    report_changed = Signal()
    """A report is being written, or no longer."""

    def __init__(self, services: Services, session: CompareSession, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._services = services
        self._session = session
        self._recording: Mapping[str, Any] | None = None
        self._target: Path | None = None
        self.writing_report = False
        session.recording_changed.connect(self._on_session_recording_changed)
        session.report_written.connect(self._on_session_report_written)
        session.problem.connect(self._on_session_problem)
        session.state_changed.connect(self._on_session_state_changed)

    # --- recording -------------------------------------------------------------------------------------------

    @property
    def recording(self) -> bool:
        """Whether a recording runs."""
        return self._target is not None

    @property
    def recorded(self) -> str:
        """How long the recording is, and how many pictures it holds."""
        told = self._recording or {}
        frames = int(told.get("frames", 0))
        pictures = (
            self.tr("1 picture") if frames == 1 else self.tr("{count} pictures").format(count=grouped(frames))
        )
        return f"{duration(float(told.get('seconds', 0.0)))} · {pictures}"

    def toggle_recording(self) -> None:
        """Start recording into the workspace, or stop."""
        if self._target is not None:
            self._session.record(None)
            return
        if not self._session.running:
            return
        folder = self._services.workspace.folder.recordings
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            words = self.tr("The folder {folder} cannot be made: {reason}.")
            self._services.messages.error(words.format(folder=folder, reason=reason))
            self.recording_changed.emit()
            return
        self._target, self._recording = free_path(folder, ".mp4"), None
        self._session.record(self._target)
        self.recording_changed.emit()

    @Slot(dict)
    def _on_session_recording_changed(self, told: dict[str, Any]) -> None:
        self._recording = told
        if told["state"] != RECORDING:
            self._end_recording(told)
        self.recording_changed.emit()

    def _end_recording(self, told: Mapping[str, Any]) -> None:
        self._target = None
        messages = self._services.messages
        if told["state"] != FINISHED:
            messages.error(AppError.from_dict(dict(told)))
            return
        path = Path(told["path"])
        left_out = int(told.get("dropped", 0))
        hint = f"{self.recorded} · {size(int(told.get('bytes', 0)))}"
        if left_out:
            words = self.tr("pictures left out to keep the comparison fast: {count}")
            hint = f"{hint} · {words.format(count=grouped(left_out))}"
        messages.success(
            self.tr("Recording saved: {name}").format(name=path.name),
            hint,
            self.tr("Show in folder"),
            lambda: open_path(path.parent),
        )

    # --- numbers and report ----------------------------------------------------------------------------------

    def copy(self, rows: list[Row]) -> None:
        """Put numbers on the clipboard."""
        QGuiApplication.clipboard().setMimeData(as_mime(rows))
        self._services.messages.success(
            self.tr("The numbers are on the clipboard."),
            self.tr("As text and as a table: {count} rows.").format(count=grouped(len(rows))),
        )

    def ask_for_report(self) -> None:
        """Ask where, and have the report written there."""
        folder = self._services.workspace.folder.reports
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # the dialog begins elsewhere, and says what cannot be written
            folder = Path.home()
        begin = str(free_path(folder, ".html"))
        kinds = self.tr("Report (*.html)")
        chosen = QFileDialog.getSaveFileName(self._window, self.tr("Write the report"), begin, kinds)[0]
        if chosen:
            self.write_report(Path(chosen))

    def write_report(self, path: Path) -> None:
        """Have the report written."""
        self.writing_report = True
        self._session.report(path)
        self.report_changed.emit()

    @Slot(dict)
    def _on_session_report_written(self, told: dict[str, Any]) -> None:
        self._end_report()
        path = Path(told["path"])
        self._services.messages.success(
            self.tr("Report written: {name}").format(name=path.name),
            self.tr("The same figures as JSON and CSV lie beside it."),
            self.tr("Open"),
            lambda: open_path(path),
        )

    def _end_report(self) -> None:
        if self.writing_report:
            self.writing_report = False
            self.report_changed.emit()

    @Slot()
    def _on_session_problem(self) -> None:
        self._end_report()

    @Slot()
    def _on_session_state_changed(self) -> None:
        """Tell of a recording whose comparison has ended."""
        if self._session.running:
            return
        self._end_report()
        if self._target is not None:
            folder, self._target = self._target.parent, None
            self._services.messages.info(
                self.tr("The recording ended with the comparison."),
                self.tr("It lies in the folder of recordings as soon as it is complete."),
                self.tr("Show in folder"),
                lambda: open_path(folder),
            )
            self.recording_changed.emit()

    # --- the card --------------------------------------------------------------------------------------------

    def print_card(self) -> None:
        """Draw the sample's card in the background, then open it with the system's program."""
        folder = self._services.workspace.folder.reports
        job = EngineJob("sample", {"parts": ["card"], "folder": str(folder)}, self)
        job.done.connect(self._on_card_done)
        self._services.tasks.start(lambda: self.tr("Drawing the sample card"), job)

    @Slot(dict)
    def _on_card_done(self, result: dict[str, Any]) -> None:
        path = Path(result["card"])
        open_path(path)
        self._services.messages.success(
            self.tr("The card is ready to print: {name}").format(name=path.name),
            self.tr("Print it on A4, hold it in front of the camera, and press Play."),
            self.tr("Open"),
            lambda: open_path(path),
        )
