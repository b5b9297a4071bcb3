"""The diagram's card: legend, find, filter, zoom, and the diagram itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from app.ui import theme
from app.ui.pages.design_compare import CompareStrip
from app.ui.widgets.cards import Card, name_widget, tool
from app.ui.widgets.diagram import Diagram
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_legend import Legend
from app.ui.widgets.layer_table_rows import ABLE, ALL, SWAPPED

ZOOM_STEP = 1.25


class FindField(QLineEdit):
    """A search field; Esc empties it and gives the focus back."""

    left = Signal()
    """The user is done with it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc and Enter lead back to the diagram."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class Canvas(Card):
    """A row of small tools above the diagram."""

    rows_wanted = Signal(str)
    """Which rows the table shall show: ALL, ABLE or SWAPPED."""

    def __init__(self, snapshot: Snapshot, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=0)
        self.setObjectName("canvas")
        self.diagram = Diagram(snapshot)
        self.legend = Legend()
        self.strip = CompareStrip()
        self.find_field = FindField()
        self.find_field.setObjectName("find")
        self.find_field.setClearButtonEnabled(True)
        self.find_field.setFixedWidth(152)
        self.find_field.addAction(theme.icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.filter = tool("filterRows", "filter", checkable=True)
        self._filters = self._build_filters()
        self.zoom_out = tool("zoomOut", "zoom_out")
        self.zoom_fit = tool("zoomFit", "fit")
        self.zoom_in = tool("zoomIn", "zoom_in")
        row = QHBoxLayout()
        row.setContentsMargins(theme.BETWEEN, 4, theme.INSIDE, 4)
        row.setSpacing(4)
        row.addWidget(self.legend, 1)
        row.addWidget(self.find_field)
        for item in (self.filter, self.zoom_out, self.zoom_fit, self.zoom_in):
            row.addWidget(item)
        self.body.setContentsMargins(1, 1, 1, 1)
        self.body.setSpacing(0)
        self.body.addLayout(row)
        self.body.addWidget(self.strip)
        self.body.addWidget(self.diagram, 1)
        self.zoom_out.clicked.connect(lambda: self.diagram.zoom(1 / ZOOM_STEP))
        self.zoom_in.clicked.connect(lambda: self.diagram.zoom(ZOOM_STEP))
        self.zoom_fit.clicked.connect(self.diagram.fit)
        self.find_field.left.connect(self.diagram.setFocus)
        self.retranslate()

    def _build_filters(self) -> dict[str, QAction]:
        menu = QMenu(self.filter)
        group = QActionGroup(menu)
        made = {}
        for name in (ALL, ABLE, SWAPPED):
            action = menu.addAction("")
            action.setObjectName(f"rows_{name}")
            action.setCheckable(True)
            action.setChecked(name == ALL)
            group.addAction(action)
            action.triggered.connect(lambda _checked=False, name=name: self._on_filter_chosen(name))
            made[name] = action
        self.filter.setMenu(menu)
        self.filter.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return made

    @property
    def rows(self) -> str:
        """Which rows the table shall show."""
        return next(name for name, action in self._filters.items() if action.isChecked())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show a design."""
        self.diagram.show_snapshot(snapshot)
        self.legend.show_snapshot(snapshot)

    def show_found(self, count: int) -> None:
        """Mark the field when what was typed is nowhere."""
        missing = bool(self.find_field.text().strip()) and not count
        theme.set_role(self.find_field, "", invalid="true" if missing else "false")
        self.find_field.setToolTip(self.tr("No layer is called so.") if missing else self._find_tip)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.find_field.setPlaceholderText(self.tr("Find a layer"))
        name_widget(self.find_field, self.tr("Find a layer"), "Ctrl+F")
        self._find_tip = self.find_field.toolTip()
        name_widget(self.filter, self.tr("Rows of the table"))
        for name, words in (
            (ALL, self.tr("All rows")),
            (ABLE, self.tr("What can be replaced")),
            (SWAPPED, self.tr("What is replaced")),
        ):
            self._filters[name].setText(words)
        name_widget(self.zoom_out, self.tr("Zoom out"), "−")
        name_widget(self.zoom_in, self.tr("Zoom in"), "+")
        name_widget(self.zoom_fit, self.tr("Show everything"), "F")

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _on_filter_chosen(self, name: str) -> None:
        self.filter.setChecked(name != ALL)
        self.rows_wanted.emit(name)
