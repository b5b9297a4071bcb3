"""Every block kind as a module against what core says about it: operations, costs, forms, what it inherits."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.ops import SqueezeExcitation
from ultralytics.nn.modules import C3, Conv

from app.core import blocks_base as base
from app.core.architecture import Convolution
from app.core.blocks import BLOCKS, Part, Site, forms
from app.core.cost import ZERO, Cost, graph_peak, part_cost
from app.core.design import Swap
from app.engine.blocks import make_block
from app.engine.deployed import fold_block, in_form
from tests.engine.blocks_measured import flops, peak_elements

CELL = 32
ACTIVATIONS = (nn.SiLU, nn.ReLU, nn.Hardswish, nn.LeakyReLU)
CHANNELS = st.sampled_from((3, 8, 12, 16, 24, 32, 40, 64, 99))


def site_of(
    c1: int, c2: int, k: int = 3, s: int = 1, repeats: int = 0, shortcut: bool = True, level: int = 3
) -> Site:
    """A convolution, or with repeats a C3, of a cell of 32 × 32 input pixels."""
    padding = 2 if k == 6 else k // 2
    pixels = (CELL >> level) ** 2
    conv = Convolution(c1, c2, (k, k), (s, s), (padding, padding), 1, False, True, "silu", pixels)
    return Site(
        path="model.1",
        type="C3" if repeats else "Conv",
        c1=c1,
        c2=c2,
        k=conv.k,
        s=conv.s,
        p=conv.p,
        act="silu",
        pixels_in=pixels * s * s,
        pixels=pixels,
        repeats=repeats,
        shortcut=shortcut,
        level=level,
        part="backbone",
        conv=None if repeats else conv,
    )


def standard(site: Site) -> Any:
    """What stands at a site, as ultralytics leaves it in a model."""
    if site.repeats:
        old: Any = C3(site.c1, site.c2, site.repeats, site.shortcut)
    else:
        old = Conv(site.c1, site.c2, site.k, site.s, site.p)
    for module in old.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = 1e-3, 0.03
    old.i, old.f, old.type = 1, -1, "ultralytics.nn.modules.conv.Conv"
    return old


@st.composite
def sites(draw: st.DrawFn) -> Site:
    if draw(st.booleans()):
        c1, c2 = (draw(st.sampled_from((16, 24, 32, 48, 64, 80))) for _ in range(2))
        if draw(st.booleans()):
            c1 = c2
        repeats = draw(st.integers(1, 3))
        return site_of(c1, c2, 3, 1, repeats, draw(st.booleans()), draw(st.integers(2, 5)))
    k, s = draw(st.sampled_from(((3, 1), (3, 2), (6, 2))))
    return site_of(draw(CHANNELS), draw(CHANNELS), k, s, level=draw(st.integers(1, 4)))


@st.composite
def swaps(draw: st.DrawFn, name: str) -> Swap:
    known = BLOCKS[name].options
    return Swap(name, {key: draw(st.sampled_from(option.offered)) for key, option in known.items()})


def tensor_bytes(module: nn.Module) -> int:
    """What the cost model calls file bytes: 2 a floating-point number, 8 a counter."""
    return sum(v.numel() * (2 if v.is_floating_point() else 8) for v in module.state_dict().values())


def picture(site: Site, cells: int = 1, batch: int = 1) -> torch.Tensor:
    side = int(site.pixels_in**0.5)
    return torch.randn(batch, site.c1, side, side * cells)


def total(parts: tuple[Part, ...], cells: int, deployed: bool) -> Cost:
    return sum((part_cost(part, cells, deployed=deployed) for part in parts), ZERO)


def check_costs(block: nn.Module, parts: tuple[Part, ...], site: Site, deployed: bool) -> None:
    for cells in (1, 2):
        image = picture(site, cells)
        cost = total(parts, cells, deployed)
        assert cost.parameters == sum(p.numel() for p in block.parameters())
        assert cost.file_bytes == tensor_bytes(block)
        assert cost.flops == flops(lambda image=image: block.eval()(image))
        assert graph_peak(parts, image.numel(), cells, kept=False) == peak_elements(block, image)


def check_parts(block: nn.Module, parts: tuple[Part, ...]) -> None:
    """Compare every convolution with the module at its place; every convolution of the block has one."""
    seen = set()
    for part in parts:
        if part.conv is None:
            continue
        module: Any = block.get_submodule(part.suffix.removeprefix(".")) if part.suffix else block
        conv = module.conv if isinstance(module, Conv) else module
        seen.add(conv)
        expected = part.conv
        assert (conv.in_channels, conv.out_channels, conv.groups) == (expected.c1, expected.c2, expected.g)
        assert (conv.kernel_size, conv.stride, conv.padding) == (expected.k, expected.s, expected.p)
        if isinstance(module, Conv):
            assert isinstance(module.act, nn.SiLU) == (expected.act == "silu")
            assert expected.norm
    assert seen == {m for m in block.modules() if isinstance(m, nn.Conv2d)}


@pytest.mark.parametrize("name", BLOCKS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_parts_are_the_built_block(name: str, data: st.DataObject) -> None:
    swap, site = data.draw(swaps(name)), data.draw(sites())
    kind = BLOCKS[name]
    if kind.refuses(site, swap.options) is not None:
        return
    old = standard(site)
    block = make_block(old, swap, site)
    parts = kind.parts(site, swap.options)
    check_parts(block, parts)
    check_costs(block, parts, site, deployed=False)
    image = picture(site, batch=2)
    assert block.train()(image).shape == old(image).shape
    ready = in_form(fold_block(block), kind.forms(site, swap.options)[0])
    check_costs(ready, kind.deployed_parts(site, swap.options), site, deployed=True)


NUMBERS = {base.EVEN_OUTPUT, base.UNEVEN_GROUPS}
"""Reasons that the numbers of a site give; the others are about what a kind is for."""


def tried(site: Site, swap: Swap, image: torch.Tensor) -> tuple[bool, int]:
    """Return whether a block can be built and gives the standard module's shape, and the FLOPs that it takes."""
    old = standard(site).eval()
    try:
        block = make_block(old, swap, site).eval()
        with torch.no_grad():
            fits = block(image).shape == old(image).shape
    except (RuntimeError, ValueError, AssertionError):
        return False, 0
    return fits, flops(lambda: block(image))


