"""Milliseconds of the layer table's rows, worked out when a row is painted."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.blocks import eligible
from app.core.design import Swap
from app.core.latency import LatencyTable, ModuleTime
from app.ui.widgets.diagram_facts import Facts, Snapshot

DEFAULT = Swap("separable")
"""What a standard row is asked about: the kind that replaces every convolution."""


class RowTimes:
    """What rows take and save in one table; `use` begins anew."""

    def __init__(self) -> None:
        self._table: LatencyTable | None = None
        self._snapshot: Snapshot | None = None
        self._modules: tuple[ModuleTime, ...] | None = None
        self._times: dict[str, float] | None = None
        self._able: frozenset[str] | None = None

    def use(
        self, table: LatencyTable | None, snapshot: Snapshot, modules: tuple[ModuleTime, ...] | None = None
    ) -> None:
        """Take a table, the open design, and what its modules took where it was measured itself."""
        if self._snapshot is None or self._snapshot.architecture is not snapshot.architecture:
            self._able = None
        self._table, self._snapshot, self._modules = table, snapshot, modules
        self._times = None

    def milliseconds(self, snapshot: Snapshot, facts: Facts) -> float | None:
        """Return what a row takes now, with all that is inside it."""
        if self._table is None or facts.within:
            return None
        if self._times is None:
            rows = self._modules
            if rows is None:
                rows = self._table.modules(snapshot.design, snapshot.table.imgsz)
            self._times = _summed(rows)
        return self._times.get(facts.path)

    def saves(self, snapshot: Snapshot, facts: Facts) -> float | None:
        """Return what the kinds in a row save; of what is standard, what the default kind would."""
        if self._table is None or facts.within or not facts.targets:
            return None
        if facts.swap is not None:
            return self._saved(snapshot, facts.path, facts.swap)
        if self._able is None:
            self._able = frozenset(eligible(snapshot.architecture, DEFAULT.block))
        found = []
        for path in facts.targets:
            one = snapshot.facts[path]
            swap = one.swap or (DEFAULT if path in self._able else None)
            if swap is not None and not one.within:
                saved = self._saved(snapshot, path, swap)
                if saved is not None:
                    found.append(saved)
        return sum(found) if found else None

    def _saved(self, snapshot: Snapshot, path: str, swap: Swap) -> float | None:
        assert self._table is not None
        return self._table.saves(snapshot.design, path, swap, snapshot.table.imgsz)


def _summed(rows: Iterable[ModuleTime]) -> dict[str, float]:
    """Return module path → milliseconds, of every module and of everything that holds one."""
    found: dict[str, float] = {}
    for row in rows:
        path = row.path
        while path:
            found[path] = found.get(path, 0.0) + row.lightweight_ms
            path = path.rpartition(".")[0]
    return found
