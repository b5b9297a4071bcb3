"""A pair of detectors for tests of the window, made and converted in a process of its own.

Run as `python -m tests.pairs CLIP FOLDER`: the window's tests keep torch out of their process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("standard", "lightweight")


def make_pair(clip: Path, folder: Path) -> tuple[Path, Path]:
    """Return two checkpoints that find boxes on a clip at a confidence of 0.1; their converted forms are cached."""
    command = [sys.executable, "-m", "tests.pairs", str(clip), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (folder / f"{name}.pt" for name in NAMES)
    return first, second


def _main(clip: Path, folder: Path) -> None:
    from app.engine.environment_setup import prepare

    prepare()
    from app.core.design import Design, preset
    from app.engine import model_cache
    from tests.engine.checkpoints import batch_of, clip_frames, lively_model, save_checkpoint

    pictures = batch_of(clip_frames(clip, 4, 5), 160)
    designs = (Design.stock("yolov5n", 3), preset("separable", "yolov5n", 3))
    for name, design in zip(NAMES, designs, strict=True):
        path = save_checkpoint(lively_model(design, pictures), folder / f"{name}.pt", 160)
        model_cache.converted(path)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
