"""Which nodes are selected, which one the keyboard acts on, and where the arrow keys lead."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from app.ui.widgets.diagram_layout import Layout


class Selection:
    """Module paths in order of execution, a focus, and an anchor from which Shift extends."""

    def __init__(self) -> None:
        self.paths: tuple[str, ...] = ()
        self.focus = ""
        self._anchor = ""

    def set(self, paths: Iterable[str], order: Sequence[str], focus: str = "") -> None:
        """Select exactly these paths; those that are not shown come last."""
        rank = {path: index for index, path in enumerate(order)}
        self.paths = tuple(sorted(set(paths), key=lambda path: rank.get(path, len(rank))))
        kept = self.focus if self.focus in self.paths else next(iter(self.paths), self.focus)
        self.focus = self._anchor = focus or kept

    def toggle(self, path: str, order: Sequence[str]) -> None:
        """Add a path, or take it away."""
        self.set(set(self.paths) ^ {path}, order, path)

    def extend(self, path: str, order: Sequence[str]) -> None:
        """Select everything from the anchor to a path, in order of execution."""
        anchor = self._anchor if self._anchor in order else path
        first, last = sorted((order.index(anchor), order.index(path)))
        self.set(order[first : last + 1], order, path)
        self._anchor = anchor

    def restrict(self, known: Container[str], order: Sequence[str]) -> None:
        """Forget what another base model does not have."""
        self.set((path for path in self.paths if path in known), order)
        self.focus = self.focus if self.focus in known else ""
        self._anchor = self.focus


def neighbour(layout: Layout, path: str, direction: tuple[int, int]) -> str:
    """Return the node that an arrow key leads to: the nearest in that direction, straight ahead preferred.

    Args:
        layout: what is shown.
        path: where the keyboard is; unknown or "" leads to the first node.
        direction: (dx, dy), one of them ±1.

    Returns:
        A path; "" where nothing lies that way.
    """
    here = layout.by_path.get(path)
    if here is None:
        return next(iter(layout.by_path), "")
    dx, dy = direction
    best, least = "", float("inf")
    centre = here.rect.center()
    for node in layout.by_path.values():
        if (
            node.path == path
            or here.path.startswith(f"{node.path}.")
            or node.path.startswith(f"{here.path}.")
        ):
            continue
        apart = node.rect.center() - centre
        ahead = apart.x() * dx + apart.y() * dy
        aside = abs(apart.x() * dy) + abs(apart.y() * dx)
        if ahead <= 2 or aside > 4 * ahead + 1:
            continue
        distance = ahead + 3 * aside
        if distance < least:
            best, least = node.path, distance
    return best
