"""Which layers cost what: on the runtime of the comparison, aligned by path."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.compare_layers import LayerComparison
from app.engine.compare_layers import measure_layers
from app.engine.latency_clock import Pace

pytestmark = pytest.mark.alone  # times


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_every_layer_is_told_on_both_sides(standard: Path, lightweight: Path, runtime: str) -> None:
    found = measure_layers(
        standard, lightweight, runtime, "f32", "cpu", 96, picture=(576, 768), pace=Pace(3, 0.2)
    )
    assert found.shape == (96, 96)
    by_path = {layer.path: layer for layer in found.layers}
    # Layers that only hand on (Upsample, Concat) may cost nothing that is told; those with weights cost something.
    for number in (0, 1, 2, 3, 9, 13, 24):
        layer = by_path[f"model.{number}"]
        assert (layer.a_ms or 0) > 0
        assert (layer.b_ms or 0) > 0
    assert by_path["model.2"].title.startswith("C3")
    assert by_path["model.3"].title == "Conv / separable"
    # A swapped module counts as a whole, so that it stands beside the convolution that it replaces.
    assert [module.path for module in by_path["model.3"].modules] == ["model.3"]
    assert all(module.a_ms is not None and module.b_ms is not None for module in by_path["model.2"].modules)
    for letter, side in (("a", found.a), ("b", found.b)):
        bars = sum(getattr(layer, f"{letter}_ms") or 0 for layer in found.layers)
        assert bars == pytest.approx(side.profiled_ms)
        assert 0.2 < side.profiled_ms / side.p50_ms < 5
    assert [layer.path for layer in found.layers][:3] == ["model.0", "model.1", "model.2"]
    assert LayerComparison.from_dict(found.as_dict()) == found
