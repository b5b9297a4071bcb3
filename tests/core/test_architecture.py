"""Base models as data."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from app.core import architecture as architecture_module
from app.core.architecture import base_models, load_architecture
from app.core.architecture_file import FORMAT, decode, encode, read
from app.core.base_models import base_families
from app.core.cost import standard_modules
from app.core.design import Design
from app.core.errors import AppError

V5 = ("yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x")


def test_every_family_in_order() -> None:
    families = base_families()
    assert families["yolov5"] == V5
    assert families["yolov9"] == tuple(f"yolov9{scale}" for scale in "tsmce")
    assert families["yolov10"] == tuple(f"yolov10{scale}" for scale in "nsmblx")
    assert families["yolov8-ghost-p2"] == tuple(f"yolov8{scale}-ghost-p2" for scale in "nsmlx")
    singles = ("yolov3-tiny", "yolov3", "yolov3-spp", "yolov4-tiny", "yolov4")
    assert base_models()[:5] == singles
    assert len(base_models()) == 86
    assert [family for family in families if len(families[family]) > 1] == [
        *("yolov5", "yolov5-p6", "yolov6", "yolov8", "yolov8-p2", "yolov8-p6"),
        *("yolov8-ghost", "yolov8-ghost-p2", "yolov8-ghost-p6", "yolov9", "yolov10"),
        *("yolo11", "yolo12", "yolo26", "yolo26-p2", "yolo26-p6"),
    ]


@pytest.mark.parametrize("base", V5)
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


@pytest.mark.parametrize("base", base_models())
def test_levels_reach_what_is_predicted(base: str) -> None:
    architecture = load_architecture(base)
    head = architecture.layers[-1]
    assert [architecture.layers[i].level for i in head.sources] == [
        s.bit_length() - 1 for s in architecture.strides
    ]
    assert architecture.cell == max(32, *architecture.strides)
    assert head.part == "head"
    assert head.level == architecture.strides[-1].bit_length() - 1


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
            assert step.size(2, 3) > 0


def test_children_follow_the_tree() -> None:
    architecture = load_architecture("yolov5n")
    assert architecture.children("model.4") == ("model.4.cv1", "model.4.cv2", "model.4.cv3", "model.4.m")
    assert architecture.convolutions_in("model.4.m.0") == ("model.4.m.0.cv1", "model.4.m.0.cv2")
    assert len(architecture.children("")) == 25


def test_unknown_names_and_counts_are_refused() -> None:
    with pytest.raises(AppError, match="Unknown base model"):
        load_architecture("../secrets")
    with pytest.raises(AppError, match="several sizes") as caught:
        load_architecture("yolov8-p2")
    assert "yolov8n-p2" in caught.value.hint
    with pytest.raises(AppError, match="0 classes"):
        load_architecture("yolov5n", 0)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("yolov8n-seg", "something else than detecting boxes"),
        ("yolo11x-cls", "something else than detecting boxes"),
        ("yolov8s-worldv2", "what a text names"),
        ("yoloe-11l", "what a text names"),
        ("rtdetr-l", "transformer"),
    ],
)
def test_what_is_no_base_model_says_why(name: str, why: str) -> None:
    with pytest.raises(AppError, match=why) as caught:
        load_architecture(name)
    assert "yolov8{n,s,m,l,x}-p2" in caught.value.hint


def test_p6_models_have_two_spellings() -> None:
    assert load_architecture("yolov5n6") is load_architecture("yolov5n-p6")
    assert load_architecture("yolov8x6").base == "yolov8x-p6"
    assert Design.stock("yolov5n6") == Design.stock("yolov5n-p6")


def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    good = encode({"format": FORMAT, "base": "x"})
    assert decode(good, "x")["base"] == "x"
    for bad in (b"", good[:-9], b"no gzip", encode({"format": FORMAT + 1}), encode({})):
        with pytest.raises(AppError, match="description of mine is damaged"):
            decode(bad, "mine")
    with pytest.raises(AppError, match="cannot be read"):
        read(tmp_path / "missing.json.gz")


@pytest.mark.alone
def test_loading_is_quick() -> None:
    slow = "yolov9e"
    times = []
    for classes in range(1, 12):
        architecture_module._read.cache_clear()
        start = time.perf_counter()
        load_architecture(slow, 300 + classes)
        times.append((time.perf_counter() - start) * 1e3)
    assert statistics.median(times) < 20  # 7 ms on an idle machine


@pytest.mark.parametrize(
    ("base", "published", "heads"),
    [
        # Trainable parameters at 80 classes as published, and those of its anchor heads: 3×3 (c → 2c) with BatchNorm
        # and 1×1 to 255 channels with bias on each level.
        ("yolov4", 64_363_101, [(128, 256), (256, 512), (512, 1024)]),
        ("yolov4-tiny", 6_056_606, [(256, 512), (None, 256)]),
    ],
)
def test_yolov4_is_the_papers_but_for_the_head(
    base: str, published: int, heads: list[tuple[int | None, int]]
) -> None:
    architecture = load_architecture(base)
    head = architecture.layers[-1].path
    modules = standard_modules(architecture, 1)
    mine = sum(cost.parameters for path, cost in modules.items() if not path.startswith(f"{head}."))
    theirs = sum((9 * c1 * c2 + 2 * c2 if c1 else 0) + (c2 + 1) * 255 for c1, c2 in heads)
    assert mine == published - theirs
