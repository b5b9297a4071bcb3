"""The shared document: the open design with its history, the chosen data, the workspace folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.core.design import Design, dump_design, load_design, parse_design, save_design
from app.core.errors import AppError
from app.core.files import write_text
from app.core.runs import Workspace as Folder
from app.core.text import QT_TRANSLATE_NOOP
from app.core.user_models import NotTracedError, base_title, is_model_file
from app.ui.requests import COMPARE, TRAIN, CompareRequest, Request, TrainRequest
from app.ui.store import SettingsStore

DEFAULT_BASE = "yolov5n"
AUTOSAVE_MS = 1000
RECOVERY_NAME = ".recovery.yaml"


@dataclass(frozen=True)
class Recovery:
    """A design that was open and unsaved when the Studio ended without saying goodbye."""

    design: Design
    path: Path | None


class _Edit(QUndoCommand):
    """One step of the history: a design before, a design after."""

    def __init__(self, workspace: Workspace, after: Design, label: str, merge: str) -> None:
        super().__init__(label)
        self._workspace = workspace
        self._before = workspace.design
        self._after = after
        self._merge = merge

    def redo(self) -> None:
        self._workspace._show(self._after)

    def undo(self) -> None:
        self._workspace._show(self._before)

    def id(self) -> int:
        return (hash(self._merge) & 0x7FFFFFFF) if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Edit) or other._merge != self._merge:
            return False
        self._after = other._after
        return True


class Workspace(QObject):
    """What the pages share. A page changes it by calling its methods and hears of changes by its signals."""

    design_changed = Signal(object)
    """The design that is open now."""
    opened = Signal()
    """Another design is about to be shown, from its file or without one; `path` is its own already."""
    file_changed = Signal()
    """The design's file, or whether it has unsaved changes, is another one."""
    data_changed = Signal(str)
    """The chosen data set: a data.yaml, a folder, ``SAMPLE``, or empty."""
    runs_changed = Signal()
    folder_changed = Signal()
    page_requested = Signal(str, object)
    """Name of a page, and the ``Request`` for it or None."""
    open_requested = Signal(list)
    """Paths to open on the pages they belong to; an empty list lets the user choose."""

    def __init__(self, store: SettingsStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(500)
        self.may_discard: Callable[[], bool] = lambda: True
        """Asks the user before unsaved changes go; the window sets it."""
        self._design = Design.stock(DEFAULT_BASE)
        self._path: Path | None = None
        self._data = ""
        self._folder = Folder(store.settings.workspace_path)
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_MS)
        self._autosave.timeout.connect(self.write_recovery)
        self.undo_stack.cleanChanged.connect(self._on_undo_stack_clean_changed)
        store.changed.connect(self._on_store_changed)

    @property
    def design(self) -> Design:
        """The open design."""
        return self._design

    @property
    def path(self) -> Path | None:
        """File of the open design; None while it has none."""
        return self._path

    @property
    def name(self) -> str:
        """Short name of the open design: its file's, or its base model's."""
        return self._path.stem if self._path else Path(base_title(self._design.base)).stem

    @property
    def dirty(self) -> bool:
        """Whether the design has changes that no file holds."""
        return not self.undo_stack.isClean()

    @property
    def data(self) -> str:
        """The data set chosen for training: a data.yaml, a folder, ``SAMPLE``, or empty."""
        return self._data

    @property
    def folder(self) -> Folder:
        """The workspace folder: designs, runs, exports, reports, snapshots."""
        return self._folder

    def apply(self, design: Design, label: str, merge: str = "") -> None:
        """Make a changed design the open one, as a step that can be undone.

        Args:
            design: The design after the change; the same one again does nothing.
            label: What the user did, translated, as in "Make 4 modules separable".
            merge: Consecutive steps with the same key become one, as for a spin box; empty never merges.
        """
        if design != self._design:
            self.undo_stack.push(_Edit(self, design, label, merge))

    def new_design(self, base: str = DEFAULT_BASE, classes: int | None = None) -> bool:
        """Begin with a standard model, asking first where changes would be lost.

        Returns:
            Whether it was done; False when the user keeps the open design.

        Raises:
            AppError: The base model is unknown.
        """
        design = Design.stock(base, classes)
        if not self.may_discard():
            return False
        self._replace(design, None)
        return True

    def use_design(self, design: Design) -> bool:
        """Open a design that stands in no file of its own, such as a run's; asks like ``new_design``."""
        if not self.may_discard():
            return False
        self._replace(design, None)
        return True

    def open_design(self, path: Path) -> bool:
        """Open a design file, asking first where changes would be lost.

        Returns:
            Whether it was done; False when the user keeps the open design.

        Raises:
            AppError: The file cannot be read, or holds no valid design.
            NotTracedError: Its base is a user's own model, at which the engine has not looked yet.
        """
        try:
            design = load_design(path)
            design.resolved()
        except NotTracedError:
            raise
        except AppError:
            self.store.replace(self.store.settings.without_recent("recent_designs", str(path)))
            raise
        if not self.may_discard():
            return False
        # A model YAML is no design file: saving asks for a name.
        self._replace(design, None if is_model_file(path) else path)
        self._remember(path)
        return True

    def save_design(self, path: Path | None = None) -> Path:
        """Write the design to a file, by default its own.

        Raises:
            AppError: It cannot be written, or there is no file yet.
        """
        target = path or self._path
        if target is None:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "This design has no file yet."),
                QT_TRANSLATE_NOOP("core", "Save it under a name."),
            )
        save_design(self._design, target)
        self._path = target
        self.undo_stack.setClean()
        self.discard_recovery()
        self._remember(target)
        self.file_changed.emit()
        return target

    def moved_to(self, path: Path) -> None:
        """Take over that the design's file has another name now."""
        self.store.replace(self.store.settings.without_recent("recent_designs", str(self._path or "")))
        self._path = path
        self._remember(path)
        self.file_changed.emit()

    def set_data(self, data: str) -> None:
        """Choose the data set that the next training uses."""
        if data == self._data:
            return
        self._data = data
        if data and Path(data).exists():
            self.store.replace(self.store.settings.with_recent("recent_data", data))
        self.data_changed.emit(data)

    def notify_runs_changed(self) -> None:
        """Tell every page that a run was made, ended, renamed or removed."""
        self.runs_changed.emit()

    def go_to(self, page: str, request: Request | None = None) -> None:
        """Show a page, and hand it a request."""
        self.page_requested.emit(page, request)

    def request_training(self, data: str = "") -> None:
        """Go to the Train page with the open design."""
        self.go_to(TRAIN, TrainRequest(data))

    def request_comparison(self, a: str = "", b: str = "", source: str = "", play: bool = False) -> None:
        """Go to the Compare page with two detectors and a source."""
        self.go_to(COMPARE, CompareRequest(a, b, source, play))

    def request_open(self, paths: list[Path]) -> None:
        """Open files on the pages they belong to; no files at all lets the user choose some."""
        self.open_requested.emit(paths)

    def recovery(self) -> Recovery | None:
        """Return what an earlier Studio left unsaved in this workspace; None where it ended in order."""
        try:
            record = yaml.safe_load(self._recovery_path.read_text(encoding="utf-8"))
            design = parse_design(record["design"])
            path = Path(record["file"]) if record.get("file") else None
        except FileNotFoundError:
            return None
        except (OSError, yaml.YAMLError, UnicodeDecodeError, AppError, KeyError, TypeError, AttributeError):
            self.discard_recovery()
            return None
        return Recovery(design, path)

    def restore(self, recovery: Recovery) -> None:
        """Open a recovered design as unsaved."""
        self._replace(recovery.design, recovery.path)
        self.undo_stack.resetClean()
        self._autosave.start()

    def write_recovery(self) -> None:
        """Keep the unsaved design where the next start finds it."""
        if not self.dirty:
            return
        record = {"file": str(self._path) if self._path else "", "design": dump_design(self._design)}
        try:
            write_text(self._recovery_path, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
        except OSError:
            self._autosave.stop()

    def discard_recovery(self) -> None:
        """Forget the unsaved design of an earlier Studio; called on saving and on an orderly end."""
        self._autosave.stop()
        try:
            self._recovery_path.unlink(missing_ok=True)
        except OSError:
            self.file_changed.emit()

    @property
    def _recovery_path(self) -> Path:
        return self._folder.root / RECOVERY_NAME

    def _replace(self, design: Design, path: Path | None) -> None:
        self._path = path
        self.undo_stack.clear()
        self.undo_stack.setClean()
        self.discard_recovery()
        self.opened.emit()
        self._show(design)
        self.file_changed.emit()

    def _show(self, design: Design) -> None:
        self._design = design
        self._autosave.start()
        self.design_changed.emit(design)

    def _remember(self, path: Path) -> None:
        self.store.replace(self.store.settings.with_recent("recent_designs", str(path.absolute())))

    def _on_undo_stack_clean_changed(self, clean: bool) -> None:
        if clean:
            self.discard_recovery()
        self.file_changed.emit()

    def _on_store_changed(self) -> None:
        root = self.store.settings.workspace_path
        if root != self._folder.root:
            self.discard_recovery()
            self._folder = Folder(root)
            self._autosave.start()
            self.folder_changed.emit()
            self.runs_changed.emit()
