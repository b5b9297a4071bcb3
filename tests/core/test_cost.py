"""Costs by hand, from the formulae of the papers, and their speed."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.architecture import CELL, Convolution, load_architecture
from app.core.blocks import BLOCKS, eligible, refusal
from app.core.cost import compare_cost, convolution_cost
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.sites import convolution_site, sites


def convolutions(kind: str, conv: Convolution, options: dict[str, int]) -> list[Convolution]:
    parts = BLOCKS[kind].parts(convolution_site(conv), options)
    return [part.conv for part in parts if part.conv is not None]


@given(
    st.integers(1, 256),
    st.integers(1, 256),
    st.sampled_from((3, 5, 6)),
    st.integers(1, 4),
    st.integers(1, 64),
)
def test_separable_ratio(c1: int, c2: int, k: int, rank: int, pixels: int) -> None:
    conv = Convolution(c1, c2, (k, k), (1, 1), (k // 2, k // 2), 1, False, True, "silu", pixels)
    parts = convolutions("separable", conv, {"rank": rank})
    weights = sum(part.weights for part in parts)
    assert weights == rank * (c1 * k * k + c1 * c2)
    assert weights / conv.weights == pytest.approx(rank * (1 / c2 + 1 / k**2))
    flops = sum(convolution_cost(part, 1).flops for part in parts)
    assert flops / convolution_cost(conv, 1).flops == pytest.approx(rank * (1 / c2 + 1 / k**2))


@given(st.integers(1, 256), st.integers(1, 256))
def test_dwconv_groups(c1: int, c2: int) -> None:
    conv = Convolution(c1, c2, (3, 3), (2, 2), (1, 1), 1, False, True, "silu", 16)
    (part,) = convolutions("dwconv", conv, {})
    assert part.g == math.gcd(c1, c2)
    assert part.weights * math.gcd(c1, c2) == conv.weights


def test_one_module_by_hand() -> None:
    # model.3 of yolov5n: 32 → 64 channels, 3×3, stride 2, to 80×80 at 640 pixels.
    table = compare_cost(Design.stock("yolov5n").with_swap(["model.3"], Swap("separable")))
    row = next(m for m in table.modules if m.path == "model.3")
    assert row.standard.parameters == 32 * 64 * 9 + 2 * 64
    assert row.standard.flops == 2 * 32 * 64 * 9 * 80 * 80
    assert row.standard.file_bytes == 2 * row.standard.parameters + 4 * 64 + 8
    assert row.lightweight.parameters == 32 * 9 + 2 * 32 + 32 * 64 + 2 * 64
    assert row.lightweight.flops == 2 * (32 * 9 + 32 * 64) * 80 * 80
    assert table.standard.parameters - table.lightweight.parameters == (
        row.standard.parameters - row.lightweight.parameters
    )
    assert table.to_json()["modules"][0]["path"] == "model.0"


def test_rows_add_up_to_the_totals() -> None:
    table = compare_cost(preset("separable", "yolov5s", 3), (384, 640))
    for side in ("standard", "lightweight"):
        total = getattr(table, side)
        rows = [getattr(m, side) for m in table.modules]
        assert sum(r.parameters for r in rows) == total.parameters
        assert sum(r.flops for r in rows) == total.flops
        assert sum(r.file_bytes for r in rows) == total.file_bytes


def brute_force_peak(design: Design, deployed: bool) -> int:
    """Live elements per cell, from a list of operations with explicit lifetimes."""
    architecture, swaps = design.architecture, design.resolved()
    operations: list[tuple[list[str], str, int]] = []
    sizes = {"t0": 3 * CELL * CELL}
    for index, step in enumerate(architecture.steps):
        inputs, output = [f"t{i}" for i in step.inputs], f"t{index + 1}"
        swap = swaps.get(step.path) if step.conv else None
        sizes[output] = step.elements
        if swap is None or step.conv is None:
            operations.append((inputs, output, step.elements))
            continue
        kind = BLOCKS[swap.block]
        place = convolution_site(step.conv)
        parts = (kind.deployed_parts if deployed else kind.parts)(place, swap.options)
        names = [inputs[0]]
        for number, part in enumerate(parts):
            names.append(output if number == len(parts) - 1 else f"{output}.{number}")
            sizes[names[-1]] = part.elements
            operations.append(([names[i] for i in part.inputs], names[-1], part.elements))
    last = {
        name: max((i for i, o in enumerate(operations) if name in o[0]), default=len(operations))
        for name in sizes
    }
    made = {"t0": -1, **{o[1]: i for i, o in enumerate(operations)}}
    return max(
        sum(size for name, size in sizes.items() if made[name] <= i <= last[name])
        for i in range(len(operations))
    )


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_activation_peak_equals_brute_force(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from(("yolov5n", "yolov5s", "yolov5m")))
    paths = eligible(load_architecture(base, 3))
    chosen = data.draw(st.lists(st.sampled_from(paths), unique=True, max_size=len(paths)))
    design = Design.stock(base, 3)
    for path in chosen:
        design = design.with_swap([path], Swap("separable", {"rank": data.draw(st.integers(1, 4))}))
    table = compare_cost(design, 64)
    assert table.lightweight.activation_bytes == brute_force_peak(design, deployed=False) * 4 * 4
    assert table.deployed_lightweight.activation_bytes == brute_force_peak(design, deployed=True) * 4 * 4


@pytest.mark.parametrize("size", [0, -32, 33, 8224])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(AppError, match="not possible"):
        compare_cost(Design.stock("yolov5n"), size)


@pytest.mark.parametrize(("base", "limit_ms"), [("yolov5n", 5.0), ("yolov5x", 15.0)])
def test_recomputing_after_one_swap_is_instant(base: str, limit_ms: float) -> None:
    design = preset("separable", base)
    compare_cost(design)
    times = []
    for path in eligible(design.architecture)[:25]:
        start = time.perf_counter()
        compare_cost(design.with_swap([path], Swap("separable", {"rank": 2})))
        times.append((time.perf_counter() - start) * 1e3)
    assert statistics.median(times) < limit_ms


def test_core_imports_fast_and_without_torch(tmp_path: Path) -> None:
    code = (
        "import time; t = time.perf_counter()\n"
        "import app.core.design, app.core.cost, app.core.runs, app.core.settings\n"
        "s = time.perf_counter() - t\n"
        "import sys; heavy = {'torch', 'cv2', 'numpy', 'PySide6'} & set(sys.modules)\n"
        "print(s, sorted(heavy))"
    )
    # As on a user's second start: with compiled modules, wherever this test was told not to write any.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        )
        for _ in range(10)
    ]
    seconds = [float(run.stdout.split()[0]) for run in runs]
    assert all(run.stdout.split(maxsplit=1)[1].strip() == "[]" for run in runs)
    assert min(seconds) < 0.1


@pytest.mark.parametrize("base", ["yolov5n", "yolov5x"])
def test_every_module_can_be_replaced_or_says_why(base: str) -> None:
    architecture = load_architecture(base, 3)
    able = set(sites(architecture))
    for path in architecture.modules:
        why = refusal(architecture, path)
        assert (why is None) == (path in able)
        assert why is None or why.endswith(".")
    kernels = {path for path, c in architecture.convolutions.items() if c.k != (1, 1)}
    assert set(eligible(architecture, "separable")) == kernels
