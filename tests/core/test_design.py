"""Designs: what they resolve to, what is refused and where, and the file's bytes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.architecture import base_models
from app.core.blocks import eligible
from app.core.design import (
    Design,
    DesignError,
    Swap,
    dump_design,
    load_design,
    parse_design,
    preset,
    resolve_design,
    save_design,
)
from app.core.errors import AppError
from tests.designs import designs

PLAIN = "format: 1\nbase: yolov5n\nswaps:\n"


@settings(max_examples=60, deadline=None)
@given(designs(base_models(), st.none() | st.integers(1, 200), most=12), st.text(max_size=40))
def test_a_written_design_round_trips_byte_for_byte(plain: Design, notes: str) -> None:
    design = replace(plain, notes=notes)
    text = dump_design(design)
    again = parse_design(text)
    assert again == design
    assert dump_design(again) == text


def test_files_round_trip(tmp_path: Path) -> None:
    design = preset("neck", "yolov5m", classes=3)
    save_design(design, tmp_path / "neck.yaml")
    before = (tmp_path / "neck.yaml").read_bytes()
    save_design(load_design(tmp_path / "neck.yaml"), tmp_path / "neck.yaml")
    assert (tmp_path / "neck.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (PLAIN + "  model.99: separable\n", 4, "no such module"),
        (PLAIN + "  model.3: separable\n  model.2: separable\n", 5, "cannot be replaced"),
        (PLAIN + "  model.3: sepparable\n", 4, "unknown block kind “sepparable”"),
        (PLAIN + "  model.3: {block: separable, rang: 2}\n", 4, "no option “rang”"),
        (PLAIN + "  model.3: {block: separable, rank: 5}\n", 4, "rank cannot be “5”"),
        (PLAIN + "  model.3: {rank: 2}\n", 4, "block kind is missing"),
        (PLAIN + "  model.3: separable\n  model.3: dwconv\n", 5, "stands twice"),
        ("format: 2\nbase: yolov5n\n", 1, "format “2” is not known"),
        ("base: yolov5n\n", 1, "version of the format is missing"),
        ("format: 1\nbase: yolov5q\n", 2, "Unknown base model “yolov5q”"),
        ("format: 1\nbase: yolov5n\nclasses: -3\n", 3, "classes cannot be “-3”"),
        ("format: 1\nbase: yolov5n\nsize: 3\n", 3, "unknown entry “size”"),
        ("format: 1\nbase: [yolov5n\n", 3, "not YAML"),
        ("- a\n- b\n", 1, "not a design"),
        ('format: 1\nbase: !!python/object/apply:os.system ["true"]\n', 2, "plain word"),
    ],
)
def test_refusals_name_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(DesignError) as caught:
        parse_design(text, "mine.yaml")
    assert "mine.yaml" in caught.value.message
    assert f"ine {line}" in caught.value.message
    assert words in caught.value.message
    assert caught.value.hint


def test_overlap_names_both_lines() -> None:
    with pytest.raises(DesignError) as caught:
        parse_design(PLAIN + "  model.4.m.0.cv2: separable\n  model.3: dwconv\n  model.4.m.*.cv2: dwconv\n")
    assert "Line 4 (model.4.m.0.cv2) and line 6 (model.4.m.*.cv2)" in caught.value.message


def _is_read_or_refused(text: str) -> bool:
    """Return whether a text is a design that stands for itself, or is refused with words and a remedy."""
    try:
        design = parse_design(text, "mine.yaml")
        swaps = design.resolved()
    except AppError as refusal:
        return bool(refusal.message and refusal.hint)
    return set(swaps) <= set(eligible(design.architecture)) and parse_design(dump_design(design)) == design


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert _is_read_or_refused(text)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_design_is_read_or_refused(data: st.DataObject) -> None:
    text = dump_design(preset("separable", classes=3))
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=6)) + text[stop:]
    assert _is_read_or_refused(damaged)


def test_a_billion_laughs_is_refused_quickly() -> None:
    letters = "abcdefghijklmnopqrstuvwxy"
    bomb = "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a}]\n" for a, b in pairwise(letters))
    with pytest.raises(DesignError):
        parse_design(bomb)


def test_globs_take_what_can_be_replaced() -> None:
    resolved = parse_design(PLAIN + "  model.6.m.*.cv2: {block: separable, rank: 2}\n").resolved()
    assert list(resolved) == ["model.6.m.0.cv2", "model.6.m.1.cv2", "model.6.m.2.cv2"]
    assert all(swap.option("rank") == 2 for swap in resolved.values())


def test_editing_one_of_a_glob_keeps_the_others() -> None:
    design = parse_design(PLAIN + "  model.6.m.*.cv2: separable\n")
    edited = design.with_swap(["model.6.m.1.cv2"], Swap("dwconv"))
    assert {path: swap.block for path, swap in edited.resolved().items()} == {
        "model.6.m.0.cv2": "separable",
        "model.6.m.1.cv2": "dwconv",
        "model.6.m.2.cv2": "separable",
    }
    assert edited.without(["model.6.m.1.cv2"]).with_swap(
        ["model.6.m.1.cv2"], Swap("separable")
    ).resolved() == (design.resolved())
    assert design.without(design.resolved()).is_standard


def test_what_cannot_be_replaced_is_refused() -> None:
    for path in ("model.0.conv", "model.4", "model.24.cv2.0.2", "model.24.dfl.conv", "model.10"):
        with pytest.raises(DesignError):
            Design("yolov5n").with_swap([path], Swap("separable"))


def test_names_resolve(tmp_path: Path) -> None:
    save_design(preset("head"), tmp_path / "d.yaml")
    assert resolve_design(str(tmp_path / "d.yaml")) == preset("head")
    assert resolve_design("yolov5s").is_standard
    assert resolve_design("seed", classes=3) == preset("seed", classes=3)
    with pytest.raises(AppError, match="no design file"):
        resolve_design("yolov5q")
    with pytest.raises(AppError, match="cannot be read"):
        resolve_design(str(tmp_path / "none.yaml"))


def test_a_design_that_cannot_be_saved_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AppError, match=r"mine\.yaml cannot be written: .+") as caught:
        save_design(Design.stock("yolov5n"), tmp_path / "file" / "mine.yaml")
    assert caught.value.hint
