"""The marks of the block kinds: a shape and a colour each, told apart by everybody."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.core.blocks import BLOCKS
from app.core.colours import contrast
from app.ui import theme
from app.ui.theme_tokens import DARK, KIND_COLOURS, LIGHT, Tokens
from app.ui.widgets.diagram_marks import draw_mark, mark_path

BOTH = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SEEN = {
    "everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopes": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopes": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopes": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


def oklab(colour: str, eyes: str) -> tuple[float, ...]:
    """Return a colour as somebody sees it (Ottosson 2020)."""
    c = QColor(colour)
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c.redF(), c.greenF(), c.blueF())
    ]
    r, g, b = (min(max(sum(m * v for m, v in zip(row, linear, strict=True)), 0), 1) for row in SEEN[eyes])
    l_ = (0.4122 * r + 0.5363 * g + 0.0514 * b) ** (1 / 3)
    m_ = (0.2119 * r + 0.6807 * g + 0.1074 * b) ** (1 / 3)
    s_ = (0.0883 * r + 0.2817 * g + 0.6300 * b) ** (1 / 3)
    return (
        0.2105 * l_ + 0.7936 * m_ - 0.0041 * s_,
        1.9780 * l_ - 2.4286 * m_ + 0.4506 * s_,
        0.0259 * l_ + 0.7828 * m_ - 0.8087 * s_,
    )


def test_every_kind_has_a_colour_of_its_own() -> None:
    assert set(KIND_COLOURS) == set(BLOCKS)


@BOTH
@pytest.mark.parametrize("eyes", SEEN)
def test_no_two_kinds_look_alike_to_anybody(tokens: Tokens, eyes: str) -> None:
    for one, other in combinations(KIND_COLOURS, 2):
        a, b = (oklab(KIND_COLOURS[kind][tokens.dark], eyes) for kind in (one, other))
        distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        assert distance > 0.07, (one, other)


@BOTH
@pytest.mark.parametrize("kind", KIND_COLOURS)
def test_marks_stand_out_and_text_on_them_can_be_read(tokens: Tokens, kind: str) -> None:
    colour = KIND_COLOURS[kind][tokens.dark]
    for ground in (tokens.surface, tokens.backbone, tokens.neck, tokens.head):
        assert contrast(colour, ground) >= 3
    assert contrast(theme.text_on(colour), colour) >= 4.5


def picture(kind: str) -> QImage:
    image = QImage(13, 13, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    draw_mark(painter, kind, QRectF(1, 1, 11, 11), QColor("black"))
    painter.end()
    return image


def test_no_two_marks_have_the_same_shape_at_their_smallest(qapp: QApplication) -> None:
    images = {kind: picture(kind) for kind in (*BLOCKS, "")}
    for one, other in combinations(images, 2):
        a, b = images[one], images[other]
        apart = sum(
            abs(a.pixelColor(x, y).lightness() - b.pixelColor(x, y).lightness()) > 96
            for x in range(13)
            for y in range(13)
        )
        assert apart >= 10, (one, other)
    for kind in BLOCKS:
        assert QRectF(0, 0, 12, 12).contains(
            mark_path(kind, QRectF(0, 0, 12, 12)).boundingRect().adjusted(0.1, 0.1, -0.1, -0.1)
        )
