"""What the dialog asks the engine, in which order, and what it was told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.core.cost import compare_cost
from app.core.design import Design, dump_design, parse_design
from app.core.errors import AppError
from app.core.latency_cache import file_of
from app.core.latency_devices import KnownTable, devices_folder
from app.core.rivals import Rival
from app.core.target_amount import RESOURCES, Amount, Target
from app.ui.pages.design_reach_answer import target_words
from app.ui.pages.design_reach_chart import AXES, Findings
from app.ui.pages.design_reach_locks import Locks
from app.ui.pages.design_reach_question import Question
from app.ui.widgets.diagram_facts import Snapshot

_POINTS = 24


class Search(QObject):
    """The answer first, then the frontier, where the open design stands, and plain narrower models."""

    changed = Signal()
    """There is more to draw, or something else."""
    busy_changed = Signal(bool)
    """Whether the answer is on its way."""
    answered = Signal(dict)
    refused = Signal(object)
    drawing_refused = Signal(object)

    def __init__(self, locks: Locks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.known: KnownTable | None = None
        self.findings = Findings()
        self.answer: Design | None = None
        self.axis = AXES[0]
        self._locks = locks
        self._terms: dict[str, Any] = {}
        self._measured: Mapping[str, Any] | None = None
        self._stamp = ""
        self._placing = self._lining = self._plain_asked = ""
        self._open: Design | None = None
        self._targets: tuple[Target, ...] = ()
        self._asked = self._drawn = ""
        self._lines: dict[str, dict[str, Any]] = {}
        self._places: dict[str, Mapping[str, Any]] = {}
        self._narrower: dict[str, tuple[Rival, ...]] = {}
        self._reach = Question("target.reach", self)
        self._line = Question("target.frontier", self, 0)
        self._place = Question("target.frontier", self, 0)
        self._plain = Question("target.rivals", self, 0)
        self._connect()

    def _connect(self) -> None:
        self._reach.answered.connect(self._on_reach_answered)
        self._reach.refused.connect(self._on_reach_refused)
        self._reach.busy_changed.connect(self._on_reach_busy_changed)
        self._line.told.connect(self._on_line_told)
        self._line.answered.connect(self._on_line_answered)
        self._place.answered.connect(self._on_place_answered)
        self._plain.answered.connect(self._on_plain_answered)
        for question in (self._line, self._place, self._plain):
            question.refused.connect(self._on_drawing_refused)

    # --- what is wanted -------------------------------------------------------------------------------------

    def show_terms(
        self, snapshot: Snapshot, kinds: Sequence[str] | None, measured: Mapping[str, Any] | None
    ) -> None:
        """Take over what a search starts from.

        Args:
            snapshot: the open design, at the input size that counts.
            kinds: allowed block kinds; None allows all.
            measured: result of a job that measured risks; None guesses them.
        """
        if measured is not self._measured:
            self._measured = measured
            self._stamp = hashlib.sha256(json.dumps(measured).encode()).hexdigest() if measured else ""
        design = snapshot.design
        counted = replace(design, swaps=tuple(design.resolved().items()), notes="")
        if measured is not None and design.classes is None:
            counted = replace(counted, classes=int(measured["classes"]))
        locked = self._locks.all_paths
        kept = replace(counted, swaps=tuple(item for item in counted.swaps if item[0] in locked))
        self._open = counted
        self._terms = {
            "design": dump_design(kept),
            "locked": list(self._locks.paths),
            "kinds": None if kinds is None else list(kinds),
            "imgsz": list(snapshot.table.imgsz),
            "risks": None if measured is None else measured["risks"],
            "classes": None if measured is None else measured["classes"],
            "table": self._table_file(),
        }
        standard = Amount.of(
            compare_cost(counted.cleared(), snapshot.table.imgsz).standard, self._standard_ms()
        )
        self.findings.standard = standard.to_json()

    def standard_by_resource(self) -> dict[str, float | None]:
        """Return what the standard model costs: resource → in its base unit."""
        return {name: self.findings.standard.get(one.field) for name, one in RESOURCES.items()}

    def aim(self, targets: Sequence[Target]) -> None:
        """Ask for the design that reaches targets, unless that is known or being asked, and for all that is drawn."""
        self._targets = tuple(targets)
        standard = self.standard_by_resource()
        limits: dict[str, float] = {}
        for target in targets:
            limit = target.limit(standard[target.resource] or 0.0)
            limits[target.resource] = min(limit, limits.get(target.resource, limit))
        self.findings.limits = limits
        request = {**self._terms, "targets": [str(target) for target in targets]}
        key = self._key(targets=request["targets"])
        if not targets:
            self._asked = ""
            self._reach.drop()
            self._forget()
        elif key != self._asked:
            self._asked = key
            self._line.drop()
            self._place.drop()
            self._plain.drop()
            self._reach.ask(request)
        self._go_on()

    def show_axis(self, axis: str) -> None:
        """Look for the frontier over another resource."""
        self.axis = axis
        self._go_on()

    def target_names(self) -> list[str]:
        """Return the targets as people say them."""
        return [target_words(str(target)) for target in self._targets]

    def answer_is(self, design: Design) -> bool:
        """Return whether a design is the answer."""
        answer = self.answer
        return answer is not None and (answer.base, dict(answer.resolved())) == (
            design.base,
            dict(design.resolved()),
        )

    def design_of(self, number: int) -> Design:
        """Return a design of the frontier by its number."""
        return parse_design(self.findings.points[number]["design"])

    def drop(self) -> None:
        """Ask nothing more."""
        if self._reach.busy:
            self._asked = ""
        for question in (self._reach, self._line, self._place, self._plain):
            question.drop()

    def close(self) -> None:
        """Wait until every process is gone."""
        for question in (self._reach, self._line, self._place, self._plain):
            question.close()

    # --- in which order -------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Show what is known by now, and ask for the next thing that is not."""
        line = self._line_request()
        key, place = self._key(resource=self.axis), self._place_key()
        found = self._lines.get(key)
        if found is None and key != self._drawn:
            self.findings.points = []
        elif found is not None:
            self.findings.points, self.findings.smaller = found["points"], found["smaller"]
            self._drawn = key
        self.findings.current = self._places.get(place)
        self.findings.narrower = self._narrower.get(self._plain_key(), ())
        self.changed.emit()
        if self._reach.busy:
            return
        if found is None:
            if not self._line.busy or key != self._drawn:
                self._drawn, self._lining, self.findings.points = key, place, []
                self._line.ask({**line, "design": self._open_text()})
        elif self.findings.current is None:
            if not self._place.busy:
                self._placing = place
                self._place.ask({**line, "design": self._open_text(), "points": 0})
        elif self._plain_key() not in self._narrower and not self._plain.busy:
            self._plain_asked = self._plain_key()
            self._plain.ask(json.loads(self._plain_asked))

    def _line_request(self) -> dict[str, Any]:
        return {**self._terms, "resource": self.axis, "points": _POINTS}

    def _open_text(self) -> str:
        assert self._open is not None
        return dump_design(self._open)

    def _place_key(self) -> str:
        return self._key(open=self._open_text())

    def _plain_key(self) -> str:
        assert self._open is not None
        classes = self._open.architecture.classes
        about = {"base": self._open.base, "classes": classes}
        return json.dumps(about | {name: self._terms[name] for name in ("imgsz", "table")})

    def _table_file(self) -> str | None:
        if self.known is None:
            return None
        setting = self.known.table.setting
        return str(file_of(setting) if self.known.here else devices_folder() / f"{setting.key}.json")

    def _standard_ms(self) -> float | None:
        if self.known is None or self._open is None:
            return None
        found = self.known.table.predict(self._open.cleared(), tuple(self._terms["imgsz"]))
        return None if found is None else found.ms

    # --- what is told ---------------------------------------------------------------------------------------

    @Slot(dict)
    def _on_reach_answered(self, result: dict[str, Any]) -> None:
        self.answer = parse_design(result["design"])
        totals = result["totals"]
        self.findings.picked = {"cost": totals["lightweight"], "risk": totals["risk"]}
        if self._asked == self._key(targets=[str(target) for target in self._targets]):
            self._places[self._key(open=result["design"])] = self.findings.picked
        self.answered.emit(result)
        self._go_on()

    @Slot(object)
    def _on_reach_refused(self, problem: AppError) -> None:
        self._forget()
        self.refused.emit(problem)
        self._go_on()

    def _forget(self) -> None:
        self.answer = self.findings.picked = None

    @Slot(bool)
    def _on_reach_busy_changed(self, busy: bool) -> None:
        self.busy_changed.emit(busy)

    @Slot(dict)
    def _on_line_told(self, event: dict[str, Any]) -> None:
        if event.get("event") == "point":
            self.findings.points.append(event)
            if self._drawn == self._key(resource=self.axis):
                self._places[self._key(open=event["design"])] = event
            self.changed.emit()

    @Slot(dict)
    def _on_line_answered(self, result: dict[str, Any]) -> None:
        smaller = tuple(Rival.from_json(rival) for rival in result["rivals"])
        self._lines[self._drawn] = {"points": self.findings.points, "smaller": smaller}
        self._places.setdefault(self._lining, result["current"])
        self._go_on()

    @Slot(dict)
    def _on_place_answered(self, result: dict[str, Any]) -> None:
        self._places[self._placing] = result["current"]
        self._go_on()

    @Slot(dict)
    def _on_plain_answered(self, result: dict[str, Any]) -> None:
        self._narrower[self._plain_asked] = tuple(Rival.from_json(rival) for rival in result["rivals"])
        self._go_on()

    @Slot(object)
    def _on_drawing_refused(self, problem: AppError) -> None:
        """Leave out a drawing that cannot be made."""
        self.drawing_refused.emit(problem)

    def _key(self, **more: Any) -> str:
        """Return what tells a question from every other one."""
        return json.dumps({**self._terms, "risks": self._stamp, **more}, sort_keys=True)
