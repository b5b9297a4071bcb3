"""Model YAMLs: what a design becomes, what cannot be said, and the way back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.architecture import base_models, load_architecture
from app.core.blocks import BLOCKS, eligible
from app.core.cost import compare_cost
from app.core.design import Design, DesignError, Swap, preset
from app.core.errors import AppError
from app.core.model_yaml import FLAVOURS, ULTRALYTICS, YOLOV5, check_file_name, model_yaml
from app.core.model_yaml_import import import_model_yaml, recognise
from app.core.model_yaml_read import read_model_yaml
from app.core.model_yaml_rows import stock_rows

BASES = tuple(
    base
    for base in (
        "yolov5n",
        "yolov5m",
        "yolov5n-p6",
        "yolov3-tiny",
        "yolov6n",
        "yolov8n",
        "yolo11s",
        "yolo12l",
        "yolo26m",
    )
    if base in base_models()
)
OF_BOTH = {"yolov5n", "yolov5m", "yolov5n-p6", "yolov3-tiny", "yolov6n"}


def back(text: str, name: str = "light.yaml") -> Design:
    return recognise(read_model_yaml(text, name))


def layers(base: str, classes: int) -> list[tuple[str, str]]:
    """Every (path, kind) of a whole layer, or of one in a sequence of equal ones, that a kind can replace."""
    architecture = load_architecture(base, classes)
    return [
        (path, kind)
        for kind in BLOCKS
        for path in eligible(architecture, kind)
        if re.fullmatch(r"model\.\d+(\.\d+)?", path)
    ]


@st.composite
def sayable(draw: st.DrawFn) -> tuple[Design, str]:
    """A design whose swaps replace whole layers, without those that its flavour cannot say."""
    base = draw(st.sampled_from(BASES))
    flavour = draw(st.sampled_from(FLAVOURS if base in OF_BOTH else (ULTRALYTICS,)))
    classes = draw(st.sampled_from((1, 3, 80, 120)))
    design = Design.stock(base, classes)
    for path, kind in draw(st.lists(st.sampled_from(layers(base, classes)), unique_by=lambda c: c[0])):
        options = {name: o.default for name, o in BLOCKS[kind].options.items()}
        if kind == "separable":
            options["rank"] = draw(st.integers(1, 4))
        if BLOCKS[kind].refuses(_site(design, path), options) is None:
            design = design.with_swap([path], Swap(kind, options))
    return model_yaml(design, flavour, partial=True).design, flavour


def _site(design: Design, path: str):  # type: ignore[no-untyped-def]
    from app.core.sites import site

    return site(design.architecture, path)


@settings(max_examples=60, deadline=None)
@given(sayable())
def test_a_design_that_can_be_said_comes_back(said: tuple[Design, str]) -> None:
    design, flavour = said
    made = model_yaml(design, flavour)
    again = back(made.text)
    assert (again.base, again.architecture.classes) == (design.base, design.architecture.classes)
    assert again.resolved().items() <= design.resolved().items()
    assert model_yaml(again, flavour).model == made.model
    for path, swap in design.resolved().items() - again.resolved().items():
        # A block that makes the standard layer, such as the stem in one group, comes back as that layer.
        cost = compare_cost(Design.stock(design.base, design.classes).with_swap([path], swap))
        assert cost.lightweight == cost.standard
    assert recognise(read_model_yaml(model_yaml(again, flavour).text, "x.yaml")) == again


@pytest.mark.parametrize("base", sorted(set(base_models()) - {"yolov4"}))
def test_a_stock_yaml_is_its_base_model(base: str) -> None:
    made = model_yaml(Design.stock(base), ULTRALYTICS)
    assert back(made.text) == Design.stock(base)
    assert made.unsaid == ()


def test_the_yaml_that_ultralytics_ships_is_recognised_by_its_name() -> None:
    text = (
        "nc: 80\nscales: {n: [0.33, 0.25, 1024], x: [1.33, 1.25, 1024]}\n"
        "backbone:\n"
        "  - [-1, 1, Conv, [64, 6, 2, 2]]\n  - [-1, 1, Conv, [128, 3, 2]]\n  - [-1, 3, C3, [128]]\n"
        "  - [-1, 1, Conv, [256, 3, 2]]\n  - [-1, 6, C3, [256]]\n  - [-1, 1, Conv, [512, 3, 2]]\n"
        "  - [-1, 9, C3, [512]]\n  - [-1, 1, Conv, [1024, 3, 2]]\n  - [-1, 3, C3, [1024]]\n"
        "  - [-1, 1, SPPF, [1024, 5]]\n"
        "head:\n"
        "  - [-1, 1, Conv, [512, 1, 1]]\n  - [-1, 1, nn.Upsample, [None, 2, 'nearest']]\n"
        "  - [[-1, 6], 1, Concat, [1]]\n  - [-1, 3, C3, [512, False]]\n"
        "  - [-1, 1, Conv, [256, 1, 1]]\n  - [-1, 1, nn.Upsample, [None, 2, 'nearest']]\n"
        "  - [[-1, 4], 1, Concat, [1]]\n  - [-1, 3, C3, [256, False]]\n"
        "  - [-1, 1, Conv, [256, 3, 2]]\n  - [[-1, 14], 1, Concat, [1]]\n  - [-1, 3, C3, [512, False]]\n"
        "  - [-1, 1, Conv, [512, 3, 2]]\n  - [[-1, 10], 1, Concat, [1]]\n  - [-1, 3, C3, [1024, False]]\n"
        "  - [[17, 20, 23], 1, Detect, [nc]]\n"
    )
    assert back(text, "yolov5x.yaml") == Design.stock("yolov5x")
    assert back(text, "mine.yaml") == Design.stock("yolov5n")
    with pytest.raises(DesignError, match=r"yolov5m.yaml, line 2: .*scale “m”"):
        back(text, "yolov5m.yaml")
    original = text.replace("scales: {n: [0.33, 0.25, 1024], x: [1.33, 1.25, 1024]}", "anchors: 3").replace(
        "nc: 80", "nc: 7\ndepth_multiple: 0.67\nwidth_multiple: 0.75"
    )
    assert back(original.replace("Detect, [nc]", "Detect, [nc, anchors]")) == Design.stock("yolov5m", 7)


def test_a_separable_layer_is_two_rows_and_every_index_moves_along() -> None:
    design = Design.stock("yolov5n", 3).with_swap(["model.3", "model.18"], Swap("separable", {"rank": 2}))
    made = model_yaml(design, ULTRALYTICS)
    rows = yaml.safe_load(made.text)
    rows = rows["backbone"] + rows["head"]
    assert rows[3:5] == [[-1, 1, "DWConv", [64, 3, 2, 1, False]], [-1, 1, "Conv", [64, 1, 1]]]
    assert [row[0] for row in rows if row[2] == "Concat"] == [[-1, 7], [-1, 5], [-1, 15], [-1, 11]]
    assert rows[-1] == [[18, 22, 25], 1, "Detect", ["nc"]]
    assert ("model.4", ("model.5",)) in made.carried
    assert ("model.3", ("model.3", "model.4")) in made.carried


def test_what_lies_inside_a_layer_is_refused_with_reason_and_alternative() -> None:
    design = preset("separable", "yolov5n", 3)
    with pytest.raises(AppError) as caught:
        model_yaml(design, ULTRALYTICS)
    message = str(caught.value)
    assert "model.4.m.1.cv2" in message
    assert "inside a C3" in message
    assert "inside the detection head" in message
    assert "best.pt" in message
    assert "ghost_c3" in message
    made = model_yaml(design, ULTRALYTICS, partial=True)
    assert [u.path for u in made.unsaid] == [p for p in design.resolved() if p.count(".") > 1]
    assert set(made.design.resolved()) == {p for p in design.resolved() if p.count(".") == 1}
    assert "#   model.4.m.1.cv2" in made.text
    assert back(made.text).resolved() == made.design.resolved()


def test_yolov5_has_anchors_and_no_other_head() -> None:
    made = model_yaml(Design.stock("yolov5s", 5), YOLOV5)
    data = yaml.safe_load(made.text)
    assert (data["depth_multiple"], data["width_multiple"]) == (1.0, 1.0)
    assert data["anchors"][0] == [10, 13, 16, 30, 33, 23]
    assert data["head"][-1] == [[17, 20, 23], 1, "Detect", ["nc", "anchors"]]


@pytest.mark.parametrize("name", ["yolov5n6.yaml", "yolov8x6.yaml"])
def test_a_name_that_ultralytics_takes_for_another_is_refused(name: str) -> None:
    made = model_yaml(Design.stock("yolov5n"), ULTRALYTICS)
    check_file_name(made, Path("yolov5n-light.yaml"))
    with pytest.raises(AppError, match="scale in this name"):
        check_file_name(made, Path(name))


def test_two_activations_cannot_be_said() -> None:
    with pytest.raises(AppError, match="several activations"):
        model_yaml(Design.stock("yolov4"), ULTRALYTICS)


def test_rows_know_the_scale_quirks() -> None:
    small, large = stock_rows("yolo11n"), stock_rows("yolo11m")
    assert small is not None
    assert large is not None
    assert small.rows[2].args == (64, False, 0.25)
    assert large.rows[2].args == (256, True, 0.25)
    assert small.modern


C3 = "[-1, 2, C3, [64]]"
GOOD = model_yaml(Design.stock("yolov5n", 3), ULTRALYTICS).text


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (C3, "[-1, 2, C3, [72]]", 13, "neither [-1, 2, C3, [64]] of yolov5n"),
        (C3, "[-1, 2, os.system, [64]]", 13, "os.system is no module"),
        (C3, "[-1, 2, C3, ['__import__(1)']]", 13, "“__import__(1)” is out of place"),
        (C3, "[-1, 2, C3, []]", 13, "no row of a model YAML"),
        (C3, "[-1, 2, C3]", 13, "no row of a model YAML"),
        (C3, "[9, 2, C3, [64]]", 13, "names no row before"),
        (C3, "[-1, 999999, C3, [64]]", 13, "out of place"),
        (C3, "[-1, 2, C3, [99999999]]", 13, "“99999999” is out of place"),
        (C3, "[-1, 2, C3, [-64]]", 13, "“-64” is out of place"),
        (C3, "[-1, 2, C3, [64, layers]]", 13, "“layers” is out of place"),
        (C3, "!!python/object:os.system x", 13, "no row of a model YAML"),
        ("nc: 3", "nc: 3\nactivation: __import__('os')", 6, "activation is not known"),
        ("nc: 3", "nc: 3\nevil: 1", 6, "unknown entry “evil”"),
        ("nc: 3", "nc: 0", 5, "out of place"),
        ("nc: 3", "nc: 3\nnc: 3", 6, "stands twice"),
        ("nc: 3", "nc: [", 9, "not YAML"),
    ],
)
def test_what_is_neither_is_refused_with_its_line(old: str, new: str, line: int, words: str) -> None:
    with pytest.raises(DesignError) as caught:
        back(GOOD.replace(old, new))
    assert f"light.yaml, line {line}: " in str(caught.value)
    assert words in str(caught.value)


def test_recursion_ends() -> None:
    with pytest.raises(DesignError, match="line 13: “C3” is out of place"):
        back(GOOD.replace(C3, "&a [-1, 2, C3, [*a]]"))


def test_files_come_back(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    design = preset("seed", "yolov5s", 3)
    path.write_text(model_yaml(design, YOLOV5).text, encoding="utf-8")
    assert import_model_yaml(path).resolved() == design.resolved()
    with pytest.raises(DesignError, match=r"gone\.yaml"):
        import_model_yaml(tmp_path / "gone.yaml")
