"""Normal equations and what is solved from them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from app.engine.factorise import as_kernel, as_matrix, factorise, project
from app.engine.least_squares import (
    Equations,
    Sums,
    compose,
    improve_filters,
    solve_dense,
    solve_grouped,
    solve_pointwise,
    unit_filters,
)
from app.engine.positions import Positions, patches


def _equations(inputs: torch.Tensor, outputs: torch.Tensor, channels: int, parts: int = 3) -> Equations:
    sums = Sums(channels, (inputs[0], outputs[0]))
    ones = torch.ones(len(inputs))
    for p, y, w in zip(inputs.chunk(parts), outputs.chunk(parts), ones.chunk(parts), strict=True):
        sums.add(p, y, w)
    return sums.equations()


def _problem(
    channels: int, outputs: int, taps: int = 9, samples: int = 4000, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Correlated inputs far from zero, a random kernel and its outputs with a bias."""
    torch.manual_seed(seed)
    size = channels * taps
    inputs = torch.randn(samples, size) @ (0.4 * torch.randn(size, size) / size**0.5 + torch.eye(size)) + 5
    kernel = torch.randn(size, outputs)
    return inputs, kernel, inputs @ kernel + torch.arange(outputs)


@settings(max_examples=25, deadline=None)
@given(
    channels=st.integers(1, 5),
    outputs=st.integers(1, 6),
    side=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_dense_recovers_kernel_and_bias(channels: int, outputs: int, side: int, seed: int) -> None:
    inputs, kernel, wanted = _problem(channels, outputs, side * side, seed=seed)
    equations = _equations(inputs, wanted, channels)
    found = solve_dense(equations)
    assert torch.allclose(found.float(), kernel, atol=2e-3)
    assert torch.allclose(equations.bias(found).float(), torch.arange(outputs).float(), atol=0.05)
    assert float(equations.residual(found).sum()) < 1e-4 * float(equations.power.sum())


def test_sums_are_the_centred_moments() -> None:
    inputs, _, wanted = _problem(3, 4)
    equations = _equations(inputs, wanted, 3)
    p, y = inputs.double() - inputs.double().mean(0), wanted.double() - wanted.double().mean(0)
    assert torch.allclose(equations.gram, p.T @ p / len(p), rtol=1e-4, atol=1e-4)
    assert torch.allclose(equations.cross, p.T @ y / len(p), rtol=1e-4, atol=1e-3)
    assert torch.allclose(equations.power, y.var(0, correction=0), rtol=1e-4)
    assert torch.allclose(equations.variance(torch.eye(27).double()), p.var(0, correction=0), rtol=1e-4)


def test_weights_count_like_repetitions() -> None:
    inputs, _, wanted = _problem(2, 3, samples=200)
    times = torch.randint(1, 4, (200,))
    origin = inputs.mean(0), wanted.mean(0)
    once, often, rest = Sums(2, origin), Sums(2, origin), Sums(2, origin)
    once.add(inputs, wanted, times.float())
    p, y = inputs.repeat_interleave(times, 0), wanted.repeat_interleave(times, 0)
    often.add(p[:99], y[:99], torch.ones(99))
    rest.add(p[99:], y[99:], torch.ones(len(p) - 99))
    often.include(rest)
    first, second = once.equations(), often.equations()
    assert torch.allclose(first.gram, second.gram, rtol=1e-4, atol=1e-4)
    assert torch.allclose(first.cross, second.cross, rtol=1e-4, atol=1e-3)


def test_the_ridge_decides_what_the_data_leave_open() -> None:
    inputs, kernel, wanted = _problem(3, 4, samples=10)  # 27 unknowns
    equations = _equations(inputs, wanted, 3, parts=1)
    kept = solve_dense(equations.towards(kernel, 1e-3))
    assert torch.allclose(kept.float(), kernel, atol=5e-3)
    silent = inputs.clone()
    silent[:, 9:18] = 0
    equations = _equations(silent, silent @ kernel, 3, parts=1)
    assert torch.isfinite(solve_dense(equations)).all()


@settings(max_examples=15, deadline=None)
@given(groups=st.sampled_from([1, 2, 4]), per=st.integers(1, 3), seed=st.integers(0, 99))
def test_grouped_recovers_a_grouped_convolution(groups: int, per: int, seed: int) -> None:
    torch.manual_seed(seed)
    conv = nn.Conv2d(groups * 2, groups * per, 3, groups=groups, bias=False)
    inputs, _, _ = _problem(groups * 2, 1, seed=seed)
    full = torch.zeros(groups * per, groups * 2, 3, 3)
    for g in range(groups):
        full[g * per : (g + 1) * per, g * 2 : g * 2 + 2] = conv.weight.detach()[g * per : (g + 1) * per]
    matrix = as_matrix(full)
    found = solve_grouped(_equations(inputs, inputs @ matrix.float(), groups * 2), groups)
    assert torch.allclose(found, matrix, atol=1e-2)
    assert torch.allclose(
        project(as_kernel(found, tuple(full.shape)), groups).float(), conv.weight, atol=1e-2
    )


@settings(max_examples=20, deadline=None)
@given(
    outputs=st.integers(1, 12),
    channels=st.integers(1, 6),
    side=st.sampled_from([1, 3, 6]),
    rank=st.integers(1, 4),
)
def test_factorise_is_the_best_of_its_rank(outputs: int, channels: int, side: int, rank: int) -> None:
    torch.manual_seed(outputs * 100 + channels)
    weight = torch.randn(outputs, channels, side, side)
    filters, pointwise = factorise(weight, rank)
    best = float((compose(filters, pointwise) - as_matrix(weight)).square().sum())
    for _ in range(10):
        tried = filters + 0.1 * torch.randn_like(filters)
        equations = Equations(
            channels,
            side * side,
            torch.eye(channels * side * side, dtype=torch.float64),
            as_matrix(weight),
            torch.zeros(outputs).double(),
            torch.zeros(channels * side * side).double(),
            torch.zeros(outputs).double(),
        )
        other = compose(tried, solve_pointwise(equations, tried))
        assert float((other - as_matrix(weight)).square().sum()) >= best - 1e-9


@settings(max_examples=20, deadline=None)
@given(
    outputs=st.integers(1, 12),
    channels=st.integers(1, 6),
    side=st.sampled_from([1, 3]),
    extra=st.integers(0, 2),
)
def test_full_rank_is_the_convolution_itself(outputs: int, channels: int, side: int, extra: int) -> None:
    weight = torch.randn(outputs, channels, side, side)
    filters, pointwise = factorise(weight, side * side + extra)
    depthwise = nn.Conv2d(
        channels, filters.shape[1] * channels, side, groups=channels, bias=False, padding=side // 2
    )
    with torch.no_grad():
        depthwise.weight.copy_(filters.reshape(depthwise.weight.shape))
    x = torch.randn(2, channels, 7, 8)
    made = torch.einsum("nihw,io->nohw", depthwise(x), pointwise.float())
    assert torch.allclose(made, nn.functional.conv2d(x, weight, padding=side // 2), atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2])
def test_a_separable_target_is_recovered(rank: int) -> None:
    inputs, _, _ = _problem(6, 1, samples=6000)
    filters, pointwise = torch.randn(6, rank, 9).double(), torch.randn(6 * rank, 10).double()
    target = compose(filters, pointwise)
    equations = _equations(inputs, (inputs.double() @ target).float(), 6)
    filters = torch.randn(6, rank, 9).double()
    pointwise = solve_pointwise(equations, filters)
    first = float(equations.residual(compose(filters, pointwise)).sum() / equations.power.sum())
    for _ in range(60):
        filters = improve_filters(equations, filters, pointwise, torch.ones(10).double())
        pointwise = solve_pointwise(equations, filters)
    last = float(equations.residual(compose(filters, pointwise)).sum() / equations.power.sum())
    assert last < 1e-4 < first


def test_every_sweep_improves() -> None:
    inputs, _, wanted = _problem(6, 10, samples=6000)
    equations = _equations(inputs, wanted, 6)
    filters = torch.randn(6, 1, 9).double()
    errors = []
    for _ in range(6):
        pointwise = solve_pointwise(equations, filters)
        errors.append(float(equations.residual(compose(filters, pointwise)).sum()))
        filters = improve_filters(equations, filters, pointwise, torch.ones(10).double())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.95 * errors[0]


def test_unit_filters_change_nothing_but_the_scale() -> None:
    inputs, _, wanted = _problem(4, 5)
    equations = _equations(inputs, wanted, 4)
    filters, pointwise = torch.randn(4, 2, 9).double() * 1e-4, torch.randn(8, 5).double()
    filters[1, 0] = 0
    unit, moved = unit_filters(equations, filters, pointwise)
    assert torch.allclose(compose(unit, moved), compose(filters, pointwise))
    outputs = torch.einsum("nik,irk->nir", inputs.double().view(-1, 4, 9), unit)
    assert torch.allclose(
        outputs.var(0, correction=0).flatten()[[0, 1, 3, 4]], torch.ones(4).double(), atol=1e-3
    )


@settings(max_examples=20, deadline=None)
@given(
    side=st.sampled_from([1, 3, 6]),
    stride=st.sampled_from([1, 2]),
    padding=st.integers(0, 2),
    height=st.integers(6, 12),
    width=st.integers(6, 12),
    count=st.integers(1, 40),
)
def test_patches_are_what_the_convolution_reads(
    side: int, stride: int, padding: int, height: int, width: int, count: int
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, side, stride, padding, bias=False)
    x = torch.randn(40, 3, height, width)
    wanted = conv(x).detach()
    generator = torch.Generator().manual_seed(1)
    positions = Positions.choose((40, *wanted.shape[2:]), count * 20, None, generator)
    outputs = torch.cat([positions.take(wanted[start : start + 7], start) for start in range(0, 40, 7)])
    seen = 0
    for part, read in patches(x, conv, positions):
        made = read @ as_matrix(conv.weight.detach()).float()
        assert torch.allclose(made, outputs[part], atol=1e-4)
        seen += len(read)
    assert seen == len(positions) == len(outputs)


def test_positions_follow_the_density() -> None:
    density = torch.ones(4, 10, 10)
    density[1] = 9.0
    for wanted in (100, 1000):  # a sample, and all of them
        positions = Positions.choose((4, 10, 10), wanted, density, torch.Generator().manual_seed(0))
        share = float(positions.weight[positions.picture == 1].sum() / positions.weight.sum())
        assert share == pytest.approx(0.75, abs=0.12)
        assert torch.equal(positions.picture, positions.picture.sort().values)
