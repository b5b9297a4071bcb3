"""The palette of block kinds: what fits the selection, what it would save, and why the others do not fit."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS
from app.core.cost import Cost
from app.core.design import Swap
from app.core.text import figure, percent_change, scaled
from app.ui.text import listed, translated
from app.ui.widgets.cards import button, label
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_targets import Offer, cost_with, offer, offers_both
from app.ui.widgets.inspector_options import OptionRow
from app.ui.widgets.inspector_rows import FIGURE_WIDTH, KindRow

_SPACE = 2


class KindPanel(QWidget):
    """Offers kinds for a selection; what the user wants leaves as signals."""

    kind_chosen = Signal(str)
    """Block kind that the selection shall become; "" for standard."""
    option_chosen = Signal(str, str, int)
    """Block kind, option and value that the selection shall have."""
    shown_changed = Signal()
    """Another kind, or other options, are to be explained."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("kinds")
        self._snapshot: Snapshot | None = None
        self._paths: tuple[str, ...] = ()
        self._whole = True
        self._preview = ""
        self._offers: dict[str, Offer] = {}
        self._order: tuple[tuple[str, ...], ...] = ()
        self._build_widgets()
        self._lay_out()
        self.retranslate()

    def _build_widgets(self) -> None:
        self.make_it = label(role="strong")
        self._heads = (label(role="small"), label(role="small"))
        self.whole_button = _segment("scopeWhole")
        self.inside_button = _segment("scopeInside")
        self._scope_words = label(role="small", wrap=True)
        self._scopes = QButtonGroup(self)
        for one in (self.whole_button, self.inside_button):
            self._scopes.addButton(one)
        self.whole_button.setChecked(True)
        self._scopes.buttonClicked.connect(self._on_scope_clicked)
        self.rows = {name: KindRow(name, kind.key, self) for name, kind in BLOCKS.items()}
        self.rows[""] = KindRow("", "0", self)
        for row in self.rows.values():
            row.setVisible(not row.kind)
            row.clicked.connect(lambda _checked=False, kind=row.kind: self._on_kind_clicked(kind))
            row.previewed.connect(self._on_kind_previewed)
        self.sections = (label(role="small"), label(role="small"))
        self.fold = button("notHere", "link")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._show_reasons)
        self.reasons = label(role="muted", wrap=True)
        self.reasons.setObjectName("notHereReasons")
        self.warning = label(wrap=True, tone="warn")
        self.warning.setObjectName("heavier")
        self.options = [OptionRow(kind, name) for kind, block in BLOCKS.items() for name in block.options]
        for option in self.options:
            option.chosen.connect(self._on_option_chosen)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self.make_it, 1)
        for text in self._heads:
            text.setFixedWidth(FIGURE_WIDTH)
            text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            head.addWidget(text)
        head.addSpacing(8)
        self.scope_area = QWidget()
        scope = QVBoxLayout(self.scope_area)
        scope.setContentsMargins(0, 0, 0, 2)
        scope.setSpacing(3)
        scope.addWidget(self._scope_words)
        pair = QHBoxLayout()
        pair.setSpacing(4)
        pair.addWidget(self.whole_button, 1)
        pair.addWidget(self.inside_button, 1)
        scope.addLayout(pair)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_SPACE)
        column.addWidget(self.scope_area)
        column.addLayout(head)
        self._lists = (QVBoxLayout(), QVBoxLayout())
        for words, rows in zip(self.sections, self._lists, strict=True):
            rows.setSpacing(_SPACE)
            column.addWidget(words)
            column.addLayout(rows)
        column.addWidget(self.rows[""])
        column.addWidget(self.warning)
        column.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.reasons)
        for option in self.options:
            column.addWidget(option)

    @property
    def whole(self) -> bool:
        """Whether a kind that fits both takes the whole module rather than the convolutions inside it."""
        return self._whole

    @property
    def offers(self) -> Mapping[str, Offer]:
        """Block kind → what it would replace in the selection."""
        return self._offers

    @property
    def shown_kind(self) -> str:
        """The kind to explain: the one under the mouse, else the one that is there, else the first that fits."""
        return self._preview or self.present_kind or next(iter(self._fitting), "")

    @property
    def present_kind(self) -> str:
        """The one kind that the selection already is; "" where it is standard or has several."""
        if self._snapshot is None:
            return ""
        kinds = {self._snapshot.effective_kind(p) for p in self._snapshot.targets(self._paths)} - {""}
        kinds &= set(BLOCKS)
        return kinds.pop() if len(kinds) == 1 else ""

    @property
    def _fitting(self) -> list[str]:
        return [kind for kind, one in self._offers.items() if one.targets]

    def show_selection(self, snapshot: Snapshot, paths: tuple[str, ...]) -> None:
        """Offer what fits a selection."""
        self._snapshot, self._paths = snapshot, paths
        self._preview = ""
        self._refresh()

    def swap_for(self, kind: str) -> Swap:
        """Return the swap that choosing a kind means just now: with the options that are shown."""
        return Swap(kind, {row.option: row.value for row in self.options if row.kind == kind})

    def targets_for(self, kind: str) -> tuple[str, ...]:
        """Return what choosing a kind would replace."""
        return self._offers[kind].targets if kind in self._offers else ()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._heads[0].setText(self.tr("GFLOPs"))
        self._heads[1].setText(self.tr("Param."))
        self._scope_words.setText(self.tr("Kinds that fit both replace"))
        self.whole_button.setText(self.tr("the whole"))
        self.inside_button.setText(self.tr("what is inside"))
        for option in self.options:
            option.retranslate()
        for name, kind in BLOCKS.items():
            self.rows[name].set_words(translated(kind.title), "")
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _refresh(self) -> None:
        snapshot = self._snapshot
        if snapshot is None or not snapshot.targets(self._paths):
            self._offers = {}
            return
        self._show_options(snapshot)
        self._offers = {
            kind: offer(snapshot, self._paths, kind, self.swap_for(kind).options, self._whole)
            for kind in BLOCKS
        }
        self.scope_area.setVisible(offers_both(snapshot, self._paths))
        self._show_lists()
        self._show_rows(snapshot)
        self._show_reasons()
        self._show_shown_options()

    def _show_options(self, snapshot: Snapshot) -> None:
        """Let each option show what the selection has."""
        swaps = [snapshot.facts[path].swap for path in snapshot.targets(self._paths)]
        for option in self.options:
            option.show_value(
                {s.option(option.option) for s in swaps if s is not None and s.block == option.kind}
            )

    def _show_shown_options(self) -> None:
        """Show the options of the kind that is there or was chosen; pointing at another one moves nothing."""
        kind = self.present_kind or next(iter(self._fitting), "")
        for option in self.options:
            option.setVisible(option.kind == kind)

    def _show_lists(self) -> None:
        """Put each kind that fits below what it replaces: whole modules, or convolutions."""
        order = tuple(
            tuple(kind for kind in self._fitting if bool(self._offers[kind].wholes) is whole)
            for whole in (True, False)
        )
        if order != self._order:
            self._order = order
            for kind, row in self.rows.items():
                row.setVisible(not kind or kind in self._fitting)
            for kinds, rows in zip(order, self._lists, strict=True):
                while rows.count():
                    rows.takeAt(0)
                for kind in kinds:
                    rows.addWidget(self.rows[kind])
        for kinds, words in zip(order, self.sections, strict=True):
            words.setVisible(bool(order[0]) and bool(kinds))
            if kinds:
                words.setText(self._section_words([self._offers[kind] for kind in kinds]))

    def _section_words(self, offers: list[Offer]) -> str:
        """Return what the kinds of a list replace; how many modules, where all of them replace as many."""
        counts = {(one.wholes, len(one.targets) - one.wholes) for one in offers}
        wholes, singles = counts.pop() if len(counts) == 1 else (0, 0)
        if offers[0].wholes:
            return self.tr("As a whole") if wholes == 1 and not singles else self.tr("Modules as a whole")
        if singles:
            return self.tr("{count} convolutions inside").format(count=singles)
        return self.tr("Convolutions inside")

    def _show_rows(self, snapshot: Snapshot) -> None:
        self.make_it.setText(self.tr("Make them") if len(self._paths) > 1 else self.tr("Make it"))
        targets = snapshot.targets(self._paths)
        standard = cost_with(snapshot, self._paths, Offer("", (), 0), None)
        for kind in self._fitting:
            chosen = self._offers[kind]
            after = cost_with(snapshot, self._paths, chosen, self.swap_for(kind))
            is_there = all(snapshot.facts[path].kind == kind for path in chosen.targets)
            self.rows[kind].setChecked(is_there)
            self._show_row(self.rows[kind], standard, after, self._amount(chosen))
        plain = self.rows[""]
        plain.setChecked(not any(snapshot.effective_kind(path) for path in targets))
        flops, parameters = figure(standard.flops / 1e9), scaled(standard.parameters)
        detail = self.tr("{flops} GFLOPs, {parameters} parameters").format(flops=flops, parameters=parameters)
        plain.set_words(self.tr("Standard"), detail, ((flops, "muted"), (parameters, "muted")))
        self._show_warning(snapshot, standard)

    def _amount(self, one: Offer) -> str:
        """Return what a kind would replace in words."""
        singles = len(one.targets) - one.wholes
        if not one.wholes:
            return self.tr("Replaces {count} convolutions.").format(count=singles) if singles > 1 else ""
        if not singles:
            return self.tr("Replaces {wholes} modules as a whole.").format(wholes=one.wholes)
        words = self.tr("Replaces {wholes} modules as a whole and {count} convolutions.")
        return words.format(wholes=one.wholes, count=singles)

    def _show_row(self, row: KindRow, before: Cost, after: Cost, amount: str) -> None:
        block = BLOCKS[row.kind]
        tip = f"{amount}\n{translated(block.summary)}".strip()
        if after.flops == before.flops and after.parameters == before.parameters:
            detail = self.tr("No change: its channels have no common divisor.")
            row.set_words(translated(block.title), detail, (("±0", "muted"), ("±0", "muted")), tip)
            return
        flops = percent_change(before.flops, after.flops)
        parameters = percent_change(before.parameters, after.parameters)
        detail = self.tr("{flops} GFLOPs, {parameters} parameters").format(flops=flops, parameters=parameters)
        figures = (
            (flops, "good" if after.flops < before.flops else "warn"),
            (parameters, "good" if after.parameters < before.parameters else "warn"),
        )
        row.set_words(translated(block.title), detail, figures, tip)

    def _show_warning(self, snapshot: Snapshot, standard: Cost) -> None:
        """Warn where the kind that is explained makes the selection heavier."""
        kind = self.shown_kind
        self.warning.setVisible(False)
        if not kind or not self.targets_for(kind):
            return
        after = cost_with(snapshot, self._paths, self._offers[kind], self.swap_for(kind))
        if after.flops <= standard.flops and after.parameters <= standard.parameters:
            return
        text = self.tr("▲ {kind} is heavier than what it replaces: {flops} GFLOPs, {parameters} parameters.")
        self.warning.setText(
            text.format(
                kind=translated(BLOCKS[kind].title),
                flops=percent_change(standard.flops, after.flops),
                parameters=percent_change(standard.parameters, after.parameters),
            )
        )
        self.warning.setVisible(True)

    def _show_reasons(self) -> None:
        """List, unfolded on demand, why the other kinds do not fit; one line for each reason."""
        reasons: dict[str, list[str]] = {}
        for kind, one in self._offers.items():
            if not one.targets:
                reasons.setdefault(translated(one.reason), []).append(translated(BLOCKS[kind].title))
        count = sum(len(titles) for titles in reasons.values())
        self.fold.setVisible(bool(count))
        arrow = "▾" if self.fold.isChecked() else "▸"
        self.fold.setText(self.tr("{arrow} Not here ({count})").format(arrow=arrow, count=count))
        self.reasons.setVisible(bool(count) and self.fold.isChecked())
        words = self.tr("{kinds}: {reason}")
        lines = (words.format(kinds=listed(titles), reason=why) for why, titles in reasons.items())
        self.reasons.setText("\n".join(lines))

    def _on_scope_clicked(self) -> None:
        self._whole = self.whole_button.isChecked()
        self._refresh()
        self.shown_changed.emit()

    def _on_kind_clicked(self, kind: str) -> None:
        self.kind_chosen.emit(kind)
        self._refresh()

    def _on_kind_previewed(self, kind: str) -> None:
        preview = "" if kind in ("-", "") else kind
        if preview == self._preview or self._snapshot is None or not self._offers:
            return
        self._preview = preview
        self._show_warning(self._snapshot, cost_with(self._snapshot, self._paths, Offer("", (), 0), None))
        self.shown_changed.emit()

    def _on_option_chosen(self, kind: str, option: str, value: int) -> None:
        if self._snapshot is None:
            return
        if any(self._snapshot.facts[path].kind == kind for path in self._snapshot.targets(self._paths)):
            self.option_chosen.emit(kind, option, value)
        else:
            self._refresh()
            self.shown_changed.emit()


def _segment(name: str) -> QPushButton:
    result = button(name, "segment")
    result.setCheckable(True)
    return result
