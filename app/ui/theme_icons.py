"""Our own icons, drawn in the theme's colours at the moment they are painted."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.core.folders import resources
from app.ui.theme_tokens import LIGHT, Tokens

_current: list[Tokens] = [LIGHT]
_TRAILING = frozenset({"arrow_right"})


def use_tokens(tokens: Tokens) -> None:
    """Draw every icon in these colours from now on."""
    _current[:] = [tokens]


@lru_cache(maxsize=256)
def svg_source(name: str) -> str:
    """Return the source of an icon of ``resources/icons``.

    Raises:
        OSError: There is no icon of that name.
    """
    return (resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


def tinted_svg(name: str, colour: str) -> QByteArray:
    """Return an icon's source with its strokes in a colour."""
    return QByteArray(svg_source(name).replace("currentColor", colour).encode())


@lru_cache(maxsize=512)
def _pixmap(name: str, colour: str, width: int, height: int, ratio: float) -> QPixmap:
    pixmap = QPixmap(round(width * ratio), round(height * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    side = min(pixmap.width(), pixmap.height())
    left = pixmap.width() - side if name in _TRAILING else 0
    QSvgRenderer(tinted_svg(name, colour)).render(painter, QRectF(left, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def pixmap(name: str, token: str, size: int, ratio: float = 1.0) -> QPixmap:
    """Return an icon in the colour of a token, ``size`` logical px wide and high."""
    return _pixmap(name, getattr(_current[0], token), size, size, ratio)


class _IconEngine(QIconEngine):
    """Paints one SVG in the colour of a token of whatever theme is in use.

    In a size that is wider than high the drawing stands at the left, or at the right where it follows the
    words: so buttons get room between the two.
    """

    def __init__(self, name: str, token: str) -> None:
        super().__init__()
        self._name = name
        self._token = token

    def _colour(self, mode: QIcon.Mode) -> str:
        token = "disabled" if mode == QIcon.Mode.Disabled else self._token
        return str(getattr(_current[0], token))

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        picture = _pixmap(self._name, self._colour(mode), rect.width(), rect.height(), _ratio(painter))
        painter.drawPixmap(rect, picture)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return _pixmap(self._name, self._colour(mode), size.width(), size.height(), 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        return _pixmap(self._name, self._colour(mode), size.width(), size.height(), scale or 1.0)

    def clone(self) -> QIconEngine:
        return _IconEngine(self._name, self._token)


def icon(name: str, token: str = "text") -> QIcon:
    """Return an icon of ``resources/icons`` that follows the theme by itself.

    Args:
        name: File name without ``.svg``.
        token: Colour token it is drawn in; disabled icons are drawn in ``disabled``.
    """
    svg_source(name)
    return QIcon(_IconEngine(name, token))


def draw_icon(painter: QPainter, name: str, rect: QRectF, colour: QColor | str) -> None:
    """Draw an icon into a rectangle in any colour."""
    hex_colour = colour if isinstance(colour, str) else colour.name()
    scale = _ratio(painter) * painter.worldTransform().m11()
    picture = _pixmap(name, hex_colour, round(rect.width()), round(rect.height()), round(scale, 2))
    painter.drawPixmap(QPoint(round(rect.x()), round(rect.y())), picture)


def _ratio(painter: QPainter) -> float:
    return painter.device().devicePixelRatio() if painter.device() else 1.0


def application_icon() -> QIcon:
    """Return the Studio's mark for title bars and task switchers."""
    return QIcon(str(resources() / "icons" / "studio.svg"))
