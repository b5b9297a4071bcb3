"""How well milliseconds are predicted: random designs that no table has seen, predicted first and measured then.

    python -m tests.benchmarks.prediction [--bases yolov5n yolov5s] [--on openvino:f32 …] [--cache FOLDER] [-o FILE]

For each base model and setting a table is filled, as the window does in the background (what the cache folder has is
not measured again); then random designs that swap 10 to 100 % of the model, with any options that the kinds have, are
predicted and measured, each twice, in turn with the standard model. Prints one JSON document. On a quiet machine of
2 cores the three settings and two base models take about an hour; on a busy one it waits.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

SETTINGS = ("openvino:f32", "openvino:bf16", "torch:f32")
BASES = ("yolov5n", "yolov5s")
CLASSES = 3
DESIGNS = 20
SEED = 20_240


def rank_correlation(left: list[float], right: list[float]) -> float:
    """Return Spearman's rank correlation."""
    ranks = []
    for values in (left, right):
        order = sorted(range(len(values)), key=values.__getitem__)
        ranks.append([order.index(i) for i in range(len(values))])
    return statistics.correlation(*ranks)


def judge(
    base: str, on: str, threads: int | None, count: int, strict: bool, usual: bool = False
) -> dict[str, Any]:
    """Fill the table of one base model in one setting, and compare predictions with measurements."""
    from app.core.arbiter import measuring
    from app.core.cost import check_imgsz
    from app.core.design import Design
    from app.core.latency_plan import default_kinds, random_design
    from app.engine.latency import Bench
    from app.engine.latency_table import build_table

    runtime, precision = on.split(":")
    standard = Design.stock(base, CLASSES)
    kinds = default_kinds()

    def tell(event: Any) -> None:
        waiting = f" waiting: {event['waiting']}" if event["waiting"] else ""
        sys.stderr.write(f"{base} {on}: {event['done']}/{event['total']}{waiting}\n")

    table = build_table(
        standard, runtime, precision, threads, kinds=kinds, emit=tell, device="cpu", strict=strict
    )
    generator = random.Random(SEED)
    designs = [
        random_design(standard, kinds, 0.1 + 0.9 * (number + 0.5) / count, generator, any_options=not usual)
        for number in range(count)
    ]
    bench = Bench(table.setting, standard, check_imgsz(640), table.forms)
    rows = []
    with measuring() as turn:
        for design in designs:
            assert table.whole(design, 640) is None, "this design was used to fit the table"
            row = compare(table, bench, design, turn, strict)
            if row is not None:
                rows.append(row)
                told = ", ".join(f"{ms:.2f}" for ms in row["measured_ms"])
                sys.stderr.write(f"{base} {on}: {row['predicted_ms']:.2f} for {told} ms\n")
    return {"options": "usual" if usual else "any"} | summary(base, on, table, rows)


def compare(table: Any, bench: Any, design: Any, turn: Any, strict: bool) -> dict[str, Any] | None:
    """Predict a design and measure it twice; None where the machine was busy every time.

    `measured_ms` are at the speed that the standard model, which ran in turn with it, has in the table: what the
    machine's own drift adds is not the prediction's fault. `raw_ms` are what the clock said.
    """
    from app.core.design import dump_design
    from app.engine.latency_clock import Pace
    from app.engine.latency_table import observe_quietly

    predicted, standard = table.predict(design), table.predict(design.cleared())
    assert predicted is not None
    pace = Pace(rounds=8, seconds=1.5)
    seen = [
        observe_quietly(bench, design, pace, turn) if strict else bench.observe(design, pace)
        for _ in range(2)
    ]
    if None in seen:
        return None
    return {
        "design": dump_design(design),
        "swapped": len(design.resolved()),
        "predicted_ms": predicted.ms,
        "low_ms": predicted.low,
        "high_ms": predicted.high,
        "basis": predicted.basis,
        "measured_ms": [one.whole.ratio * standard.ms for one in seen],
        "raw_ms": [one.whole.figure.p50_ms for one in seen],
    }


def summary(base: str, on: str, table: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the errors of the predictions beside the spread of measuring twice."""
    measured, raw = ([statistics.mean(row[name]) for row in rows] for name in ("measured_ms", "raw_ms"))
    predicted = [row["predicted_ms"] for row in rows]
    errors = [p / m - 1 for p, m in zip(predicted, measured, strict=True)]
    inside = [row["low_ms"] <= m <= row["high_ms"] for row, m in zip(rows, measured, strict=True)]
    repeats = [abs(row["measured_ms"][0] / row["measured_ms"][1] - 1) for row in rows]
    return {
        "base": base,
        "on": on,
        "machine": table.setting.machine,
        "threads": table.setting.threads,
        "models_in_table": len(table.wholes),
        "designs": len(rows),
        "median_error": statistics.median(map(abs, errors)),
        "largest_error": max(map(abs, errors)),
        "bias": statistics.mean(errors),
        "raw_median_error": statistics.median(abs(p / m - 1) for p, m in zip(predicted, raw, strict=True)),
        "rank_correlation": rank_correlation(predicted, measured),
        "raw_rank_correlation": rank_correlation(predicted, raw),
        "inside_interval": statistics.mean(inside),
        "interval_half_width": statistics.median(
            (row["high_ms"] - row["low_ms"]) / 2 / row["predicted_ms"] for row in rows
        ),
        "repeat_spread": statistics.median(repeats),
        "largest_repeat_spread": max(repeats),
        "range_ms": [min(measured), max(measured)],
        "rows": rows,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bases", nargs="+", default=BASES)
    parser.add_argument("--on", nargs="+", default=SETTINGS, metavar="RUNTIME:PRECISION")
    parser.add_argument("--threads", type=int, help="processors to use (default: all)")
    parser.add_argument("--designs", type=int, default=DESIGNS)
    parser.add_argument(
        "--usual", action="store_true", help="only designs whose kinds have their usual options"
    )
    parser.add_argument("--cache", help="folder of the figures (default: a temporary one)")
    parser.add_argument("--anyway", action="store_true", help="do not wait for a quiet machine")
    parser.add_argument("-o", "--output", help="also write the document to a file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DEPTHWISE_STUDIO_CACHE"] = options.cache or temporary
        kept = os.dup(1)
        os.dup2(2, 1)  # libraries print
        from app.engine.environment_setup import prepare

        prepare()
        found = []
        for base in options.bases:
            for on in options.on:
                found.append(
                    judge(base, on, options.threads, options.designs, not options.anyway, options.usual)
                )
                shown = {name: value for name, value in found[-1].items() if name != "rows"}
                sys.stderr.write(f"{json.dumps(shown)}\n")
        document = json.dumps(found, indent=1)
        if options.output:
            Path(options.output).write_text(document + "\n", encoding="utf-8")
        with os.fdopen(kept, "w", encoding="utf-8") as stream:
            stream.write(document + "\n")


if __name__ == "__main__":
    main()
