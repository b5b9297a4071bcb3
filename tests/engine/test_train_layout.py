"""Channels last on a CPU: the same numbers, and weights saved in the ordinary layout."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from app.core.design import parse_design
from app.engine.checkpoint import save_checkpoint
from app.engine.models import build_model
from app.engine.train_device import laid_out

DESIGN = "format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n  model.5: {block: separable, rank: 2}\n"
CPU = torch.device("cpu")


def test_channels_last_changes_the_layout_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build_model(parse_design(DESIGN, "d").with_classes(2), 2, {0: "a", 1: "b"}).train()
    plain = laid_out(copy.deepcopy(model), CPU, False)
    last = laid_out(copy.deepcopy(model), CPU)
    weight = last.model[1].conv.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert plain.model[1].conv.weight.is_contiguous()
    picture = torch.rand(2, 3, 64, 64)
    for one, other in zip(_tensors(plain(picture)), _tensors(last(picture)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    save_checkpoint(last, tmp_path / "last.pt", train_args={})
    saved = torch.load(tmp_path / "last.pt", weights_only=False)["model"]
    assert all(value.is_contiguous() for value in saved.state_dict().values())


def _tensors(found: object) -> list[torch.Tensor]:
    if isinstance(found, torch.Tensor):
        return [found]
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, (list, tuple)) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
