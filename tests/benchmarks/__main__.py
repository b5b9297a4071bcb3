"""Prints the figures that the documents name, measured here and now: `make bench`.

Each is measured in a process of its own, beside what it is compared with.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def child(module: str, *arguments: str) -> Any:
    """Run a benchmark module and return its JSON."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def verb(*arguments: str) -> Any:
    """Run a verb and return its document."""
    command = [sys.executable, str(ROOT / "main.py"), *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def line(what: str, value: str, limit: str) -> None:
    """Print one figure beside what it should be."""
    print(f"{what:<58} {value:>34}   {limit}", flush=True)


def costs() -> None:
    """Recomputing the costs after one swap."""
    from app.core.blocks import eligible
    from app.core.cost import compare_cost
    from app.core.design import Swap, preset

    for base, limit in (("yolov5n", 5), ("yolov5x", 15)):
        design = preset("separable", base)
        times = []
        for path in eligible(design.architecture) * 3:
            start = time.perf_counter()
            compare_cost(design.with_swap([path], Swap("separable", {"rank": 2})))
            times.append((time.perf_counter() - start) * 1e3)
        line(f"costs after one swap, {base}, median", f"{statistics.median(times):.2f} ms", f"≤ {limit} ms")


def startup() -> None:
    """The window beside a bare one."""
    result = child("tests.benchmarks.startup")
    line("window up, median", f"{result['up_s'] * 1e3:.0f} ms", "< 1000 ms")
    line("window up, against a bare PySide6 window", f"{result['ratio']:.2f} ×", "≤ 4 ×")
    line("ready to design, median", f"{result['design_s'] * 1e3:.0f} ms", "< 2000 ms")
    line("torch, cv2, pyqtgraph at first paint", ", ".join(result["heavy_at_first_paint"]) or "none", "none")


def editing() -> None:
    """The Design page, from click to painted numbers."""
    for base, states in child("tests.benchmarks.editing").items():
        limit = "p95 ≤ 50 ms" if base == "yolov5x" else "as measured"
        for state, steps in states.items():
            for step, figures in steps.items():
                shown = (
                    f"p50 {figures['p50']:.1f}, p95 {figures['p95']:.1f} ms ({figures['own_p95']:.1f} ours)"
                )
                line(f"{base}, {state}: {step.replace('_', ' ')}", shown, limit)


def window() -> None:
    """Responsiveness and the first live picture."""
    result = child("tests.benchmarks.window")
    line("see it live, first time", f"{result['live_first_s']:.2f} s", "≤ 5 s")
    line("see it live, again", f"{result['live_again_s']:.2f} s", "≤ 5 s")
    for name in ("comparison", "training"):
        for who, limit in (("window", "≤ 50 / 150 ms"), ("bare", "beside it")):
            delays = result[name][who]
            shown = f"{delays['p999']:.1f} / {delays['maximum']:.1f} ms"
            line(f"heartbeat in {name}, {who}: p99.9 / maximum", shown, limit)


def curves() -> None:
    """The Train page with ten events a second and long curves."""
    result = child("tests.benchmarks.curves")
    for who, limit in (("window", "≤ 50 / 150 ms"), ("bare", "beside it")):
        delays = result[who]
        shown = f"{delays['p999']:.1f} / {delays['maximum']:.1f} ms"
        line(f"heartbeat with long curves, {who}: p99.9 / maximum", shown, limit)
    line("the same, share of one core", f"{result['core']:.1%}", "≤ 8 %")


def sample_pair() -> tuple[str, str]:
    """The sample's two checkpoints."""
    from app.core.folders import resources

    folder = resources() / "sample"
    return str(folder / "standard.pt"), str(folder / "lightweight.pt")


def comparison() -> None:
    """The sample's detectors against each other."""
    a, b = sample_pair()
    for runtime, precision in (("torch", "f32"), ("openvino", "f32"), ("openvino", "bf16")):
        r = verb(
            "compare",
            a,
            b,
            "--source",
            "sample",
            "--frames",
            "300",
            "--runtime",
            runtime,
            "--precision",
            precision,
        )
        s = r["speedup"]
        shown = f"{s['median']:.2f} × [{s['low']:.2f}–{s['high']:.2f}], {r['pairs_per_second']:.1f} pairs/s"
        line(f"sample pair on {runtime} {precision}: speed-up", shown, "as measured")


def comparing() -> None:
    """What a comparison adds to the bare runtime calls, and what stock predict manages, on the sample's clip."""
    result = child("tests.benchmarks.comparing", *sample_pair(), "sample")
    rates = result.pop("pairs_per_second")
    for precision, r in result.items():
        shown = f"{r['pair_ms']:.2f} / {r['bare_ms']:.2f} ms, {r['ratio']:.3f} ×"
        line(f"a pair / bare calls, OpenVINO {precision}", shown, f"≤ {r['wanted_ratio']} × (f32, 640 px)")
        painted = r["with_window"]
        shown = f"{painted['pair_ms']:.2f} ms, {painted['times_without_window']:.2f} ×"
        line(f"the same while a window paints, {precision}", shown, "as measured")
        shown = f"{rates[f'studio {precision}']:.0f} pairs/s, {r['times_stock']:.1f} × / {r['times_exported']:.1f} ×"
        line(f"OpenVINO {precision} against stock .pt / exports", shown, "≥ 4 × / 1.5 × (640 px)")


def painting() -> None:
    """Painting a pair of pictures in the window's thread."""
    for size, r in child("tests.benchmarks.painting").items():
        line(
            f"painting a pair of 1280×720, views of {size}",
            f"{r['p50']:.1f} ms (p95 {r['p95']:.1f})",
            "< 8 ms",
        )


def conversion() -> None:
    """Converting the sample's standard detector."""
    with tempfile.TemporaryDirectory() as folder:
        standard = sample_pair()[0]
        target = str(Path(folder) / "converted.pt")
        result = verb("convert", standard, "--design", "separable", "--data", "sample", "-o", target)
        line("conversion of the sample's standard detector", f"{result['seconds']:.1f} s", "≤ 30 s")


def demo() -> None:
    """The whole job without a window."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        verb("demo", "--workspace", folder)
        line("demo", f"{time.perf_counter() - start:.0f} s", "< 180 s")


def prediction() -> None:
    """Predicted milliseconds against measured ones, of designs that no table has seen."""
    for row in child("tests.benchmarks.prediction"):
        name = f"predicted ms, {row['base']} on {row['on']}"
        shown = f"{row['median_error']:.1%} median, {row['largest_error']:.1%} largest"
        line(name, shown, f"≤ 10 % median; repeats differ by {row['repeat_spread']:.1%}")
        line(f"{name}: rank correlation", f"{row['rank_correlation']:.3f}", "≥ 0.9")
        line(f"{name}: inside the 90 % interval", f"{row['inside_interval']:.0%}", "about 90 %")


if __name__ == "__main__":
    chosen = sys.argv[1:] or [
        "costs",
        "startup",
        "editing",
        "window",
        "curves",
        "comparison",
        "comparing",
        "painting",
        "conversion",
        "demo",
        "prediction",
    ]
    for name in chosen:
        globals()[name]()
