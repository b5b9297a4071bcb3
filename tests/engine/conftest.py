"""Engine tests prepare ultralytics as the engine process does, before it is first imported."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.runs import RunFolder
from app.engine.environment_setup import prepare
from tests.engine.data_folders import Folder
from tests.engine.tiny_runs import TRAIN_PICTURES, VAL_PICTURES, child, lines, new_run

prepare()


@pytest.fixture(scope="session")
def frames(clips_dir: Path) -> list[np.ndarray]:
    """Four pictures of a real clip, 576×768."""
    from tests.engine.checkpoints import clip_frames

    return clip_frames(clips_dir / "vtest.avi", 4)


@pytest.fixture(scope="session")
def standard(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a yolov5n that finds boxes on `frames` at a confidence of 0.1."""
    return _checkpoint("standard", frames, tmp_path_factory.mktemp("standard"))


@pytest.fixture(scope="session")
def lightweight(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the separable yolov5n that finds boxes on `frames` at a confidence of 0.1."""
    return _checkpoint("lightweight", frames, tmp_path_factory.mktemp("lightweight"))


@pytest.fixture(scope="session")
def few_cells(bccd_yaml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few real pictures, copied, with a data.yaml beside them."""
    folder = tmp_path_factory.mktemp("few")
    for split, count in (("train", TRAIN_PICTURES), ("val", VAL_PICTURES)):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for picture in sorted((bccd_yaml.parent / "images" / split).iterdir())[:count]:
            label = bccd_yaml.parent / "labels" / split / f"{picture.stem}.txt"
            shutil.copy(picture, folder / "images" / split)
            shutil.copy(label, folder / "labels" / split)
    text = "path: .\ntrain: images/train\nval: images/val\nnames: [RBC, WBC, Platelets]\n"
    (folder / "data.yaml").write_text(text)
    return folder / "data.yaml"


@pytest.fixture(scope="session")
def finished(
    few_cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunFolder, list[dict[str, Any]]]:
    """A run of three epochs, to its end, and what it printed."""
    run = new_run(tmp_path_factory.mktemp("workspace"), "whole", few_cells, epochs=3)
    result = child(run)
    assert result.returncode == 0, result.stderr[-3000:]
    return run, lines(result.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A small data set without a fault."""
    return Folder(tmp_path / "pets")


def _checkpoint(name: str, frames: list[np.ndarray], folder: Path) -> Path:
    from app.core.design import Design, preset
    from tests.engine.checkpoints import batch_of, lively_model, save_checkpoint

    design = Design.stock("yolov5n", 3) if name == "standard" else preset("separable", "yolov5n", 3)
    return save_checkpoint(lively_model(design, batch_of(frames)), folder / f"{name}.pt")
