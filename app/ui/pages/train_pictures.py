"""What the selected run sees: its first augmented batches, and what it finds on a few pictures, epoch by epoch."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSlider, QStackedWidget, QVBoxLayout, QWidget

from app.core.run_pictures import MOST_BATCHES, MOST_PICTURES, EpochTail, Watched, read_truth
from app.ui import theme
from app.ui.pages.models_judge_views import BoxPicture
from app.ui.widgets.cards import Card, button, label
from app.workers.job import EngineJob

_POLL_MS = 400
_TRUE = "#F5A524"


class RunPictures(Card):
    """Validation pictures with a slider back through the epochs; a switch shows augmented batches instead."""

    def __init__(self) -> None:
        super().__init__(margin=theme.BETWEEN)
        self.setObjectName("runPictures")
        self._folder: Path | None = None
        self._watched = Watched()
        self._tail: EpochTail | None = None
        self._jpegs: dict[tuple[str, int], bytes] = {}
        self._job: EngineJob | None = None
        self._ending: set[EngineJob] = set()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("epochSlider")
        self.epoch = label()
        self.batches = button("showBatches", "segment")
        self.batches.setCheckable(True)
        self.sentence = label(role="muted", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.panes = [BoxPicture() for _ in range(MOST_PICTURES)]
        self.sheets = [BoxPicture() for _ in range(MOST_BATCHES)]
        self._place = QStackedWidget()
        self._lay_out()
        self.slider.valueChanged.connect(lambda _value: self._show_epoch())
        self.batches.toggled.connect(lambda _on: self._update())
        self._timer = QTimer(self, interval=_POLL_MS)
        self._timer.timeout.connect(self._poll)
        self.retranslate()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.epoch)
        row.addWidget(self.slider, 1)
        row.addWidget(self.batches)
        pictures, sheets = QWidget(), QWidget()
        grid = QGridLayout(pictures)
        grid.setContentsMargins(0, 0, 0, 0)
        for number, pane in enumerate(self.panes):
            grid.addWidget(pane, number // 3, number % 3)
        column = QVBoxLayout(sheets)
        column.setContentsMargins(0, 0, 0, 0)
        side = QHBoxLayout()
        for sheet in self.sheets:
            side.addWidget(sheet)
        column.addLayout(side)
        for widget in (self.sentence, pictures, sheets):
            self._place.addWidget(widget)
        self.body.addLayout(row)
        self.body.addWidget(self._place, 1)

    def show_run(self, folder: Path | None) -> None:
        """Show another run's pictures."""
        if folder == self._folder:
            return
        self._folder = folder
        self._watched, self._tail = Watched(), None
        self._jpegs.clear()
        self._end()
        self.slider.setRange(0, 0)
        self._update()
        if self.isVisible():
            self._poll()

    def showEvent(self, event: Any) -> None:
        """Follow the run from now on."""
        super().showEvent(event)
        self._timer.start()
        self._poll()

    def hideEvent(self, event: Any) -> None:
        """Follow nothing while nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def close_jobs(self) -> None:
        """End the engine's process."""
        self._timer.stop()
        self._end()
        for job in list(self._ending):
            job.close()

    # --- following -----------------------------------------------------------------------------------------

    def _poll(self) -> None:
        if self._folder is None:
            return
        if not self._watched.names:
            self._watched = read_truth(self._folder)
            if not self._watched.names:
                return
            self._tail = EpochTail(self._folder, len(self._watched.names))
            self._fetch()
        assert self._tail is not None
        if self._tail.poll():
            self._on_epochs_changed()

    def _on_epochs_changed(self) -> None:
        assert self._tail is not None
        at_end = self.slider.value() == self.slider.maximum()
        self.slider.setMaximum(max(len(self._tail.epochs) - 1, 0))
        if at_end:
            self.slider.setValue(self.slider.maximum())
        self._show_epoch()

    def _fetch(self) -> None:
        """Let the engine decode the pictures."""
        self._end()
        job = EngineJob("runs.pictures", {"run": str(self._folder)})
        job.event_received.connect(self._on_job_event_received)
        job.finished.connect(self._on_job_finished)
        self._job = job
        job.start()

    def _end(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            self._ending.add(job)
            job.cancel()

    def _on_job_event_received(self, event: dict[str, Any]) -> None:
        if self.sender() is self._job and event.get("event") == "picture":
            jpeg = base64.b64decode(str(event["jpeg"]))
            self._jpegs[(str(event["kind"]), int(event["number"]))] = jpeg
            self._update()

    def _on_job_finished(self) -> None:
        job = self.sender()
        assert isinstance(job, EngineJob)
        job.wait()
        self._ending.discard(job)
        if job is self._job:
            self._job = None
        job.deleteLater()

    # --- showing -------------------------------------------------------------------------------------------

    def _update(self) -> None:
        has = bool(self._watched.names)
        self.slider.setEnabled(has and not self.batches.isChecked())
        self.batches.setEnabled(any(kind == "batch" for kind, _ in self._jpegs))
        self._place.setCurrentIndex((2 if self.batches.isChecked() else 1) if has else 0)
        for number, sheet in enumerate(self.sheets):
            jpeg = self._jpegs.get(("batch", number), b"")
            sheet.setVisible(bool(jpeg))
            sheet.show_picture(jpeg, (), self.tr("batch {number}, as augmented").format(number=number + 1))
        self._show_epoch()

    def _show_epoch(self) -> None:
        epochs = list(self._tail.epochs) if self._tail is not None else []
        place = min(self.slider.value(), len(epochs) - 1)
        self.epoch.setText(self.tr("epoch {epoch}").format(epoch=epochs[place]) if epochs else "")
        found = self._tail.epochs[epochs[place]] if epochs and self._tail is not None else ()
        for number, pane in enumerate(self.panes):
            pane.setVisible(number < len(self._watched.names))
            if number < len(self._watched.names):
                boxes = self._boxes(number, found[number] if number < len(found) else ())
                pane.show_picture(self._jpegs.get(("val", number), b""), boxes, self._watched.names[number])

    def _boxes(
        self, number: int, found: Sequence[tuple[int, float, float, float, float, float]]
    ) -> list[tuple[Sequence[float], str, bool, str]]:
        """Return labels, dashed, and below them what was found, in the colour of its class."""
        names = self._watched.classes
        shown: list[tuple[Sequence[float], str, bool, str]] = [
            (sides, _TRUE, True, "") for _cls, *sides, _confidence in self._watched.truth[number]
        ]
        for cls, *sides, confidence in found:
            if confidence >= 0.25:
                name = names[cls] if 0 <= cls < len(names) else str(cls)
                shown.append((sides, theme.class_colour(max(cls, 0)), False, f"{name} {confidence:.2f}"))
        return shown

    def retranslate(self) -> None:
        """Set the texts."""
        self.batches.setText(self.tr("Augmented batches"))
        self.batches.setMinimumWidth(self.batches.fontMetrics().horizontalAdvance(self.batches.text()) + 24)
        self.slider.setAccessibleName(self.tr("Epoch"))
        self.slider.setToolTip(
            self.tr("Back through the epochs. Dashed: labels. Solid: found, with confidence.")
        )
        self.sentence.setText(
            self.tr("Pictures appear after the first epoch; runs of earlier versions have none.")
        )
        self._update()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
