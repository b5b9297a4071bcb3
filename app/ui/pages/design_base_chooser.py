"""Chooses a base model: families as rows, scales as cells, narrowed by typing."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.base_models import base_families
from app.core.user_models import base_title
from app.ui import theme
from app.ui.widgets.cards import button, label
from app.ui.widgets.menu_button import MenuButton

_CELL, _ROW, _NAME = 42, 26, 152
_MOST_HEIGHT = 560
_BASE = Qt.ItemDataRole.UserRole


def family_words(family: str) -> str:
    """Return how people call a family: "YOLOv8-P2", "YOLO11"."""
    start, _, variant = family.partition("-")
    name = f"YOLO{start.removeprefix('yolo')}"
    return (
        f"{name}-{'-'.join(w.upper() if w[0] == 'p' else w for w in variant.split('-'))}" if variant else name
    )


def newest_first(families: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the families, those of the newest version first, its variants below it."""
    versions: dict[int, list[str]] = {}
    for family in families:
        digits = "".join(c for c in family.partition("-")[0] if c.isdigit())
        versions.setdefault(int(digits or 0), []).append(family)
    order = [
        family
        for version in sorted(versions, reverse=True)
        for family in sorted(versions[version], key=lambda one: "-" in one)
    ]
    return {family: families[family] for family in order}


