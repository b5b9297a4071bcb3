"""What a target dislikes about a design, and the change that mends it.

Some of it is known of runtimes and devices, some is measured: with a latency table the swaps that cost time instead of
saving it are named one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core.activations import title, titles
from app.core.blocks import BLOCKS
from app.core.blocks import refusal as block_refusal
from app.core.cost import swap_parts
from app.core.design import Design, Swap
from app.core.findings import Severity
from app.core.latency import LatencyTable, Setting
from app.core.latency_plan import default_kinds
from app.core.latency_words import where
from app.core.sites import Site, site
from app.core.text import QT_TRANSLATE_NOOP, Text, Value, figure

_INTEGER = frozenset({"int8"})
_WIDE = {"int8": 16, "f16": 8, "bf16": 8, "f32": 8}
"""Precision → what channel numbers should be multiples of: the width of the kernels' vectors or tiles."""

_NOTICEABLE = 0.01
"""Share of the whole model's time from which a loss is worth a line."""

_SIMPLE = "relu"
"""The activation that every accelerator has, and fuses into the convolution."""

_FUSED = frozenset({"relu", "relu6", "leaky_relu"})
"""Activations that are, or nearly are, fused everywhere."""


@dataclass(frozen=True)
class Target:
    """What a design shall run on.

    Attributes:
        runtime: one of the runtimes.
        device: "cpu", "cuda", "npu", "edgetpu", …
        precision: "f32", "bf16", "f16" or "int8".
        where: its name for people.
    """

    runtime: str
    device: str
    precision: str
    where: str

    @classmethod
    def of(cls, setting: Setting) -> Target:
        """Return the target that a setting is."""
        return cls(setting.runtime, setting.device.partition(":")[0], setting.precision, where(setting))

    @property
    def is_npu(self) -> bool:
        """Whether it is an accelerator with a fixed set of operations."""
        return self.device in {"npu", "edgetpu", "dla", "hailo", "vpu"}


@dataclass(frozen=True)
class Mend:
    """A change that mends something.

    Attributes:
        paths: module paths it is about; none means the whole design.
        swap: what to put there; None takes the swap away.
        activation: the activation that the whole model gets instead; None leaves it.
    """

    paths: tuple[str, ...]
    swap: Swap | None = None
    activation: str | None = None

    def applied(self, design: Design) -> Design:
        """Return the design with the change.

        Raises:
            DesignError: a module cannot be replaced.
        """
        if self.activation is not None:
            return design.with_activation(self.activation)
        return design.with_swap(self.paths, self.swap) if self.swap else design.without(self.paths)


@dataclass(frozen=True)
class Advice:
    """Something that the target dislikes.

    Attributes:
        code: "multiplier", "groups", "channels", "activation", "squeeze", "heavier" or "slower".
        severity: "warning" costs time, "info" may.
        paths: the modules.
        text: what is disliked, and why.
        remedy: what to do.
        mend: the change that does it; None where there is none.
    """

    code: str
    severity: Severity
    paths: tuple[str, ...]
    text: Text
    remedy: Text
    mend: Mend | None


_Swapped = Sequence[tuple[Site, Swap]]
_Rule = Callable[[Design, _Swapped, Target], Iterator[Advice]]


def lint(
    design: Design,
    target: Target,
    table: LatencyTable | None = None,
    imgsz: int | tuple[int, int] = 640,
    kinds: Sequence[Swap] | None = None,
) -> tuple[Advice, ...]:
    """Return what a target dislikes about a design, warnings first.

    Args:
        design: any design.
        target: what it shall run on.
        table: what was measured there, where something was.
        imgsz: input side, or (height, width), in pixels.
        kinds: swaps to propose instead; all block kinds where None.
    """
    architecture = design.architecture
    swapped = [
        (place, swap)
        for path, swap in design.resolved().items()
        if (place := site(architecture, path)) is not None
    ]
    found = [advice for rule in _RULES for advice in rule(design, swapped, target)]
    if table is not None:
        found += _slower(design, swapped, table, imgsz, default_kinds() if kinds is None else kinds)
    return tuple(sorted(found, key=lambda advice: advice.severity != "warning"))


