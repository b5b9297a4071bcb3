"""How far a bench is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Progress:
    """How far it is, and how long it still takes: by what each kind of part took so far."""

    left: dict[str, int] = field(default_factory=dict)
    done: dict[str, list[float]] = field(default_factory=dict)

    def add(self, kind: str, seconds: float) -> None:
        """One part of a kind is done."""
        self.done.setdefault(kind, []).append(seconds)
        self.left[kind] -= 1

    @property
    def fraction(self) -> float:
        """The share of all parts that is done."""
        done = sum(map(len, self.done.values()))
        return done / max(done + sum(self.left.values()), 1)

    @property
    def left_s(self) -> float | None:
        """Seconds, or None before every kind that is left was seen once."""
        total = 0.0
        for kind, count in self.left.items():
            seen = self.done.get(kind, [])
            if count and not seen:
                return None
            total += count * (sum(seen) / len(seen) if seen else 0.0)
        return total
