"""Files around the open design: duplicate, rename, export its costs, its diagram and its model YAML, import one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.core.cost_export import cost_csv, cost_latex, cost_markdown
from app.core.design_library import rename_design
from app.core.errors import AppError
from app.core.files import put_in_place, write_text
from app.core.model_yaml import ULTRALYTICS, YOLOV5, check_file_name, model_yaml
from app.core.model_yaml_import import import_model_yaml
from app.core.runs import check_name, make_name
from app.core.text import QT_TRANSLATE_NOOP
from app.ui import theme
from app.ui.messages import Messages
from app.ui.text import problem_words
from app.ui.widgets.cards import button, label
from app.ui.widgets.diagram_export import SUFFIXES
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.workspace import Workspace

_SUFFIX = ".yaml"
_TABLES = {".csv": cost_csv, ".md": cost_markdown, ".tex": cost_latex}
_DIALOG_WIDTH = 380


class NameDialog(QDialog):
    """Asks for a name; what cannot be one is refused in the dialog."""

    def __init__(self, parent: QWidget, title: str, name: str, accept: Callable[[str], object]) -> None:
        """Build the dialog.

        Args:
            parent: the page.
            title: what it is for.
            name: the present name.
            accept: takes the name; an `AppError` that it raises is shown, and the dialog stays.
        """
        super().__init__(parent)
        self.setObjectName("nameDialog")
        self.setWindowTitle(title)
        self._take = accept
        self.field = QLineEdit(name)
        self.field.setObjectName("nameField")
        self.field.setAccessibleName(self.tr("Name"))
        self.field.selectAll()
        self.problem = label(role="small", wrap=True, tone="bad")
        self.problem.setObjectName("nameProblem")
        cancel, take = button("nameCancel"), button("nameTake", "primary")
        cancel.setText(self.tr("Cancel"))
        take.setText(title)
        take.setDefault(True)
        cancel.clicked.connect(self.reject)
        take.clicked.connect(self._on_take_clicked)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(take)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.field)
        column.addWidget(self.problem)
        column.addLayout(row)
        self.setMinimumWidth(_DIALOG_WIDTH)

    def _on_take_clicked(self) -> None:
        try:
            self._take(self.field.text())
        except AppError as problem:
            self.problem.setText(" ".join(problem_words(problem)))
            return
        self.accept()


class DesignFiles(QObject):
    """Acts on the user's word; every failure becomes a message."""

    def __init__(self, page: QWidget, workspace: Workspace, messages: Messages) -> None:
        super().__init__(page)
        self._page = page
        self._workspace = workspace
        self._messages = messages

    def duplicate(self) -> None:
        """Go on with a copy under a free name; the file it was copied from stays as it was saved."""
        workspace, before = self._workspace, self._workspace.path
        try:
            folder = before.parent if before is not None else workspace.folder.designs
            target = _free(folder, workspace.name, taken=before is not None)
            workspace.save_design(target)
        except AppError as problem:
            self._messages.error(problem)
            return
        if before is None:
            self._messages.success(self.tr("Saved as {name}.").format(name=target.name))
            return
        self._messages.success(
            self.tr("You go on with the copy {name}; {before} stays as it was saved.").format(
                name=target.name, before=before.name
            )
        )

    def rename(self) -> None:
        """Ask for another name for the design's file; one that has no file is saved under it."""
        dialog = NameDialog(self._page, self.tr("Rename"), self._workspace.name, self._rename_to)
        dialog.exec()
        dialog.deleteLater()

    def _rename_to(self, name: str) -> None:
        workspace, before = self._workspace, self._workspace.path
        if before is None:
            target = workspace.folder.designs / (check_name(name) + _SUFFIX)
            _refuse_taken(target, name)
            workspace.save_design(target)
            return
        if before.parent == workspace.folder.designs and before.suffix == _SUFFIX:
            workspace.moved_to(rename_design(workspace.folder, before.stem, name))
            return
        target = before.with_name(check_name(name) + before.suffix)
        if target == before:
            return
        _refuse_taken(target, name)
        try:
            put_in_place(before, target)
        except OSError as error:
            raise _unwritable(target, error) from error
        workspace.moved_to(target)

    def export_costs(self, snapshot: Snapshot) -> None:
        """Write the cost table as CSV, Markdown or LaTeX."""
        filters = {
            ".csv": self.tr("CSV ({patterns})").format(patterns="*.csv"),
            ".md": self.tr("Markdown ({patterns})").format(patterns="*.md"),
            ".tex": self.tr("LaTeX ({patterns})").format(patterns="*.tex"),
        }
        path = self._ask(self.tr("Export the cost table"), f"{self._workspace.name}-costs", filters)
        if path is not None:
            self._write(path, lambda: write_text(path, _TABLES[path.suffix.lower()](snapshot.table)))

    def export_diagram(self, save: Callable[[Path], None]) -> None:
        """Write the diagram as SVG or PNG; `save` does it."""
        filters = dict(
            zip(
                SUFFIXES,
                (
                    self.tr("SVG picture ({patterns})").format(patterns="*.svg"),
                    self.tr("PNG picture ({patterns})").format(patterns="*.png"),
                ),
                strict=True,
            )
        )
        path = self._ask(self.tr("Export the diagram"), f"{self._workspace.name}-diagram", filters)
        if path is not None:
            self._write(path, lambda: save(path))

    def export_yaml(self, flavour: str) -> None:
        """Write the design as a model YAML for stock ultralytics or the original YOLOv5 repository."""
        try:
            made = model_yaml(self._workspace.design, flavour)
        except AppError as problem:
            self._messages.error(problem)
            return
        title = {
            ULTRALYTICS: self.tr("Export a model YAML for ultralytics"),
            YOLOV5: self.tr("Export a model YAML for the YOLOv5 repository"),
        }[flavour]
        filters = {_SUFFIX: self.tr("Model YAML ({patterns})").format(patterns="*.yaml")}
        path = self._ask(title, f"light-{self._workspace.name.replace('yolo', 'model')}", filters)
        if path is None:
            return
        try:
            check_file_name(made, path)
        except AppError as problem:
            self._messages.error(problem)
            return
        self._write(path, lambda: write_text(path, made.text))

    def open_yaml(self) -> None:
        """Open a model YAML as a design: a base model, one with blocks of the Studio, or a model of the user's own."""
        name, _ = QFileDialog.getOpenFileName(
            self._page,
            self.tr("Open a model YAML"),
            str(self._folder()),
            self.tr("Model YAML ({patterns})").format(patterns="*.yaml *.yml"),
        )
        if not name:
            return
        try:
            design = import_model_yaml(Path(name))
        except AppError:
            self._workspace.request_open([Path(name)])
            return
        if self._workspace.use_design(design):
            text = self.tr("{name} is {base} with {count} replacements.")
            self._messages.success(
                text.format(name=Path(name).name, base=design.base, count=len(design.resolved()))
            )

    def _folder(self) -> Path:
        path = self._workspace.path
        return path.parent if path is not None else self._workspace.folder.root

    def _ask(self, title: str, stem: str, filters: dict[str, str]) -> Path | None:
        """Let the user choose a file; its ending says the format, or the filter does where there is none."""
        try:
            folder = self._workspace.folder.exports
        except AppError:
            folder = self._folder()
        suggestion = str(folder / f"{stem}{next(iter(filters))}")
        name, chosen = QFileDialog.getSaveFileName(self._page, title, suggestion, ";;".join(filters.values()))
        if not name:
            return None
        path = Path(name)
        if path.suffix.lower() in filters:
            return path
        suffix = next((end for end, words in filters.items() if words == chosen), next(iter(filters)))
        return path.with_name(f"{path.name}{suffix}")

    def _write(self, path: Path, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._messages.error(_unwritable(path, error))
            return
        self._messages.success(self.tr("Written: {name}.").format(name=path.name))


def _free(folder: Path, stem: str, taken: bool) -> Path:
    """Return a file of that name that is not there yet; a `taken` name gets a number at once."""
    path = folder / f"{make_name(stem)}{_SUFFIX}"
    number = 2
    while taken or path.exists():
        path = folder / f"{make_name(stem, f' {number}')}{_SUFFIX}"
        number, taken = number + 1, False
    return path


def _refuse_taken(path: Path, name: str) -> None:
    if path.exists():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is a design named “{name}” already."),
            QT_TRANSLATE_NOOP("core", "Take another name."),
            name=name,
        )


def _unwritable(path: Path, error: OSError) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
        QT_TRANSLATE_NOOP("core", "Choose another folder or name."),
        path=path,
        reason=error.strerror or str(error),
    )