def _advice(
    code: str,
    severity: Severity,
    paths: Sequence[str],
    texts: tuple[str, str],
    mend: Mend | None = None,
    **values: Value,
) -> Advice:
    text, remedy = (Text(template, values) for template in texts)
    return Advice(code, severity, tuple(paths), text, remedy, mend)


def _multipliers(design: Design, swapped: _Swapped, target: Target) -> Iterator[Advice]:
    """Several depthwise filters a channel: slow as they are, and in INT8 slow in any form."""
    paths = [p.path for p, s in swapped if s.block == "separable" and s.option("rank") > 1]
    if not paths:
        return
    if target.precision in _INTEGER:
        yield _advice(
            "multiplier",
            "warning",
            paths,
            (
                QT_TRANSLATE_NOOP(
                    "core",
                    "In INT8 several depthwise filters a channel are slower than a standard convolution, unrolled too.",
                ),
                QT_TRANSLATE_NOOP("core", "Take rank 1, or leave these modules standard."),
            ),
            Mend(tuple(paths), Swap("separable")),
        )
    else:
        yield _advice(
            "multiplier",
            "info",
            paths,
            (
                QT_TRANSLATE_NOOP(
                    "core",
                    "Several depthwise filters a channel fall off the fast path of every runtime; the Studio unrolls "
                    "them when it runs and exports, other programs do not.",
                ),
                QT_TRANSLATE_NOOP("core", "Export from the Studio, not with the stock command."),
            ),
        )


def _groups(design: Design, swapped: _Swapped, target: Target) -> Iterator[Advice]:
    """Grouped convolutions that are neither dense nor depthwise: few kernels are made for them."""
    groups: dict[str, int] = {}
    for place, swap in swapped:
        if swap.block == "dwconv" and place.c1 != place.c2:
            groups[place.path] = math.gcd(place.c1, place.c2)
    paths = [path for path, count in groups.items() if _splits(design, path, count)]
    if paths:
        able = tuple(p for p in paths if block_refusal(design.architecture, p, "separable") is None)
        yield _advice(
            "groups",
            "warning",
            paths,
            (
                QT_TRANSLATE_NOOP(
                    "core",
                    "Groups of gcd(c1, c2) are no depthwise convolution here: {where} has its fast kernels for "
                    "depthwise and for dense ones.",
                ),
                QT_TRANSLATE_NOOP("core", "Take the depthwise separable block, which mixes channels too."),
            ),
            Mend(able, Swap("separable")) if able else None,
            where=target.where,
        )


def _splits(design: Design, path: str, groups: int) -> bool:
    """Return whether a group has several input channels, or makes several output channels."""
    place = site(design.architecture, path)
    return place is not None and (place.c1 > groups or place.c2 > groups)


def _channels(design: Design, swapped: _Swapped, target: Target) -> Iterator[Advice]:
    """Channel numbers inside blocks that leave part of a vector or tile empty."""
    multiple = _WIDE.get(target.precision, 8)
    odd: dict[str, int] = {}
    for place, swap in swapped:
        for part in swap_parts(place, swap, deployed=True):
            conv = part.conv
            if conv is not None and conv.whole == 0 and conv.c2 % multiple and place.c2 % multiple == 0:
                odd.setdefault(place.path, conv.c2)
    if odd:
        yield _advice(
            "channels",
            "info",
            list(odd),
            (
                QT_TRANSLATE_NOOP(
                    "core",
                    "Inside these blocks channels are no multiples of {multiple} (such as {channels}): part of every "
                    "vector stays empty in {precision}.",
                ),
                QT_TRANSLATE_NOOP("core", "Choose another width or expansion, or another kind."),
            ),
            multiple=multiple,
            channels=next(iter(odd.values())),
            precision=target.precision,
        )


