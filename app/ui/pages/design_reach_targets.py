"""The targets of a search: one field for each resource, a change or the most it may cost."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QGridLayout, QLabel, QWidget

from app.core.errors import AppError
from app.core.target_amount import RESOURCES, Target, parse_target
from app.core.text import MINUS, THIN_SPACE, figure, percent_change
from app.ui import theme
from app.ui.text import problem_words
from app.ui.widgets.cards import label

SCALES: Mapping[str, float] = {"gflops": 1e9, "params": 1e6, "mb": 1e6, "ms": 1.0}
"""Resource → how many of its base unit stand for 1 in the window."""

_STEP, _LEAST, _FIRST = 5, -95, -50
_BARE = re.compile(r"\d+(\.\d+)?")
_WIDTH = 92


def read_target(resource: str, text: str) -> Target | None:
    """Return the target that was typed, or None where nothing was.

    A bare number is in the unit of the window, parameters in millions; a number with a minus is a change in per cent.

    Raises:
        AppError: it is none.
    """
    typed = text.strip().replace(",", ".").replace(THIN_SPACE, "").replace(" ", "").replace(MINUS, "-")
    if not typed:
        return None
    if typed.startswith("-") and _BARE.fullmatch(typed[1:]):
        typed += "%"
    elif resource == "params" and _BARE.fullmatch(typed) and float(typed) < SCALES["params"] / 10:
        typed += "M"
    return parse_target(f"{resource}={typed}")


class TargetBox(QAbstractSpinBox):
    """A field for "−50 %" or "4.2"; arrow keys and arrows change a change by five points."""

    edited = Signal()

    def __init__(self, resource: str) -> None:
        super().__init__()
        self.setObjectName(f"target_{resource}")
        self.resource = resource
        self.setFixedWidth(_WIDTH)
        edit = self.lineEdit()
        edit.setAlignment(Qt.AlignmentFlag.AlignRight)
        edit.textChanged.connect(self.edited)

    @property
    def target(self) -> Target | None:
        """What was typed.

        Raises:
            AppError: it is no target.
        """
        return read_target(self.resource, self.lineEdit().text())

    def set_text(self, text: str) -> None:
        """Write into the field."""
        self.lineEdit().setText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let everything be typed; what is wrong is said beside it."""
        return QValidator.State.Acceptable, text, position

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Steps are always possible."""
        return (
            QAbstractSpinBox.StepEnabledFlag.StepUpEnabled | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        )

    def stepBy(self, steps: int) -> None:
        """Change the change; an absolute value gives way to one."""
        try:
            target = self.target
        except AppError:
            target = None
        if target is None or not target.relative:
            percent = _FIRST
        else:
            percent = round(target.value * 100 / _STEP) * _STEP + steps * _STEP
        percent = min(max(percent, _LEAST), -_STEP)
        self.set_text(f"{MINUS}{-percent}{THIN_SPACE}%")


class TargetFields(QWidget):
    """A row for each resource: name, field, what that means."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._standard: dict[str, float | None] = dict.fromkeys(RESOURCES)
        self.boxes: dict[str, TargetBox] = {}
        self.names: dict[str, QLabel] = {}
        self.meanings: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.INSIDE)
        grid.setVerticalSpacing(4)
        for number, resource in enumerate(RESOURCES):
            box = self.boxes[resource] = TargetBox(resource)
            name = self.names[resource] = label()
            name.setBuddy(box)
            meaning = self.meanings[resource] = label(role="small", wrap=True)
            meaning.setObjectName(f"meaning_{resource}")
            grid.addWidget(name, number, 0)
            grid.addWidget(box, number, 1)
            grid.addWidget(meaning, number, 2)
            box.edited.connect(self._on_box_edited)
        grid.setColumnStretch(2, 1)
        self.problem = label(role="small", wrap=True, tone="bad")
        self.problem.setObjectName("targetProblem")
        self.problem.setVisible(False)
        grid.addWidget(self.problem, len(RESOURCES), 0, 1, 3)
        self.retranslate()

    @property
    def targets(self) -> tuple[Target, ...] | None:
        """The targets; None where one of the fields holds none that can be read."""
        found = []
        for resource, box in self.boxes.items():
            if self._standard[resource] is None:
                continue
            try:
                target = box.target
            except AppError:
                return None
            if target is not None:
                found.append(target)
        return tuple(found)

    def show_standard(self, standard: Mapping[str, float | None]) -> None:
        """Take over what the standard model costs: resource → in its base unit, None where it is not known."""
        self._standard = {name: standard.get(name) for name in RESOURCES}
        for resource, box in self.boxes.items():
            box.setEnabled(self._standard[resource] is not None)
        self._explain()

    def retranslate(self) -> None:
        """Set the translated texts."""
        words = {
            "gflops": self.tr("GFLOPs"),
            "params": self.tr("Parameters (M)"),
            "mb": self.tr("File size (MB)"),
            "ms": self.tr("Milliseconds"),
        }
        for resource, text in words.items():
            self.names[resource].setText(text)
            box = self.boxes[resource]
            box.setAccessibleName(self.tr("Target for {resource}").format(resource=text))
            box.setToolTip(
                self.tr("The most it may cost, such as 4.2, or a change with its sign, such as −50 %.")
            )
            box.lineEdit().setPlaceholderText(self.tr("any"))
        self._explain()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _on_box_edited(self) -> None:
        self._explain()
        self.changed.emit()

    def _explain(self) -> None:
        """Say beside each field what it means, and below them what cannot be read."""
        trouble = ""
        for resource, box in self.boxes.items():
            standard = self._standard[resource]
            text, invalid = "", False
            try:
                target = box.target
            except AppError as problem:
                target, invalid = None, True
                trouble = trouble or problem_words(problem)[1]
            if standard is not None:
                text = self._meaning(resource, target, standard)
            self.meanings[resource].setText(text)
            theme.set_role(box, "", invalid="true" if invalid else "false")
        self.problem.setText(trouble)
        self.problem.setVisible(bool(trouble))

    def _meaning(self, resource: str, target: Target | None, standard: float) -> str:
        scale = SCALES[resource]
        if target is None:
            return self.tr("standard {value}").format(value=figure(standard / scale))
        limit = target.limit(standard)
        return self.tr("≤ {value} ({change})").format(
            value=figure(limit / scale), change=percent_change(standard, limit)
        )
