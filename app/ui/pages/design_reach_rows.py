"""The answer's table: what each swap saves and what it risks, or what was left alone and why it was not needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QWidget

from app.core.design import Swap
from app.core.text import THIN_SPACE, figure
from app.ui.pages.design_reach_targets import SCALES
from app.ui.widgets.diagram_marks import kind_icon
from app.ui.widgets.layer_table_columns import kind_words

LAYER, BECOMES, FLOPS, PARAMETERS, MS, RISK, SHARE = range(7)
_FIELDS = {FLOPS: ("flops", "gflops"), PARAMETERS: ("parameters", "params"), MS: ("ms", "ms")}
_ROOT = QModelIndex()
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class AnswerRow:
    """One swap.

    Attributes:
        number: its place in the order of execution.
        path: module path.
        swap: what the module becomes, or would.
        saves: figure → how much, in the base unit.
        risk: what it risks; None where that is not known.
        estimated: whether the risk was guessed from shapes.
        share: of the risk of the whole answer.
        unexplained: share of the module's output energy that is left unexplained, where it was measured.
        locked: whether it was kept because its layer is locked.
    """

    number: int
    path: str
    swap: Swap
    saves: dict[str, float | None]
    risk: float | None
    estimated: bool
    share: float
    unexplained: float | None
    locked: bool


def rows_of(data: Sequence[dict[str, Any]], total: float) -> list[AnswerRow]:
    """Read the rows of the engine's answer, whose risks add up to a total."""
    found = []
    for number, row in enumerate(data):
        risk = row["risk"]
        found.append(
            AnswerRow(
                number,
                str(row["path"]),
                Swap(row["block"], row["options"]),
                dict(row["saves"]),
                None if risk is None else float(risk),
                bool(row.get("estimated")),
                float(risk or 0.0) / total if total else 0.0,
                row.get("unexplained"),
                bool(row["locked"]),
            )
        )
    return found


class AnswerModel(QAbstractTableModel):
    """Rows of an answer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[AnswerRow] = []
        self._heads: dict[int, tuple[str, str]] = {}
        self.retranslate()

    def show_rows(self, rows: Sequence[AnswerRow]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._heads = {
            LAYER: (self.tr("Layer"), ""),
            BECOMES: (self.tr("Becomes"), ""),
            FLOPS: (self.tr("Saves GFLOPs"), ""),
            PARAMETERS: (self.tr("Saves params (M)"), ""),
            MS: (self.tr("Saves ms"), self.tr("Milliseconds that the swap saves on the chosen runtime.")),
            RISK: (
                self.tr("Risk"),
                self.tr("Mean squared movement of the predictions; ? marks a guess. Risks add up."),
            ),
            SHARE: (self.tr("Of all"), self.tr("Its share of the risk of the whole design.")),
        }
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._heads) - 1)

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the headers."""
        if orientation != Qt.Orientation.Horizontal or section not in self._heads:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._heads[section][1] or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows, or sorts by (`UserRole`)."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.UserRole:
            return _value(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.DecorationRole and column == BECOMES:
            return kind_icon(row.swap.block)
        if role == Qt.ItemDataRole.ToolTipRole and column in (RISK, SHARE):
            return self._about(row)
        return None

    def _text(self, row: AnswerRow, column: int) -> str:
        if column == LAYER:
            return row.path
        if column == BECOMES:
            words = kind_words(row.swap.block, row.swap)
            return self.tr("{kind} (locked)").format(kind=words) if row.locked else words
        if column == RISK:
            mark = "?" if row.estimated else ""
            return "–" if row.risk is None else f"{figure(row.risk, 2)}{mark}"
        if column == SHARE:
            return f"{100 * row.share:.0f}{THIN_SPACE}%"
        field, resource = _FIELDS[column]
        saved = row.saves.get(field)
        return "–" if saved is None else figure(saved / SCALES[resource])

    def _about(self, row: AnswerRow) -> str:
        if row.risk is None:
            return self.tr("Its risk is not known.")
        if row.estimated:
            return self.tr("Guessed from shapes: what such a block typically leaves unexplained.")
        if row.unexplained is None:
            return self.tr("Measured: the mAP50-95 that this swap alone costs.")
        return self.tr("Measured. {share} % of the output's energy is left unexplained.").format(
            share=figure(100 * row.unexplained, 2)
        )


class AnswerOrder(QSortFilterProxyModel):
    """Sorts the rows by what they mean."""

    def __init__(self, model: AnswerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSourceModel(model)
        self.setSortRole(Qt.ItemDataRole.UserRole)

    def path(self, index: Index) -> str:
        """Return the module path of a row."""
        model = self.sourceModel()
        assert isinstance(model, AnswerModel)
        return model.rows[self.mapToSource(index).row()].path


def _value(row: AnswerRow, column: int) -> float | str:
    if column == LAYER:
        return float(row.number)
    if column == BECOMES:
        return kind_words(row.swap.block, row.swap)
    if column == RISK:
        return row.risk if row.risk is not None else -1.0
    if column == SHARE:
        return row.share
    saved = row.saves.get(_FIELDS[column][0])
    return saved if saved is not None else float("-inf")


def _side(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column in (LAYER, BECOMES) else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
