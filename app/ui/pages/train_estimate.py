"""What a training will need, before it starts: memory, measured on one step, and time; with advice in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.core.errors import AppError
from app.core.text import duration, size
from app.core.train_config import TrainConfig
from app.ui import theme
from app.ui.page import Services
from app.ui.pages.design_latency_forms import waiting_words
from app.ui.tasks import CANCELLED, Task
from app.ui.text import in_a_row, problem_words
from app.ui.widgets.cards import button, label
from app.workers.job import EngineJob

_SETTLE_MS = 2000
_IRRELEVANT = ("name", "seed", "epochs", "workspace", "partner")


class EstimateLine(QWidget):
    """A sentence with memory and time, a button that asks for it, and advice below where there is any.

    It asks by itself once the form has been left alone for two seconds, as long as the page lets it.
    """

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._tasks = services.tasks
        self._wanted: tuple[TrainConfig, ...] = ()
        self._times = 1
        self._known: dict[str, Mapping[str, Any]] = {}
        self._problem: AppError | None = None
        self._task: Task | None = None
        self._measured: TrainConfig | None = None
        self._waiting = ""
        self._then: Callable[[int], None] | None = None
        self.words = label(role="muted")
        self.words.setObjectName("estimateWords")
        self.ask = button("trainEstimate", "flat", "clock")
        self.advice = _Advice()
        self.advice.setObjectName("estimateAdvice")
        self.advice.setVisible(False)
        self.ask.clicked.connect(self.start)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._on_settle_timeout)
        self.automatic = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.words)
        row.addWidget(self.ask)

    # --- what is asked -------------------------------------------------------------------------------------

    def want(self, configs: Sequence[TrainConfig], times: int = 1) -> None:
        """Take other trainings to estimate; those that were measured already are shown at once.

        Args:
            configs: What the primary button would train; none where something is missing.
            times: How often each, with several seeds.
        """
        if tuple(configs) == self._wanted and times == self._times:
            return
        self._wanted, self._times = tuple(configs), times
        self._problem = None
        if self._task is not None and self._then is None:
            self._task.cancel()
        self._show()
        if self._missing():
            self._settle.start()
        else:
            self._settle.stop()

    def allow(self, on: bool, training: bool = False) -> None:
        """Let it ask by itself, or not.

        What was begun goes on in the tray when the page is left; a comparison and other measurements go first. Beside a
        training there is nothing to wait for: what was begun then ends, unless another training waits for it.

        Args:
            on: Whether it may; not where the page is hidden, or something trains.
            training: Whether something trains.
        """
        if on == self.automatic:
            return
        self.automatic = on
        if on and self._missing():
            self._settle.start()
        elif not on:
            self._settle.stop()
            if training and self._task is not None and self._then is None:
                self._task.cancel()

    def cancel(self) -> None:
        """End a measurement that runs: a training needs the machine."""
        self._then = None
        if self._task is not None:
            self._task.cancel()

    def resolve(self, then: Callable[[int], None]) -> None:
        """Call with the batch that fits all trainings, once it is known; not at all where that fails.

        It is measured at once: who starts a training does not wait for another one.
        """
        self._then = then
        if self._task is not None and self._waiting:
            self._task.cancel()
        elif self._missing():
            self.start()
        else:
            self._go_on()

    def start(self) -> None:
        """Measure what is not known yet."""
        missing = self._missing()
        if self._task is not None or not missing:
            return
        config = self._measured = missing[0]
        job = EngineJob("train.estimate", {"config": config.to_dict(), "wait": self._then is None})
        job.event_received.connect(self._on_job_event_received)
        job.done.connect(lambda result: self._on_job_done(config, result))
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)
        self._task = self._tasks.add(lambda: self.tr("Estimating memory and time"), job.cancel)
        self._task.adopt(job)
        job.start()
        self._show()

    def _missing(self) -> list[TrainConfig]:
        return [config for config in self._wanted if _key(config) not in self._known]

    def _on_settle_timeout(self) -> None:
        if self.automatic and self._problem is None:
            self.start()

    def _on_job_done(self, config: TrainConfig, result: Mapping[str, Any]) -> None:
        self._known[_key(config)] = result

    def _on_job_failed(self, problem: AppError) -> None:
        self._problem = problem
        self._then = None

    def _on_job_event_received(self, event: Mapping[str, Any]) -> None:
        if event.get("event") == "waiting":
            self._waiting = str(event["for"])
            self._show()

    def _on_job_finished(self) -> None:
        cancelled = self._task is not None and self._task.state == CANCELLED
        self._task, self._waiting = None, ""
        if self._problem is None and self._missing():
            if self._then is not None or not cancelled:
                self.start()
            elif self.automatic and self._measured not in self._wanted:  # else the user wants none
                self._settle.start()
        self._show()
        if not self._missing():
            self._go_on()

    def _go_on(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(min(int(self._known[_key(config)]["batch"]) for config in self._wanted))

    # --- what is shown -------------------------------------------------------------------------------------

    def _show(self) -> None:
        self.ask.setVisible(bool(self._wanted) and self._task is None and bool(self._missing()))
        results = [self._known[_key(config)] for config in self._wanted if _key(config) in self._known]
        complete = bool(self._wanted) and len(results) == len(self._wanted)
        self.words.setText(self._sentence(results) if complete else self._waiting_words())
        tight = complete and not all(result["fits"] for result in results)
        theme.set_role(self.words, "muted", tone="bad" if tight else "")
        advice = self._advice(results) if complete else self._problem_words()
        theme.set_role(self.advice, "", tone="warn" if advice else "")
        self.advice.say(advice)

    def _waiting_words(self) -> str:
        if self._task is None:
            return ""
        return waiting_words(self._waiting) if self._waiting else self.tr("Estimating…")

    def _sentence(self, results: Sequence[Mapping[str, Any]]) -> str:
        needed = max(float(result["bytes_needed"]) for result in results)
        free = min(float(result["bytes_free"]) for result in results)
        total = self._times * sum(
            float(result["seconds_epoch"]) * config.epochs
            for result, config in zip(results, self._wanted, strict=True)
        )
        epoch = max(float(result["seconds_epoch"]) for result in results)
        words = self.tr("Needs {needed} of {free} free; {epoch} an epoch, about {total} in all").format(
            needed=size(needed), free=size(free), epoch=duration(epoch), total=duration(total)
        )
        if any(config.batch == 0 for config in self._wanted):
            batch = min(int(result["batch"]) for result in results)
            words = self.tr("Batch {batch}. {words}").format(batch=batch, words=words)
        return words

    def _advice(self, results: Sequence[Mapping[str, Any]]) -> str:
        told: list[str] = []
        for result in results:
            for entry in result.get("advice") or ():
                words = in_a_row(*problem_words(AppError.from_dict(entry)))
                if words not in told:
                    told.append(words)
        return "\n".join(told)

    def _problem_words(self) -> str:
        if self._problem is None:
            return ""
        return self.tr("No estimate: {reason}").format(reason=in_a_row(*problem_words(self._problem)))

    def retranslate(self) -> None:
        """Set the texts."""
        self.ask.setText(self.tr("Estimate"))
        self.ask.setToolTip(self.tr("Measures memory and time on one step with these pictures"))
        self._show()


class _Advice(QLabel):
    """Lines that are as high as they need to be, without making the page as high as it would like to be.

    A scroll area gives a page whose layout has a height for its width the height that it prefers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)

    def hasHeightForWidth(self) -> bool:
        """Tell the layout that the height is fixed."""
        return False

    def say(self, words: str) -> None:
        """Show other words; none takes no room."""
        self.setText(words)
        self.setVisible(bool(words))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(max(self.heightForWidth(self.width()), 0))


def _key(config: TrainConfig) -> str:
    """Return what memory and the time of an epoch depend on."""
    data = {name: value for name, value in config.to_dict().items() if name not in _IRRELEVANT}
    return json.dumps(data, sort_keys=True, default=str)
