"""Seconds per epoch, ours beside stock `yolo train` with the same settings, in turn.

    python -m tests.benchmarks.training --data DATA.yaml -o FOLDER [--rounds 5] [--device cpu] [--design separable]

Each contestant is a training process that waits at the beginning of every epoch until it is its turn; meanwhile all of
its threads and children are stopped by a signal. So the same epochs are measured under the same load, in a changing
order, from the first batch to the checkpoint and validation. Epoch 1 fills caches and is not counted. What is measured
is kept in FOLDER; a second call adds what is missing. The result is one JSON document.

Contestants: `ours`; `stock`, as shipped; `stock, same threads`, which is given the threads that ours takes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS, STOCK, SAME = "ours", "stock", "stock, same threads"
LIMITS = {STOCK: 0.75, SAME: 1.02}
MANY = 10_000
OVERRIDES = {"patience": 0, "close_mosaic": 0, "rect": False}
WAITING = "\x1ewaiting"


# --- a contestant ------------------------------------------------------------------------------------------


def wait_for_turn() -> None:
    """Say that an epoch is about to begin, and wait for the word."""
    os.write(_told, f"{WAITING}\n".encode())
    if not os.read(0, 1):
        os._exit(0)


_told = 1


def take_stdout() -> None:
    """Keep the pipe for ourselves: libraries print to standard error."""
    global _told
    _told = os.dup(1)
    os.dup2(2, 1)


def run_stock(settings: Mapping[str, Any]) -> None:
    """Train as `yolo train` does; the environment alone keeps it offline."""
    import torch
    from ultralytics import YOLO

    def begin(_trainer: Any) -> None:
        if settings["threads"]:
            torch.set_num_threads(settings["threads"])
        wait_for_turn()

    model = YOLO(f"{settings['base']}.yaml")
    model.add_callback("on_train_epoch_start", begin)
    model.train(
        data=settings["data"],
        epochs=MANY,
        imgsz=settings["imgsz"],
        batch=settings["batch"],
        device=settings["device"],
        cache=settings["cache"],
        project=settings["folder"],
        name="stock",
        pretrained=False,
        plots=False,
        seed=0,
        **OVERRIDES,
    )


def borrowed(data: Path, folder: Path) -> Path:
    """Return the data set with labels of its own and the same pictures: stock keeps its label caches beside labels."""
    import yaml

    told = yaml.safe_load(data.read_text(encoding="utf-8"))
    root = (data.parent / told.get("path", ".")).resolve()
    if not all((root / part).is_dir() for part in ("images", "labels")):
        raise SystemExit(
            f"{data}: stock needs folders images and labels, and would write into another layout."
        )
    copy = folder / "data"
    if not copy.is_dir():
        shutil.copytree(root / "labels", copy / "labels", ignore=shutil.ignore_patterns("*.cache"))
        # Of folders stock takes what links point at, of pictures it does not.
        shutil.copytree(root / "images", copy / "images", copy_function=lambda a, b: Path(b).symlink_to(a))
    file = copy / "data.yaml"
    file.write_text(yaml.safe_dump({**told, "path": str(copy.resolve())}), encoding="utf-8")
    return file


def run_ours(settings: Mapping[str, Any]) -> None:
    """Train as the Studio does."""
    from app.engine.environment_setup import prepare

    prepare()
    from app.core.design import dump_design, resolve_design
    from app.core.runs import Workspace
    from app.core.train_config import TrainConfig
    from app.engine import training
    from app.engine.trainer import StudioTrainer

    begin: Any = StudioTrainer._on_train_epoch_start

    def waiting(trainer: StudioTrainer) -> None:
        wait_for_turn()
        begin(trainer)

    StudioTrainer._on_train_epoch_start = waiting  # type: ignore[method-assign]
    design = resolve_design(settings["design"] or settings["base"])
    overrides = {**OVERRIDES, "cache": settings["cache"], **settings["set"]}
    config = TrainConfig(
        dump_design(design),
        settings["data"],
        "ours",
        MANY,
        settings["imgsz"],
        settings["batch"],
        settings["device"],
        role="standard" if design.is_standard else "lightweight",
        recover="off",
        overrides=overrides,
    )
    run = Workspace(Path(settings["folder"])).new_run("ours")
    training.run(config, run)


# --- who measures ------------------------------------------------------------------------------------------


class Contestant:
    """A training process that does one epoch when told to, and nothing otherwise.

    Args:
        name: Of the contestant.
        settings: What both trainings are told.
        folder: Where they write.
    """

    def __init__(self, name: str, settings: Mapping[str, Any], folder: Path) -> None:
        self.name = name
        folder.mkdir(parents=True, exist_ok=True)
        own = {**settings, "folder": str(folder), "kind": OURS if name == OURS else STOCK}
        own["threads"] = (os.cpu_count() or 1) if name == SAME else 0
        environment = {
            **os.environ,
            "YOLO_OFFLINE": "true",
            "YOLO_AUTOINSTALL": "false",
            "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
            "YOLO_CONFIG_DIR": str(folder),
        }
        for name_ in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
            environment.pop(name_, None)
        self._log = (folder / "log.txt").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.training", "--contestant", json.dumps(own)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            start_new_session=True,
        )
        self._wait()

    def epoch(self) -> float:
        """Let it train one epoch; return the seconds."""
        assert self._process.stdin is not None
        os.killpg(self._process.pid, signal.SIGCONT)
        begun = time.perf_counter()
        self._process.stdin.write(b"g")
        self._process.stdin.flush()
        self._wait()
        return time.perf_counter() - begun

    def _wait(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.decode().rstrip("\n") == WAITING:
                os.killpg(self._process.pid, signal.SIGSTOP)
                return
        raise RuntimeError(f"{self.name} ended, see {self._log.name}")

    def close(self) -> None:
        """End it and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def measure(
    settings: Mapping[str, Any], names: Sequence[str], rounds: int, folder: Path
) -> list[dict[str, float]]:
    """Measure until there are so many rounds, in a changing order; return them all."""
    known = folder / "rounds.jsonl"
    done = [json.loads(line) for line in known.read_text().splitlines()] if known.is_file() else []
    if len(done) >= rounds:
        return done
    contestants: list[Contestant] = []
    try:
        for number, name in enumerate(names):
            contestants.append(Contestant(name, settings, folder / f"{len(done)}-{number}"))
        for contestant in contestants:
            contestant.epoch()
        shuffled = random.Random(len(done))
        while len(done) < rounds:
            order = list(contestants)
            shuffled.shuffle(order)
            done.append({contestant.name: round(contestant.epoch(), 3) for contestant in order})
            with known.open("a") as stream:
                stream.write(json.dumps(done[-1]) + "\n")
    finally:
        for contestant in contestants:
            contestant.close()
    return done


