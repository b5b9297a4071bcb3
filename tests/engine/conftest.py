"""Engine tests prepare ultralytics as the engine process does, before it is first imported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.environment_setup import prepare

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


def _checkpoint(name: str, frames: list[np.ndarray], folder: Path) -> Path:
    from app.core.design import Design, preset
    from tests.engine.checkpoints import batch_of, lively_model, save_checkpoint

    design = Design.stock("yolov5n", 3) if name == "standard" else preset("separable", "yolov5n", 3)
    return save_checkpoint(lively_model(design, batch_of(frames)), folder / f"{name}.pt")
