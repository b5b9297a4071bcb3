"""Brings thumbnails of a data set from an engine process that stays for as long as they are looked at."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.ui.text import note_words
from app.workers.job import EngineJob

JOB = "dataset.thumbnails"


@dataclass(frozen=True)
class Thumb:
    """A small picture with its boxes.

    Attributes:
        path: the picture's file.
        jpeg: the small picture; empty where the file cannot be decoded.
        boxes: class, centre x and y, width and height, as shares of the picture.
        problem: why there is no picture.
    """

    path: Path
    jpeg: bytes
    boxes: tuple[tuple[int, float, float, float, float], ...]
    problem: str = ""


class ThumbnailFeed(QObject):
    """Asks for pages of thumbnails and tells when they come.

    Every request has a token that comes back with its answers, so that late ones can be told apart.
    """

    total_received = Signal(str, int)
    """Token, and how many pictures there are in all."""
    thumb_received = Signal(str, int, object)
    """Token, index, and the ``Thumb``."""
    place_received = Signal(str, int)
    """Split and index of the picture that was looked for."""
    failed = Signal(object)
    lost = Signal()
    """What was asked for will not come: the process was let go."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data = ""
        self._job: EngineJob | None = None
        self._listening = False
        self._waiting: list[dict[str, Any]] = []

    @property
    def running(self) -> bool:
        """Whether an engine process is there."""
        return self._job is not None

    def open(self, data: str) -> None:
        """Bring thumbnails of another data set from now on; the process starts with the first request."""
        self.release()
        self._data = data

    def request(
        self, token: str, split: str, offset: int, count: int, size: int, cls: int | None = None
    ) -> None:
        """Ask for thumbnails.

        Args:
            token: comes back with the answers.
            split: ``train``, ``val`` or ``test``.
            offset: index of the first one.
            count: how many.
            size: longer side in pixels.
            cls: only pictures that hold this class.
        """
        page = {"token": token, "split": split, "offset": offset, "count": count, "size": size, "cls": cls}
        if self._job is None:
            self._start(page)
        else:
            self._send({"command": "page", **page})

    def forget(self) -> None:
        """Drop requests that nobody waits for any more; what is on its way still comes."""
        self._waiting = [command for command in self._waiting if command["command"] != "page"]
        if self._listening and self._job is not None:
            self._job.send({"command": "forget"})

    def find(self, path: str) -> None:
        """Look for a picture by its own or its label's path; ``place_received`` tells if it is there."""
        if self._job is None:
            self._start({"count": 0})
        self._send({"command": "find", "path": path})

    def release(self) -> None:
        """Let the engine process go; the next request starts another one."""
        if self._let_go() is not None:
            self.lost.emit()

    def close(self) -> None:
        """End the process and wait for it."""
        job = self._let_go()
        if job is not None:
            job.close()

    def _let_go(self) -> EngineJob | None:
        """Cancel the job, which lasts until its thread has ended, and hear no more of it."""
        job, self._job = self._job, None
        self._listening = False
        self._waiting.clear()
        if job is not None:
            job.cancel()
        return job

    def _send(self, command: dict[str, Any]) -> None:
        if self._listening and self._job is not None:
            self._job.send(command)
        else:
            self._waiting.append(command)

    def _start(self, page: dict[str, Any]) -> None:
        job = EngineJob(JOB, {"data": self._data, "follow": True, **page}, nice=5)
        job.event_received.connect(self._on_job_event_received)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)
        self._job = job
        job.start()

    def _on_job_event_received(self, event: dict[str, Any]) -> None:
        if self.sender() is not self._job:
            return
        if not self._listening:
            self._listening = True
            for command in self._waiting:
                self._job.send(command)
            self._waiting.clear()
        token = str(event.get("token"))
        if event["event"] == "page":
            self.total_received.emit(token, int(event["total"]))
        elif event["event"] == "thumbnail":
            self.thumb_received.emit(token, int(event["index"]), _thumb(event))
        elif event["event"] == "place":
            self.place_received.emit(str(event["split"]), int(event["index"]))

    def _on_job_failed(self, problem: object) -> None:
        if self.sender() is self._job:
            self.failed.emit(problem)

    def _on_job_finished(self) -> None:
        if self.sender() is self._job:
            self._let_go()


def _thumb(event: dict[str, Any]) -> Thumb:
    boxes = tuple((int(box[0]), *(float(value) for value in box[1:5])) for box in event["boxes"])
    jpeg = base64.b64decode(event["jpeg"])
    return Thumb(Path(event["path"]), jpeg, boxes, note_words(event.get("problem", "")))  # type: ignore[arg-type]
