"""Fair pairs differ in the design alone, and a comparison says what makes it unfair."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from app.core.design import parse_design
from app.core.pairs import differences, fair_pair, repeated, standard_first, total_epochs
from app.core.runs import Workspace
from app.core.train_config import TrainConfig

DESIGN = "format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n"
CONFIG = TrainConfig(
    DESIGN, "/d.yaml", "mine", 10, 320, 8, weights="/s.pt", seed=3, overrides={"mosaic": 0.5, "patience": 7}
)


def test_a_fair_pair_differs_in_the_design_alone() -> None:
    standard, light = fair_pair(replace(CONFIG, recover="plain,distill,spare", teacher="/t.pt"))
    assert parse_design(standard.design_text, "design").is_standard
    assert light.design_text == DESIGN
    assert (standard.role, light.role) == ("standard", "lightweight")
    assert (standard.name, light.name) == ("mine-standard", "mine-lightweight")
    assert (standard.partner, light.partner) == (light.name, standard.name)
    own = {"design_text", "name", "role", "partner", "recover", "teacher"}
    for item in fields(TrainConfig):
        if item.name not in own:
            assert getattr(standard, item.name) == getattr(light, item.name) == getattr(CONFIG, item.name)
    assert (standard.recover, standard.teacher) == ("plain", None)
    assert (light.recover, light.teacher) == ("plain,distill,spare", "/t.pt")
    assert differences(standard, light) == ()


@pytest.mark.parametrize(("recover", "kept"), [("auto", "auto"), ("off", "off"), ("distill", "off")])
def test_the_schedule_of_a_pair_is_the_same(recover: str, kept: str) -> None:
    standard, light = fair_pair(replace(CONFIG, recover=recover))
    assert standard.recover == kept
    assert differences(standard, light) == ()


def test_what_makes_a_pair_unfair_is_named() -> None:
    other = replace(CONFIG, seed=4, batch=16, epochs=12, overrides={"mosaic": 1.0, "patience": 7})
    assert differences(CONFIG, other) == ("batch", "seed", "epochs", "mosaic")
    plain = replace(CONFIG, overrides={})
    assert differences(plain, replace(plain, recover="off")) == ("recover",)
    assert differences(plain, replace(plain, recover="plain,spare", teacher="/x.pt", device="cpu")) == ()


def test_a_standard_training_goes_before_a_pair_of_equal_epochs(tmp_path: Path) -> None:
    base = standard_first(CONFIG, 80)
    assert parse_design(base.design_text, "design").is_standard
    assert (base.name, base.epochs, base.role, base.partner) == ("mine-base", 80, "standard", "")
    assert (base.weights, base.recover) == (CONFIG.weights, "off")
    run = Workspace(tmp_path).new_run(base.name)
    run.write_config(base)
    standard, light = fair_pair(replace(CONFIG, weights=str(run.best)))
    assert total_epochs(standard) == total_epochs(light) == 90


def test_seeds_are_counted_up_and_named() -> None:
    assert repeated(CONFIG, 1) == (CONFIG,)
    made = repeated(CONFIG, 3)
    assert [(one.seed, one.name) for one in made] == [(3, "mine-s3"), (4, "mine-s4"), (5, "mine-s5")]
    assert {replace(one, seed=3, name="mine").to_dict()["epochs"] for one in made} == {10}


def test_epochs_are_counted_through_the_runs_that_weights_come_from(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first, second = workspace.new_run("first"), workspace.new_run("second")
    first.write_config(replace(CONFIG, epochs=80, weights="/yolov5n.pt"))
    second.write_config(replace(CONFIG, epochs=5, weights=str(first.best)))
    assert total_epochs(replace(CONFIG, weights=None)) == 10
    assert total_epochs(replace(CONFIG, weights="/somewhere/yolov5n.pt")) == 10
    assert total_epochs(replace(CONFIG, weights=str(second.best))) == 95
    # A run whose weights are said to come from itself ends the count.
    first.write_config(replace(CONFIG, epochs=80, weights=str(second.best)))
    assert total_epochs(replace(CONFIG, weights=str(second.best))) == 95
    longer = replace(CONFIG, epochs=90, weights="/yolov5n.pt")
    first.write_config(replace(CONFIG, epochs=80, weights="/yolov5n.pt"))
    assert differences(longer, replace(CONFIG, weights=str(first.best), recover="off")) == ()
