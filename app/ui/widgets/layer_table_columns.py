"""The columns of the layer table, each on its own: what it says, how it sorts, in which colour."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

from PySide6.QtCore import QCoreApplication

from app.core.blocks import BLOCKS
from app.core.cost import Cost
from app.core.design import Swap
from app.core.text import figure, grouped, percent_change
from app.ui.text import listed, translated
from app.ui.widgets.diagram_facts import MIXED, Facts, Snapshot
from app.ui.widgets.diagram_nodes import CHANGED, SIGN_TONES

Value = float | str
"""What a column sorts by."""


class Column(ABC):
    """One column. Others can be added to the table at any time.

    Attributes:
        key: its name.
        number: whether it holds figures: those are right-aligned, and sort from the largest.
        sample: the widest text it shows; "" where it takes what is left.
        spare: whether it gives way where there is no room for all.
    """

    key: str
    number = True
    sample = ""
    spare = False

    @abstractmethod
    def title(self) -> str:
        """Return its header, translated, with the unit."""

    @abstractmethod
    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return what a cell shows."""

    @abstractmethod
    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return what a cell sorts by; None comes last."""

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the colour token of a cell; "" for the usual one."""
        return ""

    def mark(self, snapshot: Snapshot, facts: Facts) -> str | None:
        """Return the block kind whose mark stands in a cell; None for none."""
        return None


class PathColumn(Column):
    """The layer, or what is inside it."""

    key = "path"
    number = False

    def title(self) -> str:
        """Return the header."""
        return QCoreApplication.translate("LayerTable", "Layer")

    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the module's name inside what holds it."""
        if not facts.is_layer and facts.conv is None:
            return f"{facts.name} {facts.type}"
        return facts.name

    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return its rank in the model."""
        return float(snapshot.architecture.order.get(facts.path, 0))

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Mute what cannot be replaced, and what is there no more."""
        return "muted" if not facts.targets or facts.within else ""


class KindColumn(Column):
    """What a module is, or why it can be nothing else."""

    key = "kind"
    number = False

    def title(self) -> str:
        """Return the header."""
        return QCoreApplication.translate("LayerTable", "Kind")

    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the kind with its options, how far a layer is swapped, or the reason of a refusal."""
        if facts.within:
            outer = snapshot.facts[facts.within]
            words = QCoreApplication.translate("LayerTable", "in {kind}")
            return words.format(kind=translated(BLOCKS[outer.kind].title))
        if not facts.targets:
            return translated(facts.refusal or "")
        if facts.kind == MIXED:
            words = QCoreApplication.translate("LayerTable", "mixed {swapped}/{count}")
            return words.format(swapped=facts.swapped, count=facts.convolutions)
        if not facts.kind:
            return QCoreApplication.translate("LayerTable", "standard")
        return kind_words(facts.kind, facts.swap)

    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return the kind's place, swapped before standard before what cannot be."""
        kind = snapshot.effective_kind(facts.path)
        if kind in BLOCKS:
            return float(list(BLOCKS).index(kind))
        return None if not facts.targets else float(len(BLOCKS) + (kind != MIXED))

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Mute what is not swapped."""
        return "" if facts.kind and facts.targets and not facts.within else "muted"

    def mark(self, snapshot: Snapshot, facts: Facts) -> str | None:
        """Return the kind."""
        return snapshot.effective_kind(facts.path) if facts.targets or facts.kind else None


class FigureColumn(Column):
    """A figure as it is now."""

    def __init__(self, measure: str) -> None:
        self.key = measure
        self.sample = "00.0000" if measure == "flops" else "00 000 000"
        self.spare = measure == "parameters"

    def title(self) -> str:
        """Return the header."""
        if self.key == "flops":
            return QCoreApplication.translate("LayerTable", "GFLOPs")
        return QCoreApplication.translate("LayerTable", "Parameters")

    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the figure; nothing for what costs nothing."""
        if _is_free(facts) or facts.within:
            return ""
        value = _of(facts.lightweight, self.key)
        return figure(value / 1e9) if self.key == "flops" else grouped(value)

    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return the figure."""
        return None if _is_free(facts) or facts.within else float(_of(facts.lightweight, self.key))

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Mute what cannot be replaced."""
        return "" if facts.targets else "muted"


class ChangeColumn(Column):
    """How a figure changed from the standard model."""

    sample = "−00.0 %"

    def __init__(self, measure: str) -> None:
        self.measure = measure
        self.key = f"{measure}_change"
        self.spare = measure == "parameters"

    def title(self) -> str:
        """Return the header."""
        return QCoreApplication.translate("LayerTable", "Change")

    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the change in per cent; nothing where there is none."""
        before, after = _of(facts.standard, self.measure), _of(facts.lightweight, self.measure)
        return percent_change(before, after) if before != after and not facts.within else ""

    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return how much is saved, in absolute numbers."""
        saved = _of(facts.standard, self.measure) - _of(facts.lightweight, self.measure)
        return float(saved) if saved and not facts.within else None

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return whether the change is for the better."""
        lighter = _of(facts.lightweight, self.measure) < _of(facts.standard, self.measure)
        return "good" if lighter else "bad"


class OtherColumn(Column):
    """What a module is in the design that is compared."""

    key = "other"
    number = False

    def __init__(self) -> None:
        self.signs: Mapping[str, str] = MappingProxyType({})
        self.others: Mapping[str, Swap | None] = MappingProxyType({})
        self.name = ""

    def title(self) -> str:
        """Return the name of the other design."""
        return QCoreApplication.translate("LayerTable", "In {name}").format(name=self.name)

    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the kind there, behind the sign of the difference; nothing where both are the same."""
        sign = self.signs.get(facts.path)
        if sign is None:
            return ""
        if facts.path not in self.others:
            return sign
        swap = self.others[facts.path]
        if swap is not None:
            return f"{sign}  {kind_words(swap.block, swap)}"
        words = QCoreApplication.translate("LayerTable", "standard")
        if sign == CHANGED:
            words = QCoreApplication.translate("LayerTable", "replaced inside")
        return f"{sign}  {words}"

    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return the sign."""
        return self.signs.get(facts.path)

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the colour of the sign."""
        return SIGN_TONES.get(self.signs.get(facts.path, ""), "")


def default_columns() -> tuple[Column, ...]:
    """Return the columns that are always there."""
    return (
        PathColumn(),
        KindColumn(),
        FigureColumn("flops"),
        ChangeColumn("flops"),
        FigureColumn("parameters"),
        ChangeColumn("parameters"),
    )


def kind_words(kind: str, swap: Swap | None) -> str:
    """Return a kind with those of its options that are not at their default: "Depthwise separable ×2"."""
    title = translated(BLOCKS[kind].title)
    if swap is None or not swap.options:
        return title
    if set(swap.options) == {"rank"}:
        return f"{title} ×{swap.options['rank']}"
    options = listed(f"{name} {value}" for name, value in sorted(swap.options.items()))
    return QCoreApplication.translate("Text", "{kind} ({options})").format(kind=title, options=options)


def _of(cost: Cost, measure: str) -> int:
    return int(getattr(cost, measure))


def _is_free(facts: Facts) -> bool:
    return not facts.standard.parameters and not facts.standard.flops
