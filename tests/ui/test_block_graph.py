"""The graph behind a block's picture: nothing is lost, repeats are drawn once."""

from __future__ import annotations

import pytest

from app.core.architecture import load_architecture
from app.core.blocks import BLOCKS
from app.core.sites import sites
from app.ui.widgets.block_picture_graph import DEPTHWISE, POINTWISE, SQUEEZE, BlockGraph, block_graph


def graph(base: str, path: str, kind: str, **options: int) -> BlockGraph:
    place = sites(load_architecture(base))[path]
    return block_graph(BLOCKS[kind].parts(place, options), place.c1)


@pytest.mark.parametrize("base", ["yolov5s", "yolov5l", "yolo11m", "yolov9c"])
def test_every_convolution_of_a_block_is_drawn_as_often_as_it_is_there(base: str) -> None:
    for path, place in sites(load_architecture(base)).items():
        for kind, block in BLOCKS.items():
            if block.refuses(place, {}) is not None:
                continue
            parts = block.parts(place, {})
            drawn = block_graph(parts, place.c1)
            times = [1] * len(drawn.ops)
            for repeat in drawn.repeats:
                for index in range(repeat.first, repeat.last + 1):
                    times[index] = repeat.times
            shown = sum(
                times[i] * (2 if op.what == SQUEEZE else 1)
                for i, op in enumerate(drawn.ops)
                if op.conv is not None
            )
            assert shown == sum(part.conv is not None for part in parts), (path, kind)


@pytest.mark.parametrize("kind", BLOCKS)
def test_what_is_read_stands_above_and_no_two_share_a_place(kind: str) -> None:
    for path, place in sites(load_architecture("yolov5l")).items():
        if BLOCKS[kind].refuses(place, {}) is not None:
            continue
        drawn = graph("yolov5l", path, kind)
        assert len({(op.rank, op.lane) for op in drawn.ops}) == len(drawn.ops)
        for op in drawn.ops:
            assert all(drawn.ops[source].rank < op.rank for source in op.inputs)


def test_a_mobile_block_reads_as_its_paper_draws_it() -> None:
    drawn = graph("yolov5n", "model.5", "mobilenetv3", expansion=200)
    assert [op.what for op in drawn.ops] == ["input", POINTWISE, DEPTHWISE, SQUEEZE, "mul", POINTWISE]
    assert drawn.ops[3].lane == 1, "the weighing stands beside what it weighs"


def test_bottlenecks_that_are_alike_are_drawn_once() -> None:
    drawn = graph("yolov5l", "model.6", "shufflenetv2")
    assert [(r.times, r.last - r.first + 1) for r in drawn.repeats] == [(9, 5)]
    assert drawn.ops[1].halves == (0,), "half of the channels pass by"
