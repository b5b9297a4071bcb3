"""The window that says which layers of the two detectors cost what, measured on the comparison's runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.core.compare_layers import LayerComparison, SideMs
from app.core.errors import AppError
from app.core.text import figure, percent_change
from app.ui import theme
from app.ui.page import Services
from app.ui.text import in_a_row, problem_words
from app.ui.widgets.cards import button, label
from app.ui.widgets.layer_bars import LayerBars
from app.workers.job import EngineJob

_SIZE = (820, 620)


class LayersDialog(QDialog):
    """Stays open beside the page; measures when asked, while the comparison rests.

    Args:
        services: the tray of tasks.
        parent: the page.
    """

    measuring_began = Signal()
    """The comparison shall pause: while it plays nothing can be measured."""

    def __init__(self, services: Services, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("layersDialog")
        self._services = services
        self._request: Mapping[str, Any] = {}
        self._job: EngineJob | None = None
        self._found: LayerComparison | None = None
        self._problem: AppError | None = None
        self.words = label(wrap=True)
        self.words.setObjectName("layersWords")
        self.sums = label(role="muted", wrap=True)
        self.sums.setObjectName("layersSums")
        self.bars = LayerBars()
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(self.bars)
        self.measure = button("measureLayers", role="primary")
        self.close_button = button("closeLayers")
        for one in (self.measure, self.close_button):
            one.setAutoDefault(False)
        foot = QHBoxLayout()
        foot.setSpacing(theme.INSIDE)
        foot.addWidget(self.sums, 1)
        foot.addWidget(self.measure)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.BETWEEN, theme.AROUND, theme.BETWEEN)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.words)
        column.addWidget(self.area, 1)
        column.addLayout(foot)
        self.measure.clicked.connect(self.start)
        self.close_button.clicked.connect(self.close)
        self.resize(*_SIZE)
        self.retranslate()

    def set_request(self, request: Mapping[str, Any]) -> None:
        """Say what shall be measured: the fields of the engine job "compare.layers"."""
        if dict(request) != dict(self._request):
            self._request, self._found, self._problem = dict(request), None, None
        self._show()

    @Slot()
    def start(self) -> None:
        """Pause the comparison and measure."""
        if self._job is not None or not (self._request.get("a") and self._request.get("b")):
            return
        self.measuring_began.emit()
        self._problem = None
        self._job = job = EngineJob("compare.layers", self._request, self)
        job.done.connect(self._on_job_done)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)
        self._services.tasks.start(lambda: self.tr("Measuring layers"), job)
        self._show()

    def stop(self) -> None:
        """End a measurement that runs, and wait for it."""
        if self._job is not None:
            self._job.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End a measurement that nobody waits for any more."""
        if self._job is not None:
            self._job.cancel()
        super().closeEvent(event)

    @Slot(dict)
    def _on_job_done(self, result: dict[str, Any]) -> None:
        self._found = LayerComparison.from_dict(result)

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        self._problem = problem

    @Slot()
    def _on_job_finished(self) -> None:
        if self._job is not None:
            self._job.wait()
            self._job.deleteLater()
            self._job = None
        self._show()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text."""
        self.setWindowTitle(self.tr("Which layers cost what"))
        self.close_button.setText(self.tr("Close"))
        self.bars.setAccessibleName(self.tr("Milliseconds of each layer, left against right"))
        self._show()

    def _show(self) -> None:
        found = self._found
        self.measure.setText(self.tr("Measure again") if found else self.tr("Measure"))
        self.measure.setEnabled(self._job is None and bool(self._request.get("a") and self._request.get("b")))
        self.bars.show_layers(found.layers if found else (), self.tr("not attributed to a module"))
        self.area.setVisible(found is not None)
        self.words.setText(self._sentence())
        self.sums.setText(self._sums(found) if found else "")

    def _sentence(self) -> str:
        if self._job is not None:
            return self.tr("Measuring. The comparison rests meanwhile…")
        if self._problem is not None:
            return in_a_row(*problem_words(self._problem))
        if self._found is None:
            return self.tr(
                "Measures what each layer takes inside both running models, on the runtime of the comparison. "
                "The comparison is paused for it, for about fifteen seconds."
            )
        words = self.tr(
            "Milliseconds on {runtime} {precision}, {device}, {threads} threads, {height}×{width}: left, right, "
            "change. Click a layer to see its modules."
        ).format(
            runtime=self._found.runtime,
            precision=self._found.precision,
            device=self._found.device,
            threads=self._found.threads,
            height=self._found.shape[0],
            width=self._found.shape[1],
        )
        if self._found.busy is not None:
            busy = self.tr("Other programs used the machine meanwhile: measure again when it is idle.")
            return in_a_row(words, busy)
        return words

    def _sums(self, found: LayerComparison) -> str:
        def told(side: SideMs) -> str:
            return self.tr("{name}: bars {sum} ms, whole model {whole} ms ({change})").format(
                name=Path(side.weights).stem,
                sum=figure(side.profiled_ms),
                whole=figure(side.p50_ms),
                change=percent_change(side.p50_ms, side.profiled_ms),
            )

        return self.tr(
            "{left}; {right}. The whole is timed without the profiler; the difference is what profiling adds or hides."
        ).format(left=told(found.a), right=told(found.b))
