"""The Data page's right side and foot: classes, box sizes, findings."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.core.findings import SEVERITIES, Finding
from app.core.text import figure, grouped
from app.ui import theme
from app.ui.pages.data_summary import Summary
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.class_list import ClassList
from app.ui.widgets.findings import FindingList
from app.ui.widgets.size_histogram import SizeHistogram

_MOST_CLASS_ROWS = 8
_TOKENS = {"error": "bad", "warning": "warn", "info": "accent"}


class Statistics(QWidget):
    """Two cards: boxes per class, and how large they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary: Summary | None = None
        self.classes = ClassList()
        self.sizes = SizeHistogram()
        self.classes_head, self.classes_note = label(role="strong"), label(role="muted")
        self.sizes_head, self.sizes_note = label(role="strong"), label(role="small", wrap=True)
        self.classes_card = Card(margin=theme.BETWEEN)
        self.classes_card.body.addLayout(_head(self.classes_head, self.classes_note))
        self.classes_card.body.addWidget(self.classes, 1)
        sizes_card = Card(margin=theme.BETWEEN)
        sizes_card.body.addWidget(self.sizes_head)
        sizes_card.body.addWidget(self.sizes, 1)
        sizes_card.body.addWidget(self.sizes_note)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.BETWEEN)
        column.addWidget(self.classes_card)
        column.addWidget(sizes_card, 1)
        self.classes.chosen.connect(self.sizes.show_only)
        self.retranslate()

    def show_summary(self, summary: Summary) -> None:
        """Show another data set."""
        self._summary = summary
        self.classes.show_classes(summary.names, summary.boxes)
        self.sizes.show_sizes(summary.edges, summary.sizes, summary.names)
        rows = min(len(summary.names), _MOST_CLASS_ROWS)
        height = round(self.classes.height_for_all() * rows / max(len(summary.names), 1))
        self.classes.setFixedHeight(height)
        self.classes_card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the texts."""
        self.classes_head.setText(self.tr("Classes"))
        self.classes.setAccessibleName(self.tr("Classes"))
        self.classes.setToolTip(self.tr("Choose a class to see its pictures and sizes alone."))
        self.sizes_head.setText(self.tr("Box sizes"))
        self.sizes_note.setText(
            self.tr("√(width × height) of a box, as a share of its picture's longer side")
        )
        if self._summary is not None:
            boxes, images = self._summary.total_boxes, self._summary.total_images
            self.classes_note.setText(
                self.tr("{boxes} boxes, {mean} a picture").format(
                    boxes=grouped(boxes), mean=figure(boxes / images if images else 0)
                )
            )

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


class FindingsCard(Card):
    """A headline with a button per severity, the list, and the way to a corrected copy."""

    fix_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=theme.BETWEEN)
        self._findings: tuple[Finding, ...] = ()
        self.head = label(role="strong")
        self.fine = label(role="muted")
        self.buttons: dict[str, QToolButton] = {}
        self.list = FindingList()
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.head)
        row.addWidget(self.fine)
        for severity in SEVERITIES:
            shown = QToolButton()
            shown.setObjectName(f"show_{severity}")
            shown.setCheckable(True)
            shown.setChecked(True)
            shown.setIcon(theme.icon(severity, _TOKENS[severity]))
            shown.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            shown.toggled.connect(lambda _on: self._on_buttons_toggled())
            self.buttons[severity] = shown
            row.addWidget(shown)
        self.fix = button("fixData")
        self.fix.clicked.connect(lambda: self.fix_wanted.emit())
        row.addStretch(1)
        row.addWidget(self.fix)
        self.body.addLayout(row)
        self.body.addWidget(self.list, 1)
        self.retranslate()

    def show_summary(self, summary: Summary) -> None:
        """Show another data set's findings, all severities."""
        self._findings = summary.findings
        self.list.show_findings(summary.findings, summary.root)
        for shown in self.buttons.values():
            shown.setChecked(True)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the texts."""
        counts = self.list.counts()
        self.head.setText(self.tr("Findings"))
        self.list.setAccessibleName(self.tr("Findings"))
        words = {
            "error": self.tr("Errors {count}"),
            "warning": self.tr("Warnings {count}"),
            "info": self.tr("Notes {count}"),
        }
        for severity, shown in self.buttons.items():
            shown.setText(words[severity].format(count=grouped(counts[severity])))
            shown.setToolTip(self.tr("Show or hide these findings"))
            shown.setVisible(counts[severity] > 0)
        self.fine.setText(self.tr("Nothing to complain about: every picture has a good label."))
        self.fine.setVisible(not self._findings)
        self.fix.setText(self.tr("Fix in a copy…"))
        self.fix.setToolTip(
            self.tr(
                "Write a corrected YOLO data set into a new folder, with a list of what was changed. Your files stay "
                "as they are."
            )
        )
        self.fix.setVisible(bool(self._findings))
        self.list.setVisible(bool(self._findings))
        self.list.viewport().update()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _on_buttons_toggled(self) -> None:
        shown = (severity for severity, switch in self.buttons.items() if switch.isChecked())
        self.list.show_severities(frozenset(shown))


def _head(left: QWidget, right: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.INSIDE)
    row.addWidget(left)
    row.addStretch(1)
    row.addWidget(right)
    return row
