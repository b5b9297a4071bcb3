"""What the diagram, the table and the inspector show of a design: one frozen snapshot a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType

from app.core.architecture import Architecture, Convolution, load_architecture
from app.core.blocks import refusal
from app.core.cost import ZERO, Cost, CostTable, compare_cost, site_cost
from app.core.design import Design, Swap
from app.core.sites import Site, original, sites
from app.core.text import QT_TRANSLATE_NOOP

MIXED = "mixed"
"""Kind of a layer whose convolutions are not all of one kind."""

_TWIN = QT_TRANSLATE_NOOP("core", "It is the twin of a branch beside it and is replaced along with that one.")


@dataclass(frozen=True, slots=True)
class Facts:
    """One layer, replaceable module or convolution as it stands in a design.

    Attributes:
        path: module path, for example "model.4".
        name: what people call it inside its layer: "4 C3" for a layer, "m.0.cv2" for what is in it.
        type: class name.
        parent: path of the layer or replaceable module that holds it; "" for a layer.
        conv: the standard convolution; None for what holds several, or none.
        site: itself as something that can be replaced; None where only something inside it can, or nothing.
        targets: paths of what can be replaced at or below it, outer ones before what is inside them.
        convolutions: how many single convolutions at or below it can be replaced.
        kind: block kind, "" where it is standard, MIXED where its convolutions differ.
        swap: what it became itself; None for what is standard or holds what is swapped.
        within: path of the swapped module that it was a part of, and is no more; "" elsewhere.
        swapped: how many of the convolutions are swapped, each by itself or with what holds it.
        standard, lightweight: costs before and after, summed over its convolutions.
        share: its floating-point operations as they are now, as a part of the standard model's.
        standard_share: the same before.
        refusal: why it cannot be replaced, to be translated; None where something at or below it can.
    """

    path: str
    name: str
    type: str
    parent: str
    conv: Convolution | None
    site: Site | None
    targets: tuple[str, ...]
    convolutions: int
    kind: str
    swap: Swap | None
    within: str
    swapped: int
    standard: Cost
    lightweight: Cost
    share: float
    standard_share: float
    refusal: str | None

    @property
    def is_layer(self) -> bool:
        """Whether it is a row of the model YAML."""
        return not self.parent

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole module, such as a C3, that can be replaced as one."""
        return self.site is not None and self.site.conv is None

    @property
    def is_single(self) -> bool:
        """Whether it is a single convolution that can be replaced."""
        return self.site is not None and self.site.conv is not None


