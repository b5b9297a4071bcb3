"""The diagram of a design: layers by stride and order, to be selected, opened, walked and zoomed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from app.ui import theme
from app.ui.text import listed
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_layout import Node
from app.ui.widgets.diagram_nodes import Scene
from app.ui.widgets.diagram_paint import GUTTER, HEADER, DiagramPainter, paint_marks
from app.ui.widgets.diagram_selection import Selection, neighbour
from app.ui.widgets.diagram_stage import Stage, layer_of
from app.ui.widgets.diagram_text import describe, scene_words
from app.ui.widgets.diagram_view import View

_WHEEL = 1.0015
"""Factor of the scale for one unit of the wheel's angle; a notch has 120."""
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_ADDING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Diagram(QWidget):
    """Shows a snapshot and lets the user choose in it.

    Selection is a tuple of module paths in order of execution; what is to be done with it is for the page to say.
    """

    selection_changed = Signal(tuple)
    """Paths that the user selected."""
    opened_changed = Signal(frozenset)
    """Paths of the layers whose inside is shown."""
    menu_requested = Signal(QPoint)
    """Where the context menu is wanted, on the screen."""
    painted = Signal()
    """After each painting; measurements listen to it."""

    def __init__(self, snapshot: Snapshot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("diagram")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._stage = Stage(snapshot, QRectF(GUTTER, HEADER, 800, 360))
        self._selection = Selection()
        self._hovered = ""
        self._press: QPointF | None = None
        self._band: QRectF | None = None
        self._pan: QPointF | None = None
        self._space = False
        self._keyboard = False
        self._signs: Mapping[str, str] = {}
        self.locked: frozenset[str] = frozenset()
        theme.notifier().changed.connect(self.update)
        self.retranslate()

    def sizeHint(self) -> QSize:
        """A diagram likes to be wide."""
        return QSize(860, 380)

    def minimumSizeHint(self) -> QSize:
        """Below this nothing can be read."""
        return QSize(320, 200)

    @property
    def selection(self) -> tuple[str, ...]:
        """Selected paths in order of execution."""
        return self._selection.paths

    @property
    def opened(self) -> frozenset[str]:
        """Paths of the layers whose inside is shown."""
        return self._stage.opened

    @property
    def view(self) -> View:
        """Scale and offset in use."""
        return self._stage.view

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show a design; another base model closes all layers and fits the view."""
        if self._stage.show(snapshot):
            self._selection.restrict(snapshot.facts, self._stage.order)
        self._tell_accessibility()
        self.update()

    def show_signs(self, signs: Mapping[str, str]) -> None:
        """Mark how modules differ from another design: path → sign; none marks nothing."""
        if signs != self._signs:
            self._signs = signs
            self.update()

    @property
    def words(self) -> Mapping[str, str]:
        """The translated words that stand in the picture."""
        return self._words

    def select(self, paths: Iterable[str]) -> None:
        """Take over a selection made elsewhere; nothing is emitted."""
        self._selection.set(paths, self._stage.order)
        self._tell_accessibility()
        self.update()

    def rect_of(self, path: str) -> QRect:
        """Return where a node stands in the widget; the layer's own place for what a closed layer hides.

        Raises:
            KeyError: there is no such layer.
        """
        node = self._stage.node_of(path)
        if node is None:
            raise KeyError(path)
        return self.view.to_screen(node.rect).toRect()

    def reveal(self, path: str) -> None:
        """Pan as little as possible so that a node is seen."""
        self._stage.reveal(path)
        self.update()

    def set_open(self, path: str, is_open: bool) -> None:
        """Show or hide the inside of a layer; one convolution, or what is swapped as a whole, has none to show."""
        layer = layer_of(path)
        if not self._stage.set_open(layer, is_open):
            return
        hidden = (
            {chosen for chosen in self.selection if chosen.startswith(f"{layer}.")} if not is_open else set()
        )
        if hidden:
            self._choose({*self.selection} - hidden | {layer}, layer)
        self.opened_changed.emit(self.opened)
        self.update()

    def toggle_open(self) -> None:
        """Open the focused layer, or close the one that the focus is in."""
        focus = self._selection.focus
        if focus:
            self.set_open(focus, layer_of(focus) not in self.opened)

    def close_all(self) -> None:
        """Hide the inside of every layer."""
        for path in sorted(self.opened):
            self.set_open(path, False)

    def fit(self) -> None:
        """Show everything, and keep doing so when the size changes."""
        self._stage.fit()
        self.update()

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom about a point of the widget, by default about the middle."""
        self._move(self.view.zoomed(factor, about or self._stage.area.center()))

    def clear_selection(self) -> None:
        """Select nothing."""
        self._choose((), self._selection.focus)

    def select_all(self) -> None:
        """Select every layer or shown convolution that can be replaced."""
        facts = self._stage.snapshot.facts
        nodes = self._stage.layout.by_path
        self._choose(p for p in nodes if nodes[p].shape not in ("frame", "group") and facts[p].targets)

    def describe(self, path: str) -> str:
        """Return a module in words, for tooltips and screen readers."""
        return describe(self._stage.snapshot, self._stage.snapshot.facts[path], path in self.locked)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Diagram of the model"))
        self._words = scene_words()
        self._tell_accessibility()
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the scene, and the rubber band over it."""
        painter = QPainter(self)
        scene = Scene(
            self._stage.snapshot,
            self._stage.layout,
            self.view,
            frozenset(self.selection),
            self._selection.focus,
            self._keyboard and self.hasFocus(),
            self._hovered,
            self._words,
            self._signs,
            self.locked,
        )
        DiagramPainter(painter, scene, QRectF(self.rect())).paint()
        paint_marks(painter, QRectF(self.rect()), self._band, self.hasFocus() and self._keyboard)
        painter.end()
        self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep everything in view while the user has not chosen another view."""
        self._stage.resize(QRectF(self.rect()).adjusted(GUTTER, HEADER, 0, 0))
        super().resizeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select, begin a rubber band, or begin to pan."""
        self._keyboard = False
        position, button = event.position(), event.button()
        left = button == Qt.MouseButton.LeftButton
        node = self._stage.node_at(position)
        if button == Qt.MouseButton.MiddleButton or (left and self._space):
            self._pan = position
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif left:
            self._press = position
            if node is not None:
                self._click(node, event.modifiers())
        elif button == Qt.MouseButton.RightButton and node is not None and node.path not in self.selection:
            self._click(node, Qt.KeyboardModifier.NoModifier)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, stretch the rubber band, or follow the mouse."""
        position = event.position()
        if self._pan is not None:
            self._move(self.view.moved(position.x() - self._pan.x(), position.y() - self._pan.y()))
            self._pan = position
        elif self._press is not None and event.buttons() & Qt.MouseButton.LeftButton:
            far = (position - self._press).manhattanLength() >= QApplication.startDragDistance()
            if far or self._band is not None:
                self._band = QRectF(self._press, position).normalized()
                self.update()
        else:
            self._hover(self._stage.node_at(position))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning or the rubber band; a click beside everything clears the selection."""
        if self._pan is not None:
            self._pan = None
            self._set_cursor()
        elif self._press is not None and event.button() == Qt.MouseButton.LeftButton:
            adding = bool(event.modifiers() & _ADDING)
            if self._band is not None:
                found = self._stage.nodes_in(self._band)
                self._choose({*self.selection, *found} if adding else found)
            elif self._stage.node_at(self._press) is None and not adding:
                self.clear_selection()
            self._press = self._band = None
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open or close the layer under the mouse."""
        node = self._stage.node_at(event.position())
        if node is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose([node.path], node.path)
            self.toggle_open()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse; with Shift pan sideways."""
        delta = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._move(self.view.moved(delta, 0))
        elif delta:
            self.zoom(_WHEEL**delta, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, open, clear; hold Space to pan with the left button."""
        key = Qt.Key(event.key())
        adding = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _ARROWS:
            self._go(neighbour(self._stage.layout, self._selection.focus, _ARROWS[key]), adding)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go(self._stage.order[0 if key == Qt.Key.Key_Home else -1], adding)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._keyboard = True
            self.toggle_open()
        elif key == Qt.Key.Key_Escape and self.selection:
            self.clear_selection()
        elif key == Qt.Key.Key_Space:
            self._space = True
            self._set_cursor()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space let go: the left button selects again."""
        if event.key() == Qt.Key.Key_Space:
            self._space = event.isAutoRepeat() and self._space
            self._set_cursor()
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard acts when it came by keyboard."""
        self._keyboard = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget held keys."""
        self._space = False
        self._set_cursor()
        self.update()
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        self._hover(None)
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu, at the mouse or at what the keyboard acts on."""
        position = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self._selection.focus:
            position = self.mapToGlobal(self.rect_of(self._selection.focus).center())
        self.menu_requested.emit(position)

    def event(self, event: QEvent) -> bool:
        """Show a tooltip for the node under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            node = self._stage.node_at(QPointF(event.pos()))
            if node is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self.describe(node.path), self, self.rect_of(node.path))
            return True
        return super().event(event)

    def _move(self, view: View) -> None:
        self._stage.move(view)
        self.update()

    def _click(self, node: Node, modifiers: Qt.KeyboardModifier) -> None:
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._selection.extend(node.path, self._stage.order)
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self._selection.toggle(node.path, self._stage.order)
        else:
            self._selection.set([node.path], self._stage.order, node.path)
        self._selected()

    def _choose(self, paths: Iterable[str], focus: str = "") -> None:
        before = self.selection
        self._selection.set(paths, self._stage.order, focus)
        if self.selection != before:
            self._selected()
        self.update()

    def _selected(self) -> None:
        self._tell_accessibility()
        self.update()
        self.selection_changed.emit(self.selection)

    def _go(self, path: str, adding: bool) -> None:
        """Move the keyboard's place to a path; "" stays where it is."""
        if not path:
            return
        self._keyboard = True
        if adding:
            self._selection.extend(path, self._stage.order)
        else:
            self._selection.set([path], self._stage.order, path)
        self._stage.reveal(path)
        self._selected()

    def _hover(self, node: Node | None) -> None:
        path = node.path if node is not None else ""
        if path != self._hovered:
            self._hovered = path
            self.update()

    def _set_cursor(self) -> None:
        self.setCursor(Qt.CursorShape.OpenHandCursor if self._space else Qt.CursorShape.ArrowCursor)

    def _tell_accessibility(self) -> None:
        facts = self._stage.snapshot.facts
        self.setAccessibleDescription(
            listed(self.describe(path) for path in self.selection[:5] if path in facts)
        )
