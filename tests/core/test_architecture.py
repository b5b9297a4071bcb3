"""Base models as data."""

from __future__ import annotations

import pytest

from app.core.architecture import base_models, load_architecture
from app.core.errors import AppError


def test_the_five_scales_in_order() -> None:
    assert base_models() == ("yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x")


@pytest.mark.parametrize("base", base_models())
def test_layers_form_a_pyramid(base: str) -> None:
    architecture = load_architecture(base)
    layers = architecture.layers
    assert [layer.index for layer in layers] == list(range(25))
    assert [layer.level for layer in layers[:10]] == [1, 2, 2, 3, 3, 4, 4, 5, 5, 5]
    assert [layer.type for layer in layers[10:13]] == ["Conv", "Upsample", "Concat"]
    assert layers[12].sources == (11, 6)
    assert layers[12].c1 == layers[11].c2 + layers[6].c2
    assert {layer.part for layer in layers} == {"backbone", "neck", "head"}
    assert [layer.index for layer in layers if layer.downsamples] == [0, 1, 3, 5, 7, 18, 21]
    assert layers[24].sources == (17, 20, 23)


def test_head_width_follows_the_classes() -> None:
    # Detect of YOLOv5u: class branch width max(64, min(classes, 100)) for yolov5n.
    for classes, width in ((1, 64), (64, 64), (80, 80), (100, 100), (500, 100)):
        convs = load_architecture("yolov5n", classes).convolutions
        assert convs["model.24.cv3.0.0"].c2 == width
        assert convs["model.24.cv3.0.2"].c2 == classes


def test_every_step_reads_what_exists() -> None:
    for base in base_models():
        for index, step in enumerate(load_architecture(base).steps):
            assert all(0 <= tensor <= index for tensor in step.inputs)
            assert step.elements > 0


def test_children_follow_the_tree() -> None:
    architecture = load_architecture("yolov5n")
    assert architecture.children("model.4") == ("model.4.cv1", "model.4.cv2", "model.4.cv3", "model.4.m")
    assert architecture.convolutions_in("model.4.m.0") == ("model.4.m.0.cv1", "model.4.m.0.cv2")
    assert len(architecture.children("")) == 25


def test_unknown_names_and_counts_are_refused() -> None:
    with pytest.raises(AppError, match="Unknown base model"):
        load_architecture("../secrets")
    with pytest.raises(AppError, match="0 classes"):
        load_architecture("yolov5n", 0)