class SearchField(QLineEdit):
    """A search field over a list: arrows, Enter and Esc are the list's."""

    def __init__(self, over: QAbstractItemView) -> None:
        super().__init__()
        self._over = over
        self.setClearButtonEnabled(True)
        self.addAction(theme.icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hand the list its keys."""
        keys = Qt.Key
        listed = {
            keys.Key_Down,
            keys.Key_Up,
            keys.Key_PageDown,
            keys.Key_PageUp,
            keys.Key_Return,
            keys.Key_Enter,
        }
        sideways = event.key() in (keys.Key_Left, keys.Key_Right) and not self.text()
        if event.key() in listed or sideways:
            self._over.keyPressEvent(event)
        else:
            super().keyPressEvent(event)


class _Grid(QTableWidget):
    """The families and their scales."""

    picked = Signal(str)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes the cell."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            item = self.currentItem()
            if item is not None and item.data(_BASE):
                self.picked.emit(item.data(_BASE))
            return
        super().keyPressEvent(event)


class BaseChooser(QFrame):
    """A pop-up that leaves by a signal; typing narrows the rows, Enter takes the chosen cell."""

    chosen = Signal(str)
    file_wanted = Signal()
    """A model YAML shall be opened."""

    def __init__(
        self, parent: QWidget | None = None, families: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("baseChooser")
        self.setProperty("role", "popup")
        self._families = newest_first(families or base_families())
        self.grid = _Grid(len(self._families), 1 + max(len(names) for names in self._families.values()))
        self.grid.setObjectName("baseGrid")
        self.search = SearchField(self.grid)
        self.search.setObjectName("baseSearch")
        self.nothing = label(role="muted")
        self.nothing.setVisible(False)
        self.open_file = button("openModelYaml", "link", "open")
        self._fill()
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.INSIDE, theme.INSIDE, theme.INSIDE, theme.INSIDE)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.search)
        column.addWidget(self.grid, 1)
        column.addWidget(self.nothing)
        column.addWidget(self.open_file, 0, Qt.AlignmentFlag.AlignLeft)
        self.search.textChanged.connect(self._narrow)
        self.grid.picked.connect(self._pick)
        self.grid.clicked.connect(self._on_grid_clicked)
        self.open_file.clicked.connect(self._on_open_file_clicked)
        self.retranslate()

    def _fill(self) -> None:
        grid = self.grid
        grid.setShowGrid(False)
        grid.setFrameShape(QFrame.Shape.NoFrame)
        grid.setProperty("embedded", "true")
        grid.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        grid.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        grid.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        grid.setTabKeyNavigation(False)
        grid.horizontalHeader().hide()
        grid.verticalHeader().hide()
        grid.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        grid.verticalHeader().setMinimumSectionSize(_ROW)
        grid.verticalHeader().setDefaultSectionSize(_ROW)
        grid.horizontalHeader().setMinimumSectionSize(_CELL)
        grid.horizontalHeader().setDefaultSectionSize(_CELL)
        grid.setColumnWidth(0, _NAME)
        for row, (family, names) in enumerate(self._families.items()):
            head = QTableWidgetItem(family_words(family))
            head.setFlags(Qt.ItemFlag.ItemIsEnabled)
            head.setFont(theme.font(weight=QFont.Weight.Medium))
            grid.setItem(row, 0, head)
            for column in range(1, grid.columnCount()):
                item = QTableWidgetItem()
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                item.setFlags(Qt.ItemFlag.NoItemFlags)
                if column <= len(names):
                    base = names[column - 1]
                    item.setText(_scale(family, base))
                    item.setData(_BASE, base)
                    item.setToolTip(base)
                    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
                grid.setItem(row, column, item)
        grid.setMinimumWidth(_NAME + _CELL * (grid.columnCount() - 1) + 14)
        grid.setMinimumHeight(min(_ROW * grid.rowCount() + 2, _MOST_HEIGHT))

    def show_at(self, position: QPoint, current: str) -> None:
        """Open below a point of the screen with a base model chosen."""
        self.search.clear()
        self._select(current)
        self.adjustSize()
        screen = self.screen().availableGeometry()
        x = min(position.x(), screen.right() - self.width())
        y = min(position.y(), screen.bottom() - self.height())
        self.move(max(x, screen.left()), max(y, screen.top()))
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def shown(self) -> tuple[str, ...]:
        """Return the base models that the search leaves."""
        found = []
        for row in range(self.grid.rowCount()):
            if not self.grid.isRowHidden(row):
                items = (self.grid.item(row, column) for column in range(1, self.grid.columnCount()))
                found += [item.data(_BASE) for item in items if item is not None and item.data(_BASE)]
        return tuple(found)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Base model"))
        self.grid.setAccessibleName(self.tr("Base models by family and scale"))
        self.search.setAccessibleName(self.tr("Search for a base model"))
        self.search.setPlaceholderText(self.tr("Search, such as v8n or p2"))
        self.nothing.setText(self.tr("No base model is called so."))
        self.open_file.setText(self.tr("Open a model YAML…"))

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _narrow(self, text: str) -> None:
        wanted = text.strip().lower().replace("yolo", "")
        first = ""
        for row, (family, names) in enumerate(self._families.items()):
            fitting = [name for name in names if wanted in name.removeprefix("yolo")]
            keep = bool(fitting) or wanted in family.removeprefix("yolo")
            self.grid.setRowHidden(row, not keep)
            if keep and not first:
                first = (fitting or list(names))[0]
        self.nothing.setVisible(not first)
        if wanted and first:
            self._select(first)

    def _select(self, base: str) -> None:
        for row in range(self.grid.rowCount()):
            for column in range(1, self.grid.columnCount()):
                item = self.grid.item(row, column)
                if item is not None and item.data(_BASE) == base:
                    self.grid.setCurrentItem(item)
                    self.grid.scrollToItem(item)

    def _on_grid_clicked(self, index: QModelIndex) -> None:
        base = index.data(_BASE)
        if base:
            self._pick(base)

    def _pick(self, base: str) -> None:
        self.hide()
        self.chosen.emit(base)

    def _on_open_file_clicked(self) -> None:
        self.hide()
        self.file_wanted.emit()


def _scale(family: str, base: str) -> str:
    """Return what tells a base model from others of its family: "n"; a tick where there is one alone."""
    start, _, _ = family.partition("-")
    return base[len(start)] if len(base) > len(family) else "●"


class BaseButton(MenuButton):
    """Says which base model is open, and opens the chooser."""

    chosen = Signal(str)
    file_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("baseModel", lambda _menu: None, 116)
        self.setMenu(None)  # type: ignore[arg-type]
        self._chooser: BaseChooser | None = None
        self._base = ""
        self.setIcon(theme.icon("chevron_down", "muted"))
        self.setIconSize(QSize(12, 12))
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setProperty("menu", "")
        self.clicked.connect(self.open_chooser)

    @property
    def base(self) -> str:
        """The base model that is shown."""
        return self._base

    def show_base(self, base: str) -> None:
        """Show a base model; nothing is emitted."""
        self._base = base
        self.set_words(base_title(base))

    @property
    def chooser(self) -> BaseChooser:
        """The pop-up, made when it is first needed."""
        if self._chooser is None:
            self._chooser = BaseChooser(self)
            self._chooser.chosen.connect(self.chosen)
            self._chooser.file_wanted.connect(self.file_wanted)
        return self._chooser

    def open_chooser(self) -> None:
        """Open the pop-up below the button."""
        self.chooser.show_at(self.mapToGlobal(self.rect().bottomLeft()), self._base)
