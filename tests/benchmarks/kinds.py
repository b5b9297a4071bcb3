"""What every block kind keeps of a trained model when it takes all the places it can, without any training.

    python -m tests.benchmarks.kinds --data DATA.yaml --weights BEST.pt -o FOLDER [KIND...]

Every eligible module but the stem becomes the kind, with its usual options. Converted with pictures of the training
split and validated, by calls of the command line. Writes kinds.json and kinds.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.core.blocks import BLOCKS, eligible
from app.core.design import Design, Swap, dump_design
from tests.benchmarks.accuracy import studio

HEAD = """\
| kind | parameters | GFLOPs | val mAP50 / 50-95 | of its output kept | what was done |
|---|---|---|---|---|---|"""


def design_of(kind: str, folder: Path) -> Path:
    """Write the design in which a kind takes all places but the stem."""
    stock = Design.stock("yolov5n")
    paths = [path for path in eligible(stock.architecture, kind) if path != "model.0"]
    file = folder / f"{kind}.yaml"
    file.write_text(dump_design(stock.with_swap(paths, Swap(kind))), encoding="utf-8")
    return file


def look(kind: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Convert a kind's design and validate the result."""
    file, target = design_of(kind, folder), folder / f"{kind}.pt"
    cost = studio("cost", str(file), "--imgsz", str(options.imgsz), "--classes", "3")["lightweight"]
    told = studio(
        "convert", options.weights, "--design", str(file), "--data", options.data, "-o", str(target)
    )
    val = studio("val", str(target), "--data", options.data)
    return {
        "kind": kind,
        "parameters": cost["parameters"],
        "flops": cost["flops"],
        "ways": told["transfer"]["kinds"],
        "map": [round(val[key], 3) for key in ("map50", "map50_95")],
    }


def row(found: dict[str, Any]) -> str:
    """Return a kind's line of the table."""
    ways = found["ways"]
    cells = [
        BLOCKS[found["kind"]].title,
        f"{found['parameters']:,}",
        f"{found['flops'] / 1e9:.3f}",
        " / ".join(f"{value:.3f}" for value in found["map"]),
        ", ".join(f"{way['energy']:.0%}" for way in ways if way["energy"] is not None),
        ", ".join(f"{way['modules']} {way['how']}" for way in ways),
    ]
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
