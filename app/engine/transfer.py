"""The transfer report: where the first weights of every module come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.core.transfer_words import COPIED, FACTORISED, FRESH, IDENTITY, ORIGINS, REFITTED, way_words

__all__ = [
    "COPIED",
    "FACTORISED",
    "FRESH",
    "IDENTITY",
    "ORIGINS",
    "REFITTED",
    "TransferReport",
    "TransferRow",
]


@dataclass(frozen=True)
class TransferRow:
    """How one module got its weights.

    Attributes:
        path: module path.
        block: block kind that it was swapped for; None where it is standard.
        how: one of `ORIGINS`.
        parameters: numbers in it that are trained.
        energy: where it was refitted, the share of the standard output's variance that it reproduces on pictures,
            1 − ‖Y − Ŷ‖² / ‖Y − mean‖², at positions chosen at random.
    """

    path: str
    block: str | None
    how: str
    parameters: int
    energy: float | None = None


@dataclass(frozen=True)
class TransferReport:
    """All modules of a model, in order of execution.

    Attributes:
        source: name of the file that the weights come from.
        kind: what that file is; see `app.engine.weights.ForeignWeights`.
        mode: what was asked for.
        pictures: how many pictures were looked at.
        rows: one per module.
        notes: sentences a person should read.
    """

    source: str
    kind: str
    mode: str
    pictures: int
    rows: tuple[TransferRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def totals(self) -> dict[str, Any]:
        """Modules and parameters by origin, and the mean energy of what was refitted."""
        found: dict[str, Any] = {how: {"modules": 0, "parameters": 0} for how in ORIGINS}
        for row in self.rows:
            found[row.how]["modules"] += 1
            found[row.how]["parameters"] += row.parameters
        found["parameters"] = sum(row.parameters for row in self.rows)
        found["energy"] = _mean(row.energy for row in self.rows)
        return found

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """What was done to each kind of block: its name, how, in words, and how many modules with what mean energy."""
        groups: dict[tuple[str, str], list[TransferRow]] = {}
        for row in self.rows:
            if row.block is not None:
                groups.setdefault((row.block, row.how), []).append(row)
        return [
            {
                "block": block,
                "how": how,
                "text": way_words(block, how),
                "modules": len(rows),
                "parameters": sum(row.parameters for row in rows),
                "energy": _mean(row.energy for row in rows),
            }
            for (block, how), rows in groups.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data; `from_json` reads it back."""
        return {
            "source": self.source,
            "kind": self.kind,
            "mode": self.mode,
            "pictures": self.pictures,
            "modules": [asdict(row) for row in self.rows],
            "kinds": self.kinds,
            "totals": self.totals,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TransferReport:
        """Read what `to_json` wrote.

        Raises:
            AppError: it is something else.
        """
        try:
            rows = tuple(
                TransferRow(
                    str(row["path"]),
                    None if row["block"] is None else str(row["block"]),
                    str(row["how"]),
                    int(row["parameters"]),
                    None if row["energy"] is None else float(row["energy"]),
                )
                for row in data["modules"]
            )
            if any(row.how not in ORIGINS for row in rows):
                raise ValueError("unknown origin")
            return cls(
                str(data["source"]),
                str(data["kind"]),
                str(data["mode"]),
                int(data["pictures"]),
                rows,
                tuple(str(note) for note in data["notes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "This is no transfer report: {reason}."),
                QT_TRANSLATE_NOOP("core", "Convert or train again."),
                reason=error,
            ) from error

    def to_text(self) -> str:
        """Return the report as a table for a terminal."""
        head = ("module", "block", "weights", "parameters", "energy")
        table = [head, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(head))]
        lines = [_line(line, widths) for line in table]
        lines.insert(1, "  ".join("-" * width for width in widths))
        told = [
            f"{row['block']}, {row['modules']} {row['how']}"
            + ("" if row["energy"] is None else f" ({row['energy']:.1%})")
            + f": {row['text']}"
            for row in self.kinds
        ]
        return "\n".join([*lines, "", *told, "", self.summary(), *self.notes])

    def summary(self) -> str:
        """Return the totals as one line."""
        totals = self.totals
        whole = max(totals["parameters"], 1)
        parts = [
            f"{totals[how]['modules']} {how} ({totals[how]['parameters'] / whole:.0%} of the parameters)"
            for how in ORIGINS
            if totals[how]["modules"]
        ]
        text = f"From {self.source}: {', '.join(parts)}"
        if totals["energy"] is not None:
            text += f"; refitted modules reproduce {totals['energy']:.1%} of the output on average"
        return f"{text}."


def _mean(energies: Iterable[float | None]) -> float | None:
    known = [energy for energy in energies if energy is not None]
    return sum(known) / len(known) if known else None


def _cells(row: TransferRow) -> tuple[str, ...]:
    energy = "" if row.energy is None else f"{row.energy:.1%}"
    return row.path, row.block or "", row.how, f"{row.parameters:,}", energy


def _line(cells: Iterable[str], widths: list[int]) -> str:
    aligned = [
        cell.rjust(width) if column >= 3 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()
