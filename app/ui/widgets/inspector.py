"""The inspector: what is selected, what it would be as each kind, and why, with its own numbers."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.architecture import Convolution
from app.core.blocks import BLOCKS
from app.core.cost import ZERO
from app.core.design import Swap
from app.core.sites import Site
from app.core.text import figure, grouped
from app.ui import theme
from app.ui.text import listed, translated
from app.ui.widgets.block_picture import BlockPicture
from app.ui.widgets.cards import Card, button, label, line
from app.ui.widgets.diagram_facts import Facts, Snapshot
from app.ui.widgets.diagram_targets import Offer, cost_with
from app.ui.widgets.inspector_kinds import KindPanel
from app.ui.widgets.inspector_rows import CostRow
from app.ui.widgets.inspector_words import formula

_COSTLIEST = 8
_REASONS = 3
_FORMULAS = ("ordinary", "replaced", "ratio", "saved", "parameters", "flops")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


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
        self.kinds = KindPanel()
        self.kinds.kind_chosen.connect(self.kind_chosen)
        self.kinds.option_chosen.connect(self.option_chosen)
        self.kinds.shown_changed.connect(self._show_example)
        self.picture = BlockPicture()
        self.formulas = (*self.picture.formulas, *(label(wrap=True) for _ in range(4)))
        for name, text in zip(_FORMULAS, self.formulas, strict=True):
            text.setObjectName(f"formula_{name}")
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.summary = label(role="muted", wrap=True)
        self.summary.setObjectName("kindSummary")
        self.paper = label(role="muted", wrap=True)
        self.paper.setObjectName("kindPaper")
        self.paper.setTextFormat(Qt.TextFormat.RichText)
        self.paper.setOpenExternalLinks(True)
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
        self.formula_line = line()
        self.example_area = self._column(
            (self.formula_line, self.summary, self.picture, *self.formulas[2:], self.paper)
        )
        self.empty_area = self._column((self.hint, self.costliest_title, *self.costliest))
        for widget in (self.subtitle, self.now, self.why_not, self.kinds, self.example_area, self.empty_area):
            column.addWidget(widget)
        column.addStretch(1)
        self.scroll_area = QScrollArea()
        self.scroll_area.setObjectName("inspectorScroll")
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_area.setWidget(content)
        self.body.setContentsMargins(1, 1, 1, 1)
        self.body.addWidget(self.scroll_area)

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
        self._refresh()

    def swap_for(self, kind: str) -> Swap:
        """Return the swap that choosing a kind means just now: with the options that are shown."""
        return self.kinds.swap_for(kind)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Inspector"))
        self.hint.setText(
            self.tr(
                "Choose a layer in the diagram, then press 1 to make it depthwise separable, 0 to restore it."
            )
        )
        self.costliest_title.setText(self.tr("The costliest modules"))
        self.picture.retranslate()
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
        self.kinds.setVisible(able)
        self._show_heading(self._snapshot)
        self._show_now(self._snapshot)
        self._show_why_not(self._snapshot)
        self.kinds.show_selection(self._snapshot, self._paths)
        self._show_example()
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
            can_open = facts.is_layer and facts.swap is None and len(inner) > 1
            self.open_button.setVisible(can_open)
            self.open_button.setText(self.tr("Close") if paths[0] in self._opened else self.tr("Open"))
        else:
            self.heading.setText(self.tr("{count} selected").format(count=len(paths)))
            singles = sum(snapshot.facts[path].is_single for path in self._targets)
            wholes = len(self._targets) - singles
            words = self.tr("{count} convolutions can be replaced.")
            if wholes:
                words = self.tr("{count} convolutions can be replaced, and {wholes} modules as a whole.")
            self.subtitle.setText(words.format(count=singles, wholes=wholes))
        self.subtitle.setVisible(bool(self.subtitle.text()))

    def _place(self, snapshot: Snapshot, facts: Facts) -> str:
        layer = snapshot.architecture.layers[int(facts.path.split(".")[1])]
        parts = {"backbone": self.tr("backbone"), "neck": self.tr("neck"), "head": self.tr("head")}
        level = facts.site.level if facts.site is not None else layer.level
        text = f"{facts.path} · {facts.type} · {parts[layer.part]} · P{level}"
        if facts.within:
            outer = snapshot.facts[facts.within]
            words = self.tr("Part of {path}, which is replaced as a whole: {kind}.")
            return f"{text}\n" + words.format(path=outer.path, kind=translated(BLOCKS[outer.kind].title))
        if facts.swap is not None:
            text += "\n" + self.tr("It is: {kind}.").format(kind=translated(BLOCKS[facts.kind].title))
        elif facts.convolutions and not facts.is_single:
            text += "\n" + self.tr("{swapped} of {count} convolutions replaced.").format(
                swapped=facts.swapped, count=facts.convolutions
            )
        return text

    def _show_now(self, snapshot: Snapshot) -> None:
        """Show what the selection costs now, and before where that differs; nothing is counted twice."""
        before = after = ZERO
        for path in snapshot.outermost(self._paths):
            before += snapshot.facts[path].standard
            after += snapshot.facts[path].lightweight
        self.now.setVisible(bool(before.flops or before.parameters))
        share = figure(100 * after.flops / (snapshot.table.lightweight.flops or 1), 2)
        self.now.setText(
            self.tr("{flops} GFLOPs ({share} % of all), {parameters} parameters").format(
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
                reasons.setdefault(translated(facts.refusal or ""), []).append(facts.name)
        if len(self._paths) == 1 and reasons:
            text = self.tr("Cannot be replaced. {reason}").format(reason=next(iter(reasons)))
        else:
            words = self.tr("{modules}: {reason}")
            shown = [
                words.format(modules=f"{listed(names[:4])}{'…' if len(names) > 4 else ''}", reason=why)
                for why, names in reasons.items()
            ]
            text = "\n".join(shown[:_REASONS])
        self.why_not.setText(text)
        self.why_not.setVisible(bool(text))

    def _show_example(self) -> None:
        """Explain the kind that is pointed at or there: picture and formula where all targets have one shape."""
        snapshot, kind = self._snapshot, self.kinds.shown_kind
        targets = self.kinds.targets_for(kind)
        self.example_area.setVisible(bool(targets))
        if snapshot is None or not targets:
            return
        self.summary.setText(translated(BLOCKS[kind].summary))
        self.paper.setText(_linked(BLOCKS[kind].paper))
        shapes = {_shape(snapshot.facts[path].site, "fused" in BLOCKS[kind].options) for path in targets}
        for widget in (self.picture, *self.formulas[2:]):
            widget.setVisible(len(shapes) == 1)
        if len(shapes) == 1:
            self._show_formula(snapshot, targets[0], kind)

    def _show_formula(self, snapshot: Snapshot, path: str, kind: str) -> None:
        facts = snapshot.facts[path]
        place = facts.site
        assert place is not None
        swap = self.swap_for(kind)
        options = {name: swap.option(name) for name in BLOCKS[kind].options}
        standard = _standard(snapshot, path, place)
        self.picture.show_site(place, standard, kind, options)
        words = formula(place, standard, kind, options)
        after = cost_with(snapshot, (path,), Offer(kind, (path,), 0), swap)
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

    def _show_costliest(self, snapshot: Snapshot) -> None:
        facts = [one for one in snapshot.facts.values() if one.conv is not None or one.swap is not None]
        ranked = sorted(facts, key=lambda one: -one.lightweight.flops)[:_COSTLIEST]
        whole = snapshot.table.lightweight.flops or 1
        most = ranked[0].lightweight.flops or 1
        for row, one in zip(self.costliest, ranked, strict=False):
            share = self.tr("{percent} %").format(percent=figure(100 * one.lightweight.flops / whole, 2))
            row.set_cost(one.path, one.path, share, one.lightweight.flops / most, one.kind)


def _standard(snapshot: Snapshot, path: str, place: Site) -> tuple[Convolution, ...]:
    """Return the convolutions that a module consists of."""
    if place.conv is not None:
        return (place.conv,)
    architecture = snapshot.architecture
    return tuple(architecture.convolutions[inner] for inner in architecture.convolutions_in(path))


def _shape(place: Site | None, by_level: bool) -> tuple[object, ...]:
    """Return what decides how a module is drawn; kinds that differ by stage look at its level too."""
    if place is None:
        return ()
    groups = place.conv.g if place.conv is not None else 0
    level = place.level if by_level else 0
    return place.type, place.c1, place.c2, place.k, place.s, groups, place.repeats, place.shortcut, level


def _linked(paper: str) -> str:
    """Return a paper with its arXiv number as a link."""
    safe = paper.replace("&", "&amp;").replace("<", "&lt;")
    colour = theme.tokens().accent
    link = rf'<a style="color:{colour}" href="https://arxiv.org/abs/\1">arXiv:\1</a>'
    return _ARXIV.sub(link, safe)


def _step(before: str, after: str) -> str:
    """Return a figure, with what it was where that differs."""
    return after if before == after else f"{before} → {after}"
