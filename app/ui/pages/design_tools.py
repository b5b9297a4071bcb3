"""The Design page's tools: base model, classes, presets, undo and redo."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QSpinBox

from app.core.architecture import DEFAULT_CLASSES, base_models
from app.core.design import Design, preset_names, preset_summary
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.cards import button, label, name_widget, tool
from app.ui.workspace import Workspace


class DesignTools(QObject):
    """Fills the header's row of tools; what the user chooses leaves as signals."""

    base_chosen = Signal(str)
    classes_chosen = Signal(int)
    """Number of classes; 0 leaves it to the data."""
    preset_chosen = Signal(str)
    """Name of a preset; "" for the standard model."""

    def __init__(self, workspace: Workspace, row: QHBoxLayout, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.base = QComboBox()
        self.base.setObjectName("baseModel")
        self.base.addItems(base_models())
        self.classes = QSpinBox()
        self.classes.setObjectName("classes")
        self.classes.setRange(0, 10_000)
        self.classes.setKeyboardTracking(False)
        self.classes.lineEdit().setTextMargins(theme.INSIDE, 0, 0, 0)
        self.classes_label = label(role="muted")
        self.classes_label.setBuddy(self.classes)
        self.presets = button("presets")
        self.presets.setProperty("menu", "true")
        self._menu = QMenu(self.presets)
        self._menu.setToolTipsVisible(True)
        self._preset_actions: dict[str, QAction] = {}
        for name in (*preset_names(), ""):
            if not name:
                self._menu.addSeparator()
            action = self._menu.addAction("")
            action.setObjectName(f"preset_{name or 'standard'}")
            action.triggered.connect(lambda _checked=False, name=name: self.preset_chosen.emit(name))
            self._preset_actions[name] = action
        self.presets.setMenu(self._menu)
        self.undo = tool("undoDesign", "undo")
        self.redo = tool("redoDesign", "redo")
        for widget in (self.base, self.classes_label, self.classes, self.presets, self.undo, self.redo):
            row.addWidget(widget)
        self.undo.clicked.connect(workspace.undo_stack.undo)
        self.redo.clicked.connect(workspace.undo_stack.redo)
        self.base.textActivated.connect(self.base_chosen)
        self.classes.valueChanged.connect(self.classes_chosen)
        stack = workspace.undo_stack
        stack.canUndoChanged.connect(self.undo.setEnabled)
        stack.canRedoChanged.connect(self.redo.setEnabled)
        stack.undoTextChanged.connect(self._on_stack_undo_text_changed)
        stack.redoTextChanged.connect(self._on_stack_redo_text_changed)
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())
        self._undo_text, self._redo_text = stack.undoText(), stack.redoText()

    def show_design(self, design: Design) -> None:
        """Show a design's base model and classes; nothing is emitted."""
        self.base.setCurrentText(design.base)
        blocked = self.classes.blockSignals(True)
        self.classes.setValue(design.classes or 0)
        self.classes.blockSignals(blocked)

    def preset_words(self, name: str) -> str:
        """Return a preset's name for people."""
        words = {
            "separable": self.tr("All 3×3 separable"),
            "backbone": self.tr("Backbone separable"),
            "neck": self.tr("Neck separable"),
            "head": self.tr("Head separable"),
            "head-classes": self.tr("Head classes separable"),
            "ghost": self.tr("Ghost backbone and neck"),
            "shufflenetv2": self.tr("ShuffleNetV2 backbone"),
            "mobilenetv3": self.tr("MobileNetV3 backbone"),
            "efficientnetv2": self.tr("EfficientNetV2 backbone"),
            "seed": self.tr("Seed recipe (stride-2 layers grouped)"),
            "": self.tr("Standard model"),
        }
        return words.get(name, name)

    def retranslate(self) -> None:
        """Set the translated texts."""
        name_widget(self.base, self.tr("Base model"))
        self.classes_label.setText(self.tr("Classes"))
        self.classes.setSpecialValueText(self.tr("from data"))
        words = self.classes.fontMetrics().horizontalAdvance(self.classes.specialValueText())
        self.classes.setFixedWidth(max(words, 40) + 56)
        self.classes.setToolTip(
            self.tr(
                "Number of classes. “From data” leaves it to the training; costs then stand for {count}."
            ).format(count=DEFAULT_CLASSES)
        )
        self.classes.setAccessibleName(self.tr("Number of classes"))
        self.presets.setText(self.tr("Preset"))
        for name, action in self._preset_actions.items():
            action.setText(self.preset_words(name))
            action.setToolTip(
                translated(preset_summary(name)) if name else self.tr("Undoes every replacement.")
            )
        self._name_history()

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
