"""Which cameras are plugged in, and what they are called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.source_refusals import no_permission


@dataclass(frozen=True)
class Camera:
    """A camera of this machine.

    Attributes:
        index: OpenCV's number of it.
        name: the maker's name, or `Camera 0` where the system tells none.
        path: its device file, on Linux.
    """

    index: int
    name: str
    path: str = ""

    @property
    def label(self) -> str:
        """Name and number, to tell two of a kind apart."""
        return f"“{self.name}” (camera:{self.index})"


def camera_backend() -> int:
    """Return OpenCV's capture backend for cameras on this system; it also decides what an index means."""
    if sys.platform == "win32":
        return int(cv2.CAP_DSHOW)
    if sys.platform == "darwin":
        return int(cv2.CAP_AVFOUNDATION)
    return int(cv2.CAP_V4L2)


def list_cameras() -> list[Camera]:
    """Return the cameras that are plugged in, in the order of their index. None of them is opened."""
    from cv2_enumerate_cameras import enumerate_cameras

    found = {
        info.index: Camera(info.index, info.name or f"Camera {info.index}", str(info.path or ""))
        for info in enumerate_cameras(camera_backend())
    }
    return [found[index] for index in sorted(found)]


def find_camera(wanted: str, cameras: Sequence[Camera] | None = None) -> Camera:
    """Return the camera of that index, device file, name, or only part of a name.

    Args:
        wanted: such as `0`, `/dev/video2` or `logitech`.
        cameras: those to choose from; by default the ones plugged in.

    Raises:
        AppError: no camera answers to it, or several do, or this user may not open it.
    """
    cameras = list_cameras() if cameras is None else cameras
    folded = wanted.strip().casefold()
    if folded.isdecimal():
        matches = [camera for camera in cameras if camera.index == int(folded)]
    else:
        exact = [camera for camera in cameras if folded in {camera.name.casefold(), camera.path.casefold()}]
        matches = exact or [camera for camera in cameras if folded and folded in camera.name.casefold()]
    if len(matches) == 1:
        problem = no_permission(matches[0].label, matches[0].path)
        if problem is not None:
            raise problem
        return matches[0]
    if matches:
        listed = ", ".join(camera.label for camera in matches)
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{name}” names several cameras: {cameras}."),
            QT_TRANSLATE_NOOP("core", "Choose one by its number, as in camera:0."),
            name=wanted,
            cameras=listed,
        )
    if not cameras:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no camera “{name}” here: this machine has no camera."),
            QT_TRANSLATE_NOOP(
                "core",
                "Plug one in, or use a video file, a folder of pictures, a stream's address or “sample”.",
            ),
            name=wanted,
        )
    listed = ", ".join(camera.label for camera in cameras)
    raise AppError(
        QT_TRANSLATE_NOOP("core", "There is no camera “{name}” here."),
        QT_TRANSLATE_NOOP("core", "Plugged in: {cameras}."),
        name=wanted,
        cameras=listed,
    )
