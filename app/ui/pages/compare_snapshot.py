"""Both pictures with their boxes and figures, as one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter

from app.core.errors import AppError
from app.core.files import replacing
from app.core.text import QT_TRANSLATE_NOOP
from app.ui import theme
from app.ui.pages.compare_keep import free_path
from app.ui.pages.compare_pane import Pane
from app.ui.pages.compare_verdict import Verdict

_STRIP = 72
_FOOT = 44


def save_snapshot(folder: Path, panes: Sequence[Pane], verdict: Verdict) -> Path:
    """Write a PNG into a folder, under a name that says when; return its path.

    Args:
        folder: Created where it is missing.
        panes: Left and right, showing a picture.
        verdict: The line that compares them.

    Raises:
        AppError: The folder cannot be written.
    """
    image = compose(panes, verdict)
    path = free_path(folder, ".png")
    try:
        with replacing(path) as draft:
            writer = QImageWriter(str(draft), QByteArray(b"png"))
            if not writer.write(image):
                raise OSError(writer.errorString())
    except OSError as error:
        reason = error.strerror or str(error)
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The snapshot cannot be saved in {folder}: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another workspace."),
            folder=folder,
            reason=reason,
        ) from error
    return path


def compose(panes: Sequence[Pane], verdict: Verdict) -> QImage:
    """Return both pictures in their own size, each above its figures, and the comparison below them."""
    pictures = [picture for pane in panes if (picture := pane.view.render_picture()) is not None]
    width, height = pictures[0].width(), pictures[0].height()
    result = QImage(2 * width, height + _STRIP + _FOOT, QImage.Format.Format_RGB32)
    result.fill(theme.colour("surface"))
    painter = QPainter(result)
    for side, (pane, picture) in enumerate(zip(panes, pictures, strict=True)):
        left = side * width
        painter.drawImage(left, 0, picture)
        area = QRectF(
            left + theme.AROUND, height + theme.INSIDE, width - 2 * theme.AROUND, _STRIP - theme.INSIDE
        )
        _draw_figures(painter, area, pane)
    painter.setFont(theme.font(theme.SIZE_SECTION))
    painter.setPen(theme.colour("text"))
    foot = QRect(0, height + _STRIP, 2 * width, _FOOT - theme.INSIDE)
    words = "   ".join(filter(None, (verdict.ratio.text(), verdict.rate.text(), verdict.agreement.text())))
    painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, words)
    painter.end()
    return result


def _draw_figures(painter: QPainter, area: QRectF, pane: Pane) -> None:
    figures = pane.figures
    painter.setFont(theme.font(theme.SIZE_SECTION))
    painter.setPen(theme.colour(pane.tone))
    head = f"{pane.title}: {figures.big.text()} {figures.unit.text()}"
    painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, head)
    painter.setFont(theme.font(theme.SIZE_BODY))
    painter.setPen(theme.colour("muted"))
    below = area.adjusted(0, 26, 0, 0)
    painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, figures.about.text())
