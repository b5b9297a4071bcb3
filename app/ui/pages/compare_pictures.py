"""Both detectors' pictures in step: side by side, one above the other, or one with a line that is dragged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.colours import side_colours
from app.ui.widgets.frame_divider import DividerView
from app.ui.widgets.frame_view import FrameView
from app.ui.widgets.viewport import Viewport
from app.workers.compare import LivePair

BESIDE, DIVIDER, STACKED = "beside", "divider", "stacked"
MODES = (BESIDE, DIVIDER, STACKED)

GAP = 8


class Pictures(QWidget):
    """Shows pairs; zoom and place are the same on both sides.

    Args:
        prefix: Begin of the names of its views.
        viewport: Shared with other pictures of the same pair.
    """

    def __init__(self, prefix: str = "", viewport: Viewport | None = None) -> None:
        super().__init__()
        self.viewport = viewport if viewport is not None else Viewport(self)
        self.views = (
            FrameView(f"{prefix}view_a", self, side="a", viewport=self.viewport),
            FrameView(f"{prefix}view_b", self, side="b", viewport=self.viewport),
        )
        self.divider = DividerView(f"{prefix}divider", self, viewport=self.viewport)
        self.mode = BESIDE
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._show_mode()

    def set_mode(self, mode: str) -> None:
        """Arrange the pictures another way, of `MODES`."""
        if mode != self.mode:
            self.mode = mode
            self._show_mode()

    def _show_mode(self) -> None:
        self.divider.setVisible(self.mode == DIVIDER)
        for view in self.views:
            view.setVisible(self.mode != DIVIDER)
        self._place()

    def _place(self) -> None:
        """Give both views the same size, so that they can share the scaled picture."""
        width, height = self.width(), self.height()
        self.divider.setGeometry(0, 0, width, height)
        left, right = self.views
        if self.mode == STACKED:
            half = (height - GAP) // 2
            left.setGeometry(0, 0, width, half)
            right.setGeometry(0, height - half, width, half)
        else:
            half = (width - GAP) // 2
            left.setGeometry(0, 0, half, height)
            right.setGeometry(width - half, 0, half, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the views anew."""
        super().resizeEvent(event)
        self._place()

    def sizeHint(self) -> QSize:
        """Two pictures of 16:9."""
        return QSize(1120, 315)

    def minimumSizeHint(self) -> QSize:
        """Small enough for the smallest window."""
        return QSize(400, 120)

    @property
    def shown(self) -> tuple[FrameView, ...]:
        """The views of this mode."""
        return (self.divider,) if self.mode == DIVIDER else self.views

    def show_pair(self, pair: LivePair) -> None:
        """Show a picture and what both sides found on it."""
        boxes = tuple(side.boxes if side is not None else () for side in (pair.a, pair.b))
        for view, found in zip(self.views, boxes, strict=True):
            view.show_frame(pair.image, found)
        self.divider.show_both(pair.image, *boxes)

    def set_classes(self, found: Mapping[str, Any]) -> None:
        """Take the class names of both sides from the engine's description; one name has one colour."""
        names = [{int(k): str(v) for k, v in found[side]["names"].items()} for side in "ab"]
        colours = side_colours(names[0], names[1])
        for view, known, coloured in zip(self.views, names, colours, strict=True):
            view.set_classes(known, coloured)
        self.divider.set_classes(names[0], colours[0])
        self.divider.set_right_classes(names[1], colours[1])

    def set_sentence(self, sentence: str) -> None:
        """Set what stands there while there is no picture."""
        for view in (*self.views, self.divider):
            view.set_sentence(sentence)

    def set_dim(self, words: str) -> None:
        """Dim the pictures and say why; an empty text ends that."""
        for view in (*self.views, self.divider):
            view.set_dim(words)

    def zoom_by_steps(self, steps: float) -> None:
        """Zoom around the middle."""
        self.shown[0].zoom_by_steps(steps)

    def draw_large(self) -> None:
        """Draw boxes and labels to be seen from afar."""
        for view in (*self.views, self.divider):
            view.large = True

    def set_names(self, left: str, right: str, both: str) -> None:
        """Set the accessible names."""
        for view, words in zip((*self.views, self.divider), (left, right, both), strict=True):
            view.setAccessibleName(words)
