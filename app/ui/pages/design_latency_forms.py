"""What is said of equivalent forms while they are measured, and of the fastest ones afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.core.design import Swap
from app.core.latency import Setting
from app.core.latency_words import where
from app.core.text import ratio
from app.ui.text import in_a_row, listed
from app.ui.widgets.layer_table_columns import kind_words


@dataclass(frozen=True)
class Trial:
    """How far the measurement of forms is.

    Attributes:
        done, total: swaps; 0 of 0 before the first word.
        swap: which one is measured, as designs spell it.
        waiting: what it waits for: "training", "comparison" or "measurement"; "" for nothing.
        rows: results so far, as the engine tells them.
    """

    done: int = 0
    total: int = 0
    swap: str = ""
    waiting: str = ""
    rows: tuple[Mapping[str, Any], ...] = field(default=())

    def after(self, event: Mapping[str, Any]) -> Trial:
        """Return how far it is after an event of the engine."""
        if event.get("event") == "form":
            return replace(self, rows=(*self.rows, event["row"]))
        if event.get("event") != "forms":
            return self
        return replace(
            self,
            done=int(event["done"]),
            total=int(event["total"]),
            swap=str(event["swap"]),
            waiting=str(event["waiting"]),
        )

    @property
    def words(self) -> str:
        """What is measured now, or waited for, translated."""
        if self.waiting:
            return waiting_words(self.waiting)
        if not self.swap:
            return QCoreApplication.translate("LatencyForms", "Building the first model")
        words = QCoreApplication.translate(
            "LatencyForms", "Trying the forms of {kind}: {done} of {total} measured"
        )
        return words.format(kind=swap_words(self.swap), done=self.done, total=self.total)


def waiting_words(what: str) -> str:
    """Say what a measurement waits for.

    Args:
        what: "training", "comparison", "measurement" or "programs".
    """
    waits = {
        "training": QCoreApplication.translate("LatencyJobs", "Waiting until the training ends"),
        "comparison": QCoreApplication.translate("LatencyJobs", "Waiting until the comparison ends"),
        "measurement": QCoreApplication.translate("LatencyJobs", "Waiting until the other measurement ends"),
    }
    programs = QCoreApplication.translate(
        "LatencyJobs", "Waiting until other programs need less of the machine"
    )
    return waits.get(what, programs)


def swap_words(text: str) -> str:
    """Return a swap for people from how `app.core.latency_units.swap_text` writes it."""
    block, *options = text.split()
    given = (option.partition("=") for option in options)
    return kind_words(block, Swap(block, {name: int(value) for name, _, value in given}))


def form_words(form: str) -> str:
    """Return what a form is called."""
    titles = {
        "folded": QCoreApplication.translate("LatencyForms", "as it is"),
        "unrolled": QCoreApplication.translate("LatencyForms", "unrolled"),
        "multiplier": QCoreApplication.translate("LatencyForms", "with its multiplier"),
        "merged": QCoreApplication.translate("LatencyForms", "merged"),
        "dense": QCoreApplication.translate("LatencyForms", "as one dense convolution"),
    }
    return titles.get(form, form)


def is_changed(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether anything runs in another form from now on."""
    return any(row["kept"] and row["fastest"] != row["before"] for row in rows)


def found_words(setting: Setting, rows: Sequence[Mapping[str, Any]]) -> str:
    """Say which forms run from now on; the usual ones are not named."""
    kept = [row for row in rows if row["kept"]]
    other = [row for row in kept if row["fastest"] != next(iter(row["ms"]))]
    sentences = []
    if other:
        words = QCoreApplication.translate("LatencyForms", "Fastest on {where}: {forms}.")
        sentences.append(words.format(where=where(setting), forms=listed(_row_words(row) for row in other)))
    if other and len(other) < len(kept):
        sentences.append(QCoreApplication.translate("LatencyForms", "All others keep their usual form."))
    elif kept and not other:
        words = QCoreApplication.translate(
            "LatencyForms", "On {where} every block kind is fastest in its usual form."
        )
        sentences.append(words.format(where=where(setting)))
    if len(kept) < len(rows):
        words = QCoreApplication.translate(
            "LatencyForms",
            "Other programs used the machine while {count} of {total} were measured: these stay as they were.",
        )
        sentences.append(words.format(count=len(rows) - len(kept), total=len(rows)))
    return reduce(in_a_row, sentences, "")


def _row_words(row: Mapping[str, Any]) -> str:
    words = QCoreApplication.translate("LatencyForms", "{kind} {form} ({ratio})")
    faster = ratio(row["gains"][row["fastest"]]["median"])
    return words.format(kind=swap_words(row["swap"]), form=form_words(row["fastest"]), ratio=faster)
