"""What the diagram shows and through which view: snapshot, layout, open layers, scale. No widget, no events."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF

from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_layout import NODE_HEIGHT, NODE_WIDTH, Layout, Metrics, Node, lay_out
from app.ui.widgets.diagram_view import View, fitted

_READABLE = 35.0
"""Height in pixels of the widget at which a node still holds two lines."""
_TALLEST = 100.0
_UPRIGHT, _UPRIGHT_HEIGHT = 20.0, 52.0
"""Width in pixels of the widget below which a node's title is written upwards, and the height that this needs."""
_LANES = 16.0
"""Height in pixels of the widget that the links above a row of nodes need."""
_TITLE = 17.0
"""Height in pixels of the widget of an open layer's title."""
_LEAST_GAP, _MOST_GAP = 26.0, 84.0


class Stage:
    """Lays a snapshot out and keeps the view on it.

    Attributes:
        snapshot: the design.
        layout: where its nodes lie.
        swapped: paths of modules that are swapped as a whole, and so have no inside.
        view: scale and offset.
        area: the part of the widget that the diagram has, right of and below the labels.
        follows_size: whether everything is kept in view; ends when the user zooms or pans.
    """

    def __init__(self, snapshot: Snapshot, area: QRectF) -> None:
        self.snapshot = snapshot
        self.area = area
        self._wanted: frozenset[str] = frozenset()
        self.swapped = swapped_wholes(snapshot)
        self.view = View()
        self.follows_size = True
        self._metrics = Metrics()
        self.layout: Layout = lay_out(snapshot.architecture)
        self.fit()

    @property
    def opened(self) -> frozenset[str]:
        """Paths of the layers whose inside is shown; one that is restored opens again."""
        return self._wanted - self.swapped

    def show(self, snapshot: Snapshot) -> bool:
        """Take another snapshot; return whether its layers are other ones. Another base model is fitted anew."""
        before, self.snapshot = self.snapshot, snapshot
        opened, swapped = self.opened, self.swapped
        self.swapped = swapped_wholes(snapshot)
        if before.architecture.layers is snapshot.architecture.layers:  # at most the activation differs
            if self._wanted and swapped != self.swapped:
                self._keep_in_place(opened)
            return False
        if before.architecture.base != snapshot.architecture.base:
            self._wanted = frozenset()
            self.fit()
        else:
            self._lay_out()
        return True

    def _keep_in_place(self, opened: frozenset[str]) -> None:
        """Lay out anew what opens or closes by an edit; the first layer that does stays where it is seen."""
        before = self.layout
        if self.follows_size and opened and not self.opened:
            self.fit()
            return
        self._lay_out()
        kept = min(opened ^ self.opened, key=self.snapshot.architecture.order.__getitem__, default="")
        if kept:
            gone = self.layout.by_path[kept].rect.topLeft() - before.by_path[kept].rect.topLeft()
            self.look(self.view.moved(-gone.x() * self.view.scale, -gone.y() * self.view.scale))

    def resize(self, area: QRectF) -> None:
        """Take another area; everything stays in view until the user chose another view."""
        self.area = area
        if self.follows_size and not self.opened:
            self.fit()
        else:
            self.look(self.view)

    def fit(self) -> None:
        """Show everything: heights are stretched so that the text stays readable and the area is used."""
        self.follows_size = True
        self._metrics = Metrics()
        scale = fitted(self._lay_out().size, self.area).scale
        rows = len(self.layout.rows)
        room = self.area.height() / scale / rows - _LEAST_GAP
        narrow = NODE_WIDTH * scale < _UPRIGHT
        wanted, most = (_UPRIGHT_HEIGHT, room) if narrow else (_READABLE, _TALLEST)
        node = min(max(NODE_HEIGHT, min(wanted / scale, room)), max(most, NODE_HEIGHT))
        title = max(Metrics().frame_title, _TITLE / scale)
        self._metrics = Metrics(node, Metrics().row_gap, title)
        spare = self.area.height() / scale - self._lay_out().size.height()
        gap = min(max(Metrics().row_gap + spare / rows, _LEAST_GAP), max(_MOST_GAP, _LANES / scale))
        self._metrics = Metrics(node, gap, title)
        self.view = fitted(self._lay_out().size, self.area)

    def look(self, view: View) -> None:
        """Take another view, kept near the diagram."""
        self.view = view.kept_near(self.layout.size, self.area)

    def move(self, view: View) -> None:
        """Take the view that the user chose."""
        self.follows_size = False
        self.look(view)

    def can_open(self, layer: str) -> bool:
        """Return whether a layer has an inside to show; what is swapped as a whole has none any more."""
        return layer not in self.swapped and len(self.snapshot.architecture.convolutions_in(layer)) > 1

    def set_open(self, layer: str, is_open: bool) -> bool:
        """Show or hide the inside of a layer, which stays where it is seen; return whether anything changed."""
        if is_open == (layer in self.opened) or (is_open and not self.can_open(layer)):
            return False
        before = self.layout.by_path[layer].rect.topLeft()
        self._wanted = self._wanted | {layer} if is_open else self._wanted - {layer}
        self._lay_out()
        if self.follows_size and not self.opened:
            self.fit()
            return True
        gone = (self.layout.by_path[layer].rect.topLeft() - before) * self.view.scale
        self.look(self.view.moved(-gone.x(), -gone.y()))
        self.reveal(layer)
        return True

    def reveal(self, path: str) -> None:
        """Pan as little as possible so that a node is seen."""
        node = self.node_of(path)
        if node is not None:
            self.look(self.view.showing(node.rect, self.area))

    def node_of(self, path: str) -> Node | None:
        """Return the node of a path, or of what hides it."""
        while path and path not in self.layout.by_path:
            path = path.rpartition(".")[0]
        return self.layout.by_path.get(path)

    def node_at(self, position: QPointF) -> Node | None:
        """Return the node under a point of the widget."""
        return self.layout.node_at(self.view.to_diagram(position)) if self.area.contains(position) else None

    def nodes_in(self, band: QRectF) -> list[str]:
        """Return what a rectangle of the widget touches; of an open layer its inside, never frames and outlines."""
        area = QRectF(self.view.to_diagram(band.topLeft()), self.view.to_diagram(band.bottomRight()))
        nodes = (node for node in self.layout.by_path.values() if node.shape not in ("frame", "group"))
        return [node.path for node in nodes if node.rect.intersects(area)]

    @property
    def order(self) -> tuple[str, ...]:
        """Paths of what is shown, in order of execution."""
        return tuple(self.layout.by_path)

    def _lay_out(self) -> Layout:
        self.layout = lay_out(self.snapshot.architecture, self.opened, self._metrics, self.swapped)
        return self.layout


def swapped_wholes(snapshot: Snapshot) -> frozenset[str]:
    """Return the swapped modules that had an inside."""
    single = snapshot.architecture.convolutions
    return frozenset(path for path in snapshot.design.resolved() if path not in single)


def layer_of(path: str) -> str:
    """Return the path of the layer that a module belongs to."""
    return ".".join(path.split(".")[:2])
