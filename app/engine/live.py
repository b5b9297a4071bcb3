"""The live comparison: newest frame wins, commands act at once, pictures go to the window in a ring file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app.core.arbiter import COMPARISON, Claim
from app.core.compare_figures import SessionFigures
from app.core.errors import AppError
from app.core.source_options import SourceOptions
from app.core.text import QT_TRANSLATE_NOOP, value_to_json
from app.engine.compare_outputs import Outputs
from app.engine.detector import Detector, common_runtime
from app.engine.live_figures import LiveFigures
from app.engine.live_request import Channel, LiveRequest
from app.engine.live_screen import Screen
from app.engine.matching import class_differences
from app.engine.pairing import Pair, PairRunner, describe, rows
from app.engine.preprocess import Image
from app.engine.sources import Frame, LatestFrameReader, Source, open_source

__all__ = ["LiveComparison", "LiveRequest"]

STATISTICS_PERIOD_S = 0.25

_WAIT_S = 0.05


class LiveComparison:
    """Runs until it is told to close, or its channel is gone.

    Events: `ready` (both detectors and the source), `ring` (a file to map), `picture` (before the detectors
    are ready), `pair`, `statistics` (at most four a second), `source`, `state`, `problem`,
    `recording` and `report` (see `compare_outputs`).
    """

    def __init__(self, request: LiveRequest, channel: Channel) -> None:
        self._request = request
        self._channel = channel
        self._confidence, self._iou = request.confidence, request.iou
        self._options = SourceOptions.from_json(request.options)
        self._loop, self._speed = request.loop, request.speed
        self._screen = Screen(Path(request.ring), channel)
        self._runner: PairRunner | None = None
        self._reader: LatestFrameReader | None = None
        self._frame: Frame | None = None
        self._shown: dict[str, Any] | None = None
        self._state = ""
        self._noted = 0
        self._closing = False
        self._claim = Claim(COMPARISON)
        self._figures = LiveFigures()
        self._outputs = Outputs(channel.emit)
        self._told = 0.0

    def run(self) -> dict[str, Any]:
        """Open the source, prepare the detectors, and compare; return the figures of everything shown."""
        self._claim.hold()
        try:
            self._channel.progress(0.0, "source")
            source = open_source(self._request.source, options=self._options)
            first = self._first_picture(source)
            self._prepare(first)
            self._read(source)
            while not self._closing and not self._channel.cancelled:
                self._step()
            return self._figures.as_dict()
        finally:
            self._claim.release()
            if self._reader is not None:
                self._reader.close()
            self._screen.close()
            self._outputs.close()

    # --- preparing -------------------------------------------------------------------------------------------

    def _first_picture(self, source: Source) -> Image:
        """Show the source's first picture while the detectors are prepared."""
        try:
            frame = source.read()
            if frame is None:
                raise AppError(
                    QT_TRANSLATE_NOOP("core", "{name} holds no picture."),
                    QT_TRANSLATE_NOOP("core", "Choose another source."),
                    name=source.name,
                )
            self._channel.emit({"event": "picture", **self._screen.place(frame)})
            source.seek(0)
        except BaseException:
            source.close()
            raise
        return frame.image

    def _prepare(self, first: Image) -> None:
        request, detectors = self._request, []
        runtime = common_runtime((request.a, request.b), request.runtime)
        for side, weights in enumerate((request.a, request.b)):
            self._channel.progress(0.2 + 0.4 * side, "ab"[side])
            detectors.append(
                Detector.load(
                    weights,
                    runtime,
                    request.precision,
                    request.device,
                    request.imgsz,
                    request.threads,
                )
            )
        self._runner = PairRunner(*detectors)
        self._runner.show_only(request.shown)
        self._runner.warm_up(first)
        self._channel.progress(1.0, "")
        self._tell_ready(self._runner, first)

    def _tell_ready(self, runner: PairRunner, picture: Image) -> None:
        sides = {
            name: {**described, "names": detector.names}
            for name, described, detector in zip(
                "ab", self._sides(runner, picture), runner.detectors, strict=True
            )
        }
        classes = class_differences(*(detector.names for detector in runner.detectors))
        self._channel.emit(
            {"event": "ready", **sides, "same_classes": runner.same_classes, "classes": classes}
        )

    @staticmethod
    def _sides(runner: PairRunner, picture: Image) -> list[dict[str, Any]]:
        return [{**describe(d), "shape": d.letterbox(*picture.shape[:2]).shape} for d in runner.detectors]

    def _read(self, source: Source) -> None:
        self._reset()
        self._reader = reader = LatestFrameReader(source, loop=self._loop)
        reader.set_speed(self._speed)
        reader.set_mirror(self._options.mirror)
        if not self._request.playing:
            reader.pause()
            reader.step()
        self._noted = 0
        self._tell_source(source)

    def _tell_source(self, source: Source) -> None:
        """Say what the source is, with the notes that were not told yet."""
        notes, self._noted = source.notes[self._noted :], len(source.notes)
        self._channel.emit(
            {
                "event": "source",
                "name": source.name,
                "live": source.live,
                "fps": source.fps,
                "frames": source.frames,
                "notes": [value_to_json(note) for note in notes],
            }
        )

    # --- comparing -------------------------------------------------------------------------------------------

    def _step(self) -> None:
        for command in self._channel.commands():
            self._obey(command)
        reader = self._reader
        if reader is None:
            time.sleep(_WAIT_S)
            return
        frame = reader.next(_WAIT_S)
        if frame is not None:
            self._compare(frame)
        elif reader.state in ("ended", "failed"):
            time.sleep(_WAIT_S)
        if len(reader.source.notes) != self._noted:
            self._tell_source(reader.source)
        self._tell_state(reader)
        if time.monotonic() - self._told >= STATISTICS_PERIOD_S and self._figures.fresh:
            self._tell_statistics(reader)

    def _compare(self, frame: Frame) -> None:
        runner = self._runner
        assert runner is not None
        runner.warm_up(frame.image)
        pair = runner.run(frame.image, self._confidence, self._iou)
        now = time.monotonic()
        age_ms = (now - frame.captured_at) * 1e3
        self._figures.add(pair, now, age_ms, runner.names)
        self._frame = frame
        self._shown = {**self._screen.place(frame), "age_ms": round(age_ms, 1)}
        self._tell_pair(pair)
        self._outputs.add(frame.image, frame.index, pair, now, runner)

    def _tell_pair(self, pair: Pair) -> None:
        assert self._shown is not None
        agree, changed = pair.match.agree, pair.match.changed
        sides = {}
        for side, found in enumerate((pair.a, pair.b)):
            marked = [[numbers[side] for numbers in group] for group in (agree, changed)]
            timings = found.timings
            sides["ab"[side]] = {
                "boxes": rows(found, *marked),
                "timings_ms": [
                    round(t, 3) for t in (timings.preprocess_ms, timings.inference_ms, timings.postprocess_ms)
                ],
            }
        self._channel.emit({"event": "pair", **self._shown, **sides, "counts": pair.match.counts()})

    def _tell_statistics(self, reader: LatestFrameReader) -> None:
        self._told = time.monotonic()
        plot = self._figures.told()
        self._channel.emit(
            {"event": "statistics", **self._figures.as_dict(), "dropped": reader.dropped, "recent": plot}
        )

    def session(self) -> SessionFigures | None:
        """Return the figures of everything since the last reset; None before the first pair."""
        runner, reader, frame = self._runner, self._reader, self._frame
        if runner is None or reader is None or frame is None:
            return None
        notes = [str(note) for note in reader.source.notes]
        sides = self._sides(runner, frame.image)
        return self._figures.session.figures(reader.source.name, sides, reader.dropped, notes)

    def _tell_state(self, reader: LatestFrameReader) -> None:
        if reader.state == self._state:
            return
        self._state = reader.state
        if self._state == "playing":
            self._claim.hold()
        else:  # measurements may have the machine meanwhile
            self._claim.release()
            self._figures.pause()
        told: dict[str, Any] = {"event": "state", "state": self._state}
        if self._state == "lost" and reader.reason is not None:
            told["reason"] = value_to_json(reader.reason)
        self._channel.emit(told)
        if reader.problem is not None and self._state in ("failed", "lost"):
            self._channel.emit({"event": "problem", **reader.problem.as_dict()})

    # --- commands --------------------------------------------------------------------------------------------

    def _obey(self, command: dict[str, Any]) -> None:
        action = self._actions().get(str(command.get("command")))
        if action is not None:
            action(command)

    def _actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {
            "play": lambda _: self._with_reader(LatestFrameReader.resume),
            "pause": lambda _: self._with_reader(LatestFrameReader.pause),
            "step": self._move,
            "seek": lambda c: self._with_reader(lambda reader: reader.seek(int(c["index"]))),
            "confidence": lambda c: self._limit(confidence=float(c["value"])),
            "iou": lambda c: self._limit(iou=float(c["value"])),
            "classes": lambda c: self._show_only(c.get("shown")),
            "imgsz": lambda c: self._resize(c.get("value")),
            "loop": lambda c: self._set_loop(bool(c["value"])),
            "speed": lambda c: self._set_speed(float(c["value"])),
            "mirror": lambda c: self._set_mirror(bool(c["value"])),
            "reset": lambda _: self._reset(),
            "source": lambda c: self._change_source(str(c["source"]), c.get("options")),
            "record": lambda c: self._outputs.record(c.get("path"), self._runner),
            "report": lambda c: self._outputs.report(str(c["path"]), self.session(), self._settings()),
            "close": lambda _: self._close(),
        }

    def _close(self) -> None:
        self._closing = True

    def _with_reader(self, action: Callable[[LatestFrameReader], None]) -> None:
        if self._reader is not None:
            action(self._reader)

    def _move(self, command: dict[str, Any]) -> None:
        """Go one picture on, or back."""
        reader = self._reader
        if reader is None:
            return
        reader.pause()
        if int(command.get("by", 1)) > 0:
            reader.step()
        elif self._shown is not None:
            reader.seek(max(int(self._shown["index"]) + int(command["by"]), 0))

    def _limit(self, confidence: float | None = None, iou: float | None = None) -> None:
        """Show the last picture's boxes for other limits at once, without running the detectors again."""
        self._confidence = self._confidence if confidence is None else min(max(confidence, 0.0), 1.0)
        self._iou = self._iou if iou is None else min(max(iou, 0.0), 1.0)
        self._again()

    def _show_only(self, shown: Sequence[str] | None) -> None:
        if self._runner is not None:
            self._runner.show_only(shown)
            self._again()

    def _again(self) -> None:
        pair = self._runner.again(self._confidence, self._iou) if self._runner else None
        if pair is not None and self._shown is not None:
            self._tell_pair(pair)
            if self._frame is not None:
                self._outputs.again(self._frame.image, pair)

    def _resize(self, imgsz: int | None) -> None:
        """Give both detectors pictures of another size, and show the last picture again."""
        runner, frame = self._runner, self._frame
        if runner is None or frame is None:
            return
        self._channel.emit({"event": "state", "state": "preparing"})
        self._state = ""
        for detector in runner.detectors:
            detector.resize(imgsz)
        runner.warm_up(frame.image)
        self._reset()
        self._tell_ready(runner, frame.image)
        self._tell_pair(runner.run(frame.image, self._confidence, self._iou))

    def _reset(self) -> None:
        self._figures = LiveFigures()
        self._outputs.reset()

    def _settings(self) -> dict[str, Any]:
        """Return what was chosen beside the detectors, for a report."""
        return {
            "confidence": self._confidence,
            "iou": self._iou,
            "classes": self._runner.shown if self._runner else None,
            "mirrored": self._options.mirror or None,
            "order": "alternating",
        }

    def _set_loop(self, loop: bool) -> None:
        self._loop = loop
        self._with_reader(lambda reader: reader.set_loop(loop))

    def _set_speed(self, speed: float) -> None:
        self._speed = min(max(speed, 0.1), 4.0)
        self._with_reader(lambda reader: reader.set_speed(self._speed))

    def _set_mirror(self, mirror: bool) -> None:
        self._options = SourceOptions.from_json({**self._options.as_json(), "mirror": mirror})
        self._with_reader(lambda reader: reader.set_mirror(mirror))

    def _change_source(self, spec: str, options: dict[str, Any] | None) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._state = ""
        self._channel.emit({"event": "state", "state": "opening"})
        try:
            if options is not None:
                self._options = SourceOptions.from_json(options)
            self._read(open_source(spec, options=self._options))
        except AppError as problem:
            self._channel.emit({"event": "state", "state": "failed"})
            self._channel.emit({"event": "problem", **problem.as_dict()})
