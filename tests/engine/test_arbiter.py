"""What needs the machine says so while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core import arbiter
from app.core.design import Design, dump_design
from app.core.runs import Workspace
from app.core.train_config import TrainConfig
from app.engine import comparison, training
from app.engine.comparison import compare_headless


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


def claims(kind: str) -> int:
    """Return how many such activities are announced."""
    return len(list(arbiter.folder().glob(f"*-{kind}-*.json")))


def test_a_training_says_so_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def record(_self: object, _rank: int | None = None) -> dict[str, object]:
        seen.append(claims(arbiter.TRAINING))
        raise KeyboardInterrupt

    monkeypatch.setattr(training._Training, "record", record)
    config = TrainConfig(
        dump_design(Design.stock("yolov5n", 3)), "data.yaml", name="run", epochs=1, device="cpu"
    )
    run = Workspace(tmp_path).new_run("run")
    with pytest.raises(KeyboardInterrupt):
        training._Training(config, run, lambda _event: None, None, False).go()
    assert seen == [1]
    assert claims(arbiter.TRAINING) == 0


def test_a_comparison_without_a_window_says_so(
    standard: Path, clips_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = comparison.PairRunner

    def watched(*detectors: object) -> object:
        seen.append(claims(arbiter.COMPARISON))
        return real(*detectors)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "PairRunner", watched)
    clip = str(clips_dir / "vtest.avi")
    compare_headless(standard, standard, clip, 2, runtime="openvino", precision="f32", device="cpu")
    assert seen == [1]
    assert claims(arbiter.COMPARISON) == 0
