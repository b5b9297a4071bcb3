"""The Design page's tools: base model, classes, presets, comparing, targets, undo and redo, files."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSpinBox

from app.core.architecture import DEFAULT_CLASSES
from app.core.design import Design
from app.ui import theme
from app.ui.pages.design_base_chooser import BaseButton
from app.ui.pages.design_presets import fill_presets
from app.ui.widgets.cards import button, label, name_widget, tool
from app.ui.widgets.menu_button import MenuButton
from app.ui.workspace import Workspace

_NARROW = 1130
"""Room below which the words before the number of classes, and undo and redo, which have keys, give way."""


class DesignTools(QObject):
    """Fills the header's row of tools; what the user chooses leaves as signals."""

    base_chosen = Signal(str)
    model_file_wanted = Signal()
    """A model YAML shall be opened."""
    classes_chosen = Signal(int)
    """Number of classes; 0 leaves it to the data."""
    preset_chosen = Signal(str)
    """Name of a preset; "" for the standard model."""
    reach_wanted = Signal()
    """A target shall be reached."""
    compare_menu_wanted = Signal(QMenu)
    """The menu of what to compare with is about to be shown and wants its entries."""
    more_menu_wanted = Signal(QMenu)
    """The menu of files is about to be shown and wants its entries."""

    def __init__(self, workspace: Workspace, row: QHBoxLayout, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._base = workspace.design.base
        self.base = BaseButton()
        self.classes = QSpinBox()
        self.classes.setObjectName("classes")
        self.classes.setRange(0, 10_000)
        self.classes.setKeyboardTracking(False)
        self.classes.lineEdit().setTextMargins(theme.INSIDE, 0, 0, 0)
        self.classes_label = label(role="muted")
        self.classes_label.setBuddy(self.classes)
        self.presets = MenuButton("presets", self._fill_presets)
        self.compare = MenuButton("compareDesign", self.compare_menu_wanted.emit)
        for one in (self.presets, self.compare):
            one.menu().setToolTipsVisible(True)
        self.reach = button("reachButton", icon="target")
        self.reach.clicked.connect(self.reach_wanted)
        self.undo = tool("undoDesign", "undo")
        self.redo = tool("redoDesign", "redo")
        self.more = tool("moreDesign", "more")
        self._more_menu = QMenu(self.more)
        self._more_menu.aboutToShow.connect(lambda: self.more_menu_wanted.emit(self._more_menu))
        self.more.setMenu(self._more_menu)
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        for widget in (
            self.base,
            self.classes_label,
            self.classes,
            self.presets,
            self.compare,
            self.reach,
            self.undo,
            self.redo,
            self.more,
        ):
            row.addWidget(widget)
        self.base.chosen.connect(self.base_chosen)
        self.base.file_wanted.connect(self.model_file_wanted)
        self.classes.valueChanged.connect(self.classes_chosen)
        self._follow_history(workspace)

    def _follow_history(self, workspace: Workspace) -> None:
        stack = workspace.undo_stack
        self.undo.clicked.connect(stack.undo)
        self.redo.clicked.connect(stack.redo)
        stack.canUndoChanged.connect(self.undo.setEnabled)
        stack.canRedoChanged.connect(self.redo.setEnabled)
        stack.undoTextChanged.connect(self._on_stack_undo_text_changed)
        stack.redoTextChanged.connect(self._on_stack_redo_text_changed)
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())
        self._undo_text, self._redo_text = stack.undoText(), stack.redoText()

    def show_design(self, design: Design) -> None:
        """Show a design's base model and classes; nothing is emitted."""
        self._base = design.base
        self.base.show_base(design.base)
        if self.classes.value() != (design.classes or 0):
            blocked = self.classes.blockSignals(True)
            self.classes.setValue(design.classes or 0)
            self.classes.blockSignals(blocked)

    def fit(self, width: int) -> bool:
        """Fit into a page of that width; return whether it is narrow."""
        narrow = width < _NARROW
        for widget in (self.classes_label, self.undo, self.redo):
            widget.setVisible(not narrow)
        return narrow

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.base.setAccessibleName(self.tr("Base model"))
        self.classes_label.setText(self.tr("Classes"))
        self.classes.setSpecialValueText(self.tr("from data"))
        special = self.classes.fontMetrics().horizontalAdvance(self.classes.specialValueText())
        self.classes.setFixedWidth(max(special, 40) + 56)
        self.classes.setToolTip(
            self.tr(
                "Number of classes. “From data” leaves it to the training; costs then stand for {count}."
            ).format(count=DEFAULT_CLASSES)
        )
        self.classes.setAccessibleName(self.tr("Number of classes"))
        for menu, text, tip in (
            (self.presets, self.tr("Preset"), self.tr("Take a ready design on this base model.")),
            (self.compare, self.tr("Compare"), self.tr("Show how this design differs from another one.")),
        ):
            menu.set_words(text)
            menu.setToolTip(tip)
            words = menu.fontMetrics().horizontalAdvance(text)
            menu.setFixedWidth(max(words + 52, menu.minimumSizeHint().width()))
        self.reach.setText(self.tr("Reach…"))
        name_widget(self.reach, self.tr("Reach a target: let the Studio pick the layers"), "Ctrl+T")
        name_widget(self.more, self.tr("Duplicate, rename, export"))
        self._name_history()

    def _fill_presets(self, menu: QMenu) -> None:
        fill_presets(menu, self._base, self.preset_chosen.emit)

    def _on_stack_undo_text_changed(self, text: str) -> None:
        self._undo_text = text
        self._name_history()

    def _on_stack_redo_text_changed(self, text: str) -> None:
        self._redo_text = text
        self._name_history()

    def _name_history(self) -> None:
        """Name the buttons after the steps that they take; what the signals told is all that is needed."""
        undo, redo = self._undo_text, self._redo_text
        name_widget(
            self.undo, self.tr("Undo: {action}").format(action=undo) if undo else self.tr("Undo"), "Ctrl+Z"
        )
        name_widget(
            self.redo, self.tr("Redo: {action}").format(action=redo) if redo else self.tr("Redo"), "Ctrl+Y"
        )
