"""What lightening costs in accuracy, and which ways to recover it are worth it, on a data set of one's own.

    python -m tests.benchmarks.accuracy --data DATA.yaml --weights yolov5n.pt -o FOLDER [--only goal|ablations]

Every step is a call of the command line whose result is kept in FOLDER; a second call goes on where the first stopped.
The goal: for each seed a standard model is trained for N epochs; what is converted from it is trained for M epochs more
with *Recover accuracy*, and so is the standard model. Two designs: every eligible convolution but the stem separable of
rank 2, and the one that *Reach* picks for half the parameters and half the FLOPs, from risks measured on that standard
model and the training pictures.
The paired differences on test have a 95 % interval of Student's t. The ablations, from the standard runs of the first
seeds: each way to recover accuracy alone, all together, none. Chosen on val (best epoch), reported on test.

`--data sample` judges the same recipe on the built-in sample, on val. `--standard RUN/weights/best.pt` takes one
finished standard run for every seed, `--only report` trains nothing, and `--docs docs/accuracy.md` writes the tables
into that file. Long trainings after a conversion: `python -m tests.benchmarks.accuracy_long`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.recovery import in_stages
from app.core.train_config import TrainConfig

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("--set", "close_mosaic=0", "--set", "rect=false", "--set", "patience=0")
RANK = 2
HALF = ("--target", "gflops=-50%", "--target", "params=-50%")
METRICS = ("map50", "map50_95")
Result = dict[str, Any]

ABLATIONS: Mapping[str, str] = {
    "none": "off",
    "plain pictures": "plain",
    "distillation": "distill",
    "no decay on depthwise filters": "spare",
    "BatchNorm recalibration": "recalibrate",
    "two stages": "staged",
    "plain pictures, distillation": "plain,distill",
    "plain pictures, no decay on depthwise filters": "plain,spare",
    "plain pictures, BatchNorm recalibration": "plain,recalibrate",
    "plain pictures, two stages": "plain,staged",
    "all but the stages": "plain,distill,spare,recalibrate",
}
"""Name → what `--recover` is told."""


def studio(*arguments: str) -> Any:
    """Call the command line and return its JSON: a document, or the last event."""
    command = [sys.executable, str(ROOT / "main.py"), *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    if arguments[0] == "train":
        return json.loads(done.stdout.splitlines()[-1])
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Bench:
    """One data set, one set of settings, one folder of results."""

    data: str
    weights: str | None
    given: str | None
    folder: Path
    epochs: int
    more: int
    imgsz: int
    batch: int
    train_nothing: bool = False

    def design(self) -> str:
        """Return the fully separable design."""
        path = self.folder / f"separable-r{RANK}.yaml"
        if not path.is_file():
            patterns = ["model.1", "model.3", "model.5", "model.7", "model.18", "model.21"]
            patterns += ["model.*.m.*.cv2", "model.24.cv2.*.*", "model.24.cv3.*.*"]
            swaps = [f"--swap={p}=separable:rank={RANK}" for p in patterns]
            studio("design", "--base", "yolov5n", *swaps, "-o", str(path))
        return str(path)

    def picked(self, standard: str, seed: int) -> str | None:
        """Return the design that is picked for half the costs, from risks measured on a standard model."""
        path = self.folder / f"picked-s{seed}.yaml"
        if not path.is_file():
            if self.train_nothing:
                return None
            told = "--weights", standard, "--data", self.data, "--imgsz", str(self.imgsz)
            found = studio("design", "--base", "yolov5n", *HALF, *told, "-o", str(path))
            (self.folder / f"picked-s{seed}-reach.json").write_text(
                json.dumps(found, indent=1), encoding="utf-8"
            )
        return str(path)

    def standard(self, seed: int) -> str | None:
        """Return the trained standard model of a seed."""
        if self.given is not None:
            return self.given
        assert self.weights is not None
        return self.train(
            f"std-s{seed}",
            "yolov5n",
            self.epochs,
            self.weights,
            seed,
            "--warm-start",
            "copy",
            "--recover",
            "off",
        )

    def train(self, name: str, design: str, epochs: int, weights: str, seed: int, *more: str) -> str | None:
        """Train a run unless it is finished, and return its best weights; None where nothing is to be trained."""
        run = self.folder / "runs" / name
        best = str(run / "weights" / "best.pt")
        if is_finished(run):
            return best
        if self.train_nothing:
            return None
        arguments = [
            "train", design, "--data", self.data, "--epochs", str(epochs), "--imgsz", str(self.imgsz),
            "--batch", str(self.batch), "--seed", str(seed), "--name", name, "--weights", weights,
            "--workspace", str(self.folder), *more, *SETTINGS,
        ]  # fmt: skip
        if (run / "run.yaml").is_file():
            arguments.append("--resume")
        last = studio(*arguments)
        if last["event"] != "finished":
            raise SystemExit(f"{name}: {last}")
        return best

    def staged(self, name: str, weights: str, seed: int, recover: str) -> str | None:
        """Train in two stages, each a run that is kept."""
        text = Path(self.design()).read_text(encoding="utf-8")
        first, second = in_stages(
            TrainConfig(text, self.data, name, self.more, self.imgsz, weights=weights, recover=recover)
        )
        deep = self.folder / f"separable-r{RANK}-deep.yaml"
        deep.write_text(first.design_text, encoding="utf-8")
        told = "--recover", first.recover, "--teacher", weights
        begun = self.train(first.name, str(deep), first.epochs, weights, seed, *told)
        return self.train(name, self.design(), second.epochs, begun, seed, *told) if begun else None

    def convert(self, weights: str, design: str, name: str) -> str | None:
        """Convert the standard model, without training."""
        target = self.folder / f"{name}.pt"
        if not target.is_file():
            if self.train_nothing:
                return None
            studio(
                "convert", weights, "--design", design, "--data", self.data, "--imgsz", str(self.imgsz),
                "-o", str(target),
            )  # fmt: skip
        return str(target)

    def splits(self) -> list[str]:
        """Return the splits to validate on; the sample has no test split."""
        kept = self.folder / "check.json"
        if not kept.is_file():
            kept.write_text(json.dumps(studio("check", self.data)), encoding="utf-8")
        images = json.loads(kept.read_text(encoding="utf-8"))["images"]
        return [split for split in ("val", "test") if images.get(split)]

    def measure(self, name: str, weights: str | None) -> Result | None:
        """Validate on val and test; None where there are no weights."""
        kept = self.folder / f"{name}.json"
        if not kept.is_file() and weights is not None:
            found = {
                split: studio(
                    "val", weights, "--data", self.data, "--split", split, "--imgsz", str(self.imgsz)
                )
                for split in self.splits()
            }
            kept.write_text(json.dumps(found, indent=1))
        if not kept.is_file():
            return None
        result: Result = json.loads(kept.read_text())
        return result


def is_finished(run: Path) -> bool:
    """Whether the run in a folder came to its end."""
    events = run / "events.jsonl"
    return events.is_file() and '"finished"' in events.read_text(encoding="utf-8")[-4000:]


Table = dict[str, dict[int, Result]]
"""Row → seed → result."""


LIGHT = ("rank 2", "picked")


def goal(bench: Bench, seeds: int) -> Table:
    """Do every step of the goal that is missing, seed by seed."""
    rows = ("standard", *(f"{name}, converted" for name in LIGHT), *LIGHT, "standard, longer")
    table: Table = {name: {} for name in rows}
    again = "--warm-start", "refit"
    for seed in range(seeds):
        standard = bench.standard(seed)
        if standard is None:
            continue
        # A standard model that was given is the same for every seed.
        steps: list[tuple[str, str, str | None]] = [
            ("standard", f"std-s{seed}", None if bench.given and seed else standard)
        ]
        designs = (
            (bench.design(), "conv", "goal-light"),
            (bench.picked(standard, seed), "picked-conv", "picked"),
        )
        for row, (design, converted, trained) in zip(LIGHT, designs, strict=True):
            if design is None:
                continue
            untrained = bench.convert(standard, design, f"{converted}-s{seed}")
            light = bench.train(f"{trained}-s{seed}", design, bench.more, standard, seed, *again)
            steps += [
                (f"{row}, converted", f"{converted}-s{seed}", untrained),
                (row, f"{trained}-s{seed}", light),
            ]
        longer = bench.train(f"goal-standard-s{seed}", "yolov5n", bench.more, standard, seed, *again)
        steps.append(("standard, longer", f"goal-standard-s{seed}", longer))
        for row, name, weights in steps:
            result = bench.measure(name, weights)
            if result is not None:
                table[row][seed] = result
    return table


def ablations(bench: Bench, seeds: int, names: Sequence[str]) -> Table:
    """Do every ablation that is missing, seed by seed, the cheapest question first."""
    table: Table = {name: {} for name in names}
    for seed in range(seeds):
        standard = bench.standard(seed)
        for name in names if standard is not None else ():
            assert standard is not None
            recover = ABLATIONS[name]
            run = f"{recover.replace(',', '-')}-s{seed}"
            if "staged" in recover:
                best = bench.staged(run, standard, seed, recover)
            else:
                told = "--recover", recover
                best = bench.train(run, bench.design(), bench.more, standard, seed, *told)
            result = bench.measure(run, best)
            if result is not None:
                table[name][seed] = result
    return table


# --- report ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paired:
    """The mean of paired differences, with the 95 % interval of Student's t where there are several."""

    count: int
    mean: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.mean:+.4f} (one seed)"
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}], {self.count} seeds"


