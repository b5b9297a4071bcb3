"""Which layers to lighten: the picked design against simpler choices of the same cost, on a data set of one's own.

    python -m tests.benchmarks.target --data DATA.yaml (--weights yolov5n.pt | --standard RUN/best.pt) -o FOLDER

Every step is a call of the command line whose result is kept in FOLDER; a second call goes on where the first stopped.
The steps: a standard yolov5n trained for N epochs (unless one is given); designs of −50 % GFLOPs, picked at least risk,
deepest layers first (one of rank 1, one of rank 2), and three at random with the same cost; each converted from the
standard model, validated as it is, and again after M epochs, with several seeds; the standard model given these M
epochs too; and a plain yolov5n of 70 % width, trained from scratch for N + M epochs, for there are no weights of that
width to begin with. Best epoch on val, reported on val and test. Writes results.json and results.md.

`--only convert` leaves the trainings out; `--only time` measures how long the solver takes and does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.accuracy import SETTINGS, studio

SHARE = 0.5
SLACK = 0.01
"""How much less than the target a design of the same cost may cost, as a share of the standard model."""

BASE, WIDTH = "yolov5n", 0.7
RANDOM = 3
METRICS = ("map50", "map50_95")


@dataclass(frozen=True)
class Bench:
    """One data set, one set of settings, one folder of results."""

    data: str
    weights: str | None
    standard: str | None
    folder: Path
    epochs: int
    more: int
    imgsz: int
    batch: int
    seeds: int

    def teacher(self) -> str:
        """Return the trained standard model, training it where none was given."""
        if self.standard is not None:
            return self.standard
        assert self.weights is not None
        return self.train("standard", BASE, self.epochs, self.weights, "copy", 0)

    def train(self, name: str, design: str, epochs: int, weights: str, warm_start: str, seed: int) -> str:
        """Train a run unless it is finished, and return its best weights."""
        run = self.folder / "runs" / name
        best = str(run / "weights" / "best.pt")
        events = run / "events.jsonl"
        if events.is_file() and '"finished"' in events.read_text(encoding="utf-8")[-4000:]:
            return best
        arguments = [
            "train", design, "--data", self.data, "--epochs", str(epochs), "--imgsz", str(self.imgsz),
            "--batch", str(self.batch), "--seed", str(seed), "--name", name, "--weights", weights,
            "--warm-start", warm_start, "--workspace", str(self.folder), *SETTINGS,
        ]  # fmt: skip
        if (run / "run.yaml").is_file():
            arguments.append("--resume")
        last = studio(*arguments)
        if last["event"] != "finished":
            raise SystemExit(f"{name}: {last}")
        return best

    def narrow(self, seed: int) -> dict[str, Any]:
        """Train the plain narrower model from scratch and validate it, both by ultralytics alone."""
        kept = self.folder / f"narrow-s{seed}.json"
        if not kept.is_file():
            best = train_narrow(self, self.folder / "runs" / f"narrow-s{seed}", seed)
            kept.write_text(json.dumps(validate_narrow(self, best), indent=1))
        found: dict[str, Any] = json.loads(kept.read_text())
        return found

    def convert(self, name: str, design: str, teacher: str) -> str:
        """Convert the standard model, without training."""
        target = self.folder / f"{name}.pt"
        if not target.is_file():
            studio(
                "convert", teacher, "--design", design, "--data", self.data, "--imgsz", str(self.imgsz),
                "-o", str(target),
            )  # fmt: skip
        return str(target)

    def measure(self, name: str, weights: str) -> dict[str, Any]:
        """Validate on val and test, and return what the table shows."""
        kept = self.folder / f"{name}.json"
        if not kept.is_file():
            found = {
                split: studio(
                    "val", weights, "--data", self.data, "--split", split, "--imgsz", str(self.imgsz)
                )
                for split in ("val", "test")
            }
            kept.write_text(json.dumps(found, indent=1))
        result: dict[str, Any] = json.loads(kept.read_text())
        return result


def designs(bench: Bench, teacher: str, classes: int) -> dict[str, str]:
    """Return name → design file of everything that is compared, all of the same cost."""
    picked = bench.folder / "picked.yaml"
    if not picked.is_file():
        reached = studio(
            "design", "--base", BASE, "--target", f"gflops=-{SHARE:.0%}", "--weights", teacher,
            "--data", bench.data, "--imgsz", str(bench.imgsz), "-o", str(picked),
        )  # fmt: skip
        (bench.folder / "picked-rows.json").write_text(json.dumps(reached, indent=1))
    found = {"picked": str(picked)}
    for name, make in (
        ("deepest first, rank 1", lambda: deepest(classes, 1)),
        ("deepest first, rank 2", lambda: deepest(classes, 2)),
        *((f"random {n + 1}", lambda n=n: at_random(classes, n)) for n in range(RANDOM)),
    ):
        path = bench.folder / f"{slug(name)}.yaml"
        if not path.is_file():
            from app.core.design import save_design

            save_design(make(), path)
        found[name] = str(path)
    return found


def share_of(design: Any) -> float:
    """Return a design's GFLOPs as a share of the standard model's."""
    from app.core.cost import compare_cost

    cost = compare_cost(design)
    return cost.lightweight.flops / cost.standard.flops


def deepest(classes: int, rank: int) -> Any:
    """Return the design that swaps layers from the last one on until the target is reached."""
    from app.core.blocks import eligible
    from app.core.design import Design, Swap

    design = Design.stock(BASE, classes)
    for path in reversed(eligible(design.architecture)):
        made = design.with_swap([path], Swap("separable", {"rank": rank}))
        if share_of(made) <= SHARE:
            # The last one as high in rank as the target allows: not a lighter model than the others.
            better = [design.with_swap([path], Swap("separable", {"rank": r})) for r in (4, 3, 2, 1)]
            made = next((d for d in better if share_of(d) <= SHARE), made)
            return made.with_classes(None)
        design = made
    raise SystemExit(f"rank {rank} everywhere is not enough")


def at_random(classes: int, number: int) -> Any:
    """Return a design of random layers and ranks that costs the same."""
    from app.core.blocks import eligible
    from app.core.design import Design, Swap

    generator = random.Random(number)
    stock = Design.stock(BASE, classes)
    paths = [path for path in eligible(stock.architecture) if path != stock.architecture.layers[0].path]
    while True:
        kept, odds = generator.uniform(0, 0.5), [generator.random() for _ in range(4)]
        design = stock
        for path in paths:
            if generator.random() >= kept:
                rank = generator.choices((1, 2, 3, 4), odds)[0]
                design = design.with_swap([path], Swap("separable", {"rank": rank}))
        if SHARE - SLACK <= share_of(design) <= SHARE:
            return design.with_classes(None)


def slug(name: str) -> str:
    """Return a name as a file can have it."""
    return name.replace(",", "").replace(" ", "-")


def train_narrow(bench: Bench, run: Path, seed: int) -> Path:
    """Train the narrower model with the settings of all other trainings; return its best weights."""
    best, done = run / "weights" / "best.pt", run / "finished"
    if done.is_file():
        return best
    from app.engine.environment_setup import prepare

    prepare()
    import yaml
    from ultralytics.models.yolo.detect import DetectionTrainer

    from app.engine.rivals import narrow_description
    from app.engine.train_data import read_data

    description = narrow_description(BASE, WIDTH)
    for entry in ("scale", "yaml_file"):
        description.pop(entry, None)
    run.mkdir(parents=True, exist_ok=True)
    model = run / f"{BASE}-narrow.yaml"
    model.write_text(yaml.safe_dump(description), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        data = read_data(bench.data, Path(folder))
        overrides = {
            "model": str(model), "data": data["yaml_file"], "epochs": bench.epochs + bench.more,
            "imgsz": bench.imgsz, "batch": bench.batch, "seed": seed, "project": str(run.parent),
            "name": run.name, "exist_ok": True, "pretrained": False, "plots": False, "workers": 0,
            **{name: yaml.safe_load(value) for name, value in (pair.split("=") for pair in SETTINGS[1::2])},
        }  # fmt: skip
        with contextlib.redirect_stdout(sys.stderr):
            DetectionTrainer(overrides=overrides).train()
    done.touch()
    return best


def validate_narrow(bench: Bench, weights: Path) -> dict[str, Any]:
    """Return the narrower model's figures on val and test; our own verbs know no such base model."""
    from app.engine.environment_setup import prepare

    prepare()
    from ultralytics import YOLO

    from app.engine.metrics import mean_metrics, per_class_metrics
    from app.engine.train_data import read_data

    found = {}
    for split in ("val", "test"):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
            data = read_data(bench.data, Path(folder), split)
            metrics = YOLO(weights).val(
                data=data["yaml_file"], split=split, imgsz=bench.imgsz, rect=False, plots=False, workers=0,
                project=folder,
            )  # fmt: skip
        found[split] = {**mean_metrics(metrics), "per_class": per_class_metrics(metrics)}
    return found


