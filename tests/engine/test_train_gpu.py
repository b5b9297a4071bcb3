"""What a GPU takes by default, and what it is offered; runs where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.tiny_runs import child, lines, new_run

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def _needs_a_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


@pytest.mark.parametrize("overrides", [{}, {"compile": True}, {"channels_last": False, "amp": False}])
def test_mixed_precision_is_the_default_and_what_is_chosen_trains(
    few_cells: Path, workspace: Path, overrides: dict[str, bool]
) -> None:
    run = new_run(workspace, "gpu", few_cells, device="0", overrides=overrides)
    done = child(run)
    assert done.returncode == 0, done.stderr[-3000:]
    started = next(event for event in lines(done.stdout) if event["event"] == "started")
    assert started["device"].startswith("cuda:0")
    assert started["amp"] is overrides.get("amp", True)
    assert started["settings"]["cache"] == "ram"
    assert run.state().status == "finished"
