"""An MP4 that browsers play: H.264, yuv420p.

While it grows it is fragmented, a second at a time, so that whatever ends the process leaves a playable file. At its
end the same packets are put into an ordinary MP4 with its index in front, which plays while it is still downloading.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.files import replacing
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.preprocess import Image

CLOCK = 90_000
"""Ticks a second of the pictures' times."""

_ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
"""Encoders of H.264, best first; x264 is in PyAV's wheels."""

_X264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23"}
_KEY_FRAMES = 60
_BT709 = 1
_FRAGMENTED = {
    "movflags": "empty_moov+default_base_moof+frag_keyframe",
    "frag_duration": "1000000",
    "flush_packets": "1",
}


def _av() -> Any:
    """Import PyAV.

    Raises:
        AppError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "Recording needs the package PyAV, which cannot be used here: {reason}."
            ),
            QT_TRANSLATE_NOOP("core", "Install it with: pip install av."),
            reason=error,
        ) from error
    av.logging.set_level(av.logging.PANIC)
    return av


def _encoder(av: Any) -> str:
    """Return the best encoder of H.264 that there is.

    Raises:
        AppError: there is none.
    """
    for name in _ENCODERS:
        with contextlib.suppress(ValueError):  # what PyAV raises for an unknown codec
            av.codec.Codec(name, "w")
            return name
    raise AppError(
        QT_TRANSLATE_NOOP("core", "This build of PyAV has no encoder for H.264, which browsers play."),
        QT_TRANSLATE_NOOP("core", "Install the wheel from PyPI with: pip install --force-reinstall av."),
    )


class Mp4File:
    """A recording that is being written.

    Args:
        path: the file; one that is there is replaced.
        width, height: of every picture, even.

    Attributes:
        frames: pictures so far.
        seconds: time of the last one.

    Raises:
        AppError: PyAV or an encoder is missing.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self._library = _av()
        self.path = path
        self.frames, self.seconds = 0, 0.0
        self._last = -1
        name = _encoder(self._library)
        self._container = self._library.open(str(path), "w", format="mp4", container_options=_FRAGMENTED)
        stream = self._container.add_stream(name, rate=30, options=_X264 if name == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, CLOCK)
        context.gop_size, context.thread_count = _KEY_FRAMES, 1
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        self._stream = stream

    def add(self, image: Image, seconds: float) -> None:
        """Write a picture.

        Args:
            image: H×W×3, BGR.
            seconds: since the first picture.

        Raises:
            OSError: the file cannot be written.
        """
        frame = self._library.VideoFrame.from_ndarray(image, format="bgr24")
        frame = frame.reformat(format="yuv420p", src_colorspace="ITU709", dst_colorspace="ITU709")
        self._last = max(round(seconds * CLOCK), self._last + 1)
        frame.pts, frame.time_base = self._last, Fraction(1, CLOCK)
        self._container.mux(self._stream.encode(frame))
        self.frames, self.seconds = self.frames + 1, self._last / CLOCK

    def finish(self) -> None:
        """Write what is left, and put the index in front.

        Raises:
            OSError: the file cannot be written; what it holds so far stays and can be played.
        """
        self._container.mux(self._stream.encode(None))
        self._container.close()
        with replacing(self.path) as draft:
            self._rewrite(draft)

    def _rewrite(self, draft: Path) -> None:
        with (
            self._library.open(str(self.path)) as source,
            self._library.open(
                str(draft), "w", format="mp4", container_options={"movflags": "faststart"}
            ) as target,
        ):
            given = source.streams.video[0]
            stream = target.add_stream_from_template(given)
            for packet in source.demux(given):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)

    def abandon(self) -> None:
        """Let go of the file after an error; what it holds stays."""
        with contextlib.suppress(OSError, self._library.error.FFmpegError):
            self._container.close()