@dataclass(frozen=True)
class Snapshot:
    """A design with its costs, resolved for showing.

    Attributes:
        design: the design.
        architecture: its base model.
        table: its costs at the chosen input size.
        facts: module path → facts, of every layer, replaceable module and convolution, in order of the modules.
    """

    design: Design
    architecture: Architecture
    table: CostTable
    facts: Mapping[str, Facts]

    @property
    def cells(self) -> int:
        """Input size in cells."""
        side = self.architecture.cell
        return (self.table.imgsz[0] // side) * (self.table.imgsz[1] // side)

    @cached_property
    def hottest(self) -> float:
        """The largest share of any layer of the standard model."""
        return max((one.standard_share for one in self.facts.values() if one.is_layer), default=0) or 1.0

    @cached_property
    def full_bar(self) -> float:
        """The share that fills a layer's bar: the largest outside the head, which alone may cost half of a model."""
        body = [layer.path for layer in self.architecture.layers if layer.part != "head"]
        return max((self.facts[path].standard_share for path in body), default=0) or self.hottest

    @cached_property
    def hottest_convolution(self) -> float:
        """The largest share of any convolution of the standard model."""
        shares = (one.standard_share for one in self.facts.values() if one.conv is not None)
        return max(shares, default=0) or 1.0

    def effective_kind(self, path: str) -> str:
        """Return a module's kind: that of the swapped module around it where it was a part of one."""
        facts = self.facts[path]
        return self.facts[facts.within].kind if facts.within else facts.kind

    def outermost(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the paths that do not lie inside another one of them, in order of the modules."""
        order = self.architecture.order
        kept: list[str] = []
        for path in sorted({path for path in paths if path in self.facts}, key=order.__getitem__):
            if not kept or not path.startswith(f"{kept[-1]}."):
                kept.append(path)
        return tuple(kept)

    def targets(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return everything that can be replaced at or below the paths, in order of the modules, each once."""
        wanted = {target for path in paths if path in self.facts for target in self.facts[path].targets}
        return tuple(sorted(wanted, key=self.architecture.order.__getitem__))


@dataclass(frozen=True)
class _Static:
    """What does not change while a base model is edited.

    Attributes:
        facts: the standard model's.
        inside: path → paths of everything shown inside it.
    """

    facts: Mapping[str, Facts]
    inside: Mapping[str, tuple[str, ...]]


def take_snapshot(design: Design, imgsz: int | tuple[int, int] = 640) -> Snapshot:
    """Return what there is to show of a design.

    Args:
        design: any design.
        imgsz: input side, or (height, width), in pixels.

    Raises:
        AppError: the size is not possible, or the design does not fit its base model.
    """
    table = compare_cost(design, imgsz)
    architecture = design.architecture
    cells = (table.imgsz[0] // architecture.cell) * (table.imgsz[1] // architecture.cell)
    static = _static(architecture.base, architecture.classes, cells, architecture.activation)
    facts = dict(static.facts)
    whole = table.standard.flops or 1
    saved: dict[str, Cost] = {}
    swaps = design.resolved()
    for row in table.modules:
        if row.kind is None:
            continue
        own = facts[row.path]
        facts[row.path] = replace(
            own,
            kind=row.kind,
            swap=swaps.get(original(row.path)),
            swapped=own.convolutions,
            lightweight=row.lightweight,
            share=row.lightweight.flops / whole,
        )
        for path in static.inside[row.path]:
            facts[path] = replace(facts[path], within=row.path, lightweight=ZERO, share=0.0)
        step = difference(row.lightweight, row.standard)
        parent = own.parent
        while parent:
            saved[parent] = saved.get(parent, ZERO) + step
            parent = facts[parent].parent
    for path, step in saved.items():
        facts[path] = _partly(facts[path], step, static.inside[path], facts, whole)
    return Snapshot(design, architecture, table, MappingProxyType(facts))


def difference(after: Cost, before: Cost) -> Cost:
    """Return what a change adds to each figure; negative where it saves."""
    return Cost(
        after.parameters - before.parameters,
        after.flops - before.flops,
        after.activation_bytes - before.activation_bytes,
        after.file_bytes - before.file_bytes,
    )


def _partly(own: Facts, step: Cost, inside: tuple[str, ...], facts: Mapping[str, Facts], whole: int) -> Facts:
    """Return a module that is standard itself while something inside it is swapped, which changes its cost."""
    kinds: set[str] = set()
    swapped = 0
    for path in inside:
        one = facts[path]
        if one.is_single:
            kind = facts[one.within].kind if one.within else one.kind
            kinds.add(kind)
            swapped += bool(kind)
    total = own.standard + step
    return replace(
        own,
        kind=kinds.pop() if len(kinds) == 1 else MIXED,
        swapped=swapped,
        lightweight=total,
        share=total.flops / whole,
    )


@lru_cache(maxsize=32)
def _static(base: str, classes: int, cells: int, activation: str | None) -> _Static:
    architecture = load_architecture(base, classes, activation)
    shown = _shown(architecture)
    costs = {path: site_cost(architecture, path, cells) for path in shown}
    whole = sum(costs[layer.path].flops for layer in architecture.layers) or 1
    inside: dict[str, list[str]] = {path: [] for path in shown}
    for path, parent in shown.items():
        while parent:
            inside[parent].append(path)
            parent = shown[parent]
    able = {path for path in sites(architecture) if refusal(architecture, path) is None}
    facts: dict[str, Facts] = {}
    for path, parent in shown.items():
        below = (path, *inside[path])
        targets = tuple(one for one in below if one in able)
        share = costs[path].flops / whole
        facts[path] = Facts(
            path=path,
            name=_name(architecture, path),
            type=architecture.modules.get(path, "Conv2d"),
            parent=parent,
            conv=architecture.convolutions.get(path),
            site=sites(architecture)[path] if path in able else None,
            targets=targets,
            convolutions=sum(sites(architecture)[one].conv is not None for one in targets),
            kind="",
            swap=None,
            within="",
            swapped=0,
            standard=costs[path],
            lightweight=costs[path],
            share=share,
            standard_share=share,
            refusal=None if targets else _why_not(architecture, path),
        )
    return _Static(MappingProxyType(facts), {path: tuple(inner) for path, inner in inside.items()})


def _shown(architecture: Architecture) -> dict[str, str]:
    """Return path → parent of all layers, replaceable modules and convolutions, in order of the modules."""
    order = architecture.order
    known = {layer.path for layer in architecture.layers} | set(sites(architecture))
    known |= set(architecture.convolutions)
    parents: dict[str, str] = {}
    for path in sorted(known, key=lambda one: order.get(one, len(order))):
        parent = path.rpartition(".")[0]
        while parent and parent not in known:
            parent = parent.rpartition(".")[0]
        parents[path] = parent
    return parents


def _name(architecture: Architecture, path: str) -> str:
    _, index, *rest = path.split(".")
    return ".".join(rest) or f"{index} {architecture.layers[int(index)].type}"


def _why_not(architecture: Architecture, path: str) -> str | None:
    return _TWIN if original(path) != path else refusal(architecture, path)
