"""Judges runs on one split of one data set: figures with intervals, differences, and the pictures that tell most."""

from __future__ import annotations

import base64
import hashlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.errors import AppError
from app.core.run_compare import costs_of, settings_table
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP

if TYPE_CHECKING:
    from app.engine.judging import Draws
    from app.engine.predictions import Predictions

MOST_RUNS = 12
MOST_PICTURES = 12
FOLDER = "judged"
"""Where a run folder keeps its predictions."""

_MOST_BOXES = 300
_SIDE = 560
_READING = QT_TRANSLATE_NOOP("core", "Reading the pictures.")
_PREDICTING = QT_TRANSLATE_NOOP("core", "Predicting")
_DRAWING = QT_TRANSLATE_NOOP("core", "Computing intervals")
_PREDICTION_SHARE = 0.75


@dataclass
class _Judged:
    """A run, its predictions and their figures."""

    run: RunFolder
    found: Predictions
    figures: dict[str, Any]
    draws: Draws
    imgsz: int


class CancelledError(AppError):
    """The judging was called off."""


def judge(
    runs: list[RunFolder],
    data: str = "",
    split: str = "val",
    device: str = "",
    progress: Callable[[float, str], None] = lambda _share, _text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Judge runs side by side.

    What a run predicts is kept in its folder, in `judged`, and taken from there the next time, as long as weights,
    pictures, labels and picture size are the same.

    Args:
        runs: At most `MOST_RUNS`; the first one is what the others are subtracted from.
        data: data.yaml, or "sample"; by default what the first run was trained on.
        split: "val", "test" or "train".
        device: As `resolve_device` takes it.
        progress: Told the share that is done, and what is done now.
        cancelled: Asked again and again.

    Returns:
        "runs", "differences", "pictures", "settings"; see the user guide for what they hold.

    Raises:
        AppError: Data cannot be used, no run can be judged, or it was cancelled.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{count} runs cannot be judged at once."),
            QT_TRANSLATE_NOOP("core", "Choose 1 to {most} runs."),
            count=len(runs),
            most=MOST_RUNS,
        )
    from app.engine.train_data import read_data

    progress(0.0, _READING)
    named = data or runs[0].config().data
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
        prepared = read_data(named, Path(folder), split)
        judged, problems = _judge_each(runs, prepared, split, device, progress, cancelled)
        if not judged:
            raise problems[runs[0].name]
        pictures = _pictures(judged, prepared, split)
    return {
        "data": named,
        "split": split,
        "images": len(judged[0].found.names),
        "runs": [_row(one) for one in judged],
        "differences": [_difference(judged[0], other) for other in judged[1:]],
        "settings": settings_table([one.run for one in judged]),
        "pictures": pictures,
        "problems": {name: problem.as_dict() for name, problem in problems.items()},
    }


