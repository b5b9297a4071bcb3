"""The bench: every model on every runtime in every precision, accuracy beside speed; nothing is measured twice."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.core import arbiter
from app.core.bench import ACCURACY, LATENCY, Bench, BenchRow, Cell, Kept
from app.core.errors import AppError
from app.core.files import write_text
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.bench_process import BenchCancelledError, part
from app.engine.bench_progress import Progress
from app.engine.bench_rounds import BURST, TOGETHER, Timed, time_in_turn
from app.engine.bench_subjects import Subject, cells, named, rivals, with_costs
from app.engine.latency_setting import setting_of
from app.engine.runtime_choice import version
from app.engine.runtimes import default_threads

FRAMES = 100
MOST_FRAMES = 1000
MEASURED, LATEST = "measured.jsonl", "latest.json"
"""Files in the folder of a bench: what was measured, and the last table."""

_PICTURES = 8
_PACKAGES = ("ultralytics", "torch", "openvino", "onnxruntime", "nncf")
_READING = QT_TRANSLATE_NOOP("core", "Reading the data and the models")
_ACCURACY = QT_TRANSLATE_NOOP("core", "Measuring accuracy")
_TIMING = QT_TRANSLATE_NOOP("core", "Measuring milliseconds")
_WAITING = QT_TRANSLATE_NOOP("core", "Waiting until the machine is quiet")

Tell = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True)
class BenchRequest:
    """What to measure.

    Attributes:
        weights: checkpoints, ONNX files or OpenVINO folders; the first is what ratios are taken against.
        data: data set, or "sample".
        folder: where measurements are kept.
        split: what accuracy is measured on.
        runtimes, precisions: empty for what this machine can.
        imgsz: side of the square input in pixels; each model's own where None.
        frames: inferences that are timed of each.
        threads: processors to use; all where None.
        rivals: whether plain untrained models stand beside lightweight ones.
        patience_s: how long to wait for a quiet machine; for ever where None. Then it is measured all the same, and
            marked.
    """

    weights: tuple[Path, ...]
    data: str
    folder: Path
    split: str = "val"
    runtimes: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ()
    imgsz: int | None = None
    frames: int = FRAMES
    threads: int | None = None
    rivals: bool = True
    patience_s: float | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BenchRequest:
        """Read the request of the job "bench"."""
        return cls(
            weights=tuple(Path(str(path)) for path in data["weights"]),
            data=str(data["data"]),
            folder=Path(str(data["folder"])),
            split=str(data.get("split") or "val"),
            runtimes=tuple(data.get("runtimes") or ()),
            precisions=tuple(data.get("precisions") or ()),
            imgsz=data.get("imgsz"),
            frames=int(data.get("frames") or FRAMES),
            threads=data.get("threads"),
            rivals=bool(data.get("rivals", True)),
            patience_s=data.get("patience_s"),
        )


def bench(
    request: BenchRequest, tell: Tell = lambda _event: None, cancelled: Callable[[], bool] = lambda: False
) -> Bench:
    """Measure, and return the table; it is written beside the measurements too.

    Args:
        request: what.
        tell: gets {"event": "bench", "fraction", "text", "name", "left_s"} while it works, {"event": "row", "row"}
            whenever something is known, and {"event": "waiting", "kind"} when the machine is wanted.
        cancelled: asked again and again.

    Raises:
        AppError: the data cannot be used, or nothing can be measured.
        BenchCancelledError: it was called off; what was measured so far is kept.
    """
    if not BURST <= request.frames <= MOST_FRAMES:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{frames} frames cannot be timed."),
            QT_TRANSLATE_NOOP("core", "Choose {least} to {most}."),
            frames=request.frames,
            least=BURST,
            most=MOST_FRAMES,
        )
    return _Work(request, tell, cancelled).run()


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Measure for the window: the job "bench"; see `BenchRequest.from_json` and `bench`."""

    def tell(event: Mapping[str, Any]) -> None:
        if event["event"] == "bench":
            channel.progress(float(event["fraction"]), str(event["text"]))
        channel.emit(event)

    return bench(BenchRequest.from_json(request), tell, lambda: channel.cancelled).to_json()


