"""Which swaps make a module heavier, by hand and on every base model."""

from __future__ import annotations

import pytest

from app.core.architecture import load_architecture
from app.core.blocks import BLOCKS, refusal
from app.core.design import Swap
from app.core.heavier import heavier, saves
from app.core.sites import sites


@pytest.mark.parametrize(
    ("path", "swap", "expected"),
    [
        # A C3 of 64 channels has 18,816 parameters; by the shapes of the blocks' papers:
        ("model.4", Swap("mobilenetv3", {"expansion": 400}), True),
        ("model.4", Swap("efficientnetv2", {"fused": 400}), True),
        ("model.4", Swap("c3k2", {"width": 50}), True),
        ("model.3", Swap("repconv", {"groups": 1}), False),  # merged into an ordinary convolution
        ("model.3", Swap("separable"), False),
    ],
)
def test_by_hand(path: str, swap: Swap, expected: bool) -> None:
    architecture = load_architecture("yolov5n")
    assert heavier(architecture, path, swap) is expected
    assert not (expected and saves(architecture, path, swap))


@pytest.mark.parametrize("base", ["yolov5n", "yolov5m", "yolov5x"])
@pytest.mark.parametrize("kind", BLOCKS)
def test_every_kind_is_lighter_by_default(kind: str, base: str) -> None:
    architecture = load_architecture(base)
    heavy = [
        path
        for path in sites(architecture)
        if refusal(architecture, path, kind) is None and not saves(architecture, path, Swap(kind))
    ]
    # yolov5x's last box branch reads 16 times as many channels as it writes; 3 and 16 channels have no common group.
    known = {("lcnet", "yolov5x"): ["model.24.cv2.2.0"], ("dwconv", "yolov5n"): ["model.0"]}
    known[("dwconv", "yolov5x")] = ["model.0"]
    assert heavy == known.get((kind, base), [])