def rows(bench: Bench, teacher: str, train: bool) -> Iterator[dict[str, Any]]:
    """Do every step that is missing and yield the rows of the table."""
    from app.core.design import load_design

    classes = len(studio("check", bench.data)["boxes"])
    yield {
        "name": "standard",
        "share": 1.0,
        "converted": bench.measure("standard", teacher),
        "trained": trained(bench, "standard", BASE, teacher) if train else [],
    }
    for name, design in designs(bench, teacher, classes).items():
        made = load_design(Path(design)).with_classes(classes)
        converted = bench.convert(slug(name), design, teacher)
        yield {
            "name": name,
            "share": share_of(made),
            "swapped": len(made.resolved()),
            "converted": bench.measure(f"{slug(name)}-converted", converted),
            "trained": trained(bench, slug(name), design, teacher) if train else [],
        }
    if train:
        yield {
            "name": f"plain, {WIDTH:.0%} width, from scratch",
            "share": narrow_share(bench, classes),
            "converted": None,
            "trained": [bench.narrow(seed) for seed in range(bench.seeds)],
        }


def narrow_share(bench: Bench, classes: int) -> float:
    """Return the narrower model's GFLOPs as a share of the standard model's."""
    from app.engine.environment_setup import prepare

    prepare()
    from app.core.cost import compare_cost
    from app.core.design import Design
    from app.engine.rivals import narrower

    design = Design.stock(BASE, classes)
    return narrower(design, WIDTH, bench.imgsz).cost.flops / compare_cost(design, bench.imgsz).standard.flops


