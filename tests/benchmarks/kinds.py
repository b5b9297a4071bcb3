"""What every block kind keeps of a trained model when it takes all the places it can, without any training.

    python -m tests.benchmarks.kinds --data DATA.yaml --weights BEST.pt -o FOLDER [KIND...]

Every eligible module but the stem becomes the kind, with its usual options. Converted once without pictures and once
with those of the training split, then validated, by calls of the command line. Writes kinds.json and kinds.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.core.blocks import BLOCKS, eligible
from app.core.design import Design, Swap, dump_design
from tests.benchmarks.accuracy import studio

HEAD = (
    "| kind | parameters | GFLOPs | without pictures: val mAP50 / 50-95 | with pictures: val mAP50 / 50-95 | energy |"
    " seconds |\n|---|---|---|---|---|---|---|"
)


def design_of(kind: str, folder: Path) -> Path:
    """Write the design in which a kind takes all places but the stem."""
    stock = Design.stock("yolov5n")
    paths = [path for path in eligible(stock.architecture, kind) if path != "model.0"]
    file = folder / f"{kind}.yaml"
    file.write_text(dump_design(stock.with_swap(paths, Swap(kind))), encoding="utf-8")
    return file


def look(kind: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Convert a kind twice and validate both."""
    file = design_of(kind, folder)
    cost = studio("cost", str(file), "--imgsz", str(options.imgsz), "--classes", "3")["lightweight"]
    found: dict[str, Any] = {"kind": kind, "parameters": cost["parameters"], "flops": cost["flops"]}
    for name, more in (("bare", []), ("refitted", ["--data", options.data])):
        target, begin = folder / f"{kind}-{name}.pt", time.monotonic()
        told = studio("convert", options.weights, "--design", str(file), *more, "-o", str(target))
        seconds = time.monotonic() - begin
        val = studio("val", str(target), "--data", options.data)
        found[name] = {
            "seconds": round(seconds, 1),
            "totals": told["transfer"]["totals"],
            "map": [round(val[key], 3) for key in ("map50", "map50_95")],
        }
    return found


def row(found: dict[str, Any]) -> str:
    """Return a kind's line of the table."""
    title = BLOCKS[found["kind"]].title
    maps = [" / ".join(f"{value:.3f}" for value in found[name]["map"]) for name in ("bare", "refitted")]
    last = found["refitted"]
    cells = [title, f"{found['parameters']:,}", f"{found['flops'] / 1e9:.3f}", *maps]
    cells += [f"{last['totals']['energy']:.1%}", f"{last['seconds']:.0f}"]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Measure, and write the table after every kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("kinds", nargs="*", default=list(BLOCKS))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for kind in options.kinds:
        try:
            rows.append(look(kind, options, options.output))
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"{kind}: {error}\n")
            continue
        (options.output / "kinds.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
        text = "\n".join([HEAD, *map(row, rows)])
        (options.output / "kinds.md").write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{HEAD}\n" + "\n".join(map(row, rows)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
