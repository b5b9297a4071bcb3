"""How a source shall be opened and shown, beside its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

STREAM_SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "udp", "tcp", "srt")
"""What addresses of streams may begin with."""

_ADDRESS = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://")

LARGEST_SIDE, FASTEST_FPS = 8192, 1000.0
_SIZE = re.compile(r"^\s*(\d{2,5})\s*[x×*]\s*(\d{2,5})\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class SourceOptions:
    """Wishes; a camera takes what comes nearest.

    Attributes:
        width, height: picture of a camera in pixels, both or neither.
        fps: pictures a second of a camera.
        mirror: show any source as a mirror does.
    """

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    mirror: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            AppError: one of them is impossible.
        """
        sides = [side for side in (self.width, self.height) if side is not None]
        if len(sides) == 1 or any(not 16 <= side <= LARGEST_SIDE for side in sides):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "A camera picture of {size} pixels is not possible."),
                QT_TRANSLATE_NOOP("core", "Give width and height, as in 1280x720, each from 16 to {most}."),
                size="×".join(str(side) for side in sides),
                most=LARGEST_SIDE,
            )
        if self.fps is not None and not 0 < self.fps <= FASTEST_FPS:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "A camera cannot give {fps} pictures a second."),
                QT_TRANSLATE_NOOP("core", "Give a number above 0, such as 30."),
                fps=self.fps,
            )

    def as_json(self) -> dict[str, Any]:
        """Return what differs from the defaults."""
        return {name: value for name, value in asdict(self).items() if value}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SourceOptions:
        """Read what `as_json` gave; what is unknown or of another type is left out.

        Raises:
            AppError: a number is impossible.
        """
        width, height = (_whole(data.get(name)) for name in ("width", "height"))
        fps = data.get("fps")
        return SourceOptions(
            width,
            height,
            float(fps) if isinstance(fps, (int, float)) and not isinstance(fps, bool) and fps else None,
            data.get("mirror") is True,
        )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and value else None


def size_from_text(text: str) -> tuple[int, int]:
    """Return width and height of a text such as ``1280x720``.

    Raises:
        AppError: it is none.
    """
    found = _SIZE.match(text)
    if found is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{text}” is no picture size."),
            QT_TRANSLATE_NOOP("core", "Write width and height, as in 1280x720."),
            text=text,
        )
    return int(found[1]), int(found[2])


def address_scheme(text: str) -> str | None:
    """Return what an address begins with, in small letters; None where the text is no address."""
    found = _ADDRESS.match(text.strip())
    return found[1].lower() if found else None


def without_password(address: str) -> str:
    """Return an address fit to be shown, logged and kept: without the name and password of a user."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address.rpartition("@")[2] if "@" in address else address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)) if host != parts.netloc else address


def check_address(text: str) -> str:
    """Return the address of a stream, trimmed.

    Raises:
        AppError: it is none, or names no host.
    """
    address = text.strip()
    scheme = address_scheme(address)
    if scheme is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{address}” is no address of a stream."),
            QT_TRANSLATE_NOOP("core", "It begins with one of {schemes}, as in rtsp://camera.local/live."),
            address=without_password(address)[:200],
            schemes=", ".join(f"{name}://" for name in STREAM_SCHEMES),
        )
    if scheme not in STREAM_SCHEMES:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Addresses that begin with {scheme}:// are not supported: {address}."),
            QT_TRANSLATE_NOOP("core", "Supported are {schemes}; files are named by their path alone."),
            scheme=scheme,
            address=without_password(address),
            schemes=", ".join(STREAM_SCHEMES),
        )
    try:
        host, _ = urlsplit(address).hostname, urlsplit(address).port
    except ValueError:
        host = None
    if not host or any(character.isspace() for character in address):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{address}” names no computer."),
            QT_TRANSLATE_NOOP(
                "core", "Write the camera's name or number after ://, as in rtsp://192.168.1.20/live."
            ),
            address=without_password(address)[:200],
        )
    return address
