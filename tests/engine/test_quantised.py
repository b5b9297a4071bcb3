"""Training for INT8: refused without the package, and with it a checkpoint that everything opens."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from app.core.design import Design
from app.engine.checkpoint import save_checkpoint
from app.engine.models import build_model, load_checkpoint
from tests.engine.tiny_runs import child, lines, new_run

pytestmark = pytest.mark.timeout(600)


def test_training_for_int8_keeps_plain_weights_or_says_what_it_needs(
    few_cells: Path, workspace: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "standard.pt"
    save_checkpoint(build_model(Design.stock("yolov5n", 3)), weights, train_args={"imgsz": 64})
    run = new_run(workspace, "int8", few_cells, epochs=1)
    run.write_config(replace(run.config(), weights=str(weights), recover="plain,quantise"))
    done = child(run)
    if find_spec("modelopt") is None:
        assert done.returncode == 1
        assert "nvidia-modelopt" in done.stderr
        assert lines(done.stdout)[-1]["event"] == "failed"
        return
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = load_checkpoint(run.best)
    assert not any(type(module).__name__ == "TensorQuantizer" for module in loaded.model.modules())
    kept = torch.load(run.best, map_location="cpu", weights_only=False)["modelopt"]
    assert len(kept["ranges"]) > 100
    assert "quantizer" in next(iter(kept["ranges"]))
