"""Milliseconds on the Design page: which table they come from, what they say of the open design, what is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.core import latency_cache
from app.core.design import Design
from app.core.errors import AppError
from app.core.latency import Prediction, Setting
from app.core.latency_devices import KnownTable
from app.core.latency_lint import Advice, Target, lint
from app.core.latency_measurement import Measurement
from app.core.latency_words import where
from app.ui.page import Services
from app.ui.pages import design_actions as names
from app.ui.pages.design_activation import activation_words
from app.ui.pages.design_edits import edit_words
from app.ui.pages.design_latency_card import LatencyCard
from app.ui.pages.design_latency_choice import RuntimeDialog, long_name, short_name
from app.ui.pages.design_latency_columns import MillisecondsColumn, SavesColumn
from app.ui.pages.design_latency_forms import found_words, is_changed
from app.ui.pages.design_latency_hints import HintsCard
from app.ui.pages.design_latency_jobs import LatencyJobs, Wish
from app.ui.pages.design_latency_reading import Name, Reading, name_of, read
from app.ui.pages.design_latency_rows import RowTimes
from app.ui.pages.design_latency_tables import LatencyTables
from app.ui.pages.design_rows import TableRows
from app.ui.widgets.diagram_facts import Snapshot

if TYPE_CHECKING:
    from app.ui.pages.design_roofline import RooflineDialog

Shape = tuple[int, int]
_HINTS_MS = 40
"""The hints follow an edit after the figures: they may look at many swaps."""

_FEW = 12
"""Measured models of a base below which more are offered."""


class DesignLatency(QObject):
    """Owns the card of milliseconds, the hints, two columns of the table and the roofline."""

    selected = Signal(tuple)
    """Module paths to select."""

    def __init__(self, page: QWidget, services: Services, rows: TableRows) -> None:
        super().__init__(page)
        self._page, self._rows = page, rows
        self._workspace, self._messages = services.workspace, services.messages
        self.card, self.hints = LatencyCard(), HintsCard()
        self.jobs = LatencyJobs(services.tasks, self)
        self.tables = LatencyTables(page, services, self._opened)
        self.reading: Reading | None = None
        self._snapshot: Snapshot | None = None
        self._taken: dict[Name, Measurement] = {}
        self._before: dict[Name, Prediction] = {}
        self._times = RowTimes()
        self._columns = MillisecondsColumn(self._times.milliseconds), SavesColumn(self._times.saves)
        self._has_columns = False
        self._paths: tuple[str, ...] = ()
        self.roofline: RooflineDialog | None = None
        self._hints_timer = QTimer(self)
        self._hints_timer.setSingleShot(True)
        self._hints_timer.setInterval(_HINTS_MS)
        self._connect()

    def _connect(self) -> None:
        card, jobs = self.card, self.jobs
        card.fill_wanted.connect(self.fill)
        card.stop_wanted.connect(jobs.stop)
        card.measure_wanted.connect(self.measure)
        card.roofline_wanted.connect(self.open_roofline)
        card.menu_wanted.connect(self.fill_menu)
        self.tables.changed.connect(self._show)
        jobs.changed.connect(self._show_state)
        jobs.figures_came.connect(self._on_jobs_figures_came)
        jobs.measured.connect(self._on_jobs_measured)
        jobs.filled.connect(self._on_jobs_filled)
        jobs.forms_came.connect(self._on_jobs_forms_came)
        jobs.roof_came.connect(self._show_roofline)
        self.hints.mend_wanted.connect(self._on_hints_mend_wanted)
        self.hints.select_wanted.connect(self.selected)
        self._hints_timer.timeout.connect(self._show_hints)

    @property
    def wish(self) -> Wish:
        """On what to measure here."""
        chosen = self.tables.chosen
        return Wish.of(chosen.table.setting) if chosen is not None and chosen.here else Wish()

    def start(self) -> None:
        """Read the tables, the first time that the page is seen."""
        self.tables.start()

    def close(self) -> None:
        """End what reads; the Studio is closing."""
        self.jobs.close()
        self.tables.close()

    def slots(self) -> dict[str, Callable[[], object]]:
        """Return what the page's actions do, by name."""
        return {
            names.MEASURE: self.measure,
            names.MEASURE_MACHINE: self.fill,
            names.OTHER_RUNTIME: self.choose_runtime,
            names.LOAD_TABLE: self.tables.choose_file,
            names.ROOFLINE: self.open_roofline,
        }

    def _opened(self) -> tuple[Design, Shape]:
        snapshot = self._snapshot
        assert snapshot is not None
        return snapshot.design, snapshot.table.imgsz

    def show(self, snapshot: Snapshot) -> None:
        """Show what is known of a design."""
        self._snapshot = snapshot
        self._show()

    def show_selection(self, paths: tuple[str, ...]) -> None:
        """Follow the selection."""
        self._paths = paths
        self.hints.show_selection(paths)
        if self.roofline is not None:
            self.roofline.show_selection(paths)

    # What is measured.

    def fill(self, wish: Wish | None = None) -> None:
        """Measure this machine in the background, for the base model that is open."""
        snapshot = self._snapshot
        if snapshot is not None:
            self.tables.follow()
            self.jobs.fill(snapshot.design.cleared(), snapshot.table.imgsz, wish or self.wish)

    def try_forms(self) -> None:
        """Measure which of the equivalent forms of each block kind is the fastest here."""
        snapshot = self._snapshot
        if snapshot is not None:
            self.jobs.try_forms(snapshot.design.cleared(), snapshot.table.imgsz, self.wish)

    def measure(self, wish: Wish | None = None) -> None:
        """Measure the open design now."""
        snapshot, chosen = self._snapshot, self.tables.chosen
        if snapshot is None:
            return
        if wish is None and chosen is not None and not chosen.here:
            self._messages.info(self._why_not_there(chosen))
            return
        if wish is None and chosen is not None:
            found = chosen.table.predict(snapshot.design, snapshot.table.imgsz)
            if found is not None and found.basis != "measured":
                self._before[name_of(chosen, snapshot.design, snapshot.table.imgsz)] = found
        self.jobs.measure(snapshot.design, snapshot.table.imgsz, wish or self.wish)

    def _why_not_there(self, chosen: KnownTable) -> str:
        words = self.tr("{machine} is another device: measure there, and load the table that it writes.")
        return words.format(machine=chosen.table.setting.machine)

    def choose_runtime(self) -> None:
        """Ask for another runtime, and measure with it."""
        dialog = RuntimeDialog(self._page, self.wish)
        if dialog.exec():
            (self.fill if dialog.whole else self.measure)(dialog.wish)
        dialog.deleteLater()

    def _on_jobs_figures_came(self, file: str) -> None:
        self.tables.read(Path(file))

    def _on_jobs_filled(self) -> None:
        self._messages.success(
            self.tr("This machine is measured: every design on this base model can be predicted now.")
        )

    def _on_jobs_forms_came(self, setting: Setting, rows: tuple[Mapping[str, Any], ...]) -> None:
        """Say which forms run from now on; figures of other forms are measured anew."""
        self._messages.success(found_words(setting, rows))
        if is_changed(rows) and any(one.table.setting.key == setting.key for one in self.tables.known):
            self.fill(Wish.of(setting))

    def _on_jobs_measured(self, design: Design, found: Measurement) -> None:
        known = self.tables.of(found.setting)
        self._taken[name_of(known, design, found.shape)] = found
        self._show()
        if found.busy is None:
            self.tables.read(latency_cache.file_of(found.setting))

    def fill_menu(self, menu: QMenu) -> None:
        """Add what there is to choose, and the ways to more."""
        chosen, tables = self.tables.chosen, self.tables
        menu.setToolTipsVisible(True)
        tables.fill_menu(menu)
        menu.addSeparator()
        ways: list[tuple[str, str, Callable[[], object]]] = [
            ("fillTable", self.tr("Measure this machine"), self.fill),
            ("chooseRuntime", self.tr("Measure with another runtime…"), self.choose_runtime),
            ("tryForms", self.tr("Find the fastest forms"), self.try_forms),
            ("loadTable", self.tr("Load another device's table…"), tables.choose_file),
        ]
        if chosen is not None and not chosen.here:
            words = self.tr("Forget {machine}").format(machine=chosen.table.setting.machine)
            ways.append(("forgetDevice", words, lambda: tables.forget(chosen)))
        for name, words, way in ways:
            action = menu.addAction(words)
            action.setObjectName(name)
            action.triggered.connect(lambda _checked=False, way=way: way())
            if name == "tryForms":
                action.setEnabled(self.jobs.trial is None and (chosen is None or chosen.here))
                action.setToolTip(self._forms_tip(chosen))

    def _forms_tip(self, chosen: KnownTable | None) -> str:
        if chosen is not None and not chosen.here:
            return self._why_not_there(chosen)
        return self.tr(
            "Many blocks can run in several ways that compute the same, such as a multiplier unrolled. This measures "
            "each, some minutes long; what is loaded, exported and predicted is the fastest from then on."
        )

    # What is shown.

    def retranslate(self) -> None:
        """Write anew what is shown."""
        self._show()

    def _show(self) -> None:
        snapshot, chosen = self._snapshot, self.tables.chosen
        if snapshot is None:
            return
        taken = None
        if chosen is None:
            self.reading = None
        else:
            name = name_of(chosen, snapshot.design, snapshot.table.imgsz)
            taken = self._taken.get(name)
            self.reading = read(chosen, snapshot.design, snapshot.table, taken, self._before.get(name))
        self.card.show_reading(self.reading)
        if chosen is None:
            self.card.show_device(
                self.tr("This machine"), self.tr("Which device and runtime to predict for.")
            )
        else:
            self.card.show_device(short_name(chosen, self.tables.known), long_name(chosen.table.setting))
        allowed = chosen is None or chosen.here
        tip = self.tr("Measures the open design against its standard model, some seconds long.")
        self.card.allow(allowed, tip if allowed or chosen is None else self._why_not_there(chosen))
        self._show_state()
        self._show_columns(taken)
        self._hints_timer.start()
        self._show_roofline()

    def _show_columns(self, taken: Measurement | None) -> None:
        assert self._snapshot is not None
        known = self.reading is not None and self.reading.standard is not None
        table = self.tables.chosen.table if known and self.tables.chosen is not None else None
        self._times.use(table, self._snapshot, taken.modules if taken is not None else None)
        if known != self._has_columns:
            self._has_columns = known
            self._rows.add_columns(self._columns if known else ())
        self._rows.refresh(self._columns)

    def _show_state(self) -> None:
        jobs, reading = self.jobs, self.reading
        if jobs.is_measuring:
            self.card.show_state(self.tr("Measuring this design against its standard model"), -1.0, False)
            return
        if jobs.filling is not None:
            done, total = jobs.filling.done, jobs.filling.total
            self.card.show_state(jobs.filling_words(jobs.filling), done / total if total else -1.0, False)
            return
        if jobs.trial is not None:
            trial = jobs.trial
            share = trial.done / trial.total if trial.total else -1.0
            self.card.show_state(trial.words, share, False)
            return
        snapshot = self._snapshot
        if reading is None or snapshot is None:
            self.card.show_state("", None, True)
            return
        count, base = self._count(), snapshot.design.base
        words = ""
        if not count:
            words = self.tr("{base} was not measured at this input size: this is guessed from what was.")
        elif count < _FEW:
            words = self.tr("Only {count} models on {base} were measured so far: predictions are rough.")
        self.card.show_state(words.format(base=base, count=count), None, reading.here and count < _FEW)

    def _count(self) -> int:
        """Return how many models of the open base and size the table holds."""
        assert self._snapshot is not None
        chosen, design, shape = self.tables.chosen, self._snapshot.design, self._snapshot.table.imgsz
        if chosen is None:
            return 0
        name = design.base, design.architecture.classes, shape
        return sum((w.base, w.classes, w.shape) == name for w in chosen.table.wholes)

    def _show_hints(self) -> None:
        snapshot, chosen = self._snapshot, self.tables.chosen
        if snapshot is None or chosen is None:
            self.hints.show_advice((), "")
            return
        setting = chosen.table.setting
        found = lint(snapshot.design, Target.of(setting), chosen.table, snapshot.table.imgsz)
        self.hints.show_advice(found, where(setting))

    def _on_hints_mend_wanted(self, advice: Advice) -> None:
        snapshot, mend = self._snapshot, advice.mend
        if snapshot is None or mend is None:
            return
        try:
            changed = mend.applied(self._workspace.design)
        except AppError as problem:
            self._messages.error(problem)
            return
        words = edit_words(snapshot, mend.paths, mend.swap) if mend.paths else activation_words(changed)
        self._workspace.apply(changed, words)

    # The roofline.

    def open_roofline(self) -> None:
        """Show why layers take as long as they do; pyqtgraph is imported here, and not before."""
        from app.ui.pages.design_roofline import RooflineDialog

        if self.roofline is None:
            dialog = RooflineDialog(self._page)
            dialog.chosen.connect(self.selected)
            dialog.roof_wanted.connect(self._on_roofline_roof_wanted)
            self.jobs.changed.connect(self._show_roofline)
            self.roofline = dialog
        self.roofline.show()
        self.roofline.raise_()
        self.roofline.activateWindow()
        self._show_roofline()
        self.show_selection(self._paths)

    def _show_roofline(self) -> None:
        if self.roofline is not None and self.roofline.isVisible() and self._snapshot is not None:
            measuring = self.jobs.is_measuring_roof
            self.roofline.show_design(self.tables.chosen, self._snapshot, measuring)

    def _on_roofline_roof_wanted(self) -> None:
        assert self._snapshot is not None
        self.jobs.roof(self._snapshot.design, self._snapshot.table.imgsz, self.wish)
