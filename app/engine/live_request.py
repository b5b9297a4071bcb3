"""What the window asks a live comparison for, and the engine's end of the pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.postprocess import CONFIDENCE, IOU


class Channel(Protocol):
    """The engine's end of the pipe to the window."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop."""

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the preparation is."""

    def commands(self) -> list[dict[str, Any]]:
        """Return the commands that have arrived."""


@dataclass(frozen=True)
class LiveRequest:
    """What the window asks for.

    Attributes:
        a: Left weights.
        b: Right weights.
        source: What `open_source` takes.
        ring: File to pass pictures through; one of another name beside it where a larger one is needed.
        options: `SourceOptions` as JSON.
        shown: Names of the classes whose boxes count; all where None.
        loop: Begin a file again when it ends.
        speed: How many times as fast as it is meant to be a file is played.
        playing: False shows the first picture and waits.
    """

    a: str
    b: str
    source: str
    ring: str
    runtime: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    imgsz: int | None = None
    threads: int | None = None
    confidence: float = CONFIDENCE
    iou: float = IOU
    options: Mapping[str, Any] = field(default_factory=dict)
    shown: list[str] | None = None
    loop: bool = True
    speed: float = 1.0
    playing: bool = True

    @staticmethod
    def from_json(data: dict[str, Any]) -> LiveRequest:
        """Read a request.

        Raises:
            AppError: A part is missing.
        """
        known = {one.name for one in fields(LiveRequest)}
        try:
            return LiveRequest(**{name: value for name, value in data.items() if name in known})
        except TypeError as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The comparison's request is incomplete: {reason}."), reason=error
            ) from error