def trained(bench: Bench, name: str, design: str, teacher: str) -> list[dict[str, Any]]:
    """Return the figures after the further epochs, one for each seed.

    The standard model is "refitted" too, which copies it: all trainings then have the same schedule.
    """
    found = []
    for seed in range(bench.seeds):
        run = f"{name}-tuned-s{seed}"
        weights = bench.train(run, design, bench.more, teacher, "refit", seed)
        found.append(bench.measure(run, weights))
    return found


def report(table: list[dict[str, Any]], bench: Bench) -> str:
    """Return the table as Markdown."""
    header = [
        "design",
        "GFLOPs",
        "converted, val mAP50 / 50-95",
        f"+ {bench.more} epochs, val",
        "test",
        "test by seed, 50-95",
    ]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in table:
        cells = [row["name"], f"{row['share']:.1%}"]
        cells.append(pair([row["converted"]], "val") if row["converted"] else "–")
        cells += [pair(row["trained"], split) if row["trained"] else "–" for split in ("val", "test")]
        cells.append(", ".join(f"{t['test']['map50_95']:.3f}" for t in row["trained"]) or "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def pair(results: list[dict[str, Any]], split: str) -> str:
    """Return the means of mAP50 and mAP50-95."""
    return " / ".join(f"{statistics.mean(r[split][metric] for r in results):.3f}" for metric in METRICS)


def solver_times() -> None:
    """Print how long targets take on the smallest and the largest yolov5, with every kind allowed."""
    from app.core.target import Problem, parse_target

    for base in ("yolov5n", "yolov5x"):
        begin = time.perf_counter()
        problem = Problem.of(base)
        prepared = time.perf_counter() - begin
        print(f"{base}: {len(problem.free)} candidates in {prepared:.2f} s")
        for texts in (["gflops=-30%"], ["gflops=-50%"], ["params=-60%"], ["gflops=-50%", "mb=-50%"]):
            begin = time.perf_counter()
            reached = problem.solve([parse_target(text) for text in texts])
            proven = "proven" if reached.proven else "not proven"
            print(f"  {' '.join(texts)}: {time.perf_counter() - begin:.2f} s, {proven}", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data")
    parser.add_argument("--weights", help="where the standard model starts from")
    parser.add_argument("--standard", help="a trained standard yolov5n, instead of training one")
    parser.add_argument("-o", "--output")
    parser.add_argument("--epochs", type=int, default=40, help="of the standard model")
    parser.add_argument("--more", type=int, default=10, help="epochs after the conversion")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--only", choices=("convert", "time"))
    options = parser.parse_args()
    if options.only == "time":
        solver_times()
        return
    if not options.data or not options.output or not (options.weights or options.standard):
        parser.error("--data, -o, and --weights or --standard are needed")
    folder = Path(options.output).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        str(Path(options.data).resolve()),
        str(Path(options.weights).resolve()) if options.weights else None,
        str(Path(options.standard).resolve()) if options.standard else None,
        folder, options.epochs, options.more, options.imgsz, options.batch, options.seeds,
    )  # fmt: skip
    table = list(rows(bench, bench.teacher(), train=options.only != "convert"))
    (folder / "results.json").write_text(json.dumps(table, indent=1))
    (folder / "results.md").write_text(report(table, bench))
    print(report(table, bench))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
