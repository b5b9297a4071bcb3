"""Every block kind as a module against what core says about it: operations, costs, forms, what it inherits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from ultralytics.nn.modules import C3, Conv

from app.core.architecture import Convolution
from app.core.blocks import BLOCKS, Part, Site
from app.core.cost import ZERO, Cost, graph_peak, part_cost
from app.core.design import Swap
from app.engine.blocks import make_block
from app.engine.deployed import fold_block, in_form
from tests.engine.blocks_measured import flops, peak_elements

CELL = 32
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
