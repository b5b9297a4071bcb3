"""What predictions are worth: the figures of `val`, by class and size of objects, with intervals over pictures.

Average precision is ultralytics' own arithmetic on the same matches, so that the figures equal those of `val`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ultralytics.utils.metrics import DetMetrics, compute_ap

from app.core.statistics import LEVEL
from app.engine.metrics import mean_metrics, per_class_metrics
from app.engine.predictions import SHOWN_CONFIDENCE, THRESHOLDS, Array, Predictions

SIZES = ("small", "medium", "large")
"""Small objects cover less than 32² pixels, large ones at least 96² (Lin et al. 2014, *Microsoft COCO*; cocoeval)."""

_LIMITS = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
_SEED = 20140501
_DRAWS, _FEW_DRAWS, _MANY_BOXES = 1000, 200, 200_000
_CURVE_POINTS = 101


@dataclass(frozen=True)
class Draws:
    """Figures of resampled sets of pictures; row i of every run judged on the same pictures belongs together.

    Attributes:
        map50, map50_95, precision, recall: one value a draw.
        ap50_95: draws × classes; NaN where a draw holds no object of the class.
    """

    map50: Array
    map50_95: Array
    precision: Array
    recall: Array
    ap50_95: Array


def figures(found: Predictions) -> dict[str, Any]:
    """Return what `val` says, and what it does not: by size of objects, curves, the confusion matrix."""
    metrics = _metrics(found)
    present = [int(index) for index in metrics.ap_class_index]
    return {
        **mean_metrics(metrics),
        "per_class": per_class_metrics(metrics),
        "sizes": {name: size_figures(found, name) for name in SIZES},
        "images": len(found.names),
        "boxes": len(found.true_boxes),
        "confidence": _best_confidence(metrics),
        "curves": {
            found.class_names[index]: _curve(metrics.box.prec_values[row])
            for row, index in enumerate(present)
        },
        "confusion": found.confusion.tolist(),
        "classes": list(found.class_names),
    }


def _metrics(found: Predictions) -> Any:
    metrics = DetMetrics(dict(enumerate(found.class_names)))
    pictures = np.unique(np.stack([found.true_picture, found.true_classes]), axis=1)[1]
    metrics.stats = {
        "tp": [found.right],
        "conf": [found.confidence],
        "pred_cls": [found.classes.astype(np.float32)],
        "target_cls": [found.true_classes.astype(np.float32)],
        "target_img": [pictures.astype(np.float32)],
    }
    metrics.process()
    return metrics


def _curve(precision: Array) -> list[float]:
    """Thin a curve of 1000 points over recall from 0 to 1 out to 101."""
    places = np.linspace(0, len(precision) - 1, _CURVE_POINTS)
    values = np.interp(places, np.arange(len(precision)), precision)
    return [round(float(value), 5) for value in values]


def _best_confidence(metrics: Any) -> float:
    """Return the confidence at which F1, averaged over the classes, is largest, as ultralytics chooses it."""
    from ultralytics.utils.metrics import smooth

    curve = metrics.box.f1_curve
    if not len(curve):
        return SHOWN_CONFIDENCE
    return float(metrics.box.px[smooth(curve.mean(0), 0.1).argmax()])


def by_confidence(found: Predictions) -> Array:
    """Return the order in which ultralytics takes the boxes, those of equal confidence included."""
    return np.argsort(-found.confidence)


def size_figures(found: Predictions, size: str) -> dict[str, float | int | None]:
    """Return AP50, AP50-95 and the number of objects of one size.

    As in COCO's evaluation, objects of another size are neither wanted nor wrong, and boxes that match nothing count
    as wrong only where they are of that size themselves. A box keeps the object that it matches among all.
    """
    low, high = _LIMITS[size]
    true_area = _area(found.true_boxes)
    of_size = (true_area >= low) & (true_area < high)
    own_area = _area(found.boxes)
    own = (own_area >= low) & (own_area < high)
    first = np.searchsorted(found.true_picture, np.arange(len(found.names)))
    target = (
        np.where(found.right, first[found.picture][:, None] + found.matched, 0) if len(found.boxes) else None
    )
    order = by_confidence(found)
    rows = []
    for number in range(len(found.class_names)):
        count = int((of_size & (found.true_classes == number)).sum())
        if not count:
            continue
        mine = order[found.classes[order] == number]
        scores = np.zeros(THRESHOLDS)
        for column in range(THRESHOLDS):
            if target is None or not len(mine):
                break
            right = found.right[mine, column]
            counts = np.where(right, of_size[target[mine, column]], own[mine])
            scores[column] = _average_precision(right[counts], count)
        rows.append(scores)
    if not rows:
        return {"ap50": None, "ap50_95": None, "boxes": 0}
    table = np.array(rows)
    return {
        "ap50": round(float(table[:, 0].mean()), 6),
        "ap50_95": round(float(table.mean()), 6),
        "boxes": int(of_size.sum()),
    }


def _area(boxes: Array) -> Array:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1])


def _average_precision(right: npt.NDArray[np.bool_], objects: int) -> float:
    if not len(right):
        return 0.0
    hits = right.cumsum()
    return float(compute_ap(hits / (objects + 1e-16), hits / np.arange(1, len(hits) + 1))[0])


def draw(
    found: Predictions, confidence: float, progress: Callable[[float], None] = lambda _share: None
) -> Draws:
    """Evaluate sets of pictures drawn with replacement: the bootstrap (Efron and Tibshirani 1993, chapter 13).

    Pictures are drawn whole, for boxes of one picture are not independent. The draws depend on the number of pictures
    alone: those of two runs on the same pictures can be subtracted.

    Args:
        found: At least one picture.
        confidence: Where precision and recall are read.
        progress: Told the share that is done; what it raises ends the work.
    """
    pictures = len(found.names)
    times = _DRAWS if len(found.boxes) <= _MANY_BOXES else _FEW_DRAWS
    random = np.random.default_rng(_SEED)
    order = by_confidence(found)
    classes = [_OfClass(found, order, number, confidence) for number in range(len(found.class_names))]
    ap = np.full((times, len(classes), THRESHOLDS), np.nan)
    shares = np.full((times, len(classes), 2), np.nan)
    for row in range(times):
        weight = np.bincount(random.integers(pictures, size=pictures), minlength=pictures)
        for column, one in enumerate(classes):
            objects = int(weight @ one.objects)
            if objects:
                ap[row, column] = one.precision_of(weight, objects)
                shares[row, column] = one.shares_of(weight, objects)
        if row % 50 == 49:
            progress((row + 1) / times)
    with np.errstate(invalid="ignore"):
        return Draws(
            _mean(ap[:, :, 0]),
            _mean(ap.mean(2)),
            _mean(shares[:, :, 0]),
            _mean(shares[:, :, 1]),
            ap.mean(2),
        )


class _OfClass:
    """The boxes of one class by falling confidence."""

    def __init__(self, found: Predictions, order: Array, number: int, confidence: float) -> None:
        mine = order[found.classes[order] == number]
        hits = np.flatnonzero(found.right[mine].any(1))
        last = hits[-1] + 1 if len(hits) else 0  # what comes after the last hit changes no envelope
        self._right, self._picture = found.right[mine[:last]], found.picture[mine[:last]]
        pictures = len(found.names)
        self.objects = np.bincount(found.true_picture[found.true_classes == number], minlength=pictures)
        sure = mine[found.confidence[mine] >= confidence]
        self._said = np.bincount(found.picture[sure], minlength=pictures)
        self._hit = np.bincount(found.picture[sure[found.right[sure, 0]]], minlength=pictures)

    def precision_of(self, weight: Array, objects: int) -> Array:
        """Return AP at each overlap, every picture counted as often as it was drawn."""
        rows = np.repeat(np.arange(len(self._picture)), weight[self._picture])
        if not len(rows):
            return np.zeros(THRESHOLDS)
        hits = self._right[rows].cumsum(0)
        recall, precision = hits / (objects + 1e-16), hits / np.arange(1, len(hits) + 1)[:, None]
        return np.array([compute_ap(recall[:, j], precision[:, j])[0] for j in range(THRESHOLDS)])

    def shares_of(self, weight: Array, objects: int) -> tuple[float, float]:
        """Return precision and recall."""
        said, hit = float(weight @ self._said), float(weight @ self._hit)
        return (hit / said if said else 0.0), hit / objects


def _mean(values: Array) -> Array:
    """Return the mean over the classes that a draw holds."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(1)
    return np.asarray(total / np.maximum(known.sum(1), 1))


def interval(values: Array) -> list[float] | None:
    """Return the 95 % percentile interval of draws; None where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return [round(float(low), 6), round(float(high), 6)]


def mistakes(found: Predictions) -> tuple[Array, Array]:
    """Return, by picture, how many objects were missed and how many boxes are wrong, as they are drawn."""
    pictures = len(found.names)
    shown = found.confidence >= SHOWN_CONFIDENCE
    right = shown & found.right[:, 0]
    objects = np.bincount(found.true_picture, minlength=pictures)
    missed = objects - np.bincount(found.picture[right], minlength=pictures)
    wrong = np.bincount(found.picture[shown & ~found.right[:, 0]], minlength=pictures)
    return missed, wrong
