"""What the diagram, the table and the inspector show of a design: one frozen snapshot a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

from app.core.architecture import CELL, Architecture, Convolution, load_architecture
from app.core.blocks import BLOCKS, eligible, refusal
from app.core.cost import ZERO, Cost, CostTable, compare_cost, convolution_cost, swap_parts
from app.core.design import Design, Swap

MIXED = "mixed"
"""Kind of a layer whose convolutions are not all of one kind."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One layer or convolution as it stands in a design.

    Attributes:
        path: module path, for example "model.4".
        name: what people call it inside its layer: "4 C3" for a layer, "m.0.cv2" for what is in it.
        type: class name.
        conv: the standard convolution; None for a layer that holds several, or none.
        targets: paths of what can be replaced at or below it.
        kind: block kind, "" where it is standard, MIXED where its convolutions differ.
        swap: what it became; None for layers and for what is standard.
        swapped: how many of the targets are swapped.
        standard, lightweight: costs before and after, summed over its convolutions.
        share: its floating-point operations as they are now, as a part of the standard model's.
        standard_share: the same before.
        refusal: why it cannot be replaced, to be translated; None where it can.
    """

    path: str
    name: str
    type: str
    conv: Convolution | None
    targets: tuple[str, ...]
    kind: str
    swap: Swap | None
    swapped: int
    standard: Cost
    lightweight: Cost
    share: float
    standard_share: float
    refusal: str | None


@dataclass(frozen=True)
class Snapshot:
    """A design with its costs, resolved for showing.

    Attributes:
        design: the design.
        architecture: its base model.
        table: its costs at the chosen input size.
        facts: module path → facts, of every layer and every convolution.
    """

    design: Design
    architecture: Architecture
    table: CostTable
    facts: Mapping[str, Facts]

    @property
    def cells(self) -> int:
        """Input size in cells of 32 × 32 pixels."""
        return (self.table.imgsz[0] // CELL) * (self.table.imgsz[1] // CELL)

    @cached_property
    def hottest(self) -> float:
        """The largest share of any layer of the standard model."""
        return (
            max((self.facts[layer.path].standard_share for layer in self.architecture.layers), default=0)
            or 1.0
        )

    @cached_property
    def full_bar(self) -> float:
        """The share that fills a layer's bar: the largest outside the head, which alone may cost half of a model."""
        body = [layer.path for layer in self.architecture.layers if layer.part != "head"]
        return max((self.facts[path].standard_share for path in body), default=0) or self.hottest

    @cached_property
    def hottest_convolution(self) -> float:
        """The largest share of any convolution of the standard model."""
        return (
            max((self.facts[path].standard_share for path in self.architecture.convolutions), default=0)
            or 1.0
        )

    def targets(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return what can be replaced at or below the paths, in order of execution, each once."""
        wanted = {target for path in paths if path in self.facts for target in self.facts[path].targets}
        return tuple(
            path
            for path in _static(self.architecture.base, self.architecture.classes).eligible
            if path in wanted
        )

    def cost_as(self, paths: Iterable[str], swap: Swap | None) -> Cost:
        """Return what the targets would cost together as `swap`; None means standard."""
        total = ZERO
        for path in paths:
            facts = self.facts[path]
            assert facts.conv is not None
            total += facts.standard if swap is None else block_cost(facts.conv, swap, self.cells)
        return total


def block_cost(conv: Convolution, swap: Swap, cells: int) -> Cost:
    """Return what a convolution costs, in the training form, once it has become `swap`."""
    total = ZERO
    for part in swap_parts(conv, swap):
        total += convolution_cost(part.conv, cells)
    return total


def kind_number(name: str) -> int:
    """Return the number key of a block kind, from 1."""
    return list(BLOCKS).index(name) + 1


@dataclass(frozen=True)
class _Static:
    """What does not change while a base model is edited."""

    eligible: tuple[str, ...]
    layers: tuple[tuple[str, str, str, tuple[str, ...], tuple[str, ...], str | None], ...]
    convolutions: tuple[tuple[str, str, str, str | None], ...]


@lru_cache(maxsize=32)
def _static(base: str, classes: int) -> _Static:
    architecture = load_architecture(base, classes)
    able = eligible(architecture)
    layers = []
    for layer in architecture.layers:
        inner = architecture.convolutions_in(layer.path)
        targets = tuple(path for path in inner if path in set(able))
        why = refusal(architecture, layer.path)
        layers.append((layer.path, f"{layer.index} {layer.type}", layer.type, inner, targets, why))
    rows = []
    for path in architecture.convolutions:
        _, index, *rest = path.split(".")
        kind = architecture.modules.get(path, "Conv2d")
        rows.append((path, ".".join(rest) or f"{index} {kind}", kind, refusal(architecture, path)))
    return _Static(able, tuple(layers), tuple(rows))


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
    swaps = design.resolved()
    static = _static(architecture.base, architecture.classes)
    whole = table.standard.flops or 1
    able = set(static.eligible)
    facts: dict[str, Facts] = {}
    costs = {module.path: module for module in table.modules}
    for path, name, kind, why in static.convolutions:
        cost = costs[path]
        facts[path] = Facts(
            path=path,
            name=name,
            type=kind,
            conv=architecture.convolutions[path],
            targets=(path,) if path in able else (),
            kind=cost.kind or "",
            swap=swaps.get(path),
            swapped=int(cost.kind is not None),
            standard=cost.standard,
            lightweight=cost.lightweight,
            share=cost.lightweight.flops / whole,
            standard_share=cost.standard.flops / whole,
            refusal=why,
        )
    for path, name, kind, inner, targets, why in static.layers:
        if path not in facts:
            facts[path] = _layer_facts(path, name, kind, inner, targets, why, facts, whole)
    return Snapshot(design, architecture, table, MappingProxyType(facts))


def _layer_facts(
    path: str,
    name: str,
    kind: str,
    inner: tuple[str, ...],
    targets: tuple[str, ...],
    why: str | None,
    facts: Mapping[str, Facts],
    whole: int,
) -> Facts:
    standard = lightweight = ZERO
    for conv in inner:
        standard += facts[conv].standard
        lightweight += facts[conv].lightweight
    kinds = {facts[target].kind for target in targets}
    return Facts(
        path=path,
        name=name,
        type=kind,
        conv=None,
        targets=targets,
        kind=kinds.pop() if len(kinds) == 1 else (MIXED if kinds else ""),
        swap=None,
        swapped=sum(facts[target].swapped for target in targets),
        standard=standard,
        lightweight=lightweight,
        share=lightweight.flops / whole,
        standard_share=standard.flops / whole,
        refusal=None if targets else why,
    )
