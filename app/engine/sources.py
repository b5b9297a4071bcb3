"""Where pictures come from: cameras, video files, folders, network streams and the built-in sample.

`open_source` opens any of them by one text. Files are read picture by picture; for what runs on its own, and
for files that shall be shown in real time, `LatestFrameReader` keeps the newest picture at hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.source_options import SourceOptions, address_scheme, check_address, without_password
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.pictures import PICTURE_SUFFIXES
from app.engine.source_cameras import Camera, find_camera, list_cameras
from app.engine.source_files import PaintedClip, PictureFolder, VideoFile
from app.engine.source_live import open_camera, open_screen, open_stream
from app.engine.source_reader import LatestFrameReader
from app.engine.source_screen import count_screens
from app.engine.source_types import Frame, Source, SourceLostError

__all__ = [
    "Camera",
    "Frame",
    "LatestFrameReader",
    "Source",
    "SourceLostError",
    "find_camera",
    "list_cameras",
    "open_source",
    "run_cameras",
    "source_name",
]

_PLAIN = SourceOptions()
_SCREEN = re.compile(r"^screen(?::(\d{1,2}))?$")
_DEVICE = re.compile(r"^/dev/video\d+$")


def open_source(spec: str, *, timeout_s: float = 10.0, options: SourceOptions = _PLAIN) -> Source:
    """Open a source by what a person writes.

    Args:
        spec: `0` or `camera:0` or `camera:NAME`, a video file, a picture, a folder of pictures, an address
            (`rtsp://…`, `http://…`), `screen` or `screen:2`, or `sample`. A file of such a name goes by `./0`.
        timeout_s: seconds until a camera or stream must show its first picture.
        options: size and rate of a camera; mirroring is the reader's.

    Raises:
        AppError: it cannot be opened; the hint says what to do.
    """
    text = spec.strip()
    if not text:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "No source is given."),
            QT_TRANSLATE_NOOP("core", "Name a camera (0), a video, a folder, an address, or “sample”."),
        )
    if text == "sample":
        return _open_sample()
    screen = _SCREEN.match(text)
    if screen:
        return open_screen(int(screen[1] or 1), timeout_s)
    if text.isdecimal() or text.startswith("camera:") or _DEVICE.match(text):
        return open_camera(find_camera(text.removeprefix("camera:")), timeout_s, options)
    if address_scheme(text) is not None:
        return open_stream(check_address(text), timeout_s)
    return _open_path(Path(text).expanduser())


def source_name(spec: str) -> str:
    """Return a text for a source that is fit to be shown and logged: no passwords."""
    return without_password(spec.strip()) if address_scheme(spec) else spec.strip()


def run_cameras(_request: dict[str, Any], _channel: object) -> dict[str, Any]:
    """List cameras and screens for the window: the job "cameras"; none of them is opened."""
    cameras = [{"index": camera.index, "name": camera.name} for camera in list_cameras()]
    return {"cameras": cameras, "screens": count_screens()}


def _open_path(path: Path) -> Source:
    try:
        if path.is_dir() or (path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES):
            return PictureFolder(path)
        if path.is_file():
            return VideoFile(path)
        exists = path.exists()
    except OSError as problem:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be opened: {why}."),
            QT_TRANSLATE_NOOP("core", "Check its permissions."),
            path=path,
            why=problem.strerror or str(problem),
        ) from None
    if exists:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} is neither a file nor a folder."),
            QT_TRANSLATE_NOOP("core", "Choose a video, a picture or a folder of pictures."),
            path=path,
        )
    raise AppError(
        QT_TRANSLATE_NOOP("core", "There is no source {path}."),
        QT_TRANSLATE_NOOP(
            "core",
            "Name a video, a folder of pictures, a camera (0), a stream's address (rtsp://…), or “sample”.",
        ),
        path=path,
    )


def _open_sample() -> Source:
    from app.engine.sample.clip import FPS, FRAMES, Clip

    return PaintedClip("sample", Clip().frame, FPS, FRAMES)
