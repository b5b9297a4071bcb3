"""Which ways to recover accuracy a training takes, and how one in stages is laid out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.design import parse_design
from app.core.errors import AppError
from app.core.recovery import (
    AUTO,
    DISTILL,
    OFF,
    OPTIONS,
    PLAIN,
    QUANTISE,
    RECALIBRATE,
    SPARE,
    STAGED,
    SWITCH,
    Facts,
    chosen,
    facts_of,
    in_stages,
    parse,
)
from app.core.train_config import TrainConfig

DESIGN = """format: 1
base: yolov5n
swaps:
  model.1: separable
  model.3: separable
  model.18: separable
  model.21: {block: separable, rank: 2}
"""
CONFIG = TrainConfig(DESIGN, "/d.yaml", name="light", epochs=11, weights="/std/weights/best.pt")
FACTS = Facts(lightweight=True, epochs=10, trained=True, teacher=True)


def test_what_is_named_is_taken_and_nothing_else() -> None:
    everything = ("plain", "distill", "spare", "recalibrate", "staged", "quantise")
    assert parse(",".join(reversed(everything))) == everything
    assert parse(OFF) == ()
    assert parse(AUTO) is None
    nothing = Facts(lightweight=False, epochs=300, trained=False, teacher=False)
    assert chosen("spare, plain", nothing) == (PLAIN, SPARE)
    assert chosen(OFF, FACTS) == ()
    for wrong in ("refit", "plain,magic", ""):
        with pytest.raises(AppError, match="no way"):
            parse(wrong)


def test_auto_takes_what_helped_where_it_makes_sense() -> None:
    auto = {option.name for option in OPTIONS if option.auto and option.place == SWITCH}
    assert set(chosen(AUTO, FACTS)) == auto - {STAGED}
    assert PLAIN in chosen(AUTO, FACTS)
    assert PLAIN not in chosen(AUTO, replace(FACTS, epochs=21))
    assert PLAIN not in chosen(AUTO, replace(FACTS, trained=False))
    assert PLAIN not in chosen(AUTO, replace(FACTS, scheduled=True))
    standard = replace(FACTS, lightweight=False)
    assert chosen(AUTO, standard) == (PLAIN,)  # the other half of a fair pair
    assert DISTILL not in chosen(AUTO, replace(FACTS, teacher=False))


def test_the_record_says_what_it_can() -> None:
    assert facts_of(CONFIG) == Facts(True, 11, True, False)
    assert facts_of(replace(CONFIG, weights=None)).trained is False
    assert facts_of(replace(CONFIG, warm_start="copy")).trained is False
    assert facts_of(replace(CONFIG, warm_start="copy"), trained=True).trained is True
    assert facts_of(replace(CONFIG, teacher="/std.pt")).teacher is True
    assert facts_of(replace(CONFIG, overrides={"lr0": 0.1})).scheduled is True
    assert facts_of(replace(CONFIG, overrides={"close_mosaic": 0, "rect": False})).scheduled is False


def test_the_deep_layers_come_first_and_no_epoch_is_added() -> None:
    first, second = in_stages(replace(CONFIG, recover="staged,plain"))
    deep = parse_design(first.design_text, "design").resolved()
    assert list(deep) == ["model.18", "model.21"]
    assert deep["model.21"].options == {"rank": 2}
    assert parse_design(second.design_text, "design").resolved().keys() > deep.keys()
    assert (first.epochs, second.epochs) == (5, 6)
    assert (first.name, second.name) == ("light-stage1", "light")
    assert (first.weights, second.weights) == ("/std/weights/best.pt", "")
    assert second.teacher == "/std/weights/best.pt"  # its weights are no standard model any more
    assert first.recover == second.recover == PLAIN
    assert [stage.recover for stage in in_stages(replace(CONFIG, recover=STAGED))] == [OFF, OFF]
    assert in_stages(CONFIG) == (CONFIG,)


def test_one_swap_or_one_epoch_has_no_stages() -> None:
    short = replace(CONFIG, epochs=1, recover="staged,spare")
    assert in_stages(short) == (replace(short, recover=SPARE),)
    one = replace(
        CONFIG, design_text="format: 1\nbase: yolov5n\nswaps: {model.3: separable}\n", recover=STAGED
    )
    assert in_stages(one) == (replace(one, recover=OFF),)


def test_every_option_is_explained_in_one_sentence() -> None:
    for option in OPTIONS:
        assert option.about.endswith(".")
        assert ". " not in option.about
        assert option.title[0].isupper()
    assert {PLAIN, DISTILL, SPARE, RECALIBRATE, STAGED, QUANTISE} == {
        o.name for o in OPTIONS if o.place == SWITCH
    }


def test_the_record_keeps_the_options_and_refuses_nonsense() -> None:
    told = replace(CONFIG, recover="plain,distill", teacher="/t.pt", distill=0.25, partner="standard")
    assert TrainConfig.from_dict(told.to_dict()) == told
    old = {
        name: value for name, value in told.to_dict().items() if name not in ("recover", "teacher", "distill")
    }
    assert (TrainConfig.from_dict(old).recover, TrainConfig.from_dict(old).teacher) == (AUTO, None)
    for changes in ({"recover": "magic"}, {"distill": 0}, {"distill": 1.5}, {"distill": True}):
        with pytest.raises(AppError):
            replace(CONFIG, **changes)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("cls_pw", 1.5, "from 0 to 1"),
        ("mosaic", -0.1, "from 0 to 1"),
        ("lr0", -0.01, "not below 0"),
        ("patience", -1, "not below 0"),
    ],
)
def test_a_setting_out_of_range_is_refused_before_the_training(name: str, value: float, hint: str) -> None:
    with pytest.raises(AppError, match=f"{name} cannot be") as caught:
        replace(CONFIG, overrides={name: value})
    assert hint in caught.value.hint
    replace(CONFIG, overrides={"degrees": -10.0, "patience": 0, "cls_pw": 1, "scale": 1.5})