def paired(differences: Sequence[float]) -> Paired:
    """Return mean and interval of paired differences.

    Raises:
        ValueError: There are none.
    """
    if not differences:
        raise ValueError("no differences")
    count, mean = len(differences), statistics.fmean(differences)
    if count == 1:
        return Paired(1, mean, None, None)
    from scipy import stats

    half = float(stats.t.ppf(0.975, count - 1)) * statistics.stdev(differences) / count**0.5
    return Paired(count, mean, mean - half, mean + half)


def difference(a: Mapping[int, Result], b: Mapping[int, Result], split: str, metric: str) -> Paired | None:
    """Return a − b over the seeds that both have; None where there is none."""
    both = sorted(a.keys() & b.keys())
    found = [a[seed][split][metric] - b[seed][split][metric] for seed in both if split in a[seed]]
    return paired(found) if found else None


def rows_of(table: Table) -> str:
    """Return a table as Markdown: one line a row and seed, per class on test."""
    some = next((result for row in table.values() for result in row.values()), None)
    if some is None:
        return "Nothing is measured yet.\n"
    splits = [split for split in ("val", "test") if split in some]
    judged = splits[-1]
    classes = list(some[judged]["per_class"])
    header = ["", "seed", *(f"{split} mAP50 / 50-95" for split in splits)]
    header += [f"{judged} AP50 / 50-95 {name}" for name in classes]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for name, row in table.items():
        for seed, result in sorted(row.items()):
            cells = [name, str(seed)]
            cells += [" / ".join(f"{result[split][m]:.4f}" for m in METRICS) for split in splits]
            known = (result[judged]["per_class"][c] for c in classes)
            cells += [f"{values['ap50']:.3f} / {values['ap50_95']:.3f}" for values in known]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def goal_report(table: Table) -> str:
    """Return what came of the goal."""
    lines = [rows_of(table)]
    for row in LIGHT:
        for split in ("test", "val"):
            for metric, name in zip(METRICS, ("mAP50", "mAP50-95"), strict=True):
                found = difference(table[row], table["standard, longer"], split, metric)
                if found is not None:
                    lines.append(f"- {row} − standard of as many epochs, {name} on {split}: {found}")
    return "\n".join(lines) + "\n"


