"""Which layers stay as they are when a target is reached."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from app.core.base_models import family_of
from app.ui.widgets.diagram_facts import Snapshot


class Locks(QObject):
    """Locked module paths; what is inside a locked one is locked with it."""

    changed = Signal()

    def __init__(self, snapshot: Snapshot, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._snapshot = snapshot
        self._paths: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The locked modules, outermost, in order of execution."""
        return self._paths

    @property
    def all_paths(self) -> frozenset[str]:
        """The locked modules with everything that is inside them."""
        inner = tuple(f"{path}." for path in self._paths)
        return frozenset(
            p for p in self._snapshot.facts if p in self._paths or (inner and p.startswith(inner))
        )

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Take over another design; another base model keeps the locks that name a module of it."""
        before, self._snapshot = self._snapshot.architecture.base, snapshot
        base = snapshot.architecture.base
        if base != before:
            alike = family_of(base) == family_of(before)
            self._set(path for path in self._paths if alike and path in snapshot.facts)

    def holds(self, paths: Iterable[str]) -> bool:
        """Return whether all of these are locked, and there are any."""
        wanted = tuple(paths)
        if not wanted or not self._paths:
            return False
        locked = self.all_paths
        return all(path in locked for path in wanted)

    def toggle(self, paths: Iterable[str]) -> None:
        """Lock modules; where all of them are locked already, unlock them with what holds them."""
        chosen = self._snapshot.outermost(paths)
        if not self.holds(chosen):
            self._set((*self._paths, *chosen))
            return
        self._set(
            path
            for path in self._paths
            if not any(
                path == one or path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in chosen
            )
        )

    def take(self, paths: Iterable[str]) -> None:
        """Lock these alone, as far as the design has them."""
        self._set(path for path in paths if path in self._snapshot.facts)

    def clear(self) -> None:
        """Unlock everything."""
        self._set(())

    def _set(self, paths: Iterable[str]) -> None:
        kept = self._snapshot.outermost(paths)
        if kept != self._paths:
            self._paths = kept
            self.changed.emit()
