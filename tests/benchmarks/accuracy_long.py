"""What long trainings after a conversion cost and gain, in accuracy and in speed, on a data set of one's own.

    python -m tests.benchmarks.accuracy_long --data DATA.yaml --weights yolov5n.pt -o FOLDER [--epochs 40] [--imgsz 320]

Every step is a call of the command line whose result is kept in FOLDER; a second call goes on where the first stopped.
The steps: a standard model trained for N epochs; its fully separable conversions of rank 1 and 2, without training;
the same fine-tuned for N epochs more; the standard model given these N epochs too; and the usual way, new layers at
random, for 2 N epochs. Chosen on val (best epoch), reported on test. Writes results.json and results.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.accuracy import SETTINGS, studio

RANKS = (1, 2)


@dataclass(frozen=True)
class Bench:
    """One data set, one set of settings, one folder of results."""

    data: str
    weights: str
    folder: Path
    epochs: int
    imgsz: int
    batch: int
    seed: int

    def design(self, rank: int) -> str:
        """Return the fully separable design of a rank."""
        path = self.folder / f"separable-r{rank}.yaml"
        if not path.is_file():
            patterns = ["model.1", "model.3", "model.5", "model.7", "model.18", "model.21"]
            patterns += ["model.*.m.*.cv2", "model.24.cv2.*.*", "model.24.cv3.*.*"]
            swaps = [f"--swap={p}=separable:rank={rank}" for p in patterns]
            studio("design", "--base", "yolov5n", *swaps, "-o", str(path))
        return str(path)

    def train(self, name: str, design: str, epochs: int, weights: str, warm_start: str) -> str:
        """Train a run unless it is finished, and return its best weights."""
        run = self.folder / "runs" / name
        arguments = [
            "train",
            design,
            "--data",
            self.data,
            "--epochs",
            str(epochs),
            "--imgsz",
            str(self.imgsz),
        ]
        arguments += ["--batch", str(self.batch), "--seed", str(self.seed), "--name", name]
        arguments += [
            "--weights",
            weights,
            "--warm-start",
            warm_start,
            "--workspace",
            str(self.folder),
            *SETTINGS,
        ]
        if (run / "run.yaml").is_file():
            arguments.append("--resume")
        last = studio(*arguments) if not self._finished(run) else {"event": "finished"}
        if last["event"] != "finished":
            raise SystemExit(f"{name}: {last}")
        return str(run / "weights" / "best.pt")

    @staticmethod
    def _finished(run: Path) -> bool:
        events = run / "events.jsonl"
        return events.is_file() and '"finished"' in events.read_text(encoding="utf-8")[-4000:]

    def convert(self, weights: str, rank: int) -> str:
        """Convert the standard model, without training."""
        target = self.folder / f"converted-r{rank}.pt"
        if not target.is_file():
            report = studio(
                "convert", weights, "--design", self.design(rank), "--data", self.data, "--imgsz", str(self.imgsz),
                "-o", str(target),
            )  # fmt: skip
            (self.folder / f"converted-r{rank}.json").write_text(json.dumps(report, indent=1))
        return str(target)

    def measure(self, name: str, weights: str, design: str) -> dict[str, Any]:
        """Validate on val and test, and return what the table shows."""
        kept = self.folder / f"{name}.json"
        if not kept.is_file():
            result: dict[str, Any] = {"name": name, "weights": weights}
            for split in ("val", "test"):
                arguments = ("--data", self.data, "--split", split, "--imgsz", str(self.imgsz))
                result[split] = studio("val", weights, *arguments)
            result["cost"] = studio("cost", design, "--imgsz", str(self.imgsz), "--classes", self.classes())[
                "lightweight"
            ]
            kept.write_text(json.dumps(result, indent=1))
        found: dict[str, Any] = json.loads(kept.read_text())
        return found

    def classes(self) -> str:
        """Return the number of classes of the data, as the command line takes it."""
        return str(len(studio("check", self.data)["boxes"]))


def steps(bench: Bench) -> list[dict[str, Any]]:
    """Do every step that is missing and return the rows."""
    n = bench.epochs
    rows = []
    standard = bench.train("standard", "yolov5n", n, bench.weights, "copy")
    rows.append(bench.measure(f"standard, {n} epochs", standard, "yolov5n"))
    for rank in RANKS:
        converted = bench.convert(standard, rank)
        rows.append(bench.measure(f"converted, rank {rank}", converted, bench.design(rank)))
    for rank in RANKS:
        tuned = bench.train(f"tuned-r{rank}", bench.design(rank), n, standard, "refit")
        rows.append(bench.measure(f"converted, rank {rank}, {n} + {n} epochs", tuned, bench.design(rank)))
    longer = bench.train("standard-longer", "yolov5n", n, standard, "copy")
    rows.append(bench.measure(f"standard, {n} + {n} epochs", longer, "yolov5n"))
    random = bench.train("seed-way", bench.design(1), 2 * n, bench.weights, "copy")
    rows.append(bench.measure(f"new layers at random, {2 * n} epochs", random, bench.design(1)))
    return rows


def speeds(bench: Bench, rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Measure every distinct design's latency in one process, in turn; milliseconds, median."""
    kept = bench.folder / "latency.json"
    if not kept.is_file():
        from tests.benchmarks.latency import measure

        kept.write_text(json.dumps(measure({r["name"]: r["weights"] for r in rows}, bench.imgsz), indent=1))
    found: dict[str, dict[str, float]] = json.loads(kept.read_text())
    return found


def report(rows: list[dict[str, Any]], latency: dict[str, dict[str, float]]) -> str:
    """Return the table as Markdown."""
    classes = list(rows[0]["val"]["per_class"])
    runtimes = list(next(iter(latency.values())))
    header = ["model", "parameters", "GFLOPs", "val mAP50 / 50-95", "test mAP50 / 50-95"]
    header += [f"test AP50 / 50-95 {c}" for c in classes] + [f"{r}, ms" for r in runtimes]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = [row["name"], f"{row['cost']['parameters']:,}", f"{row['cost']['flops'] / 1e9:.3f}"]
        cells += [f"{row[s]['map50']:.3f} / {row[s]['map50_95']:.3f}" for s in ("val", "test")]
        per_class = row["test"]["per_class"]
        cells += [f"{per_class[c]['ap50']:.3f} / {per_class[c]['ap50_95']:.3f}" for c in classes]
        cells += [f"{latency[row['name']][r]:.2f}" for r in runtimes]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        str(Path(options.data).resolve()),
        str(Path(options.weights).resolve()),
        folder,
        options.epochs,
        options.imgsz,
        options.batch,
        options.seed,
    )
    rows = steps(bench)
    latency = speeds(bench, rows)
    (folder / "results.json").write_text(json.dumps({"rows": rows, "latency": latency}, indent=1))
    (folder / "results.md").write_text(report(rows, latency))
    print(report(rows, latency))


if __name__ == "__main__":
    main()