def run_job(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Judge for the window.

    Args:
        request: {"runs": folders, "data", "split", "device"}; all but the first may be left out.
        channel: Of the engine process.
    """
    return judge(
        [RunFolder(Path(str(path))) for path in request["runs"]],
        str(request.get("data") or ""),
        str(request.get("split") or "val"),
        str(request.get("device") or ""),
        channel.progress,
        lambda: channel.cancelled,
    )


def _judge_each(
    runs: list[RunFolder],
    data: Mapping[str, Any],
    split: str,
    device: str,
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> tuple[list[_Judged], dict[str, AppError]]:
    """Judge one run after the other; one that cannot be judged does not keep the others from it."""
    from app.engine.dataset_fingerprint import Fingerprint
    from app.engine.judging import draw, figures

    of_data = Fingerprint.from_json(data["fingerprint"]).of(split)
    judged, problems = [], {}
    for number, run in enumerate(runs):

        def tell(share: float, text: str, number: int = number) -> None:
            if cancelled():
                raise CancelledError(
                    QT_TRANSLATE_NOOP("core", "The judging was cancelled."),
                    QT_TRANSLATE_NOOP("core", "What was predicted so far is kept."),
                )
            progress((number + share) / len(runs), text)

        tell(0.0, _PREDICTING)
        try:
            found, imgsz = _predictions(run, data, split, of_data, device, tell)
        except CancelledError:
            raise
        except AppError as problem:
            problems[run.name] = problem
            continue
        told = figures(found)
        draws = draw(found, told["confidence"], partial(_tell_draws, tell))
        judged.append(_Judged(run, found, told, draws, imgsz))
    return judged, problems


def _tell_draws(tell: Callable[[float, str], None], share: float) -> None:
    tell(_PREDICTION_SHARE + (1 - _PREDICTION_SHARE) * share, _DRAWING)


def _predictions(
    run: RunFolder,
    data: Mapping[str, Any],
    split: str,
    of_data: str,
    device: str,
    tell: Callable[[float, str], None],
) -> tuple[Predictions, int]:
    from app.engine.evaluate import Evaluation, validate
    from app.engine.predictions import collecting, load_predictions

    if not run.best.is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The run “{name}” has no weights yet."),
            QT_TRANSLATE_NOOP("core", "Wait for its first epoch."),
            name=run.name,
        )
    imgsz = run.config().imgsz
    cache = run.path / FOLDER / f"{split}-{imgsz}-{of_data}-{_digest(run.best)}.npz"
    known = load_predictions(cache) if cache.is_file() else None
    if known is not None and list(known.class_names) == [str(name) for name in data["names"].values()]:
        return known, imgsz
    make, result = collecting()

    def on_batch(validator: Any) -> None:
        done = (validator.batch_i + 1) / len(validator.dataloader)
        tell(_PREDICTION_SHARE * done, _PREDICTING)

    how = Evaluation(split, imgsz, device=device)
    validate(run.best, dict(data), how, make=make, on_batch=on_batch)
    found = result()
    _keep(found, cache)
    return found, imgsz


def _digest(file: Path) -> str:
    """Return the first digits of a file's SHA-256."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def _keep(found: Predictions, cache: Path) -> None:
    """Put predictions in place of older ones of the same split; a folder that cannot be written is left as it is."""
    try:
        for old in cache.parent.glob(f"{cache.name.split('-')[0]}-*.npz"):
            old.unlink(missing_ok=True)
        found.save(cache)
    except OSError as error:
        sys.stderr.write(f"{cache}: {error}\n")


def _row(one: _Judged) -> dict[str, Any]:
    from app.engine.judging import interval

    draws, names = one.draws, one.found.class_names
    intervals: dict[str, Any] = {
        name: interval(getattr(draws, name)) for name in ("precision", "recall", "map50", "map50_95")
    }
    intervals["per_class"] = {name: interval(draws.ap50_95[:, column]) for column, name in enumerate(names)}
    missed, wrong = _mistakes(one)
    return {
        "name": one.run.name,
        "path": str(one.run.path),
        "imgsz": one.imgsz,
        **costs_of(one.run),
        **one.figures,
        "intervals": intervals,
        "missed": int(missed.sum()),
        "wrong": int(wrong.sum()),
    }


def _difference(first: _Judged, other: _Judged) -> dict[str, Any]:
    """Subtract the first run's figures from another's; the interval pairs the draws of the same pictures."""
    from app.engine.judging import interval

    paired = first.found.names == other.found.names
    result: dict[str, Any] = {"a": first.run.name, "b": other.run.name, "paired": paired}
    for name in ("map50", "map50_95", "precision", "recall"):
        change = getattr(other.draws, name) - getattr(first.draws, name) if paired else None
        result[name] = {
            "value": round(other.figures[name] - first.figures[name], 6),
            "interval": interval(change) if change is not None else None,
        }
    return result


def _mistakes(one: _Judged) -> tuple[Any, Any]:
    from app.engine.judging import mistakes

    return mistakes(one.found)


def _pictures(judged: list[_Judged], data: Mapping[str, Any], split: str) -> list[dict[str, Any]]:
    """Return the pictures on which the last run does worst against the first; of one run, its worst ones."""
    from app.engine.train_data import pictures_of

    first, last = judged[0], judged[-1]
    if any(one.found.names != first.found.names for one in judged):
        return []
    worst = sum(_mistakes(last))
    if last is not first:
        worst = worst - sum(_mistakes(first))
    order = sorted(range(len(first.found.names)), key=lambda number: (-int(worst[number]), number))
    paths = {path.name: path for path in pictures_of(data, split)}
    found = []
    for number in order[:MOST_PICTURES]:
        path = paths.get(first.found.names[number])
        picture = _picture(path) if path is not None else None
        if picture is not None:
            found.append({**picture, **_boxes(judged, number), "name": first.found.names[number]})
    return found


def _picture(path: Path) -> dict[str, Any] | None:
    from app.engine.pictures import PictureError, thumbnail_jpeg

    try:
        return {"jpeg": base64.b64encode(thumbnail_jpeg(path, _SIDE)).decode("ascii")}
    except PictureError:
        return None


def _boxes(judged: list[_Judged], number: int) -> dict[str, Any]:
    """Return labels and drawn boxes of a picture, as shares of its width and height."""
    from app.engine.predictions import SHOWN_CONFIDENCE

    first = judged[0].found
    height, width = (int(side) for side in first.sizes[number])
    scale = [1 / width, 1 / height, 1 / width, 1 / height]
    mine = first.true_picture == number
    true = [
        [int(cls), *(round(float(value), 4) for value in box * scale)]
        for cls, box in zip(first.true_classes[mine], first.true_boxes[mine], strict=True)
    ]
    rows = []
    for one in judged:
        found = one.found
        shown = ((found.picture == number) & (found.confidence >= SHOWN_CONFIDENCE)).nonzero()[0]
        boxes = [
            [
                int(found.classes[i]),
                *(round(float(value), 4) for value in found.boxes[i] * scale),
                round(float(found.confidence[i]), 3),
                bool(found.matched[i, 0] >= 0),
            ]
            for i in shown[:_MOST_BOXES]
        ]
        matched = {int(found.matched[i, 0]) for i in shown if found.matched[i, 0] >= 0}
        missed, wrong = _mistakes(one)
        rows.append(
            {
                "run": one.run.name,
                "missed": int(missed[number]),
                "wrong": int(wrong[number]),
                "boxes": boxes,
                "unseen": [index for index in range(len(true)) if index not in matched],
            }
        )
    return {"width": width, "height": height, "true": true[:_MOST_BOXES], "runs": rows}