class _Work:
    def __init__(self, request: BenchRequest, tell: Tell, cancelled: Callable[[], bool]) -> None:
        self._request = request
        self._tell = tell
        self._cancelled = cancelled
        self._kept = Kept(request.folder / MEASURED)
        self._rows: dict[tuple[str, Cell], BenchRow] = {}
        self._pace = Progress()
        self._data: dict[str, Any] = {}
        self._pictures: list[str] = []
        self._subjects: list[Subject] = []

    def run(self) -> Bench:
        request = self._request
        self._progress(_READING, "")
        self._read_data()
        reading = lambda name: self._progress(_READING, name)  # noqa: E731 - one line, used twice
        self._subjects = with_costs(
            named(request.weights), request.imgsz, self._kept, self._cancelled, reading
        )
        if request.rivals:
            classes = int(self._data["classes"])
            self._subjects += rivals(
                self._subjects, classes, request.imgsz, self._kept, self._cancelled, reading
            )
        ways = cells(request.runtimes, request.precisions)
        for subject in self._subjects:
            for cell in ways:
                self._begin(subject, cell)
        able = [subject for subject in self._subjects if subject.problem is None]
        accuracies = [
            (subject, cell)
            for subject in able
            if subject.trained
            for cell in ways
            if self._wants(subject, cell)
        ]
        groups = [(cell, group) for cell in ways for group in self._groups(able, cell)]
        self._pace.left = {ACCURACY: len(accuracies), LATENCY: len(groups)}
        # The speed first of what was refused is refused again: accuracy tells it without a quiet machine.
        for subject, cell in accuracies:
            self._measure_accuracy(subject, cell)
        for cell, group in groups:
            self._measure_latency(cell, group)
        return self._finish()

    # --- the data ----------------------------------------------------------------------------------------------

    def _read_data(self) -> None:
        from app.engine.train_data import pictures_of, read_data

        request = self._request
        with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
            data = read_data(request.data, Path(folder), request.split)
            fingerprint = data["fingerprint"]["splits"]
            self._pictures = [str(path) for path in pictures_of(data, request.split)[:_PICTURES]]
            self._data = {
                "digest": fingerprint.get(request.split) or fingerprint["train"],
                "images": int(data["images"][request.split]),
                "classes": int(data["nc"]),
            }

    # --- rows --------------------------------------------------------------------------------------------------

    def _begin(self, subject: Subject, cell: Cell) -> None:
        """Make the row of a model in a cell, with all that is known of it."""
        side = self._request.imgsz or int(subject.cost.get("imgsz", 640))
        row = BenchRow(
            name=subject.name,
            weights=str(subject.path) if subject.trained else "",
            role=subject.role,
            trained=subject.trained,
            runtime=cell.runtime,
            precision=cell.precision,
            device=cell.device,
            threads=self._request.threads or default_threads(),
            shape=(side, side),
            parameters=subject.cost.get("parameters"),
            gflops=subject.cost.get("gflops"),
            bytes=subject.cost.get("bytes"),
            problem=None if subject.problem is None else subject.problem.as_dict(),
        )
        self._rows[subject.name, cell] = row
        if subject.problem is None:
            self._take_kept(subject, cell)
        self._show(subject.name, cell)

    def _take_kept(self, subject: Subject, cell: Cell) -> None:
        accuracy = self._kept.get(ACCURACY, self._about_accuracy(subject, cell)) if subject.trained else None
        if accuracy is not None:
            self._put_accuracy(subject, cell, accuracy)
        latency = self._kept.get(LATENCY, self._about_latency(subject, cell))
        if latency is not None:
            self._put_latency(subject, cell, latency)

    def _put(self, subject: Subject, cell: Cell, **values: Any) -> None:
        key = subject.name, cell
        self._rows[key] = replace(self._rows[key], **values)

    def _put_accuracy(self, subject: Subject, cell: Cell, value: Mapping[str, Any]) -> None:
        self._put(subject, cell, **{name: value[name] for name in ("map50", "map50_95", "images")})

    def _put_latency(self, subject: Subject, cell: Cell, value: Mapping[str, Any]) -> None:
        names = ("p50_ms", "p95_ms", "low_ms", "high_ms", "calls", "threads")
        self._put(subject, cell, shape=tuple(value["shape"]), **{name: value[name] for name in names})
        ratio = value.get("ratio")
        if ratio is not None and value.get("reference") == self._subjects[0].identity:
            self._put(subject, cell, ratio=tuple(ratio))

    def _show(self, name: str, cell: Cell) -> None:
        self._tell({"event": "row", "row": self._rows[name, cell].to_json()})

    def _fail(self, subject: Subject, cell: Cell, problem: AppError) -> None:
        if self._rows[subject.name, cell].problem is None:
            self._put(subject, cell, problem=problem.as_dict())
        self._show(subject.name, cell)

    # --- keys --------------------------------------------------------------------------------------------------

    def _about(self, subject: Subject, cell: Cell) -> dict[str, Any]:
        setting = setting_of(cell.runtime, cell.device, cell.precision, self._request.threads)
        about = {"weights": subject.identity, "imgsz": self._request.imgsz, **asdict(setting)}
        if cell.precision == "int8":
            about |= {"nncf": version("nncf"), "calibration": subject.training_data or self._request.data}
        return about

    def _about_accuracy(self, subject: Subject, cell: Cell) -> dict[str, Any]:
        about = self._about(subject, cell)
        about.pop("threads")
        return {**about, "data": self._data["digest"], "split": self._request.split}

    def _about_latency(self, subject: Subject, cell: Cell) -> dict[str, Any]:
        return {**self._about(subject, cell), "frames": self._request.frames}

    def _wants(self, subject: Subject, cell: Cell) -> bool:
        return self._rows[subject.name, cell].map50_95 is None

    def _keep(self, kind: str, about: Mapping[str, Any], value: Mapping[str, Any], name: str) -> None:
        try:
            self._kept.keep(kind, about, value, name)
        except OSError as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
                QT_TRANSLATE_NOOP("core", "Choose another folder, or free some space."),
                path=self._kept.path,
                reason=error.strerror or error,
            ) from error

    # --- measuring ---------------------------------------------------------------------------------------------

    def _progress(self, text: str, name: str) -> None:
        if self._cancelled():
            raise BenchCancelledError(QT_TRANSLATE_NOOP("core", "The bench was cancelled."))
        event = {"event": "bench", "fraction": self._pace.fraction, "text": text, "name": name}
        self._tell({**event, "left_s": self._pace.left_s if self._pace.done else None})

    def _request_for(self, do: str, subject: Subject, cell: Cell) -> dict[str, Any]:
        return {
            "do": do,
            "weights": str(subject.path),
            "imgsz": self._request.imgsz,
            "runtime": cell.runtime,
            "precision": cell.precision,
            "device": cell.device,
            "threads": self._request.threads,
            "data": self._request.data,
            "split": self._request.split,
            "calibration": subject.training_data or self._request.data,
        }

    def _measure_accuracy(self, subject: Subject, cell: Cell) -> None:
        self._progress(_ACCURACY, f"{subject.name}, {cell.runtime} {cell.precision}")
        begin = time.monotonic()
        try:
            found = part(self._request_for("accuracy", subject, cell), self._cancelled)
        except BenchCancelledError:
            raise
        except AppError as problem:
            self._fail(subject, cell, problem)
        else:
            self._keep(ACCURACY, self._about_accuracy(subject, cell), found, subject.name)
            self._put_accuracy(subject, cell, found)
            self._show(subject.name, cell)
        self._pace.add(ACCURACY, time.monotonic() - begin)

    def _groups(self, able: Sequence[Subject], cell: Cell) -> list[list[Subject]]:
        """Return who is measured together in a cell: whoever has no figure yet, the reference with each group."""
        reference = able[0] if able and able[0] is self._subjects[0] else None
        missing = [one for one in able if one is not reference and self._rows[one.name, cell].p50_ms is None]
        alone = reference is not None and self._rows[reference.name, cell].p50_ms is None
        first = [reference] if reference is not None else []
        room = TOGETHER - len(first)
        groups = [[*first, *missing[i : i + room]] for i in range(0, len(missing), room)]
        return groups or ([first] if alone else [])

    def _measure_latency(self, cell: Cell, group: Sequence[Subject]) -> None:
        # Who was refused when its accuracy was measured is not asked again.
        group = [one for one in group if self._rows[one.name, cell].problem is None]
        begin = time.monotonic()
        if group:
            self._progress(_TIMING, f"{cell.runtime} {cell.precision}")
            self._time(cell, group)
        self._pace.add(LATENCY, time.monotonic() - begin)

    def _time(self, cell: Cell, group: Sequence[Subject]) -> None:
        reference = self._subjects[0]
        requests = {
            one.name: {**self._request_for("latency", one, cell), "pictures": self._pictures} for one in group
        }

        def waiting(activity: arbiter.Activity) -> None:
            self._progress(_WAITING, "")
            self._tell({"event": "waiting", "kind": activity.kind})

        with arbiter.measuring(self._cancelled, self._request.patience_s, waiting) as turn:
            self._progress(_TIMING, f"{cell.runtime} {cell.precision}")
            found = time_in_turn(requests, reference.name, self._request.frames, turn, self._cancelled)
        for one in group:
            outcome = found[one.name]
            if isinstance(outcome, Timed):
                self._take_timed(one, cell, outcome, reference)
            else:
                self._fail(one, cell, outcome)

    def _take_timed(self, subject: Subject, cell: Cell, timed: Timed, reference: Subject) -> None:
        value = {**timed.value, "reference": reference.identity}
        before = self._rows[subject.name, cell]
        if before.p50_ms is not None and before.disturbed is None:
            return  # the reference, in turn with somebody new: its own figure is known
        if timed.disturbed is None:
            self._keep(LATENCY, self._about_latency(subject, cell), value, subject.name)
        self._put_latency(subject, cell, value)
        self._put(subject, cell, disturbed=timed.disturbed)
        self._show(subject.name, cell)

    # --- the end -----------------------------------------------------------------------------------------------

    def _finish(self) -> Bench:
        request = self._request
        versions = {name: version(name) for name in _PACKAGES if version(name)}
        machine = setting_of("torch", next(iter(self._rows))[1].device, "f32").machine if self._rows else ""
        found = Bench(
            data=request.data,
            split=request.split,
            images=int(self._data["images"]),
            machine=machine,
            versions=versions,
            reference=self._subjects[0].name,
            rows=tuple(self._rows.values()),
            rounds=(
                f"Each model in a process of its own; {request.frames} inferences in turns of {BURST}, round after "
                "round through all of a runtime and precision, and ratios taken round by round."
            ),
        ).sorted_out()
        from app.core.bench_report import as_json

        write_text(request.folder / LATEST, as_json(found))
        return found
