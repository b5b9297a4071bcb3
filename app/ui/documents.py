"""New, open, save: the dialogs around the open design, and the question before changes are lost."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.design import save_design
from app.core.errors import AppError
from app.core.user_models import NotTracedError, base_title
from app.ui import drops
from app.ui.messages import Choice, Messages, ask
from app.ui.requests import (
    COMPARE,
    DATA,
    DESIGN,
    MODELS,
    CompareRequest,
    DataRequest,
    ModelRequest,
    TableRequest,
)
from app.ui.tasks import Tasks
from app.ui.workspace import Recovery, Workspace
from app.workers.job import EngineJob


class Documents(QObject):
    """Opens and saves files on the user's word; every failure becomes a message."""

    def __init__(self, window: QWidget, workspace: Workspace, messages: Messages, tasks: Tasks) -> None:
        super().__init__(window)
        self._window = window
        self._workspace = workspace
        self._messages = messages
        self._tasks = tasks
        workspace.may_discard = self.may_discard
        workspace.open_requested.connect(self._on_workspace_open_requested)

    def new(self) -> None:
        """Begin a new design on the base model of the open one."""
        if self._workspace.new_design(self._workspace.design.base):
            self._workspace.go_to(DESIGN)

    def open(self) -> None:
        """Let the user choose any file the Studio knows."""
        everything = self.tr("All that the Studio opens ({patterns})").format(
            patterns="*.yaml *.yml *.json *.zip *.pt *.mp4 *.avi *.mov *.mkv *.webm"
        )
        filters = [
            everything,
            self.tr("Designs and data sets ({patterns})").format(patterns="*.yaml *.yml *.json *.zip"),
            self.tr("Weights ({patterns})").format(patterns="*.pt"),
            self.tr("All files ({patterns})").format(patterns="*"),
        ]
        folder = self._workspace.path.parent if self._workspace.path else self._workspace.folder.root
        name, _ = QFileDialog.getOpenFileName(self._window, self.tr("Open"), str(folder), ";;".join(filters))
        if name:
            self.open_paths([Path(name)])

    def open_folder(self) -> None:
        """Let the user choose a folder of pictures or a data set."""
        name = QFileDialog.getExistingDirectory(
            self._window, self.tr("Open a folder"), str(self._workspace.folder.root)
        )
        if name:
            self.open_paths([Path(name)])

    def open_paths(self, paths: list[Path]) -> None:
        """Open dropped or chosen files on the page that they belong to."""
        weights = [path for path in paths if drops.kind_of(path) == drops.WEIGHTS]
        if len(weights) >= 2:
            self._workspace.request_comparison(str(weights[0]), str(weights[1]))
            return
        for path in paths[:1]:
            self._open_one(path)

    def open_design(self, path: Path) -> None:
        """Open a design file, or a model YAML as the standard design of that model, and show it."""
        try:
            opened = self._workspace.open_design(path)
        except NotTracedError as unknown:
            self._look_at(unknown.base, path)
            return
        except AppError as problem:
            self._messages.error(problem)
            return
        if opened:
            self._workspace.go_to(DESIGN)

    def _look_at(self, base: str, path: Path) -> None:
        """Let the engine look at a user's own model, then open the file again."""
        job = EngineJob("architecture.trace", {"base": base})
        job.done.connect(lambda _result: self.open_design(path))
        self._tasks.start(lambda: self.tr("Looking at {name}").format(name=base_title(base)), job)

    def save(self) -> bool:
        """Save the design to its file, asking for one where it has none; return whether it was saved."""
        if self._workspace.path is None:
            return self.save_as()
        return self._write(None)

    def save_as(self) -> bool:
        """Save the design under a name that the user chooses; return whether it was saved."""
        try:
            suggestion = str(
                self._workspace.path or free_name(self._workspace.folder.designs, self._workspace.name)
            )
        except AppError as problem:
            self._messages.error(problem)
            suggestion = f"{self._workspace.name}.yaml"
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Save the design"),
            suggestion,
            self.tr("Designs ({patterns})").format(patterns="*.yaml"),
        )
        if not name:
            return False
        path = Path(name)
        return self._write(
            path if path.suffix.lower() in drops.YAML_SUFFIXES else path.with_name(f"{path.name}.yaml")
        )

    def may_discard(self) -> bool:
        """Ask before unsaved changes are lost; True when nothing is lost or the user agrees."""
        if not self._workspace.dirty:
            return True
        answer = ask(
            self._window,
            self.tr("Unsaved design"),
            self.tr("The design “{name}” has unsaved changes.").format(name=self._workspace.name),
            (
                Choice("save", self.tr("Save"), "primary"),
                Choice("discard", self.tr("Discard changes"), "danger"),
            ),
        )
        return self.save() if answer == "save" else answer == "discard"

    def offer_recovery(self) -> None:
        """Offer back the design that was unsaved when the Studio last ended without saying goodbye."""
        recovery = self._workspace.recovery()
        if recovery is None:
            return
        name = recovery.path.stem if recovery.path else Path(base_title(recovery.design.base)).stem
        answer = ask(
            self._window,
            self.tr("Unsaved design"),
            self.tr("The Studio ended unexpectedly. The design “{name}” had unsaved changes.").format(
                name=name
            ),
            (
                Choice("restore", self.tr("Restore it"), "primary"),
                Choice("discard", self.tr("Discard it"), "danger"),
            ),
        )
        if answer == "restore":
            self._workspace.restore(recovery)
            self._workspace.go_to(DESIGN)
        elif answer == "discard":
            self._workspace.discard_recovery()
        else:
            self._keep_aside(recovery, name)

    def _keep_aside(self, recovery: Recovery, name: str) -> None:
        """Neither restored nor discarded: the design becomes a file of its own."""
        try:
            path = free_name(self._workspace.folder.designs, f"{name}-recovered")
            save_design(recovery.design, path)
        except AppError as problem:
            self._messages.error(problem)
            return
        self._workspace.discard_recovery()
        self._messages.info(self.tr("The unsaved design is kept as {name}.").format(name=path.name))

    def _on_workspace_open_requested(self, paths: list[Path]) -> None:
        if paths:
            self.open_paths(paths)
        else:
            self.open()

    def _write(self, path: Path | None) -> bool:
        try:
            saved = self._workspace.save_design(path)
        except AppError as problem:
            self._messages.error(problem)
            return False
        self._messages.success(self.tr("Saved as {name}.").format(name=saved.name))
        return True

    def _open_one(self, path: Path) -> None:
        kind = drops.kind_of(path)
        if kind == drops.DESIGN:
            self.open_design(path)
        elif kind in (drops.DATA, drops.FOLDER):
            self._workspace.go_to(DATA, DataRequest(str(path)))
        elif kind == drops.WEIGHTS:
            self._workspace.go_to(MODELS, ModelRequest(path))
        elif kind == drops.TABLE:
            self._workspace.go_to(DESIGN, TableRequest(path))
        elif kind == drops.VIDEO:
            self._workspace.go_to(COMPARE, CompareRequest(source=str(path)))
        else:
            self._messages.error(
                self.tr("The Studio does not know what to do with {name}.").format(name=path.name),
                self.tr(
                    "It opens designs and data sets (.yaml), weights (.pt), latency tables (.json), videos and folders."
                ),
            )


def free_name(folder: Path, stem: str) -> Path:
    """Return ``stem.yaml`` in a folder, or the first numbered name that is free."""
    path = folder / f"{stem}.yaml"
    number = 2
    while path.exists():
        path = folder / f"{stem}-{number}.yaml"
        number += 1
    return path
