"""Saves the whole diagram as a picture: SVG or PNG, always in the light theme, with its key below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from app.core.files import write_bytes
from app.ui import theme
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_layout import lay_out
from app.ui.widgets.diagram_legend import entries, paint_entries
from app.ui.widgets.diagram_nodes import Scene
from app.ui.widgets.diagram_paint import GUTTER, HEADER, DiagramPainter
from app.ui.widgets.diagram_stage import swapped_wholes
from app.ui.widgets.diagram_view import View

SUFFIXES = (".svg", ".png")
_KEY = 36.0
_MARGIN = 12.0
_SCALE = 2
"""Pixels of the PNG for one of the diagram at 100 %."""


def save_diagram(
    path: Path,
    snapshot: Snapshot,
    title: str,
    words: Mapping[str, str],
    opened: frozenset[str] = frozenset(),
    signs: Mapping[str, str] | None = None,
) -> None:
    """Write the diagram, in the format that the file's ending names.

    Args:
        path: a file that ends in ".svg" or ".png".
        snapshot: the design.
        title: what stands below the picture.
        words: translated words, as the diagram has them.
        opened: paths of the layers whose inside is shown.
        signs: path → how it differs from the design that is compared.

    Raises:
        OSError: the file cannot be written.
        ValueError: the ending is another one.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"not a picture: {path.name}")
    layout = lay_out(snapshot.architecture, opened, swapped=swapped_wholes(snapshot))
    view = View(1.0, GUTTER - layout.size.left(), HEADER - layout.size.top())
    scene = Scene(snapshot, layout, view, (), "", False, "", words, dict(signs or {}))
    size = QSize(round(layout.size.width() + GUTTER + _MARGIN), round(layout.size.height() + HEADER + _KEY))
    with _light():
        make = _svg if path.suffix.lower() == ".svg" else _png
        data = make(scene, size, title)
    write_bytes(path, data)


@contextmanager
def _light() -> Iterator[None]:
    """Paint in the light theme's colours meanwhile; the window is not painted in between."""
    told = theme.notifier()
    before = told.tokens
    told.tokens = theme.LIGHT
    try:
        yield
    finally:
        told.tokens = before


def _svg(scene: Scene, size: QSize, title: str) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle(title)
    generator.setDescription("Depthwise Studio")
    painter = QPainter(generator)
    _paint(painter, scene, size, title)
    painter.end()
    return bytes(buffer.data().data())


def _png(scene: Scene, size: QSize, title: str) -> bytes:
    image = QImage(size * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    painter = QPainter(image)
    _paint(painter, scene, size, title)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def _paint(painter: QPainter, scene: Scene, size: QSize, title: str) -> None:
    whole = QRectF(0, 0, size.width(), size.height())
    painter.fillRect(whole, theme.colour("surface"))
    DiagramPainter(painter, scene, whole.adjusted(0, 0, 0, -_KEY)).paint()
    line = QRectF(_MARGIN, whole.bottom() - _KEY, whole.width() - 2 * _MARGIN, _KEY)
    painter.fillRect(QRectF(0, line.top(), whole.width(), _KEY), theme.colour("surface"))
    used = paint_entries(painter, entries(scene.snapshot), line)
    painter.setFont(theme.font(theme.SIZE_SMALL))
    painter.setPen(theme.colour("muted"))
    rest = line.adjusted(used + theme.BETWEEN, 0, 0, 0)
    painter.drawText(rest, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, title)
