"""The notes of a design: a card that folds away below the inspector."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.core.design_library import LONGEST_NOTES
from app.ui.widgets.cards import Card, button

_HEIGHT = 108


class NotesCard(Card):
    """One line while folded; it tells what the user writes, as it is written."""

    changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=4)
        self.setObjectName("notesCard")
        self.fold = button("foldNotes", "link")
        self.fold.setCheckable(True)
        self.text = QPlainTextEdit()
        self.text.setObjectName("designNotes")
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(_HEIGHT)
        self.text.setVisible(False)
        self.body.setSpacing(4)
        self.body.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.text)
        self._notes = ""
        self.fold.toggled.connect(self._on_fold_toggled)
        self.text.textChanged.connect(self._on_text_changed)
        self.retranslate()

    def show_notes(self, notes: str) -> None:
        """Show a design's notes; nothing is emitted, and the cursor stays where it is while they are the same."""
        self._notes = notes
        if self.text.toPlainText() != notes:
            blocked = self.text.blockSignals(True)
            self.text.setPlainText(notes)
            self.text.moveCursor(QTextCursor.MoveOperation.End)
            self.text.blockSignals(blocked)
        self._name_fold()

    def edit(self) -> None:
        """Unfold, and let the user write."""
        self.fold.setChecked(True)
        self.text.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.text.setAccessibleName(self.tr("Notes of the design"))
        self.text.setPlaceholderText(self.tr("What this design is for. It is saved in the design's file."))
        self._name_fold()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _name_fold(self) -> None:
        arrow = "▾" if self.fold.isChecked() else "▸"
        words = self.tr("{arrow} Notes")
        first = self._notes.strip().partition("\n")[0]
        if first and not self.fold.isChecked():
            words = self.tr("{arrow} Notes: {first}")
            room = max(self.width() - 110, 80)
            first = self.fontMetrics().elidedText(first, Qt.TextElideMode.ElideRight, room)
        self.fold.setText(words.format(arrow=arrow, first=first))
        self.fold.setToolTip(self._notes)

    def _on_fold_toggled(self, unfolded: bool) -> None:
        self.text.setVisible(unfolded)
        self._name_fold()
        if unfolded:
            self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_text_changed(self) -> None:
        notes = self.text.toPlainText()
        if len(notes) > LONGEST_NOTES:
            self.text.setPlainText(notes[:LONGEST_NOTES])
            self.text.moveCursor(QTextCursor.MoveOperation.End)
            return
        self._notes = notes
        self.changed.emit(notes)
