"""What is wrong with a data set: a list with the place and the remedy of each finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import QListView, QMenu, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.findings import FINDING_KINDS, SEVERITIES, Finding
from app.ui import theme
from app.ui.text import filled, translated

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

_ROW = 46
_ICON = 16
_TOKENS = {"error": "bad", "warning": "warn", "info": "accent"}
_PLACE_SHARE = 0.34


def words_of(finding: Finding) -> tuple[str, str]:
    """Return what is wrong and what to do about it, in the user's language."""
    kind = FINDING_KINDS[finding.code]
    values = dict(finding.values)
    if isinstance(values.get("why"), str):
        values["why"] = translated(values["why"])
    return filled(kind.text, values), filled(kind.remedy, values)


def place_of(finding: Finding, root: Path) -> str:
    """Return the file, from the data set's folder where it lies in there, and the line."""
    path = Path(finding.path)
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    return f"{shown}:{finding.line}" if finding.line else shown


class FindingModel(QAbstractListModel):
    """The findings, errors first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.findings: Sequence[Finding] = ()
        self.root = Path()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many there are."""
        return 0 if parent.isValid() else len(self.findings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a finding's words; the finding itself in the user role."""
        finding = self.findings[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return finding
        if role in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleTextRole,
        ):
            text, remedy = words_of(finding)
            return f"{place_of(finding, self.root)}\n{text} {remedy}".rstrip()
        return None

    def show(self, findings: Sequence[Finding], root: Path) -> None:
        """Take other findings."""
        self.beginResetModel()
        self.findings, self.root = findings, root
        self.endResetModel()


class FindingFilter(QSortFilterProxyModel):
    """Lets some severities through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.severities: frozenset[str] = frozenset(SEVERITIES)

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        """Say whether a finding is shown."""
        model = self.sourceModel()
        assert isinstance(model, FindingModel)
        return model.findings[source_row].severity in self.severities


class _Delegate(QStyledItemDelegate):
    """Paints two lines: what is wrong, and what to do; the place at the right."""

    def __init__(self, model: FindingModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of a row."""
        return QSize(200, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one finding."""
        finding = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect
        state = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.colour("raised"))
        area = rect.adjusted(theme.BETWEEN, 5, -theme.BETWEEN, -5)
        icon = QRect(area.left(), area.top() + 1, _ICON, _ICON)
        theme.icon(finding.severity, _TOKENS[finding.severity]).paint(painter, icon)
        area.setLeft(icon.right() + theme.INSIDE)
        self._paint_words(painter, area, finding)
        painter.setPen(theme.colour("line"))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()

    def _paint_words(self, painter: QPainter, area: QRect, finding: Finding) -> None:
        text, remedy = words_of(finding)
        metrics = painter.fontMetrics()
        place = place_of(finding, self._model.root)
        place_width = min(metrics.horizontalAdvance(place) + 2, round(area.width() * _PLACE_SHARE))
        line = QRect(area.left(), area.top(), area.width(), metrics.height())
        painter.setPen(theme.colour("muted"))
        shown = metrics.elidedText(place, Qt.TextElideMode.ElideLeft, place_width)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        room = area.width() - place_width - theme.GROUPS
        painter.setPen(theme.colour("text"))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        line.moveBottom(area.bottom())
        painter.setPen(theme.colour("muted"))
        shown = metrics.elidedText(remedy, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)


class FindingList(QListView):
    """The list: Ctrl+C copies, the context menu opens the folder."""

    finding_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findings")
        self.setProperty("embedded", "true")
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._model = FindingModel(self)
        self._filter = FindingFilter(self)
        self._filter.setSourceModel(self._model)
        self.setItemDelegate(_Delegate(self._model, self))
        self.setModel(self._filter)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.activated.connect(lambda index: self.open_folder(index.data(Qt.ItemDataRole.UserRole)))
        self.customContextMenuRequested.connect(self._on_context_menu_requested)
        theme.notifier().changed.connect(self.viewport().update)

    def show_findings(self, findings: Sequence[Finding], root: Path) -> None:
        """Show other findings; paths inside `root` are shown from there."""
        self._model.show(findings, root)

    def show_severities(self, severities: frozenset[str]) -> None:
        """Show only findings of these severities."""
        self._filter.severities = severities
        self._filter.invalidate()

    def counts(self) -> Counter[str]:
        """Return how many findings there are of each severity."""
        counts: Counter[str] = Counter()
        for finding in self._model.findings:
            # One finding may stand for many that are not listed.
            counts[finding.severity] += (
                int(finding.values["count"]) if finding.code.startswith("more_") else 1
            )
        return counts

    def selected(self) -> list[Finding]:
        """Return the selected findings, from above."""
        rows = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(Qt.ItemDataRole.UserRole) for index in rows]

    def copy(self, findings: Sequence[Finding]) -> None:
        """Put findings on the clipboard, one a line."""
        lines = []
        for finding in findings:
            text, remedy = words_of(finding)
            lines.append(f"{finding.severity}\t{place_of(finding, Path())}\t{text} {remedy}".rstrip())
        QGuiApplication.clipboard().setText("\n".join(lines))

    def open_folder(self, finding: Finding) -> None:
        """Show where a finding's file lies."""
        path = Path(finding.path)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path if path.is_dir() else path.parent)))

    def menu(self) -> QMenu:
        """Return the menu of the selected findings."""
        menu = QMenu(self)
        chosen = self.selected()
        opening = menu.addAction(theme.icon("folder"), self.tr("Show in folder"))
        opening.triggered.connect(lambda: self.open_folder(chosen[0]))
        copying = menu.addAction(theme.icon("copy"), self.tr("Copy"))
        copying.triggered.connect(lambda: self.copy(chosen))
        for action in (opening, copying):
            action.setEnabled(bool(chosen))
        copying_all = menu.addAction(self.tr("Copy all"))
        copying_all.triggered.connect(lambda: self.copy(self._model.findings))
        return menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy on Ctrl+C."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy(self.selected())
            return
        super().keyPressEvent(event)

    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.finding_chosen.emit(current.data(Qt.ItemDataRole.UserRole))

    def _on_context_menu_requested(self, place: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(place))