def summary(rounds: Sequence[Mapping[str, float]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return medians of seconds, and medians of the ratios within a round."""
    names = [name for name in (STOCK, SAME) if name in rounds[0]]
    ratios = {name: [one[OURS] / one[name] for one in rounds] for name in names}
    return {
        "settings": dict(settings),
        "threads": os.cpu_count(),
        "rounds": len(rounds),
        "seconds": {name: statistics.median(one[name] for one in rounds) for name in rounds[0]},
        "ratio": {name: statistics.median(found) for name, found in ratios.items()},
        "ratio_range": {name: [min(found), max(found)] for name, found in ratios.items()},
        "limit": {name: LIMITS[name] for name in names},
    }


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    parser.add_argument("--data")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--base", default="yolov5n")
    parser.add_argument("--design", default="", help="of ours alone; stock trains the base model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", default="ram")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE of ours alone")
    parser.add_argument("--only", nargs="*", default=[OURS, STOCK, SAME])
    options = parser.parse_args()
    if options.contestant:
        settings = json.loads(options.contestant)
        take_stdout()
        (run_ours if settings["kind"] == OURS else run_stock)(settings)
        return
    names = ("base", "design", "imgsz", "batch", "device", "cache")
    settings = {name: getattr(options, name) for name in names}
    settings["data"] = str(borrowed(Path(options.data).resolve(), Path(options.output)))
    settings["set"] = {pair.split("=")[0]: json.loads(pair.split("=")[1]) for pair in options.set}
    options.output.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no stopped contestant is left behind
    rounds = measure(settings, options.only, options.rounds, options.output)
    print(json.dumps(summary(rounds, settings), indent=1))


if __name__ == "__main__":
    main()
