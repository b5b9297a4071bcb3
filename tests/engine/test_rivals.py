"""Plain narrower models: ultralytics' own rounding, exact costs, kept on disk."""

from __future__ import annotations

import pytest

from app.core.cost import compare_cost
from app.core.design import Design
from app.core.target_amount import Amount
from app.engine import rivals
from app.engine.rivals import narrow_description, narrower


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n", "yolo11n", "yolov10n", "yolov3-tiny"])
def test_at_full_width_the_costs_are_those_of_the_base_model(base: str) -> None:
    design = Design.stock(base, 3)
    assert narrower(design, 1.0, 320).cost == Amount.of(compare_cost(design, 320).standard)


def test_channels_round_as_ultralytics_rounds_them() -> None:
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(narrow_description("yolov5n", 0.7), nc=3, verbose=False)
    # 0.25 · 0.7 of 64, 128, 256, 512, 1024, each up to a multiple of 8.
    widths = [model.model[i].conv.out_channels for i in (0, 1, 3, 5, 7)]
    assert widths == [16, 24, 48, 96, 184]
    rival = narrower(Design.stock("yolov5n", 3), 0.7, 320)
    assert rival.cost.parameters == sum(p.numel() for p in model.parameters())
    assert rival.name == "yolov5n × 0.7"
    whole = compare_cost(Design.stock("yolov5n", 3), 320).standard
    assert 0.3 * whole.flops < rival.cost.flops < 0.9 * whole.flops


def test_a_rival_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    design = Design.stock("yolov5n", 7)
    first = narrower(design, 0.55, 320)

    def again(*_arguments: object) -> object:
        raise AssertionError("built twice")

    monkeypatch.setattr(rivals, "_measured", again)
    assert narrower(design, 0.55, 320) == first


def test_half_of_a_small_model_is_the_next_smaller_one() -> None:
    """yolov5s and yolov5n are of one depth; n is half as wide."""
    nano = compare_cost(Design.stock("yolov5n", 3), 320).standard
    assert narrower(Design.stock("yolov5s", 3), 0.5, 320).cost == Amount.of(nano)
