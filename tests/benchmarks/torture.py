"""Thirty kills: trainings are killed again and again, and end where those end that were left alone.

    python -m tests.benchmarks.torture [--folder F] [--kills 30] [--seeds 5] [--out F.json]

Of ten kills six come at a random moment, two while a checkpoint is being written, and two after the Studio that asked
for the training was killed itself. What is done is kept in the folder: started again, it goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from app.core.design import dump_design, preset
from app.core.files import write_text
from app.core.run_queue import RunQueue
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.workers.launch import engine_command, engine_environment

ROOT = Path(__file__).resolve().parents[2]
EACH = 10
ASIDE = ("message", "usage")
KINDS = ("time", "checkpoint", "time", "studio", "time") * 2
STUDIO = """
import sys, time
from pathlib import Path
from app.core.run_queue import RunQueue
from app.core.runs import Workspace
from app.workers.queue import enqueue
enqueue(RunQueue(Workspace(Path(sys.argv[1]))), [sys.argv[2]], resume=True, awake=False)
time.sleep(3600)
"""


class Torture:
    """The runs of one folder, and what was done to them so far.

    Args:
        folder: Where runs and record are kept.
        data: data.yaml.
        weights: What every run starts from.
        epochs: Of every run.
    """

    def __init__(self, folder: Path, data: Path, weights: Path, epochs: int) -> None:
        self.workspace = Workspace(folder)
        self.record_path = folder / "torture.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.kills: list[dict[str, Any]] = []
        if self.record_path.is_file():
            self.kills = json.loads(self.record_path.read_text())["kills"]
        self._data, self._weights, self.epochs = data, weights, epochs

    def run(self, kind: str, seed: int) -> RunFolder:
        """Return the run of a seed, made where it is missing."""
        folder = RunFolder(self.workspace.runs / f"{kind}-{seed}")
        if not (folder.path / "run.yaml").is_file():
            folder = self.workspace.new_run(folder.name)
            text = dump_design(preset("backbone", "yolov5n"))
            common = {"epochs": self.epochs, "imgsz": 128, "batch": 16, "device": "cpu", "recover": "off"}
            start = {
                "weights": str(self._weights),
                "warm_start": "factorise",
                "seed": seed,
                "name": folder.name,
            }
            folder.write_config(TrainConfig(text, str(self._data), **common, **start))  # type: ignore[arg-type]
        return folder

    def finish(self, run: RunFolder) -> dict[str, Any]:
        """Train to the end, and return the best epoch's figures, measured on its weights."""
        if run.state().status != "finished":
            assert start(run).wait() == 0, run.log_path.read_text()[-2000:]
        final = list(run.events())[-1]
        assert final["event"] == "finished", final
        return {name: final["best"][name] for name in ("map50", "map50_95", "per_class")}

    def kill(self, run: RunFolder, kind: str, dice: random.Random) -> bool:
        """Resume a run and kill it; return whether it was caught alive."""
        told: dict[str, Any] = {"run": run.name, "kind": kind}
        if kind == "studio":
            pid = self._outlive(run)
            if pid is None:
                return False
            time.sleep(dice.uniform(0.0, 10.0))
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
            wait_for(lambda: not RunQueue(self.workspace).read().kept, 120)
        else:
            process = start(run)
            caught = self._strike(run, process, kind, dice)
            process.wait()
            if not caught:
                return False
        state = run.state()
        if state.status != "lost":
            return False
        told |= {"after_epoch": state.epoch, "half_written": half_written(run)}
        told["repeated"] = state.epoch - checkpoint_epoch(run)
        if kind == "checkpoint" and not told["half_written"]:
            return False  # it was quicker than we
        self.kills.append(told)
        write_text(self.record_path, json.dumps({"kills": self.kills}, indent=1))
        return True

    def count(self, run: RunFolder) -> int:
        """Return how often a run was killed."""
        return sum(kill["run"] == run.name for kill in self.kills)

    def _strike(
        self, run: RunFolder, process: subprocess.Popen[bytes], kind: str, dice: random.Random
    ) -> bool:
        if kind == "time":
            moment = time.monotonic() + dice.uniform(0.0, 30.0)
            wait_for(lambda: process.poll() is not None or time.monotonic() > moment, 600)
        else:
            wait_for(lambda: process.poll() is not None or bool(half_written(run)), 600, step=0.0005)
        if process.poll() is not None:
            return False
        process.send_signal(signal.SIGKILL)
        return True

    def _outlive(self, run: RunFolder) -> int | None:
        """Let a Studio start the training, kill it, and find the training again; return its process."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", STUDIO, str(self.workspace.root), run.name]
        with subprocess.Popen(command, env=environment, cwd=ROOT) as studio:
            wait_for(lambda: run.state().live or studio.poll() is not None, 120)
            time.sleep(1.0)
            studio.kill()
        wait_for(lambda: run.state().live or run.state().status == "finished", 60)
        time.sleep(1.0)
        state = run.state()
        assert state.live or state.status == "finished", f"{run.name} did not outlive the Studio: {state}"
        return state.pid


def start(run: RunFolder) -> subprocess.Popen[bytes]:
    """Start a training as the queue does."""
    with run.log_path.open("ab") as log:
        process = subprocess.Popen(
            engine_command("train"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=engine_environment(19),
        )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"run": str(run.path), "resume": True}).encode() + b"\n")
    process.stdin.close()
    return process


def checkpoint_epoch(run: RunFolder) -> int:
    """Return the complete epochs of the checkpoint to go on from."""
    from app.engine.run_checkpoint import find_checkpoint

    found, _ = find_checkpoint(run.checkpoints)
    return found.epoch if found is not None else 0


def last_seed(torture: Torture) -> int:
    """Return the seed of the last run that was killed."""
    return max(int(str(kill["run"]).rpartition("-")[2]) for kill in torture.kills)


def half_written(run: RunFolder) -> int:
    """Return the bytes of a checkpoint that is being written, 0 where none is."""
    for path in run.checkpoints.glob(".last.ckpt.new.*.part"):
        try:
            return path.stat().st_size
        except OSError:
            continue
    return 0


def wait_for(condition: Callable[[], bool], seconds: float, step: float = 0.05) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(step)


def faults_in(run: RunFolder, epochs: int) -> list[str]:
    """Return what is wrong with the events of a finished run: duplicates, holes, disorder."""
    faults = []
    events = [event for event in run.events() if event["event"] not in ASIDE]
    kinds = [event["event"] for event in events if event["event"] != "batch"]
    if kinds != ["started", *["epoch", "checkpoint"] * epochs, "finished"]:
        faults.append(f"the order is {kinds}")
    steps = [(event["epoch"], event["batch"]) for event in events if event["event"] == "batch"]
    if steps != sorted(set(steps)):
        faults.append("batches twice or out of order")
    times = [event["t"] for event in events]
    if times != sorted(times):
        faults.append("times out of order")
    numbers = [event["epoch"] for event in events if event["event"] == "epoch"]
    if numbers != list(range(1, epochs + 1)):
        faults.append(f"epochs {numbers}")
    return faults


def measure(torture: Torture, kills: int, seeds: int) -> dict[str, Any]:
    """Kill, let end, and compare."""
    dice = random.Random()
    killed: dict[int, dict[str, Any]] = {}
    while len(torture.kills) < kills or not killed or len(killed) <= last_seed(torture):
        run = torture.run("killed", len(killed))
        while torture.count(run) < EACH and len(torture.kills) < kills and run.state().status != "finished":
            if torture.kill(run, KINDS[torture.count(run) % len(KINDS)], dice):
                print(f"{len(torture.kills)}/{kills} {torture.kills[-1]}", file=sys.stderr, flush=True)
        killed[len(killed)] = torture.finish(run)
    alone = {seed: torture.finish(torture.run("alone", seed)) for seed in range(seeds)}
    figures = [one["map50_95"] for one in alone.values()]
    ended = [torture.run("killed", seed) for seed in killed]
    return {
        "kills": len(torture.kills),
        "half_written": sum(bool(kill["half_written"]) for kill in torture.kills),
        "studio_killed": sum(kill["kind"] == "studio" for kill in torture.kills),
        "epochs_repeated": max(kill["repeated"] for kill in torture.kills),
        "epochs": torture.epochs,
        "alone": {str(seed): one for seed, one in alone.items()},
        "killed": {str(seed): one for seed, one in killed.items()},
        "spread_map50_95": [min(figures), max(figures)],
        "within": all(min(figures) <= one["map50_95"] <= max(figures) for one in killed.values()),
        "same_as_alone": [seed for seed in killed if seed in alone and killed[seed] == alone[seed]],
        "faults": {run.name: faults_in(run, torture.epochs) for run in ended},
    }


def main() -> int:
    """Read the arguments, torture, print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "torture")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    shared = Path(os.environ.get("DEPTHWISE_STUDIO_TEST_DATA") or ROOT.parent / "shared")
    data, weights = shared / "data" / "bccd" / "data.yaml", shared / "weights" / "yolov5n.pt"
    result = measure(Torture(options.folder, data, weights, options.epochs), options.kills, options.seeds)
    text = json.dumps(result, indent=1)
    if options.out:
        write_text(options.out, text + "\n")
    print(text)
    return 0 if result["within"] and not any(result["faults"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
