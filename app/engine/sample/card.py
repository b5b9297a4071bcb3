"""The printable card: the sample's objects, large, so that a camera has something to see."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from app.core.errors import AppError
from app.core.files import replacing
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.fonts import CHINESE as _CHINESE
from app.engine.sample.canvas import Colour, ink
from app.engine.sample.light import Light
from app.engine.sample.objects import KINDS, Kind
from app.engine.sample.scene import Item, Scene, View, render

if TYPE_CHECKING:
    from PIL.Image import Image as Page
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_DPI = 200
_PAGE = (round(210 / 25.4 * _DPI), round(297 / 25.4 * _DPI))
_MARGIN, _GAP, _HEAD, _FOOT = 110, 44, 320, 190
_LATIN = ("Inter", "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans")
_TEXT, _MUTED = "#1B1F24", "#57606A"

_LOOKS: dict[str, tuple[str, int, float, float]] = {
    "mug": ("#EDE2D3", 5, -0.45, 1.05),
    "key": ("#D5E0DB", 8, -0.6, 0.95),
    "leaf": ("#F1E7D6", 4, -0.55, 1.08),
    "pencil": ("#DDE4EB", 4, -0.62, 0.88),
    "die": ("#EBDCD5", 7, 0.3, 0.68),
    "scissors": ("#E1E6D8", 3, -0.62, 1.12),
}
"""Ground, drawing, angle and size (as a share of its tile) of each object on the card."""


def write_card(path: Path) -> Path:
    """Write the card as an A4 page, a PDF and beside it a PNG of the same name; give the PDF's path.

    Raises:
        AppError: the files cannot be written.
    """
    page = draw_card()
    target, picture = path.with_suffix(".pdf"), path.with_suffix(".png")
    try:
        with replacing(target) as temporary:
            page.save(
                temporary,
                format="PDF",
                resolution=float(_DPI),
                quality=92,
                title="Depthwise Studio: sample card",
                creationDate=time.gmtime(0),
                modDate=time.gmtime(0),
            )
        with replacing(picture) as temporary:
            page.resize((_PAGE[0] * 3 // 5, _PAGE[1] * 3 // 5)).save(temporary, format="PNG", optimize=True)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The card cannot be written to {path}: {reason}."),
            QT_TRANSLATE_NOOP("core", "Check that the folder is writable and the disk is not full."),
            path=path,
            reason=error.strerror or error,
        ) from error
    return target


def draw_card() -> Page:
    """Draw the card."""
    from PIL import Image, ImageDraw

    page = Image.new("RGB", _PAGE, "#FFFFFF")
    draw = ImageDraw.Draw(page)
    draw.text((_MARGIN, 120), "Depthwise Studio", _TEXT, _latin(76))
    _pair(draw, "Sample card", "示例卡片", (_MARGIN, 258), 36, _MUTED)
    columns, rows = 2, 3
    width = (_PAGE[0] - 2 * _MARGIN - (columns - 1) * _GAP) // columns
    height = (_PAGE[1] - _HEAD - _FOOT - (rows - 1) * _GAP) // rows
    for number, kind in enumerate(KINDS):
        left = _MARGIN + number % columns * (width + _GAP)
        top = _HEAD + number // columns * (height + _GAP)
        page.paste(_tile(kind, (width, height - 84)), (left, top), _corners((width, height - 84)))
        _pair(draw, kind.name, kind.chinese, (left + 8, top + height - 22), 44, _TEXT)
    english = "Print this page, or show it on a phone, and hold it before the camera."
    draw.text((_MARGIN, _PAGE[1] - 120), english, _MUTED, _latin(30), anchor="ls")
    if (chinese := _chinese(30)) is not None:
        line = "打印此页，或在手机上显示，然后对准摄像头。"
        draw.text((_MARGIN, _PAGE[1] - 76), line, _MUTED, chinese, anchor="ls")
    return page


def _tile(kind: Kind, size: tuple[int, int]) -> Page:
    from PIL import Image

    ground, variant, angle, share = _LOOKS[kind.name]
    reach = 0.5 * kind.length_cm
    need = np.abs([np.cos(angle), np.sin(angle)]) + kind.flat * np.abs([np.sin(angle), np.cos(angle)])
    zoom = share * float(min(size[0] / 2 / (reach * need[0]), size[1] / 2 / (reach * need[1])))
    colour: Colour = ink(ground)
    scene = Scene(
        items=(Item(kind.name, variant, 0.0, 0.0, angle),),
        view=View(zoom),
        surface=colour,
        light=Light(azimuth=-2.25, elevation=0.95, warmth=0.0, softness=0.45, falloff=0.1),
    )
    image = render(scene, size).image
    return Image.fromarray(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))


def _corners(size: tuple[int, int]) -> Page:
    from PIL import Image, ImageDraw

    mask = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] * 2 - 1, size[1] * 2 - 1), 56, 255)
    return mask.resize(size)


def _pair(
    draw: ImageDraw, english: str, chinese: str, place: tuple[int, int], size: int, colour: str
) -> None:
    """Write a word in both languages on one base line."""
    latin, han = _latin(size), _chinese(size)
    draw.text(place, english, colour, latin, anchor="ls")
    if han is not None:
        after = place[0] + int(latin.getlength(english)) + size // 2
        draw.text((after, place[1]), chinese, _MUTED, han, anchor="ls")


def _latin(size: int) -> FreeTypeFont:
    from matplotlib.font_manager import FontProperties, findfont
    from PIL import ImageFont

    return ImageFont.truetype(findfont(FontProperties(family=list(_LATIN))), size)


def _chinese(size: int) -> FreeTypeFont | None:
    from PIL import ImageFont

    for name in _CHINESE:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None
