"""Text as pixels, without Qt: for recordings and printed pages."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

CHINESE = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "PingFang.ttc",
    "msyh.ttc",
    "Hiragino Sans GB.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "simhei.ttf",
)
"""File names of fonts that hold Chinese, as the systems ship them."""

_LATIN_END = 0x2E80
"""First of the characters that fonts of the Latin kind do not hold: radicals of Chinese."""
_KEPT = 1024


@lru_cache(maxsize=16)
def chinese(size: int) -> FreeTypeFont | None:
    """Return a font that holds Chinese, of so many pixels; None where the system has none."""
    from PIL import ImageFont

    for name in CHINESE:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None


@lru_cache(maxsize=16)
def latin(size: int, *, bold: bool = False) -> FreeTypeFont:
    """Return matplotlib's DejaVu Sans, which every installation brings, of so many pixels."""
    from PIL import ImageFont

    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size)


@lru_cache(maxsize=_KEPT)
def text_mask(text: str, size: int, *, bold: bool = False) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return one line of text as coverage, 0 to 1, of rows × columns; all lines of a size are equally high."""
    from PIL import Image, ImageDraw

    font: Any = latin(size, bold=bold)
    if any(ord(character) >= _LATIN_END for character in text):
        font = chinese(size) or font
    wide = max(round(font.getlength(text)), 1)
    picture = Image.new("L", (wide + 1, round(size * 1.3)), 0)
    ImageDraw.Draw(picture).text((0, size), text, 255, font, anchor="ls")
    return np.asarray(picture, dtype=np.float32) / np.float32(255)
