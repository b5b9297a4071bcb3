"""Detection metrics of ultralytics' validator under the Studio's names."""

from __future__ import annotations

from typing import Any


def mean_metrics(metrics: Any) -> dict[str, float]:
    """Return precision, recall, mAP50 and mAP50-95 over all classes of a `DetMetrics`."""
    precision, recall, map50, map50_95 = (float(value) for value in metrics.mean_results())
    values = {"precision": precision, "recall": recall, "map50": map50, "map50_95": map50_95}
    return {name: round(value, 6) for name, value in values.items()}


def per_class_metrics(metrics: Any) -> dict[str, dict[str, float | None]]:
    """Return class name → AP50 and AP50-95; None where the data has no box of that class."""
    found = {int(index): position for position, index in enumerate(metrics.ap_class_index)}
    result: dict[str, dict[str, float | None]] = {}
    for index, name in metrics.names.items():
        position = found.get(int(index))
        if position is None:
            result[str(name)] = {"ap50": None, "ap50_95": None}
        else:
            _, _, ap50, ap = metrics.class_result(position)
            result[str(name)] = {"ap50": round(float(ap50), 6), "ap50_95": round(float(ap), 6)}
    return result
