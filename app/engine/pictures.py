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
_TURNED_FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "AVIF"}
_TURNS = {
    2: PilImage.Transpose.FLIP_LEFT_RIGHT,
    3: PilImage.Transpose.ROTATE_180,
    4: PilImage.Transpose.FLIP_TOP_BOTTOM,
    5: PilImage.Transpose.TRANSPOSE,
    6: PilImage.Transpose.ROTATE_270,
    7: PilImage.Transpose.TRANSVERSE,
    8: PilImage.Transpose.ROTATE_90,
}
_GREY_SIZE = (16, 16)
_GREY_LEAST = 32

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
        orientation: as EXIF numbers it, 1 to 8; 1 is upright.
        deep: more than 8 bits a channel; training reads the upper 8.
        pages: how many pictures the file holds; training reads the first.
        mode: Pillow's name of what a pixel is, such as `RGB`, `L` or `CMYK`.
    """

    format: str
    width: int
    height: int
    loose_end: bool = False
    orientation: int = 1
    deep: bool = False
    pages: int = 1
    mode: str = "RGB"

    @property
    def raw_size(self) -> tuple[int, int]:
        """Width and height as stored, before the EXIF orientation."""
        return (self.height, self.width) if self.orientation in _SIDEWAYS else (self.width, self.height)


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
            byte of them; the rest is decoded. Otherwise only JPEGs and PNGs without an end marker are.
        smallest: least side in pixels (ultralytics refuses less than 10).

    Raises:
        PictureError: it cannot be used for training.
    """
    return _inspect(path, thorough, smallest)[0]


def look_through(path: Path, smallest: int = 10) -> tuple[PictureInfo, bytes]:
    """Do what `inspect_picture` does thoroughly; return also the picture upright, grey, 16×16, a byte a pixel.

    Raises:
        PictureError: it cannot be used for training.
    """
    return _inspect(path, True, smallest)


def _inspect(path: Path, thorough: bool, smallest: int) -> tuple[PictureInfo, bytes]:
    with _opened(path) as picture:
        name, (width, height) = picture.format or "?", picture.size
        if width * height > MOST_PIXELS:
            raise _too_large(f"{width}×{height}")
        if min(width, height) < smallest:
            raise PictureError("tiny", f"{width}×{height}")
        whole = _ends_with(path, _END_MARKERS.get(name, b""))
        thorough = thorough or not whole
        if thorough and name == "PNG":
            picture.verify()  # reads the checksums; what it leaves cannot be decoded any more
            with PilImage.open(path) as again:
                orientation, grey = _gone_through(again)
        elif thorough:
            orientation, grey = _gone_through(picture)
        else:
            orientation, grey = _orientation(picture), b""
        mode, pages = picture.mode, int(getattr(picture, "n_frames", 1)) if name == "TIFF" else 1
    if orientation in _SIDEWAYS:
        width, height = height, width
    loose = name == "JPEG" and not whole
    deep = mode.startswith(("I", "F"))
    return PictureInfo(name, width, height, loose, orientation, deep, pages, mode), grey


def _gone_through(picture: PilImage.Image) -> tuple[int, bytes]:
    """Decode an opened picture; return its orientation and its grey miniature."""
    if picture.format == "PNG":
        picture.load()  # the orientation may stand behind the pixels
    orientation = _orientation(picture)
    return orientation, _grey(picture, orientation)


def _orientation(picture: PilImage.Image) -> int:
    """Return the EXIF orientation that training heeds; OpenCV and Pillow turn TIFFs themselves, or neither does."""
    if picture.format not in _TURNED_FORMATS or (picture.format == "PNG" and "exif" not in picture.info):
        return 1
    found = picture.getexif().get(_ORIENTATION_TAG, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _grey(picture: PilImage.Image, orientation: int) -> bytes:
    """Decode a picture, JPEGs at an eighth of their size, and shrink it."""
    if picture.format in {"JPEG", "MPO"}:
        picture.draft(None, (max(picture.width // 8, _GREY_LEAST), max(picture.height // 8, _GREY_LEAST)))
    picture.load()
    if picture.mode.startswith(("I", "F")):
        deep = np.asarray(picture, dtype=np.float64)
        flat = PilImage.fromarray((deep / max(deep.max(), 1.0) * 255).astype(np.uint8))
    else:
        flat = picture.convert("L")
    small = flat.resize(_GREY_SIZE, PilImage.Resampling.BOX)
    turn = _TURNS.get(orientation)
    return (small if turn is None else small.transpose(turn)).tobytes()


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
