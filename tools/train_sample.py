"""Train the two detectors of the sample: the standard yolov5n, and its fully separable conversion, fine-tuned.

    python tools/train_sample.py --weights yolov5n.pt [--output resources/sample] [--epochs 40] [--tune 30]

`yolov5n.pt` is the official YOLOv5n checkpoint (v6.2 or v7.0, COCO). Both are trained by the command line's own verbs
on the sample's pictures, chosen by their best epoch on val, and saved in half precision.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMGSZ = 320
SETTINGS = ("--set", "close_mosaic=10", "--set", "patience=0")


def studio(*arguments: str) -> Any:
    command = [sys.executable, str(ROOT / "main.py"), *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if arguments[0] == "train" else json.loads(done.stdout)


def train(workspace: Path, name: str, design: str, weights: str, warm_start: str, epochs: int) -> Path:
    """Train one run and return its best weights."""
    run = workspace / "runs" / name
    resume = ["--resume"] if (run / "run.yaml").is_file() else []
    last = studio(
        "train", design, "--data", "sample", "--epochs", str(epochs), "--imgsz", str(IMGSZ), "--name", name,
        "--weights", weights, "--warm-start", warm_start, "--workspace", str(workspace), *SETTINGS, *resume,
    )  # fmt: skip
    if last["event"] != "finished":
        raise SystemExit(f"{name}: {last}")
    return run / "weights" / "best.pt"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", required=True, help="official YOLOv5n checkpoint")
    parser.add_argument("--output", default=str(ROOT / "resources" / "sample"))
    parser.add_argument("--epochs", type=int, default=40, help="epochs of the standard model")
    parser.add_argument(
        "--tune", type=int, default=30, help="epochs of the lightweight model after its conversion"
    )
    parser.add_argument("--workspace", help="keep the runs here, and go on with them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Path(options.workspace or temporary)
        standard = train(
            workspace, "standard", "yolov5n", str(Path(options.weights).resolve()), "copy", options.epochs
        )
        light = train(workspace, "lightweight", "separable", str(standard), "refit", options.tune)
        target = Path(options.output)
        target.mkdir(parents=True, exist_ok=True)
        for name, path in (("standard", standard), ("lightweight", light)):
            shutil.copyfile(path, target / f"{name}.pt")
            result = studio("val", str(target / f"{name}.pt"), "--data", "sample", "--imgsz", str(IMGSZ))
            print(f"{name}: mAP50 {result['map50']:.3f}, mAP50-95 {result['map50_95']:.3f}")


if __name__ == "__main__":
    main()
