"""The inspector: what is selected, what it would be as each kind, and why, with its own numbers."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS, refusal
from app.core.cost import ZERO, Cost
from app.core.design import Swap
from app.core.text import figure, grouped, percent_change, scaled
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.block_picture import BlockPicture
from app.ui.widgets.cards import Card, button, label, line
from app.ui.widgets.diagram_facts import Facts, Snapshot, kind_number
from app.ui.widgets.inspector_options import OptionRow
from app.ui.widgets.inspector_rows import CostRow, KindRow
from app.ui.widgets.inspector_words import formula

_COSTLIEST = 8
_REASONS = 3
_FORMULAS = ("ordinary", "replaced", "ratio", "saved", "parameters", "flops")


class Inspector(Card):
    """Explains the selection of a snapshot; what the user wants done with it leaves as signals."""

    kind_chosen = Signal(str)
    """Block kind that the selection shall become; "" for standard."""
    option_chosen = Signal(str, str, int)
    """Block kind, option and value that the selection shall have."""
    open_requested = Signal(str)
    """Layer whose inside shall be shown or hidden."""
    select_requested = Signal(tuple)
    """Paths that shall be selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=0)
        self.setObjectName("inspector")
        self._snapshot: Snapshot | None = None
        self._paths: tuple[str, ...] = ()
        self._targets: tuple[str, ...] = ()
        self._preview = ""
        self._opened: frozenset[str] = frozenset()
        self._build_widgets()
        self._lay_out()
        self.retranslate()

    def _build_widgets(self) -> None:
        self.heading = label(role="section")
        self.heading.setObjectName("inspectorTitle")
        self.subtitle = label(role="muted", wrap=True)
        self.now = label(wrap=True)
        self.now.setObjectName("selectionCost")
        self.open_button = button("openLayer", "link")
        self.open_button.clicked.connect(lambda: self.open_requested.emit(self._paths[0]))
        self.picture = BlockPicture()
        self.formulas = (*self.picture.formulas, *(label(wrap=True) for _ in range(4)))
        for name, text in zip(_FORMULAS, self.formulas, strict=True):
            text.setObjectName(f"formula_{name}")
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.make_it = label(role="strong")
        self.kinds = [KindRow(name, str(kind_number(name))) for name in BLOCKS]
        self.kinds.append(KindRow("", "0"))
        self.options = [OptionRow(kind, name) for kind, block in BLOCKS.items() for name in block.options]
        for row in self.kinds:
            row.clicked.connect(lambda _checked=False, kind=row.kind: self._on_kind_clicked(kind))
            row.previewed.connect(self._on_kind_previewed)
        for option in self.options:
            option.chosen.connect(self._on_option_chosen)
        self.why_not = label(role="muted", wrap=True)
        self.why_not.setObjectName("whyNot")
        self.hint = label(role="muted", wrap=True)
        self.costliest_title = label(role="strong")
        self.costliest = [CostRow() for _ in range(_COSTLIEST)]
        for cost in self.costliest:
            cost.clicked.connect(lambda _checked=False, row=cost: self.select_requested.emit((row.path,)))

    def _lay_out(self) -> None:
        """Put what can be done above what explains it, so that the kinds stay in one place and in view."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(theme.BETWEEN, theme.BETWEEN, theme.BETWEEN, theme.BETWEEN)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(self.heading, 1)
        head.addWidget(self.open_button)
        column.addLayout(head)
        self.kinds_area = self._column((self.make_it, *self.kinds, *self.options))
        self.formula_line = line()
        self.formula_area = self._column(self.formulas[2:])
        self.empty_area = self._column((self.hint, self.costliest_title, *self.costliest))
        for widget in (
            self.subtitle,
            self.now,
            self.why_not,
            self.kinds_area,
            self.formula_line,
            self.picture,
        ):
            column.addWidget(widget)
        column.addWidget(self.formula_area)
        column.addWidget(self.empty_area)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setObjectName("inspectorScroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(content)
        self.body.setContentsMargins(1, 1, 1, 1)
        self.body.addWidget(scroll)

    @staticmethod
    def _column(widgets: tuple[QWidget, ...]) -> QWidget:
        area = QWidget()
        column = QVBoxLayout(area)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in widgets:
            column.addWidget(widget)
        return area

    def show_selection(
        self, snapshot: Snapshot, paths: tuple[str, ...], opened: frozenset[str] = frozenset()
    ) -> None:
        """Explain a selection.

        Args:
            snapshot: the design.
            paths: selected module paths.
            opened: layers whose inside the diagram shows.
        """
        self._snapshot, self._opened = snapshot, opened
        self._paths = tuple(path for path in paths if path in snapshot.facts)
        self._targets = snapshot.targets(self._paths)
        self._preview = ""
        self._refresh()

    def swap_for(self, kind: str) -> Swap:
        """Return the swap that choosing a kind means just now: with the options that are shown."""
        values = {row.option: row.value for row in self.options if row.kind == kind}
        return Swap(kind, values)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Inspector"))
        self.hint.setText(
            self.tr(
                "Choose a layer in the diagram, then press 1 to make it depthwise separable, 0 to restore it."
            )
        )
        self.costliest_title.setText(self.tr("The costliest convolutions"))
        self.picture.retranslate()
        for option in self.options:
            option.retranslate()
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _refresh(self) -> None:
        if self._snapshot is None:
            return
        chosen, able = bool(self._paths), bool(self._targets)
        self.empty_area.setVisible(not chosen)
        self.kinds_area.setVisible(able)
        self._show_heading(self._snapshot)
        self._show_now(self._snapshot)
        self._show_why_not(self._snapshot)
        self._show_options(self._snapshot)
        self._show_example(self._snapshot)
        if able:
            self._show_kinds(self._snapshot)
        if not chosen:
            self._show_costliest(self._snapshot)

    def _show_heading(self, snapshot: Snapshot) -> None:
        paths = self._paths
        self.open_button.setVisible(False)
        if not paths:
            self.heading.setText(self.tr("Nothing selected"))
            self.subtitle.setText("")
        elif len(paths) == 1:
            facts = snapshot.facts[paths[0]]
            self.heading.setText(facts.name)
            self.subtitle.setText(self._place(snapshot, facts))
            inner = snapshot.architecture.convolutions_in(paths[0])
            self.open_button.setVisible(facts.conv is None and len(inner) > 1)
            self.open_button.setText(self.tr("Close") if paths[0] in self._opened else self.tr("Open"))
        else:
            self.heading.setText(self.tr("{count} selected").format(count=len(paths)))
            self.subtitle.setText(
                self.tr("{count} convolutions can be replaced.").format(count=len(self._targets))
            )
        self.subtitle.setVisible(bool(self.subtitle.text()))

    def _place(self, snapshot: Snapshot, facts: Facts) -> str:
        layer = snapshot.architecture.layers[int(facts.path.split(".")[1])]
        parts = {"backbone": self.tr("backbone"), "neck": self.tr("neck"), "head": self.tr("head")}
        text = f"{facts.path} · {facts.type} · {parts[layer.part]} · P{layer.level}"
        if facts.conv is not None and facts.targets:
            share = figure(100 * facts.lightweight.flops / (snapshot.table.lightweight.flops or 1), 2)
            text += "\n" + self.tr("{share} % of the model's operations").format(share=share)
        elif facts.targets:
            text += "\n" + self.tr("{swapped} of {count} convolutions replaced.").format(
                swapped=facts.swapped, count=len(facts.targets)
            )
        return text

    def _show_now(self, snapshot: Snapshot) -> None:
        """Show what the selection costs now, and before where that differs; nothing is counted twice."""
        inner = {path for chosen in self._paths for path in snapshot.architecture.convolutions_in(chosen)}
        before = after = ZERO
        for path in inner:
            before += snapshot.facts[path].standard
            after += snapshot.facts[path].lightweight
        shown = bool(inner) and not (len(self._targets) == 1 and self._paths == self._targets)
        self.now.setVisible(shown)
        share = figure(100 * after.flops / (snapshot.table.lightweight.flops or 1), 2)
        self.now.setText(
            self.tr("{flops} GFLOPs ({share} % of all)\n{parameters} parameters").format(
                flops=_step(figure(before.flops / 1e9), figure(after.flops / 1e9)),
                share=share,
                parameters=_step(grouped(before.parameters), grouped(after.parameters)),
            )
        )

    def _show_why_not(self, snapshot: Snapshot) -> None:
        reasons: dict[str, list[str]] = {}
        for path in self._paths:
            facts = snapshot.facts[path]
            if not facts.targets:
                why = refusal(snapshot.architecture, path) or facts.refusal or ""
                reasons.setdefault(translated(why), []).append(facts.name)
        if len(self._paths) == 1 and reasons:
            text = self.tr("Cannot be replaced. {reason}").format(reason=next(iter(reasons)))
        else:
            shown = [
                f"{', '.join(names[:4])}{'…' if len(names) > 4 else ''}: {why}"
                for why, names in reasons.items()
            ]
            text = "\n".join(shown[:_REASONS])
        self.why_not.setText(text)
        self.why_not.setVisible(bool(text))

    def _show_options(self, snapshot: Snapshot) -> None:
        swaps = [snapshot.facts[path].swap for path in self._targets]
        for option in self.options:
            own = {
                swap.option(option.option) for swap in swaps if swap is not None and swap.block == option.kind
            }
            option.show_value(own)

    def _shown_kind(self, snapshot: Snapshot) -> str:
        """Return the kind that picture and formula show: previewed, else present, else the first."""
        kinds = {snapshot.facts[path].kind for path in self._targets} - {""}
        return self._preview or (kinds.pop() if len(kinds) == 1 else next(iter(BLOCKS)))

    def _show_example(self, snapshot: Snapshot) -> None:
        """Show picture and formula where all that would be replaced has the same shape."""
        shapes = {snapshot.facts[path].conv for path in self._targets}
        alike = len({(c.c1, c.c2, c.k, c.s, c.g) for c in shapes if c is not None}) == 1
        for widget in (self.picture, self.formula_line, self.formula_area):
            widget.setVisible(alike)
        if not alike:
            return
        facts = snapshot.facts[self._targets[0]]
        assert facts.conv is not None
        kind = self._shown_kind(snapshot)
        swap = self.swap_for(kind)
        options = {name: swap.option(name) for name in BLOCKS[kind].options}
        self.picture.show_convolution(facts.conv, kind, options)
        words = formula(facts.conv, kind, options)
        after = snapshot.cost_as(self._targets[:1], swap)
        saved = self.tr("{times}× fewer weights").format(times=figure(1 / words.value))
        lines = (
            words.ordinary,
            words.replaced,
            words.ratio,
            saved if words.value < 1 else self.tr("No weights are saved."),
            self.tr("{before} → {after} parameters").format(
                before=grouped(facts.standard.parameters), after=grouped(after.parameters)
            ),
            self.tr("{before} → {after} GFLOPs").format(
                before=figure(facts.standard.flops / 1e9), after=figure(after.flops / 1e9)
            ),
        )
        for text, value in zip(self.formulas, lines, strict=True):
            text.setText(value)

    def _show_kinds(self, snapshot: Snapshot) -> None:
        many = len(self._targets) > 1
        words = self.tr("Make all {count}") if many else self.tr("Make it")
        self.make_it.setText(words.format(count=len(self._targets)))
        kinds = {snapshot.facts[path].kind for path in self._targets}
        standard = snapshot.cost_as(self._targets, None)
        for row in self.kinds:
            row.setChecked(kinds == {row.kind})
            if not row.kind:
                cost = self.tr("{flops} GFLOPs, {parameters} parameters")
                flops, parameters = figure(standard.flops / 1e9), scaled(standard.parameters)
                row.set_words(self.tr("Standard"), cost.format(flops=flops, parameters=parameters))
                continue
            after = snapshot.cost_as(self._targets, self.swap_for(row.kind))
            lighter = after.flops < standard.flops
            title = translated(BLOCKS[row.kind].title)
            row.set_words(title, self._saving(standard, after), "good" if lighter else "warn")

    def _saving(self, before: Cost, after: Cost) -> str:
        if after.flops == before.flops and after.parameters == before.parameters:
            return self.tr("No change: its channels have no common divisor.")
        return self.tr("{flops} GFLOPs, {parameters} parameters").format(
            flops=percent_change(before.flops, after.flops),
            parameters=percent_change(before.parameters, after.parameters),
        )

    def _show_costliest(self, snapshot: Snapshot) -> None:
        facts = [snapshot.facts[path] for path in snapshot.architecture.convolutions]
        ranked = sorted(facts, key=lambda one: -one.lightweight.flops)[:_COSTLIEST]
        whole = snapshot.table.lightweight.flops or 1
        most = ranked[0].lightweight.flops or 1
        for row, one in zip(self.costliest, ranked, strict=True):
            share = self.tr("{percent} %").format(percent=figure(100 * one.lightweight.flops / whole, 2))
            row.set_cost(one.path, one.path, share, one.lightweight.flops / most, one.kind)

    def _on_kind_clicked(self, kind: str) -> None:
        self.kind_chosen.emit(kind)
        self._refresh()

    def _on_kind_previewed(self, kind: str) -> None:
        self._preview = "" if kind == "-" else kind
        if self._snapshot is not None and self._targets:
            self._show_example(self._snapshot)

    def _on_option_chosen(self, kind: str, option: str, value: int) -> None:
        if self._snapshot is None:
            return
        if any(self._snapshot.facts[path].kind == kind for path in self._targets):
            self.option_chosen.emit(kind, option, value)
        else:
            self._show_example(self._snapshot)
            self._show_kinds(self._snapshot)


def _step(before: str, after: str) -> str:
    """Return a figure, with what it was where that differs."""
    return after if before == after else f"{before} → {after}"