def test_a_kind_refuses_exactly_what_cannot_be_built_or_counted() -> None:
    refused = set()
    for name, c1, c2, stride in itertools.product(BLOCKS, (8, 9, 12), (8, 9, 12), (1, 2)):
        kind, site = BLOCKS[name], site_of(c1, c2, s=stride)
        why = kind.refuses(site, {})
        if why is None or why in NUMBERS:
            assert tried(site, Swap(name), picture(site))[0] is (why is None), (name, site)
            refused.add(why)
        # 7 × 7 pixels where the costs take 8 × 8 for granted, as behind a pooling without padding.
        uneven = replace(site, pixels_in=64, pixels=16, even=False)
        if stride == 1 or kind.refuses(uneven, {}) not in (None, base.UNEVEN_INPUT):
            continue
        fits, counted = tried(uneven, Swap(name), torch.randn(1, c1, 7, 7))
        exact = counted == total(kind.parts(uneven, {}), 1, deployed=False).flops
        assert fits
        assert exact is (kind.refuses(uneven, {}) is None), (name, uneven)
        refused.add(kind.refuses(uneven, {}))
    assert refused == {None, base.UNEVEN_INPUT, *NUMBERS}


PLACES = {
    "module": site_of(32, 32, repeats=2),
    "narrowing": site_of(64, 32, repeats=1, shortcut=False, level=4),
    "halving": site_of(16, 32, s=2),
    "keeping": site_of(24, 24),
    "stem": site_of(3, 16, k=6, s=2, level=1),
}


def blocks() -> list[tuple[str, str, Swap]]:
    """Every kind at every place that takes it, with its default options and with all of them changed."""
    found = []
    for name, kind in BLOCKS.items():
        other = {key: option.offered[-1] for key, option in kind.options.items()}
        for place, site in PLACES.items():
            for swap in dict.fromkeys((Swap(name), Swap(name, other))):
                if kind.refuses(site, swap.options) is None:
                    found.append((name, place, swap))
    return found


def lively(block: nn.Module) -> nn.Module:
    """Give every BatchNorm numbers as after training."""
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
    return block.eval()


