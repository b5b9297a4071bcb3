"""What leaves a comparison as files: a recording, and reports with the pictures that disagree most."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.compare_figures import SessionFigures
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.compare_pictures import PairPictures
from app.engine.compare_report import ReportWriter, write_report
from app.engine.pairing import Pair, PairRunner, describe
from app.engine.preprocess import Image
from app.engine.recording import Recorder
from app.engine.session import Session


class Outputs:
    """Takes every pair after its figures were taken, outside the clock.

    Args:
        emit: takes the events "recording", "report" and "problem"; from other threads too.
    """

    def __init__(self, emit: Callable[[dict[str, Any]], object]) -> None:
        self._emit = emit
        self._recorder: Recorder | None = None
        self._writers: list[ReportWriter] = []
        self.pictures = PairPictures()

    def add(self, image: Image, index: int, pair: Pair, now: float, runner: PairRunner) -> None:
        """Take a pair; never waits.

        Args:
            image: H×W×3, BGR.
            index: number of the picture in its source.
            pair: both sides' results on it.
            now: monotonic seconds at its end.
            runner: what compares.
        """
        self.pictures.add(image, pair, index, now, [detector.names for detector in runner.detectors])
        if self._recorder is not None:
            self._recorder.add(image, pair, now)

    def again(self, image: Image, pair: Pair) -> None:
        """Take the last pair once more, with other limits; never waits."""
        if self._recorder is not None:
            self._recorder.add(image, pair, fresh=False)

    def record(self, path: str | None, runner: PairRunner | None) -> None:
        """Begin a recording, or end it where `path` is None."""
        if self._recorder is not None:
            self._recorder.stop()
            self._recorder = None
        if path is None:
            return
        if runner is None:
            self._emit(_failed(path, _not_ready()))
            return
        try:
            self._recorder = Recorder(Path(path), runner.detectors, self._emit)
        except OSError as error:
            self._emit(_failed(path, _cannot_begin(error)))

    def report(self, path: str, figures: SessionFigures | None, settings: Mapping[str, Any]) -> None:
        """Write a report in a process of its own; the event "report" tells when it is there."""
        self._writers = [writer for writer in self._writers if writer.busy]
        if figures is None:
            self._emit({"event": "problem", **_not_ready().as_dict()})
            return
        self._writers.append(
            ReportWriter(Path(path), figures, settings, self.pictures.pictures(), self._emit)
        )

    def reset(self) -> None:
        """Forget the pictures."""
        self.pictures.clear()

    def close(self) -> None:
        """End the recording and wait until every file is complete."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        for writer in self._writers:
            writer.close()


def _failed(path: str, problem: AppError) -> dict[str, Any]:
    nothing = {"seconds": 0.0, "frames": 0, "dropped": 0, "bytes": 0}
    return {"event": "recording", "state": "failed", "path": path, **nothing, **problem.as_dict()}


def _not_ready() -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "Nothing has been compared yet."),
        QT_TRANSLATE_NOOP("core", "Press Play first."),
    )


def _cannot_begin(error: OSError) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "Recording cannot begin: {reason}."),
        QT_TRANSLATE_NOOP("core", "Close other programs, or free some space, and try again."),
        reason=error.strerror or error,
    )


@dataclass(frozen=True)
class OutputFiles:
    """Which files a comparison without a window shall leave; None leaves none.

    Attributes:
        record: the MP4.
        report: the HTML; JSON and CSV stand beside it.
    """

    record: Path | None = None
    report: Path | None = None


class FileOutputs:
    """Takes every pair of a comparison without a window.

    Args:
        files: what to write.
        runner: what compares.
        settings: for the report: name → value.
    """

    def __init__(self, files: OutputFiles, runner: PairRunner, settings: Mapping[str, Any]) -> None:
        self._files, self._runner, self._settings = files, runner, settings
        self._session = Session() if files.report is not None else None
        self._pictures = PairPictures()
        self._shape: tuple[int, int] | None = None
        self._recorder: Recorder | None = None
        if files.record is not None:
            _check_folder(files.record)
            self._recorder = Recorder(files.record, runner.detectors, lambda _event: None)
        if files.report is not None:
            _check_folder(files.report)

    def add(self, image: Image, index: int, pair: Pair) -> None:
        """Take a pair; never waits."""
        now = time.monotonic()
        if self._session is not None:
            self._session.add(pair, now, None, self._runner.names)
            self._pictures.add(image, pair, index, now, self._runner.names)
            self._shape = (image.shape[0], image.shape[1])
        if self._recorder is not None:
            self._recorder.add(image, pair, now)

    def finish(self, source: str, dropped: int, notes: Sequence[str]) -> dict[str, Any]:
        """Complete the files; return "recording", the recorder's last event, and "report", the files written.

        Raises:
            AppError: the report cannot be written.
        """
        found: dict[str, Any] = {}
        if self._recorder is not None:
            found["recording"] = self._recorder.close()
        if self._session is not None and self._files.report is not None and self._shape is not None:
            sides = [
                {**describe(d), "shape": d.letterbox(*self._shape).shape} for d in self._runner.detectors
            ]
            figures = self._session.figures(source, sides, dropped, notes)
            if figures is not None:
                written = write_report(self._files.report, figures, self._settings, self._pictures.pictures())
                found["report"] = [str(file) for file in written]
        return found

    def close(self) -> None:
        """End the recording, also where the comparison failed."""
        if self._recorder is not None:
            self._recorder.close()


def _check_folder(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is compared.

    Raises:
        AppError: it is a folder, or stands in none.
    """
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: there is no such folder, or it is one."),
            QT_TRANSLATE_NOOP("core", "Name a file in a folder that exists."),
            path=path,
        )
