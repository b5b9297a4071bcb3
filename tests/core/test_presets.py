"""Presets: what they change on every base model, and what they say."""

from __future__ import annotations

import pytest

from app.core.architecture import base_models, load_architecture
from app.core.blocks import BLOCKS, eligible
from app.core.cost import compare_cost
from app.core.design import Design
from app.core.errors import AppError
from app.core.preset_rules import RULES, by_rule
from app.core.presets import PRESET_SUMMARIES, preset, preset_names, preset_summary
from app.core.sites import sites

YOLOV5 = tuple(f"yolov5{scale}" for scale in "nsmlx")


@pytest.mark.parametrize("base", base_models())
@pytest.mark.parametrize("name", preset_names())
def test_a_preset_makes_every_base_lighter_or_says_that_it_cannot(name: str, base: str) -> None:
    if name not in preset_names(base):
        with pytest.raises(AppError, match="has nothing that the preset"):
            preset(name, base)
        return
    design = preset(name, base)
    places = sites(design.architecture)
    assert all(places[path].c1 != 3 for path in design.resolved())
    table = compare_cost(design, 2 * design.architecture.cell)
    assert table.lightweight.flops < table.standard.flops


def test_the_separable_preset_is_everything_but_the_stem() -> None:
    for base in base_models():
        architecture = load_architecture(base)
        expected = {path for path in eligible(architecture) if sites(architecture)[path].c1 != 3}
        assert set(preset("separable", base).resolved()) == expected


@pytest.mark.parametrize("base", YOLOV5)
@pytest.mark.parametrize("name", [name for name in preset_names() if name in RULES])
def test_files_and_rules_say_the_same(name: str, base: str) -> None:
    swaps = preset(name, base).resolved()
    assert swaps == by_rule(name, load_architecture(base))


def test_backbones_are_changed_whole() -> None:
    for name in ("shufflenetv2", "mobilenetv3", "efficientnetv2"):
        swaps = preset(name, "yolov8n").resolved()
        assert list(swaps) == [f"model.{index}" for index in range(1, 9)]
        assert {swap.block for swap in swaps.values()} == {name}
        assert name in BLOCKS
    assert set(preset("ghost", "yolov8n").resolved().values()) == set(preset("ghost").resolved().values())


def test_there_is_no_other_preset() -> None:
    with pytest.raises(AppError, match="no preset"):
        preset("feet")
    assert Design.stock("yolov5n").is_standard


def test_classes_stay_what_was_asked_for() -> None:
    for name in preset_names("yolov8n"):
        assert preset(name, "yolov8n", 3).classes == 3


def test_the_presets_notes_are_marked_for_translation() -> None:
    assert tuple(preset_summary(name) for name in preset_names()) == PRESET_SUMMARIES
