"""Moves runs and models to the system's trash, and back as long as nothing else has taken their place."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile, QObject, Signal
from PySide6.QtWidgets import QWidget

from app.ui.calls import calling
from app.ui.messages import Choice, Messages, ask
from app.ui.pages.models_rows import ModelRow, figures_path
from app.ui.text import listed

_INFO_FOLDER, _INFO_SUFFIX = "info", ".trashinfo"
_MOST_NAMES = 6


@dataclass(frozen=True)
class Removed:
    """A file or folder that is in the trash: where it was, and where it is."""

    before: Path
    now: Path


class Removal(QObject):
    """Asks, removes, and offers to undo."""

    changed = Signal()
    """Something was moved."""

    def __init__(self, page: QWidget, messages: Messages) -> None:
        super().__init__(page)
        self._page = page
        self._messages = messages

    def remove(self, rows: Sequence[ModelRow]) -> None:
        """Move models to the trash after a question; a run goes with everything it has."""
        able = removable(rows)
        if not able:
            return
        names = listed([row.name for row in able[:_MOST_NAMES]] + ["…"] * (len(able) > _MOST_NAMES))
        choice = Choice("remove", self.tr("Move to the trash"), "danger")
        question = self.tr("Move {names} to the trash?").format(names=names)
        hint = self.tr("A run goes with its weights, checkpoints and notes.") if able[0].run else ""
        if not ask(self._page, self.tr("Remove"), question, (choice,), hint):
            return
        gone = [found for row in able for found in self._move(row)]
        if gone:
            self.changed.emit()
            words = self.tr("{names} is in the trash.").format(names=names)
            undo = gone if all(one.now.exists() for one in gone) else []
            if undo:
                self._messages.success(words, "", self.tr("Undo"), calling(self.put_back, undo))
            else:
                self._messages.success(words)

    def put_back(self, gone: Sequence[Removed]) -> None:
        """Take out of the trash what was moved there."""
        for one in gone:
            if one.before.exists() or not one.now.exists():
                words = self.tr("{name} cannot be put back: its place is taken, or the trash was emptied.")
                self._messages.warning(words.format(name=one.before.name))
                continue
            try:
                shutil.move(one.now, one.before)
            except OSError as error:
                words = self.tr("{name} cannot be put back: {reason}.")
                self._messages.warning(words.format(name=one.before.name, reason=error.strerror or error))
                continue
            info = one.now.parent.parent / _INFO_FOLDER / f"{one.now.name}{_INFO_SUFFIX}"
            if one.now.parent.name == "files":  # the freedesktop trash notes where things came from
                info.unlink(missing_ok=True)
        self.changed.emit()

    def _move(self, row: ModelRow) -> list[Removed]:
        paths = [row.run.path] if row.run is not None else [row.path, figures_path(row.path)]
        found = []
        for path in (path for path in paths if path.exists()):
            file = QFile(str(path))
            if file.moveToTrash():
                found.append(Removed(path, Path(file.fileName())))
            else:
                words = self.tr("{name} could not be moved to the trash: {reason}.")
                self._messages.error(words.format(name=path.name, reason=file.errorString()))
        return found


def removable(rows: Sequence[ModelRow]) -> list[ModelRow]:
    """Return the models that nothing is writing."""
    return [row for row in rows if row.state is None or not row.state.live]
