"""One switch, *Recover accuracy*, and behind it every way to win accuracy back, each in a sentence."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QScrollArea, QWidget

from app.core import recovery
from app.core.errors import AppError
from app.core.recovery import AUTO, DESIGN, DISTILL, OFF, OPTIONS, SWITCH, Facts, Option
from app.ui import theme
from app.ui.page import Services
from app.ui.pages.train_weights import WeightsMenu
from app.ui.text import listed, translated
from app.ui.widgets.cards import button, label
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.menu_button import MenuButton

_TEACHER = 220


class RecoverySwitch(QObject):
    """The switch with its words, a button that unfolds the rows, and the rows."""

    changed = Signal()

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._facts = Facts(lightweight=False, epochs=0, trained=False, teacher=False)
        self._showing = False
        self.switch = QCheckBox()
        self.switch.setObjectName("trainRecover")
        self.switch.setChecked(True)
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        self.more = button("trainRecoverMore", "flat", "chevron_down")
        self.more.setCheckable(True)
        self.teacher_menu = WeightsMenu(services, window, standard_only=True)
        self.teacher = MenuButton("trainTeacher", self.teacher_menu.fill, least=_TEACHER)
        self._boxes: dict[str, QCheckBox] = {}
        self._about = {option.name: label(role="muted", wrap=True) for option in OPTIONS}
        self.rows = self._build_rows()
        self.switch.toggled.connect(self._on_switch_toggled)
        self.teacher_menu.changed.connect(self._on_teacher_menu_changed)

    def _build_rows(self) -> QWidget:
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.GROUPS)
        grid.setVerticalSpacing(theme.INSIDE)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(len(OPTIONS), 1)
        for row, option in enumerate(OPTIONS):
            box = QCheckBox()
            box.setObjectName(f"recover_{option.name}")
            box.setEnabled(option.place == SWITCH)
            box.toggled.connect(self._on_box_toggled)
            self._boxes[option.name] = box
            grid.addWidget(box, row, 0)
            grid.addWidget(self._about[option.name], row, 1)
            if option.name == DISTILL:
                grid.addWidget(self.teacher, row, 2)
        scroll = QScrollArea()
        scroll.setObjectName("trainRecoveryWays")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(rows)
        return scroll

    @property
    def recover(self) -> str:
        """What a training is told: "auto", "off", or names joined by commas."""
        if self.switch.checkState() == Qt.CheckState.Checked:
            return AUTO
        named = [
            option.name
            for option in OPTIONS
            if option.place == SWITCH and self._boxes[option.name].isChecked()
        ]
        return ",".join(named) or OFF

    @property
    def teacher_weights(self) -> str | None:
        """The chosen teacher; None takes the first weights, where they are the standard model's."""
        return self.teacher_menu.chosen or None

    def show_config(self, recover: str, teacher: str | None) -> None:
        """Show what a run was told."""
        self.teacher_menu.choose(teacher or "")
        try:
            named = recovery.parse(recover)
        except AppError:  # of a later version
            named = None
        self._set_switch(named)
        if named is not None:
            self._tick(named)
        self._update_words()

    def show_facts(self, facts: Facts) -> None:
        """Say what the switch does for a training as the form has it now."""
        self._facts = facts
        if self.recover == AUTO:
            self._tick(recovery.chosen(AUTO, facts))
        self._showing = True
        for option in OPTIONS:
            if option.place != SWITCH:
                self._boxes[option.name].setChecked(self._elsewhere(option))
        self._showing = False
        self._update_words()

    def _elsewhere(self, option: Option) -> bool:
        """Whether an option that is chosen elsewhere is in use."""
        if option.place == DESIGN:
            return False
        return self._facts.trained and self._facts.lightweight

    def _tick(self, names: tuple[str, ...]) -> None:
        self._showing = True
        for option in OPTIONS:
            if option.place == SWITCH:
                self._boxes[option.name].setChecked(option.name in names)
        self._showing = False

    def _set_switch(self, named: tuple[str, ...] | None) -> None:
        """Show on for automatic, off for none, and in between for a choice of the user's own."""
        self._showing = True
        own = named is not None and bool(named)
        self.switch.setTristate(own)
        state = Qt.CheckState.PartiallyChecked if own else Qt.CheckState.Unchecked
        self.switch.setCheckState(Qt.CheckState.Checked if named is None else state)
        self._showing = False

    def _on_switch_toggled(self) -> None:
        if self._showing:
            return
        on = self.switch.checkState() == Qt.CheckState.Checked
        self._set_switch(None if on else ())
        self._tick(recovery.chosen(AUTO, self._facts) if on else ())
        self._update_words()
        self.changed.emit()

    def _on_box_toggled(self) -> None:
        if self._showing:
            return
        ticked = tuple(name for name, box in self._boxes.items() if box.isEnabled() and box.isChecked())
        self._set_switch(ticked)
        self._update_words()
        self.changed.emit()

    def _on_teacher_menu_changed(self) -> None:
        self.teacher.set_words(self._teacher_words())
        self.changed.emit()

    # --- texts ---------------------------------------------------------------------------------------------

    def _teacher_words(self) -> str:
        if self.teacher_menu.chosen:
            return self.tr("Teacher: {name}").format(name=self.teacher_menu.words)
        return self.tr("Teacher: the first weights")

    def _update_words(self) -> None:
        used = [
            translated(option.title)
            for option in OPTIONS
            if self._boxes[option.name].isChecked() and option.place != DESIGN
        ]
        if not self._facts.lightweight and self.recover == AUTO and not used:
            words = self.tr("A standard model has nothing to recover.")
        elif self.recover == OFF:
            words = self.tr("A plain training, as stock does it.")
        elif used:
            words = self.tr("With {names}.").format(names=listed(used))
        else:
            words = self.tr("Nothing applies here: choose a trained standard model under Warm start.")
        self.words.setText(words)

    def retranslate(self) -> None:
        """Set the texts."""
        self.switch.setText(self.tr("Recover accuracy"))
        self.switch.setToolTip(self.tr("Takes what our measurements show to be best for this training"))
        self.more.setText(self.tr("Ways"))
        self.more.setToolTip(self.tr("Shows every way to win accuracy back, to choose by hand"))
        for option in OPTIONS:
            self._boxes[option.name].setText(translated(option.title))
            self._about[option.name].setText(translated(option.about))
        self.teacher.set_words(self._teacher_words())
        self.teacher.setAccessibleName(self.tr("Teacher"))
        self._update_words()
