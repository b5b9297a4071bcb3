"""The tray at the bottom of the window: what is running, how far it is, and a way to end it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.ui import theme
from app.ui.tasks import CANCELLED, Task, Tasks
from app.ui.text import translated
from app.ui.widgets.elided import ElidedLabel

HEIGHT = 32
_MOST = 3


class TaskCell(QWidget):
    """One task: title, bar, what it is doing, cross."""

    def __init__(self, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.task = task
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(120)
        self.bar.setTextVisible(False)
        self.text = ElidedLabel()
        theme.set_role(self.text, "small")
        self.cross = QToolButton()
        self.cross.setObjectName("taskCancel")
        self.cross.setIcon(theme.icon("close", "muted"))
        self.cross.setIconSize(QSize(12, 12))
        theme.set_role(self.cross, "small")
        self.cross.clicked.connect(task.cancel)
        for widget in (self.title, self.bar, self.text, self.cross):
            row.addWidget(widget)
        row.setStretchFactor(self.text, 1)
        task.changed.connect(self._update)
        self._update()
        self.retranslate()

    def retranslate(self) -> None:
        """Name the task, and the cross."""
        title = self.task.title
        self.title.setText(title)
        self.bar.setAccessibleName(title)
        name = self.tr("Cancel: {title}").format(title=title)
        self.cross.setToolTip(name)
        self.cross.setAccessibleName(name)

    def _update(self) -> None:
        task = self.task
        if task.fraction < 0:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(min(task.fraction, 1.0) * 1000))
        self.text.setText(self.tr("Stopping…") if task.state == CANCELLED else translated(task.text))
        self.cross.setVisible(task.can_cancel)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
            self._update()
        super().changeEvent(event)


class Tray(QWidget):
    """Shows the first few tasks and counts the rest."""

    def __init__(self, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trayBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._tasks = tasks
        self._cells: dict[Task, TaskCell] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.AROUND, 1, theme.AROUND, 0)
        self._row.setSpacing(theme.GROUPS)
        self._rest = QLabel()
        theme.set_role(self._rest, "small")
        self._row.addWidget(self._rest)
        self._row.addStretch(1)
        tasks.added.connect(self._on_tasks_added)
        tasks.ended.connect(self._on_tasks_ended)
        self.retranslate()

    def retranslate(self) -> None:
        """Say how many tasks have no room, or that there are none."""
        hidden = len(self._cells) - _MOST
        self._rest.setVisible(hidden > 0 or not self._cells)
        if not self._cells:
            self._rest.setText(self.tr("Nothing running"))
        elif hidden > 0:
            self._rest.setText(self.tr("and {count} more").format(count=hidden))

    def _on_tasks_added(self, task: Task) -> None:
        cell = TaskCell(task, self)
        self._cells[task] = cell
        self._row.insertWidget(len(self._cells) - 1, cell)
        self._show_first()

    def _on_tasks_ended(self, task: Task) -> None:
        cell = self._cells.pop(task, None)
        if cell is not None:
            self._row.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self._show_first()

    def _show_first(self) -> None:
        for index, cell in enumerate(self._cells.values()):
            cell.setVisible(index < _MOST)
        self.retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
