"""Where the risks of swaps come from: guessed from shapes, or measured on trained weights and pictures."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.core.risk import MAP, MEASURED, PRIOR
from app.core.text import duration
from app.core.user_models import base_title
from app.ui import theme
from app.ui.page import Services
from app.ui.pages.design_reach_weights import Trained, choices
from app.ui.requests import SAMPLE
from app.ui.tasks import CANCELLED, Task
from app.ui.text import problem_words
from app.ui.widgets.cards import button, label
from app.ui.widgets.menu_button import MenuButton
from app.workers.job import EngineJob

JOBS = {MEASURED: "risk.measure", MAP: "risk.map"}
NICE = 10
"""How far the process that measures steps back."""

_EARLY = 0.03
"""Share of the work before which nothing is said of the time that is left."""

Key = tuple[str, str, str]
"""Kind of risk, weights, data."""


class RiskSource(QWidget):
    """Three ways, the weights and pictures of the last two, and the button that measures."""

    changed = Signal()
    """Other risks are to be used."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.settings: dict[str, Any] = {}
        """Further settings of the jobs that measure, such as {"pictures": 8}."""
        self.nice = NICE
        self._base = ""
        self._weights: Path | None = None
        self._data = ""
        self._measured: dict[Key, dict[str, Any]] = {}
        self._running: tuple[Key, Task, EngineJob] | None = None
        self._began = 0.0
        self._problem: AppError | None = None
        self.ways = {kind: QRadioButton() for kind in (PRIOR, MEASURED, MAP)}
        self.weights = MenuButton("riskWeights", self._fill_weights)
        self.data = MenuButton("riskData", self._fill_data)
        self.measure = button("measureRisks")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.state = label(role="small", wrap=True)
        self.state.setObjectName("riskState")
        self._names: dict[str, QLabel] = {name: label(role="muted") for name in ("weights", "data")}
        self.more = QWidget()
        self._lay_out()
        for kind, way in self.ways.items():
            way.setObjectName(f"risk_{kind}")
            way.toggled.connect(self._on_way_toggled)
        self.ways[PRIOR].setChecked(True)
        self.measure.clicked.connect(self._on_measure_clicked)
        self.retranslate()

    def _lay_out(self) -> None:
        grid = QGridLayout(self.more)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.INSIDE)
        grid.setVerticalSpacing(4)
        for number, (name, field) in enumerate((("weights", self.weights), ("data", self.data))):
            self._names[name].setBuddy(field)
            grid.addWidget(self._names[name], number, 0)
            grid.addWidget(field, number, 1)
        grid.addWidget(self.measure, 2, 1)
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for way in self.ways.values():
            column.addWidget(way)
        column.addWidget(self.more)
        column.addWidget(self.bar)
        column.addWidget(self.state)

    @property
    def kind(self) -> str:
        """The chosen way."""
        return next(kind for kind, way in self.ways.items() if way.isChecked())

    @property
    def result(self) -> dict[str, Any] | None:
        """What was measured the chosen way; None where nothing was, and risks are guessed."""
        return self._measured.get(self._key)

    @property
    def _key(self) -> Key:
        return self.kind, str(self._weights or ""), self._data

    def show_base(self, base: str) -> None:
        """Take over the base model; the newest finished standard run of it is proposed."""
        if base != self._base:
            self._base = base
            self._weights, self._data = None, ""
            self.refresh()

    def refresh(self) -> None:
        """Propose a run where nothing was chosen yet."""
        if self._weights is None:
            first = next((one for one in self._choices() if one.name), None)
            if first is not None:
                self._take(first)
        self._show()

    def end(self) -> None:
        """Cancel what is being measured, and wait until its process is gone."""
        if self._running is not None:
            self._running[1].cancel()
            self._running[2].close()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.ways[PRIOR].setText(self.tr("Guessed from shapes"))
        self.ways[PRIOR].setToolTip(
            self.tr("At once and without weights; as good as typical models are typical.")
        )
        self.ways[MEASURED].setText(self.tr("Measured on weights and pictures"))
        self.ways[MEASURED].setToolTip(
            self.tr("The trained standard model looks at 32 training pictures; every swap is fitted to it.")
        )
        self.ways[MAP].setText(self.tr("mAP of each single swap (slow)"))
        self.ways[MAP].setToolTip(
            self.tr("Every separable swap is converted alone and validated on 64 pictures.")
        )
        self._names["weights"].setText(self.tr("Weights"))
        self._names["data"].setText(self.tr("Pictures"))
        self.weights.setAccessibleName(self.tr("Weights of the trained standard model"))
        self.data.setAccessibleName(self.tr("Data set with the pictures"))
        self._show()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    # --- weights and pictures -------------------------------------------------------------------------------

    def _choices(self) -> list[Trained]:
        return choices(self._services.workspace.folder, self._base)

    def _take(self, chosen: Trained) -> None:
        self._weights, self._data = chosen.weights, chosen.data
        self._problem = None

    def _fill_weights(self, menu: QMenu) -> None:
        for one in self._choices():
            words = self.tr("run {name}").format(name=one.name) if one.name else self.tr("the sample's model")
            action = menu.addAction(words)
            action.setObjectName(f"weights_{one.name or SAMPLE}")
            action.triggered.connect(lambda _checked=False, one=one: self._choose(one))
        menu.addSeparator()
        menu.addAction(self.tr("Choose a checkpoint…")).triggered.connect(lambda: self._choose_weights())

    def _fill_data(self, menu: QMenu) -> None:
        names = [one.data for one in self._choices()]
        names += [self._services.workspace.data, *self._services.store.settings.recent_data]
        for name in dict.fromkeys(name for name in names if name):
            action = menu.addAction(self._data_words(name))
            action.setToolTip(name)
            action.triggered.connect(lambda _checked=False, name=name: self._set_data(name))
        menu.addSeparator()
        menu.addAction(self.tr("Choose a data set…")).triggered.connect(lambda: self._choose_data())

    def _choose(self, chosen: Trained) -> None:
        self._take(chosen)
        self._changed()

    def _choose_weights(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Choose the weights of a trained standard model"),
            str(self._services.workspace.folder.root),
            self.tr("Checkpoints ({patterns})").format(patterns="*.pt"),
        )
        if name:
            self._choose(Trained(Path(name).name, Path(name), self._data or self._services.workspace.data))

    def _choose_data(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self,
            self.tr("Choose a data set"),
            str(self._services.workspace.folder.root),
            self.tr("Data sets ({patterns})").format(patterns="*.yaml *.yml *.json *.zip"),
        )
        if name:
            self._set_data(name)

    def _set_data(self, name: str) -> None:
        self._data, self._problem = name, None
        self._changed()

    def _data_words(self, name: str) -> str:
        if name == SAMPLE:
            return self.tr("the sample")
        path = Path(name)
        return path.parent.name if path.stem in ("data", "dataset") and path.parent.name else path.name

    def _weights_words(self) -> str:
        if self._weights is None:
            return self.tr("Choose…")
        if self._weights.parent.name == "weights":
            return self.tr("run {name}").format(name=self._weights.parent.parent.name)
        return self.tr("the sample's model") if self._data == SAMPLE else self._weights.name

    # --- measuring ------------------------------------------------------------------------------------------

    def _on_way_toggled(self, checked: bool) -> None:
        if checked:
            self._problem = None
            self._changed()

    def _on_measure_clicked(self) -> None:
        if self._running is not None:
            self._running[1].cancel()
            self._show()
            return
        request = {"weights": str(self._weights), "data": self._data, "base": self._base, **self.settings}
        job = EngineJob(JOBS[self.kind], request, nice=self.nice)
        self._problem, self._began = None, time.monotonic()
        task = self._services.tasks.add(partial(_title, self._base), job.cancel)
        task.adopt(job)
        job.done.connect(self._on_job_done)
        job.failed.connect(self._on_job_failed)
        job.progressed.connect(self._on_job_progressed)
        job.finished.connect(self._on_job_finished)
        self._running = self._key, task, job
        task.changed.connect(self._on_task_changed)
        job.start()
        self._show()

    @Slot(float, str)
    def _on_job_progressed(self, share: float, _text: str) -> None:
        if self._running is None or self._ending:
            return
        self.bar.setValue(round(1000 * share))
        if share > _EARLY:
            left = (time.monotonic() - self._began) * (1 - share) / share
            words = self.tr("{time} left").format(time=duration(left))
            self._running[1].progress(share, words)
            self.state.setText(self.tr("Measuring: {time} left.").format(time=duration(left)))

    @Slot()
    def _on_task_changed(self) -> None:
        if self._ending:
            self._show()

    @Slot(dict)
    def _on_job_done(self, result: dict[str, Any]) -> None:
        if self._running is not None:
            self._measured[self._running[0]] = result

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        self._problem = problem
        if not self.isVisible():
            self._services.messages.error(problem)

    @Slot()
    def _on_job_finished(self) -> None:
        self._running = None
        self._changed()

    # --- what is said ---------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        guessed, running = self.kind == PRIOR, self._running is not None
        self.more.setVisible(not guessed)
        self.weights.set_words(self._weights_words())
        self.data.set_words(self._data_words(self._data) if self._data else self.tr("Choose…"))
        self.measure.setVisible(running or self.result is None)
        self.measure.setEnabled(not self._ending if running else bool(self._weights and self._data))
        self.measure.setText(self.tr("Cancel") if running else self.tr("Measure"))
        for widget in (*self.ways.values(), self.weights, self.data):
            widget.setEnabled(not running)
        self.bar.setVisible(running)
        if running:
            self.bar.setValue(0)
        theme.set_role(self.state, "small", tone="bad" if self._problem is not None and not running else "")
        self.state.setText(self._state_words())

    @property
    def _ending(self) -> bool:
        """Whether what was being measured was cancelled, here or in the tray, and ends."""
        return self._running is not None and self._running[1].state == CANCELLED

    def _state_words(self) -> str:
        if self._running is not None:
            return self.tr("Cancelling…") if self._ending else self.tr("Measuring…")
        if self._problem is not None:
            return " ".join(problem_words(self._problem))
        if self.kind == PRIOR:
            return self.tr("Guesses are marked with a question mark.")
        result = self.result
        if result is not None:
            risks = result["risks"]
            return self.tr(
                "{count} swaps measured on {pictures} pictures, with {classes} classes; the others are guessed."
            ).format(count=len(risks["rows"]), pictures=risks["pictures"], classes=result["classes"])
        if self._weights is None:
            return self.tr(
                "No finished standard run of {base} is here. Train one, or choose weights and pictures."
            ).format(base=base_title(self._base))
        if self.kind == MAP:
            return self.tr(
                "Not measured yet: it takes several seconds for each swap. Guesses are used meanwhile."
            )
        return self.tr("Not measured yet. Guesses are used meanwhile.")


def _title(base: str) -> str:
    """Return what the tray calls the measurement, which may outlive the dialog."""
    return QCoreApplication.translate("RiskSource", "Measuring the risks of {base}").format(
        base=base_title(base)
    )
