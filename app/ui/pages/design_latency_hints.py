"""What the chosen device dislikes about the design, each with the swap that mends it as one click."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.activations import title as activation_title
from app.core.latency_lint import Advice
from app.ui import theme
from app.ui.text import filled, in_a_row, listed
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.layer_table_columns import kind_words

_HEIGHT = 168
_MOST_ROWS = 12
_MOST_PATHS = 3
_TONES = {"warning": "warn", "info": "accent"}
_ICON = 14


class HintsCard(Card):
    """One line while folded; hidden where there is nothing to say."""

    mend_wanted = Signal(object)
    """The advice to follow."""
    select_wanted = Signal(tuple)
    """The module paths to select."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=4)
        self.setObjectName("latencyHints")
        self._advice: tuple[Advice, ...] = ()
        self._where = ""
        self._paths: tuple[str, ...] = ()
        self._shown: tuple[Advice, ...] | None = None
        self.fold = button("foldHints", "link")
        self.fold.setCheckable(True)
        self.area = QScrollArea()
        self.area.setObjectName("hintList")
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setMaximumHeight(_HEIGHT)
        self.area.setVisible(False)
        self.body.setSpacing(4)
        self.body.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.area)
        self.fold.toggled.connect(self._on_fold_toggled)
        theme.notifier().changed.connect(self._rebuild)
        self.setVisible(False)
        self.retranslate()

    def show_advice(self, advice: Sequence[Advice], where: str) -> None:
        """Show what a device, so named, dislikes."""
        self._advice, self._where = tuple(advice), where
        self.setVisible(bool(where))
        self._write()

    def show_selection(self, paths: tuple[str, ...]) -> None:
        """Put first what concerns the selection."""
        self._paths = paths
        if self._where:
            self._write()

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What is shown, in order."""
        here = [one for one in self._advice if self._concerns(one)]
        return (*here, *(one for one in self._advice if not self._concerns(one)))

    def _concerns(self, one: Advice) -> bool:
        return any(_overlap(path, chosen) for path in one.paths for chosen in self._paths)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.area.setAccessibleName(self.tr("What the chosen device dislikes"))
        self._shown = None
        self._write()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _write(self) -> None:
        arrow = "▾" if self.fold.isChecked() else "▸"
        here = sum(self._concerns(one) for one in self._advice)
        words = self.tr("{arrow} {where}: {count} hints") if self._advice else self.tr("{where}: no hints")
        if len(self._advice) == 1:
            words = self.tr("{arrow} {where}: 1 hint")
        if here:
            words = self.tr("{arrow} {where}: {count} hints, {here} on the selection")
        self.fold.setText(words.format(arrow=arrow, where=self._where, count=len(self._advice), here=here))
        self.fold.setEnabled(bool(self._advice))
        if not self._advice:
            self.fold.setChecked(False)
        if self.fold.isChecked() and self._shown != self.advice:
            self._rebuild()

    def _rebuild(self) -> None:
        if not self.fold.isChecked():
            self._shown = None
            return
        self._shown = self.advice
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(4, 0, 4, 4)
        column.setSpacing(theme.INSIDE)
        for number, one in enumerate(self._shown[:_MOST_ROWS]):
            column.addWidget(self._row(number, one))
        rest = len(self._shown) - _MOST_ROWS
        if rest > 0:
            column.addWidget(label(self.tr("and {count} more").format(count=rest), "small"))
        column.addStretch(1)
        self.area.setWidget(inner)
        needed = column.heightForWidth(max(self.width() - 24, 200))
        self.area.setMinimumHeight(max(min(needed, _HEIGHT), 0))

    def _row(self, number: int, one: Advice) -> QWidget:
        row = QWidget()
        row.setObjectName(f"hint_{number}")
        icon = label()
        icon.setPixmap(theme.pixmap(one.severity, _TONES[one.severity], _ICON, self.devicePixelRatioF()))
        icon.setAccessibleName(self.tr("Warning") if one.severity == "warning" else self.tr("Note"))
        text = in_a_row(*(filled(part.template, part.values) for part in (one.text, one.remedy)))
        words = label(text, wrap=True)
        words.setObjectName(f"hintText_{number}")
        links = QHBoxLayout()
        links.setSpacing(4)
        if one.paths:
            names = [*one.paths[:_MOST_PATHS], *(["…"] if len(one.paths) > _MOST_PATHS else [])]
            where = button(f"hintPaths_{number}", "link")
            where.setText(listed(names))
            where.setToolTip(self.tr("Select: {paths}").format(paths=listed(one.paths)))
            where.setAccessibleName(where.toolTip())
            where.clicked.connect(lambda: self.select_wanted.emit(one.paths))
            links.addWidget(where)
        links.addStretch(1)
        if one.mend is not None and (one.mend.paths or one.mend.activation):
            swap = one.mend.swap
            mend = button(f"mend_{number}", "segment")
            mend.setText(self._mend_words(one))
            mend.setMinimumWidth(mend.fontMetrics().horizontalAdvance(mend.text()) + 20)
            mend.setToolTip(
                self.tr("Change the activation of the whole model; it can be undone.")
                if one.mend.activation
                else self.tr("Change these modules; it can be undone.")
            )
            mend.setProperty("kind", swap.block if swap is not None else "")
            mend.clicked.connect(lambda: self.mend_wanted.emit(one))
            links.addWidget(mend)
        grid = QHBoxLayout(row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.INSIDE)
        grid.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(words)
        column.addLayout(links)
        grid.addLayout(column, 1)
        return row

    def _mend_words(self, one: Advice) -> str:
        assert one.mend is not None
        swap = one.mend.swap
        if one.mend.activation:
            return self.tr("Take {kind}").format(kind=activation_title(one.mend.activation))
        if swap is None:
            return self.tr("Restore the standard")
        return self.tr("Take {kind}").format(kind=kind_words(swap.block, swap))

    def _on_fold_toggled(self, unfolded: bool) -> None:
        self.area.setVisible(unfolded)
        self._write()


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
