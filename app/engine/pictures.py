"""Picture files that somebody else made: sizes without decoding, damage, thumbnails."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage
from PIL import ImageOps, UnidentifiedImageError

from app.core.text import QT_TRANSLATE_NOOP, Text
from app.engine.source_types import Image

PICTURE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".dng", ".heic", ".heif", ".jp2", ".jpeg"}
    | {".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"}
)
"""What ultralytics takes for a picture (IMG_FORMATS)."""

MOST_PIXELS = 2 * 89_478_485
"""About 179 megapixels; Pillow refuses more, for a small file can claim a picture that fills the memory."""

_END_MARKERS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_SIDEWAYS = {5, 6, 7, 8}
_ORIENTATION_TAG = 0x0112


_REASONS = {
    "corrupt": QT_TRANSLATE_NOOP("core", "it cannot be decoded ({detail})"),
    "truncated": QT_TRANSLATE_NOOP("core", "part of it is missing ({detail})"),
    "huge": QT_TRANSLATE_NOOP("core", "it claims {detail} pixels, which would fill the memory"),
    "tiny": QT_TRANSLATE_NOOP("core", "it is only {detail} pixels large"),
    "unreadable": QT_TRANSLATE_NOOP("core", "the file cannot be read ({detail})"),
}


class PictureError(Exception):
    """A picture file that cannot be used; as a text it says why, in a few words.

    Args:
        reason: `corrupt`, `truncated`, `huge`, `tiny` or `unreadable`.
        detail: the size, or what the decoder or the system says.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.text = Text(_REASONS[reason], {"detail": Text(detail)})
        super().__init__(self.text)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class PictureInfo:
    """What a picture's header says; width and height as seen, after the EXIF orientation.

    Attributes:
        format: Pillow's name of the format, such as `JPEG`.
        width: pixels.
        height: pixels.
        loose_end: a JPEG with something behind its end marker; ultralytics would write the file anew.
    """

    format: str
    width: int
    height: int
    loose_end: bool = False


@contextmanager
def large_pictures_allowed() -> Iterator[None]:
    """Silence Pillow's warning from 89 megapixels on; the refusal from 179 on stays.

    Python's warning filters belong to the whole process: enter it once, around the threads that read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PilImage.DecompressionBombWarning)
        yield


def inspect_picture(path: Path, *, thorough: bool = True, smallest: int = 10) -> PictureInfo:
    """Read a picture's header and check that its data is whole.

    Args:
        path: the picture.
        thorough: also go through the data: JPEGs are decoded at an eighth of their size, which reads every
            byte of them; PNGs have their checksums verified; the rest is decoded. Otherwise only JPEGs and
            PNGs without an end marker are looked through.
        smallest: least side in pixels (ultralytics refuses less than 10).

    Raises:
        PictureError: it cannot be used for training.
    """
    with _opened(path) as picture:
        name = picture.format or "?"
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_large(f"{width}×{height}")
        if min(width, height) < smallest:
            raise PictureError("tiny", f"{width}×{height}")
        if name == "JPEG" and picture.getexif().get(_ORIENTATION_TAG) in _SIDEWAYS:
            width, height = height, width
        whole = _ends_with(path, _END_MARKERS.get(name, b""))
        if thorough or not whole:
            _go_through(picture, name)
    return PictureInfo(name, width, height, loose_end=name == "JPEG" and not whole)


def read_picture(path: Path) -> Image:
    """Decode a picture as BGR uint8 H×W×3, turned the way its EXIF orientation says.

    Raises:
        PictureError: it cannot be decoded, or claims to be huge.
    """
    import cv2

    with _opened(path) as picture:
        width, height = picture.size
    if width * height > MOST_PIXELS:
        raise _too_large(f"{width}×{height}")
    # imdecode: OpenCV's imread cannot open every non-ASCII path on Windows.
    try:
        image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, OSError) as problem:
        raise PictureError("corrupt", _short(problem)) from problem
    if image is None:
        image = _decode_with_pillow(path)
    return image


def thumbnail_jpeg(path: Path, side: int) -> bytes:
    """Return the picture as a small JPEG whose longer side is at most `side` pixels.

    Raises:
        PictureError: it cannot be decoded.
    """
    with _opened(path) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise _too_large(f"{picture.width}×{picture.height}")
        picture.draft("RGB", (side, side))
        picture.thumbnail((side, side), PilImage.Resampling.BILINEAR, reducing_gap=2.0)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    stream = io.BytesIO()
    upright.save(stream, "JPEG", quality=86)
    return stream.getvalue()


def _decode_with_pillow(path: Path) -> Image:
    """Decode what OpenCV does not know (AVIF in some builds)."""
    with _opened(path) as picture:
        rgb = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    return np.ascontiguousarray(rgb[:, :, ::-1])


@contextmanager
def _opened(path: Path) -> Iterator[PilImage.Image]:
    """Open a picture and turn whatever its decoder raises into a `PictureError`."""
    try:
        with PilImage.open(path) as picture:
            yield picture
    except PictureError:
        raise
    except PilImage.DecompressionBombError as problem:
        raise _too_large(QT_TRANSLATE_NOOP("core", "more than 179 million")) from problem
    except (UnidentifiedImageError, ImportError) as problem:
        # ImportError: once ultralytics is imported, its Image.open looks for a HEIC plug-in before it gives up.
        heic = path.suffix.lower() in {".heic", ".heif"}
        text = (
            QT_TRANSLATE_NOOP("core", "HEIC: convert it to JPEG")
            if heic
            else QT_TRANSLATE_NOOP("core", "its format is not known")
        )
        raise PictureError("corrupt", text) from problem
    except FileNotFoundError as problem:
        raise PictureError("unreadable", QT_TRANSLATE_NOOP("core", "no such file")) from problem
    except PermissionError as problem:
        raise PictureError("unreadable", QT_TRANSLATE_NOOP("core", "permission denied")) from problem
    except Exception as problem:  # decoders raise anything at all for damaged or hostile data
        reason = "truncated" if "truncated" in str(problem) else "corrupt"
        raise PictureError(reason, _short(problem)) from problem


def _too_large(size: str) -> PictureError:
    return PictureError("huge", size)


def _go_through(picture: PilImage.Image, name: str) -> None:
    """Read all the data of an opened picture, as cheaply as its format allows."""
    if name in {"JPEG", "MPO"}:
        picture.draft(None, (max(picture.width // 8, 1), max(picture.height // 8, 1)))
        picture.load()
    elif name == "PNG":
        picture.verify()
    else:
        picture.load()


def _ends_with(path: Path, marker: bytes) -> bool:
    if not marker:
        return True
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(size - len(marker), 0))
        return stream.read() == marker


def _short(problem: Exception) -> str:
    text = str(problem).strip().splitlines()
    return (text[0] if text else type(problem).__name__)[:120]
