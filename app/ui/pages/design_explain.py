"""Says why a kind does not fit, where the user looks: at the node, or at the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPoint, QRect
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.core.blocks import BLOCKS
from app.ui.text import translated

if TYPE_CHECKING:
    from app.ui.pages.design import DesignPage

_MILLISECONDS = 6000


def explain(page: DesignPage, kind: str, reason: str) -> None:
    """Show why a kind does not fit the selection, and let a screen reader say it.

    Args:
        page: the page.
        kind: block kind; "" for none in particular.
        reason: why nothing at all can be replaced, translated; "" where only this kind does not fit.
    """
    text = reason
    if not text and kind:
        why = translated(page.inspector.kinds.offers[kind].reason)
        text = QCoreApplication.translate("DesignPage", "{kind} does not fit here. {reason}").format(
            kind=translated(BLOCKS[kind].title), reason=why
        )
    widget, place = _where(page)
    QToolTip.showText(widget.mapToGlobal(place), text, widget, QRect(), _MILLISECONDS)
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(page, text))


def _where(page: DesignPage) -> tuple[QWidget, QPoint]:
    if page.table.hasFocus():
        view = page.table.viewport()
        return view, page.table.visualRect(page.table.currentIndex()).bottomLeft()
    if page.selection:
        return page.diagram, page.diagram.rect_of(page.selection[0]).bottomLeft() + QPoint(0, 4)
    return page.diagram, page.diagram.rect().center()
