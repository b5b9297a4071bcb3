"""A picture of what a module does: as it is above, what replaces it below, drawn from its own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent
from PySide6.QtGui import QFont, QFontMetricsF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.architecture import Convolution
from app.core.blocks import BLOCKS, Part
from app.core.sites import Site
from app.core.text import grouped
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.block_picture_graph import block_graph
from app.ui.widgets.block_picture_paint import GraphView
from app.ui.widgets.block_picture_strip import Strip, StripView, stages_of
from app.ui.widgets.cards import label


class BlockPicture(QWidget):
    """A module as it is and what it becomes, each with its formula below; the bars share one scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("blockPicture")
        self._place: Site | None = None
        self._standard: tuple[Convolution, ...] = ()
        self._kind = ""
        self._options: dict[str, int] = {}
        self._strips: tuple[Strip, ...] = ()
        self._views = (StripView(), StripView())
        self.graph = GraphView()
        self.formulas = (label(wrap=True), label(wrap=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for view, text in zip(self._views, self.formulas, strict=True):
            column.addWidget(view)
            if view is self._views[1]:
                column.addWidget(self.graph)
            column.addWidget(text)
            column.addSpacing(4)

    @property
    def strips(self) -> tuple[Strip, ...]:
        """What is drawn: the module as it is, and what replaces it."""
        return self._strips

    def show_site(
        self, place: Site, standard: Sequence[Convolution], kind: str, options: Mapping[str, int]
    ) -> None:
        """Show a module and what it is as a block kind.

        Args:
            place: the module.
            standard: the convolutions that it consists of.
            kind: block kind.
            options: its options.
        """
        self._place, self._standard, self._kind, self._options = place, tuple(standard), kind, dict(options)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the translated texts."""
        if self._place is None:
            return
        block, place = BLOCKS[self._kind], self._place
        parts = block.parts(place, self._options)
        convs = [part.conv for part in parts if part.conv is not None]
        plain = is_chain(parts)
        title = self.tr("Ordinary convolution")
        if place.conv is None:
            title = self.tr("{type} as it is").format(type=place.type)
        self._strips = (
            Strip(
                title,
                "",
                stages_of(self._standard) if place.conv is not None else (),
                sum(conv.weights for conv in self._standard),
            ),
            Strip(
                translated(block.title),
                self._kind,
                stages_of(convs) if plain else (),
                sum(conv.weights for conv in convs),
            ),
        )
        self.graph.setVisible(not plain)
        if not plain:
            self.graph.show_graph(block_graph(parts, place.c1), self._kind, place.c1, place.c2)
        self._show_strips()

    def _show_strips(self) -> None:
        words = [self.tr("{count} weights").format(count=grouped(strip.weights)) for strip in self._strips]
        metrics = QFontMetricsF(theme.font(theme.SIZE_SMALL, QFont.Weight.DemiBold))
        room = max(metrics.horizontalAdvance(text) for text in words) + 10
        most = max(strip.weights for strip in self._strips)
        for view, strip, text in zip(self._views, self._strips, words, strict=True):
            view.show_strip(strip, most, text, room)
            view.setAccessibleName(f"{strip.title}: {text}")

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def is_chain(parts: Sequence[Part]) -> bool:
    """Return whether parts are at most two convolutions, one after the other, which a strip shows best."""
    return len(parts) <= 2 and all(
        part.conv is not None and part.inputs == (number,) for number, part in enumerate(parts)
    )