@pytest.mark.parametrize(("name", "place", "swap"), blocks())
def test_a_block_takes_the_old_module_s_place(name: str, place: str, swap: Swap) -> None:
    site = PLACES[place]
    old = standard(site)
    act = nn.LeakyReLU(0.1)
    for module in old.modules():
        if isinstance(module, Conv):
            module.act = act
    block: Any = make_block(old.double().eval(), swap, site)
    assert (block.i, block.f, block.type) == (old.i, old.f, old.type)
    assert block.np == sum(p.numel() for p in block.parameters())
    assert not block.training
    assert {p.dtype for p in block.parameters()} == {torch.float64}
    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all((m.eps, m.momentum) == (1e-3, 0.03) for m in norms)
    weighing = {m for s in block.modules() if isinstance(s, SqueezeExcitation) for m in s.modules()}
    acts = {m for m in block.modules() if isinstance(m, ACTIVATIONS)} - weighing
    assert acts == {act}


@pytest.mark.parametrize(("name", "place", "swap"), blocks())
def test_a_block_is_made_of_public_classes_and_can_be_pickled(name: str, place: str, swap: Swap) -> None:
    site = PLACES[place]
    block = lively(make_block(standard(site), swap, site))
    for module in block.modules():
        assert type(module).__module__.partition(".")[0] in {"torch", "torchvision", "ultralytics"}
        assert not type(module).__name__.startswith("_")
    again = pickle.loads(pickle.dumps(copy.deepcopy(block)))
    image = picture(site)
    with torch.no_grad():
        assert torch.equal(again(image), block(image))


@pytest.mark.parametrize(("name", "place", "swap"), blocks())
def test_every_form_computes_the_same(name: str, place: str, swap: Swap) -> None:
    site = PLACES[place]
    block = lively(make_block(standard(site), swap, site))
    image = picture(site, batch=2)
    forms = BLOCKS[name].forms(site, swap.options)
    assert set(forms) <= set(BLOCKS[name].all_forms)
    with torch.no_grad():
        wanted = block(image)
        for form in forms:
            made = in_form(fold_block(block), form)
            assert not any(isinstance(m, nn.BatchNorm2d) for m in made.modules()), form
            assert torch.allclose(made(image), wanted, rtol=1e-4, atol=1e-5), form


def test_forms_by_hand() -> None:
    halving, keeping = PLACES["halving"], PLACES["keeping"]
    assert forms("separable", keeping) == ("folded", "dense")
    assert forms("separable", keeping, {"rank": 2}) == ("unrolled", "multiplier", "dense")
    assert forms("dwconv", halving) == ("folded", "unrolled", "dense")
    assert forms("dwconv", keeping) == ("folded", "dense")
    assert forms("repconv", keeping) == ("merged", "dense")
    assert forms("cib", keeping, {"large": 1}) == ("merged",)
    assert forms("lcnet", keeping) == ("folded",)
    block = fold_block(make_block(standard(halving), Swap("dwconv"), halving))
    plain = in_form(block, "unrolled")
    (conv,) = (m for m in plain.modules() if isinstance(m, nn.Conv2d))
    assert conv.groups == conv.in_channels == conv.out_channels == 32
    dense = in_form(fold_block(make_block(standard(keeping), Swap("separable"), keeping)), "dense")
    assert dense.conv.groups == 1
    assert dense.conv.weight.shape == (24, 24, 3, 3)


@pytest.mark.parametrize(
    ("name", "place", "options", "words"),
    [
        ("separable", "module", {}, "Open it"),
        ("ghost_c3", "keeping", {}, "whole modules"),
        ("c3k2", "halving", {}, "whole modules"),
        ("cib", "halving", {}, "keeps the resolution"),
        ("scdown", "keeping", {}, "stride 2 only"),
        ("scdown", "halving", {"kernel": 4}, "odd kernel"),
        ("mobilenetv3", "module", {"kernel": 6}, "odd kernel"),
        ("repconv", "stem", {}, "3×3 kernels and padding 1"),
        ("repconv", "keeping", {"groups": 16}, "divided into so many groups"),
        ("repconv", "module", {}, "Open it"),
    ],
)
def test_refusals_say_why(name: str, place: str, options: Mapping[str, int], words: str) -> None:
    why = BLOCKS[name].refuses(PLACES[place], options)
    assert why is not None
    assert words in why


def test_odd_channels_cannot_be_halved() -> None:
    odd = site_of(16, 99)
    for name in ("ghost", "shufflenetv2"):
        assert "even number" in str(BLOCKS[name].refuses(odd, {}))