def _activations(design: Design, swapped: _Swapped, target: Target) -> Iterator[Advice]:
    """SiLU where it is no operation of its own."""
    smooth = [act for act in design.architecture.activations if act not in _FUSED]
    if not smooth or not (target.is_npu or target.precision in _INTEGER):
        return
    yield _advice(
        "activation",
        "warning",
        (),
        (
            QT_TRANSLATE_NOOP(
                "core",
                "{where} has no {activation} that is fused into its convolutions: it costs a pass over memory each, "
                "or runs on the processor.",
            ),
            QT_TRANSLATE_NOOP("core", "Give the whole model {instead}, and train it."),
        ),
        Mend((), activation=_SIMPLE),
        where=target.where,
        activation=titles(smooth),
        instead=title(_SIMPLE),
    )


def _squeezes(design: Design, swapped: _Swapped, target: Target) -> Iterator[Advice]:
    """Squeeze-and-excitation where a global mean is slow, or ruins the scale of INT8."""
    if not (target.is_npu or target.precision in _INTEGER):
        return
    by_swap: dict[Swap, list[str]] = {}
    for place, swap in swapped:
        if "squeeze" in BLOCKS[swap.block].options and swap.option("squeeze"):
            by_swap.setdefault(swap, []).append(place.path)
    for swap, paths in by_swap.items():
        yield _advice(
            "squeeze",
            "warning",
            paths,
            (
                QT_TRANSLATE_NOOP(
                    "core", "{where} waits for the mean over the whole picture in squeeze-and-excitation."
                ),
                QT_TRANSLATE_NOOP("core", "Switch it off in these blocks: squeeze = 0."),
            ),
            Mend(tuple(paths), Swap(swap.block, {**swap.options, "squeeze": 0})),
            where=target.where,
        )


_RULES: tuple[_Rule, ...] = (_multipliers, _groups, _channels, _activations, _squeezes)


def _slower(
    design: Design,
    swapped: _Swapped,
    table: LatencyTable,
    imgsz: int | tuple[int, int],
    kinds: Sequence[Swap],
) -> Iterator[Advice]:
    """Swaps that cost time there, as measured, with what would be faster."""
    whole = table.predict(design, imgsz)
    if whole is None:
        return
    for place, swap in swapped:
        saved = table.saves(design, place.path, swap, imgsz)
        if saved is None or saved > -_NOTICEABLE * whole.ms:
            continue
        best = best_swap(table, design, place.path, kinds, imgsz)
        values: Mapping[str, Value] = {"lost": figure(-saved), "where": where(table.setting)}
        if best is None or best[1] <= 0:
            text = QT_TRANSLATE_NOOP("core", "Leave it standard: no other kind is faster there either.")
            mend = Mend((place.path,))
        else:
            text = QT_TRANSLATE_NOOP("core", "Take {kind} instead, which saves {saved} ms.")
            mend = Mend((place.path,), best[0])
            values = {**values, "kind": Text(BLOCKS[best[0].block].title), "saved": figure(best[1])}
        slow = QT_TRANSLATE_NOOP("core", "Here this swap costs {lost} ms more than it saves on {where}.")
        yield _advice("slower", "warning", (place.path,), (slow, text), mend, **values)


def best_swap(
    table: LatencyTable,
    design: Design,
    path: str,
    kinds: Sequence[Swap] | None = None,
    imgsz: int | tuple[int, int] = 640,
) -> tuple[Swap, float] | None:
    """Return the swap that saves most at a module, with the milliseconds it saves; None where none fits.

    Args:
        table: what was measured.
        design: any design of the base model.
        path: module path.
        kinds: what to choose from; all block kinds where None.
        imgsz: input side, or (height, width), in pixels.
    """
    rows = []
    for swap in default_kinds() if kinds is None else kinds:
        if block_refusal(design.architecture, path, swap.block, swap.options) is None:
            saved = table.saves(design, path, swap, imgsz)
            if saved is not None:
                rows.append((swap, saved))
    return max(rows, key=lambda row: row[1], default=None)