def ablation_report(table: Table) -> str:
    """Return what each way brings beside none and beside plain pictures alone."""
    lines = [rows_of(table), "| | val 50-95 − none | test 50-95 − none | test 50-95 − plain pictures |"]
    lines.append("|---|---|---|---|")
    none, plain = table.get("none", {}), table.get("plain pictures", {})
    for name, row in ((name, row) for name, row in table.items() if row):
        pairs = [
            difference(row, other, split, "map50_95")
            for other, split in ((none, "val"), (none, "test"), (plain, "test"))
        ]
        lines.append(f"| {name} | " + " | ".join(str(pair) if pair else "–" for pair in pairs) + " |")
    missing = [name for name, row in table.items() if not row]
    if missing:
        lines += ["", "Not measured yet: " + "; ".join(missing) + "."]
    return "\n".join(lines) + "\n"


def put(docs: Path, name: str, text: str) -> None:
    """Write a table between its two marks in a document.

    Raises:
        ValueError: The marks are missing.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    content = docs.read_text(encoding="utf-8")
    before, mark, rest = content.partition(begin)
    _, last, after = rest.partition(end)
    if not mark or not last:
        raise ValueError(f"{docs} has no marks for {name}")
    docs.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", help="checkpoint that the standard models start from")
    parser.add_argument("--standard", help="a finished standard model, instead of training one a seed")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--only", choices=("goal", "ablations", "report"))
    parser.add_argument("--ablation", action="append", choices=list(ABLATIONS), help="default: every one")
    parser.add_argument("--docs", help="document whose tables are to be written")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--more", type=int, default=10)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5, help="of the goal; ablations have two at most")
    options = parser.parse_args()
    if not options.weights and not options.standard:
        parser.error("give --weights or --standard")
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        options.data if options.data == "sample" else str(Path(options.data).resolve()),
        _absolute(options.weights),
        _absolute(options.standard),
        folder,
        options.epochs,
        options.more,
        options.imgsz,
        options.batch,
        options.only == "report",
    )
    for name in ("goal", "ablations"):
        if options.only in (name, "report", None):
            text = _report(name, bench, options.seeds, options.ablation or list(ABLATIONS))
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
            print(text)
            if options.docs:
                put(Path(options.docs), name, text)


def _report(name: str, bench: Bench, seeds: int, names: Sequence[str]) -> str:
    if name == "goal":
        return goal_report(goal(bench, seeds))
    return ablation_report(ablations(bench, min(seeds, 2), names))


def _absolute(path: str | None) -> str | None:
    return str(Path(path).resolve()) if path else None


if __name__ == "__main__":
    main()
