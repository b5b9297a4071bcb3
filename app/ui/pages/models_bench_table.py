"""The table of a bench: sortable, filterable, numbers at the right, the Pareto front marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.core.bench import BenchRow
from app.core.bench_report import speed_up
from app.core.errors import AppError
from app.core.text import figure
from app.ui import theme
from app.ui.text import problem_words

MODEL, RUNTIME, PRECISION, MAP, MAP50, PARAMETERS, GFLOPS, SIZE, P50, P95, RATIO, FRONT = range(12)
ROW = Qt.ItemDataRole.UserRole
_SORT = Qt.ItemDataRole.UserRole + 1
_WORDS = (MODEL, RUNTIME, PRECISION)
_WIDTHS = (0, 108, 72, 80, 66, 104, 68, 72, 70, 70, 170, 52)
_RUNTIMES = {
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "torch": "PyTorch",
    "tensorrt": "TensorRT",
}
_LAST = 1e30
Index = QModelIndex | QPersistentModelIndex


class BenchModel(QAbstractTableModel):
    """Rows of a bench."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[BenchRow] = []

    @property
    def rows(self) -> tuple[BenchRow, ...]:
        """The rows."""
        return tuple(self._rows)

    def show_rows(self, rows: Sequence[BenchRow]) -> None:
        """Take other rows."""
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def put(self, row: BenchRow) -> None:
        """Take one row, in the place of an older one of the same key."""
        for number, old in enumerate(self._rows):
            if old.key == row.key:
                self._rows[number] = row
                self.dataChanged.emit(self.index(number, 0), self.index(number, FRONT))
                return
        self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows))
        self._rows.append(row)
        self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of columns."""
        return 0 if parent.isValid() else FRONT + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the words above a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role == Qt.ItemDataRole.ToolTipRole and section == RATIO:
            return self.tr("How many times as fast as the first model, with its 95 % interval")
        if role == Qt.ItemDataRole.ToolTipRole and section == FRONT:
            return self.tr("No other trained row is as accurate and faster")
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                self.tr("Model"),
                self.tr("Runtime"),
                self.tr("Precision"),
                self.tr("mAP50-95"),
                self.tr("mAP50"),
                self.tr("Parameters, M"),
                self.tr("GFLOPs"),
                self.tr("File, MB"),
                self.tr("p50, ms"),
                self.tr("p95, ms"),
                self.tr("Speed-up"),
                self.tr("Front"),
            )[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row, column = self._rows[index.row()], index.column()
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, column)
        if role == _SORT:
            return _value(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.told(row) or self._words(row, column)
        if role == Qt.ItemDataRole.FontRole and row.front:
            font = QFont(theme.font(theme.SIZE_BODY))
            font.setBold(True)
            return font
        return _ink(row, column) if role == Qt.ItemDataRole.ForegroundRole else None

    def _words(self, row: BenchRow, column: int) -> str:
        if column == MODEL:
            return row.name if row.trained else self.tr("{name} (untrained)").format(name=row.name)
        if column == FRONT:
            return "●" if row.front else ""
        if column == P50 and row.p50_ms is None and row.problem is not None:
            return self.tr("refused")
        if column in (P50, P95):
            value = row.p50_ms if column == P50 else row.p95_ms
            return "–" if value is None else figure(value) + ("*" if row.disturbed is not None else "")
        if column == RATIO:
            return speed_up(row)
        value = _value(row, column)
        if isinstance(value, str):
            return _RUNTIMES.get(row.runtime, row.runtime) if column == RUNTIME else row.precision
        if abs(value) == _LAST:
            return "–"
        return f"{value:.3f}" if column in (MAP, MAP50) else figure(value)

    def told(self, row: BenchRow) -> str:
        """Return what there is to say of a row beyond its figures; "" where there is nothing."""
        said = []
        if row.problem is not None:
            said += [text for text in problem_words(AppError.from_dict(dict(row.problem))) if text]
        if row.disturbed is not None:
            said.append(
                self.tr(
                    "Something else used {share} % of the processors meanwhile: the milliseconds are not kept."
                ).format(share=round(row.disturbed * 100))
            )
        if not row.trained:
            said.append(
                self.tr("A plain model that nobody trained: its cost and speed count, it has no accuracy.")
            )
        return "\n".join(said)


def _value(row: BenchRow, column: int) -> Any:
    """Return what is sorted by; what is missing stands last when the best is first."""
    if column in _WORDS:
        return (row.name, row.runtime, row.precision)[column].lower()
    numbers = {
        MAP: row.map50_95,
        MAP50: row.map50,
        PARAMETERS: None if row.parameters is None else row.parameters / 1e6,
        GFLOPS: row.gflops,
        SIZE: None if row.bytes is None else row.bytes / 1e6,
        P50: row.p50_ms,
        P95: row.p95_ms,
        RATIO: None if row.ratio is None else row.ratio[0],
        FRONT: float(row.front),
    }
    value = numbers[column]
    upwards = column in (MAP, MAP50, RATIO, FRONT)
    return (-_LAST if upwards else _LAST) if value is None else value


def _ink(row: BenchRow, column: int) -> QColor | None:
    if column in (P50, P95) and row.p50_ms is None and row.problem is not None:
        return theme.colour("warn")
    if column in (P50, P95, RATIO) and row.disturbed is not None:
        return theme.colour("muted")
    if column == MODEL and row.role in ("standard", "lightweight"):
        return theme.colour(row.role)
    return theme.colour("muted") if not row.trained else None


class BenchTable(QTableView):
    """The view; two rows can be chosen and compared."""

    chosen_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("benchTable")
        self.rows_model = BenchModel(self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self.rows_model)
        self._proxy.setSortRole(_SORT)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._proxy.setFilterKeyColumn(-1)
        self.setModel(self._proxy)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setProperty("embedded", "true")
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(MODEL, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate(_WIDTHS):
            if width:
                self.setColumnWidth(column, width)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen_changed.emit())
        self.retranslate()

    @property
    def chosen(self) -> list[BenchRow]:
        """The chosen rows, from top to bottom."""
        indices = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(ROW) for index in indices]

    @property
    def visible_rows(self) -> list[BenchRow]:
        """The rows that pass the filter, in the order shown."""
        return [self._proxy.index(row, 0).data(ROW) for row in range(self._proxy.rowCount())]

    def filter(self, text: str) -> None:
        """Show only the rows in which a text occurs."""
        self._proxy.setFilterFixedString(text)

    def choose(self, key: tuple[str, ...]) -> None:
        """Choose the row of this key alone."""
        for number in range(self._proxy.rowCount()):
            if self._proxy.index(number, 0).data(ROW).key == key:
                self.selectRow(number)
                self.scrollTo(self._proxy.index(number, 0))

    def retranslate(self) -> None:
        """Set the texts anew."""
        model = self.rows_model
        model.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, FRONT)
        if model.rowCount():
            model.dataChanged.emit(model.index(0, 0), model.index(model.rowCount() - 1, FRONT))
        self.setAccessibleName(self.tr("Bench of models"))


def _alignment(column: int) -> Qt.AlignmentFlag:
    if column == FRONT:
        return Qt.AlignmentFlag.AlignCenter
    side = Qt.AlignmentFlag.AlignLeft if column in _WORDS else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
