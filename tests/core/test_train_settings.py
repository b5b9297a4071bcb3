"""The settings of the form: their defaults change nothing, and what is changed is what a training is told."""

from __future__ import annotations

import pytest

from app.core.train_config import TrainConfig
from app.core.train_setting import GROUPS
from app.core.train_settings import SETTINGS, overrides_of

DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def test_the_defaults_are_what_stock_training_takes() -> None:
    """Read from the file that ultralytics ships, without importing it."""
    from importlib.util import find_spec
    from pathlib import Path

    import yaml

    origin = find_spec("ultralytics")
    assert origin is not None
    assert origin.origin is not None
    stock = yaml.safe_load((Path(origin.origin).parent / "cfg" / "default.yaml").read_text(encoding="utf-8"))
    ours = {"freeze": 0, "cache": "auto"}  # none frozen; and the cache by free memory
    for setting in SETTINGS:
        assert setting.default == ours.get(setting.name, stock[setting.name]), setting.name
        assert setting.group in GROUPS
        assert setting.about.endswith(".")


def test_untouched_nothing_is_overridden() -> None:
    assert overrides_of(DEFAULTS) == {}


@pytest.mark.parametrize(
    ("changes", "overrides"),
    [
        ({"cache": "off", "cos_lr": True, "freeze": 3}, {"cache": False, "cos_lr": True, "freeze": 3}),
        ({"cache": "ram", "mosaic": 0.0}, {"cache": "ram", "mosaic": 0.0}),
        ({"lr0": 0.002}, {}),  # the automatic optimizer ignores it
        ({"lr0": 0.002, "optimizer": "AdamW"}, {"lr0": 0.002, "optimizer": "AdamW"}),
        ({"perspective": 0.00049999}, {"perspective": 0.0005}),
    ],
)
def test_a_change_is_told_and_shown_again(changes: dict[str, object], overrides: dict[str, object]) -> None:
    assert overrides_of({**DEFAULTS, **changes}) == overrides
    config = TrainConfig("format: 1\nbase: yolov5n\n", "/d.yaml", overrides=overrides)
    shown = {setting.name: setting.value(config.overrides) for setting in SETTINGS}
    assert overrides_of(shown) == overrides
