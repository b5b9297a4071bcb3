"""Sites: the modules of a base model that a block could replace, and what a block has to know about each.

A site is a dense convolution with a kernel above 1 × 1, alone or with a stride, or a whole module of the C3 family
that keeps the resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from app.core.architecture import Architecture, Convolution, Step, load_architecture

CSP_TYPES = frozenset(
    {
        "A2C2f",
        "BottleneckCSP",
        "C1",
        "C2",
        "C2f",
        "C2fCIB",
        "C3",
        "C3Ghost",
        "C3k",
        "C3k2",
        "C3x",
        "ELAN1",
        "RepC3",
        "RepCSP",
        "RepNCSPELAN4",
    }
)
"""Classes of whole modules that may be replaced: stride 1, one input, a few inner bottlenecks."""

ONE_TO_ONE = "one2one_"
"""How the heads of v10 and 26 name the twin of a branch: `model.23.one2one_cv2` beside `model.23.cv2`."""


@dataclass(frozen=True, slots=True)
class Site:
    """A module that a block could replace.

    Attributes:
        path: module path.
        type: class name, for example "Conv" or "C3k2".
        c1, c2: input and output channels.
        k, s, p: kernel, stride and padding as (height, width); of a C3-like module 3 × 3, 1 and 1.
        act: name of the activation at its end, or None.
        pixels_in, pixels: input and output pixels of one cell.
        repeats: inner bottlenecks of a C3-like module; 0 for a convolution.
        shortcut: whether those add their input to their output.
        level: pyramid level of its output, 1 to 6 (P1 to P6).
        part: "backbone", "neck" or "head".
        conv: the convolution, where the site is one.
        even: whether its input has exactly `pixels_in` pixels in every cell; behind an unpadded pooling it has not.
    """

    path: str
    type: str
    c1: int
    c2: int
    k: tuple[int, int]
    s: tuple[int, int]
    p: tuple[int, int]
    act: str | None
    pixels_in: int
    pixels: int
    repeats: int
    shortcut: bool
    level: int
    part: str
    conv: Convolution | None
    even: bool = True


def site(architecture: Architecture, path: str) -> Site | None:
    """Return the site at a module path, or None where nothing could ever replace what is there."""
    return sites(architecture).get(path)


def sites(architecture: Architecture) -> Mapping[str, Site]:
    """Return module path → site, in the order of the modules; the twins of one-to-one heads are left out."""
    return _sites(architecture.base, architecture.classes, architecture.activation)


def mirrors(architecture: Architecture, path: str) -> tuple[str, ...]:
    """Return the twins of a module, which are swapped along with it: those of the one-to-one heads of v10 and 26."""
    model, _, rest = path.partition(".")
    index, _, inner = rest.partition(".")
    twin = f"{model}.{index}.{ONE_TO_ONE}{inner}"
    return (twin,) if inner and twin in architecture.modules else ()


def original(path: str) -> str:
    """Return the module whose twin stands at a path of a one-to-one head; any other path as it is."""
    return path.replace(f".{ONE_TO_ONE}", ".", 1)


def convolution_site(conv: Convolution, path: str = "", level: int = 0, part: str = "backbone") -> Site:
    """Return a convolution as a site; without a path it is one that stands in no model."""
    return Site(
        path=path,
        type="Conv",
        c1=conv.c1,
        c2=conv.c2,
        k=conv.k,
        s=conv.s,
        p=conv.p,
        act=conv.act,
        pixels_in=conv.pixels * conv.s[0] * conv.s[1],
        pixels=conv.pixels,
        repeats=0,
        shortcut=False,
        level=level,
        part=part,
        conv=conv,
    )


@lru_cache(maxsize=64)
def _sites(base: str, classes: int, activation: str | None) -> Mapping[str, Site]:
    architecture = load_architecture(base, classes, activation)
    parts = {layer.path: layer.part for layer in architecture.layers}
    found: dict[str, Site] = {}
    for path, kind in architecture.modules.items():
        part = parts[".".join(path.split(".")[:2])]
        if f".{ONE_TO_ONE}" in path:
            continue
        if kind in CSP_TYPES:
            found[path] = _csp_site(architecture, path, kind, part)
            continue
        conv = _convolution(architecture, path, kind)
        if conv is not None and conv.g == 1 and not conv.is_pointwise:
            place = convolution_site(conv, path, _level(architecture, conv.pixels), part)
            found[path] = replace(place, even=_is_even(architecture, path))
    return found


def _convolution(architecture: Architecture, path: str, kind: str) -> Convolution | None:
    """Return the convolution that a Conv is, or that the branches of a RepConv are together."""
    if kind == "RepConv":
        merged = architecture.deployed.convolutions[f"{path}.conv"]
        return replace(merged, bias=False, norm=True)
    inside = architecture.modules.get(path.rpartition(".")[0]) == "RepConv"
    return architecture.convolutions.get(path) if kind == "Conv" and not inside else None


def _csp_site(architecture: Architecture, path: str, kind: str, part: str) -> Site:
    steps = [architecture.steps[i] for i in architecture.steps_in(path)]
    convs = [step.conv for step in steps if step.conv is not None]
    first, last = convs[0], convs[-1]
    bottlenecks = _bottlenecks(architecture, path)
    return Site(
        path=path,
        type=kind,
        c1=first.c1,
        c2=last.c2,
        k=(3, 3),
        s=(1, 1),
        p=(1, 1),
        act=last.act,
        pixels_in=first.pixels,
        pixels=last.pixels,
        repeats=len(bottlenecks),
        shortcut=any(_adds(step, bottlenecks) for step in steps),
        level=_level(architecture, last.pixels),
        part=part,
        conv=None,
    )


def _bottlenecks(architecture: Architecture, path: str) -> tuple[str, ...]:
    """Return the inner modules that a C3-like module runs one after the other."""
    for inner in (f"{path}.m", f"{path}.cv2.0.m"):
        if inner in architecture.modules:
            return architecture.children(inner)
    return ()


def _adds(step: Step, inside: tuple[str, ...]) -> bool:
    return step.op == "add" and any(step.path == p or step.path.startswith(f"{p}.") for p in inside)


def _is_even(architecture: Architecture, path: str) -> bool:
    source = architecture.steps[architecture.steps_in(path)[0]].inputs[0]
    return source == 0 or not any(architecture.steps[source - 1].rest)


def _level(architecture: Architecture, pixels: int) -> int:
    """Return the pyramid level of a tensor that has so many pixels in a cell."""
    return (architecture.cell**2 // pixels).bit_length() // 2
