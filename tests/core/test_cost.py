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

from app.core.architecture import Convolution, load_architecture
from app.core.blocks import BLOCKS, eligible, refusal
from app.core.cost import compare_cost, convolution_cost, site_cost, swap_cost
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.sites import convolution_site, mirrors, original, site, sites
from tests.designs import designs


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


def brute_force_peak(design: Design, rows: int, columns: int, deployed: bool) -> int:
    """Live elements, from a list of operations with explicit lifetimes."""
    architecture, swaps = design.architecture, dict(design.resolved())
    swaps |= {twin: swap for path, swap in swaps.items() for twin in mirrors(architecture, path)}
    form = architecture.deployed if deployed else architecture
    cells = rows * columns
    operations: list[tuple[list[str], str]] = []
    sizes = {"t0": 3 * architecture.cell**2 * cells}
    done: set[str] = set()
    for index, step in enumerate(form.steps):
        inputs, output = [f"t{i}" for i in step.inputs], f"t{index + 1}"
        path = next((p for p in swaps if step.path == p or step.path.startswith(f"{p}.")), None)
        if path is None:
            sizes[output] = step.size(rows, columns)
            operations.append((inputs, output))
            continue
        if path in done:
            continue
        done.add(path)
        place, kind = site(architecture, original(path)), BLOCKS[swaps[path].block]
        assert place is not None
        parts = (kind.deployed_parts if deployed else kind.parts)(place, swaps[path].options)
        names = [inputs[0]]
        last = f"t{form.steps_in(path)[-1] + 1}"
        for number, part in enumerate(parts):
            names.append(last if number == len(parts) - 1 else f"{output}.{number}")
            sizes[names[-1]] = part.elements * cells + part.whole
            operations.append(([names[i] for i in part.inputs], names[-1]))
    last_read = {
        name: max((i for i, o in enumerate(operations) if name in o[0]), default=len(operations))
        for name in sizes
    }
    made = {"t0": -1, **{o[1]: i for i, o in enumerate(operations)}}
    return max(
        sum(size for name, size in sizes.items() if made[name] <= i <= last_read[name])
        for i in range(len(operations))
    )


FAMILIES = ("yolov3-tiny", "yolov5n", "yolov8s", "yolov9t", "yolov10n", "yolo12n", "yolo26n")


@settings(max_examples=40, deadline=None)
@given(designs(FAMILIES, st.sampled_from((3, 80, 150)), most=60), st.integers(1, 3), st.integers(1, 3))
def test_activation_peak_equals_brute_force(design: Design, rows: int, columns: int) -> None:
    table = compare_cost(design, (32 * rows, 32 * columns))
    for cost, deployed in ((table.lightweight, False), (table.deployed_lightweight, True)):
        assert cost.activation_bytes == brute_force_peak(design, rows, columns, deployed) * 4


@pytest.mark.parametrize("base", FAMILIES)
def test_sites_and_swaps_add_up(base: str) -> None:
    stock = Design.stock(base, 3)
    architecture = stock.architecture
    paths = eligible(architecture, "separable")
    swap = Swap("separable")
    table = compare_cost(stock.with_swap(paths, swap), 64)
    cells = (64 // architecture.cell) ** 2
    twins = [twin for path in paths for twin in (path, *mirrors(architecture, path))]
    for deployed, standard, light in (
        (False, table.standard, table.lightweight),
        (True, table.deployed_standard, table.deployed_lightweight),
    ):
        form = architecture.deployed if deployed else architecture
        there = [path for path in twins if form.steps_in(path)]
        before = [site_cost(architecture, path, cells, deployed=deployed) for path in there]
        after = [swap_cost(architecture, path, swap, cells, deployed=deployed) for path in there]
        for name in ("parameters", "flops", "file_bytes"):
            saved = sum(getattr(c, name) for c in before) - sum(getattr(c, name) for c in after)
            assert getattr(standard, name) - getattr(light, name) == saved > 0
    assert sum(m.lightweight.parameters for m in table.modules) == table.lightweight.parameters
    assert sum(m.standard.flops for m in table.modules) == table.standard.flops


def test_a_swapped_module_is_one_row() -> None:
    design = Design.stock("yolov8n", 3).with_swap(["model.4"], Swap("ghost_c3"))
    table = compare_cost(design)
    paths = [m.path for m in table.modules]
    assert "model.4" in paths
    assert not any(path.startswith("model.4.") for path in paths)
    inside = [m for m in compare_cost(Design.stock("yolov8n", 3)).modules if m.path.startswith("model.4.")]
    row = table.modules[paths.index("model.4")]
    assert row.standard.parameters == sum(m.standard.parameters for m in inside)
    assert paths.index("model.3") < paths.index("model.4") < paths.index("model.5")


def test_attention_grows_with_the_square() -> None:
    small, large = (
        {m.path: m.standard.flops for m in compare_cost(Design.stock("yolo11n"), size).modules}
        for size in (320, 640)
    )
    attention = "model.10.m.0.attn"
    assert large[attention] == 16 * small[attention] > 0
    assert large["model.0"] == 4 * small["model.0"]


def test_p6_models_want_multiples_of_64() -> None:
    design = Design.stock("yolov5n-p6")
    assert compare_cost(design, 640).standard.flops > 0
    with pytest.raises(AppError, match="not possible") as caught:
        compare_cost(design, 672)
    assert "multiple of 64" in caught.value.hint


@pytest.mark.parametrize("size", [0, -32, 33, 8224])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(AppError, match="not possible"):
        compare_cost(Design.stock("yolov5n"), size)


@pytest.mark.parametrize(("base", "limit_ms"), [("yolov5n", 5.0), ("yolov5x", 15.0), ("yolov9e", 15.0)])
@pytest.mark.alone
def test_recomputing_after_one_swap_is_instant(base: str, limit_ms: float) -> None:
    design = preset("separable", base)
    compare_cost(design)
    times = []
    for path in eligible(design.architecture)[:25]:
        start = time.perf_counter()
        compare_cost(design.with_swap([path], Swap("separable", {"rank": 2})))
        times.append((time.perf_counter() - start) * 1e3)
    assert statistics.median(times) < limit_ms


@pytest.mark.alone
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
