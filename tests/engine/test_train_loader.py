"""Which pictures an epoch shows, and how augmented, depends on the seed and the epoch alone."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engine.train_loader import make_repeatable
from tests.engine.tiny_runs import BATCH

ROOT = Path(__file__).resolve().parents[2]


def loader_of(data: Path, workers: int) -> Any:
    from ultralytics.cfg import get_cfg
    from ultralytics.data import build_dataloader, build_yolo_dataset

    config = get_cfg(overrides={"imgsz": 64, "cache": "ram", "mixup": 0.5, "degrees": 10.0})
    names = {0: "RBC", 1: "WBC", 2: "Platelets"}
    about = {"names": names, "nc": 3, "channels": 3}
    dataset = build_yolo_dataset(config, str(data.parent / "images" / "train"), BATCH, about, mode="train")
    return build_dataloader(dataset, BATCH, workers, shuffle=True, device="cpu")


def epochs_of(data: Path, seed: int, first: int, last: int, workers: int = 0) -> list[str]:
    """Return a digest of each epoch's pictures and boxes, in their order."""
    running = [first]
    loader = loader_of(data, workers)
    make_repeatable(loader, seed, lambda: running[-1])
    digests = []
    for epoch in range(first, last + 1):
        running.append(epoch)
        digest = hashlib.sha256()
        for batch in loader:
            digest.update(batch["img"].numpy().tobytes() + batch["bboxes"].numpy().tobytes())
            random.random()
            np.random.rand()
        digests.append(digest.hexdigest())
    loader.close()
    return digests


CHILD = """
import json, sys
from pathlib import Path
from tests.engine import conftest  # prepares ultralytics' environment
from tests.engine.test_train_loader import epochs_of
print(json.dumps(epochs_of(Path(sys.argv[1]), *map(int, sys.argv[2:]))))
"""


def in_a_child(data: Path, *numbers: int) -> list[str]:
    """Return the same from another process: one that runs tests side by side must not be forked."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(data), *map(str, numbers)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(120)
def test_an_epoch_is_the_same_after_a_break_and_with_loader_processes(few_cells: Path) -> None:
    whole = epochs_of(few_cells, 7, 0, 3)
    assert len(set(whole)) == 4
    assert epochs_of(few_cells, 7, 2, 3) == whole[2:]
    assert in_a_child(few_cells, 7, 1, 3, 2) == whole[1:]
    assert set(epochs_of(few_cells, 8, 0, 3)).isdisjoint(whole)


def test_the_process_s_own_random_numbers_are_left_alone(few_cells: Path) -> None:
    loader = loader_of(few_cells, 0)
    make_repeatable(loader, 0, lambda: 0)
    random.seed(1)
    np.random.seed(1)
    expected = random.Random(1).random(), np.random.RandomState(1).rand()
    next(iter(loader))
    assert (random.random(), np.random.rand()) == expected
