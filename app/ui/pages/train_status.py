"""How far the selected run is: epoch and batch, elapsed and remaining, or why it ended."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar

from app.core.run_series import Snapshot
from app.core.run_state import RunState
from app.core.text import duration, figure, size
from app.ui import theme
from app.ui.text import in_a_row, listed, note_words, reason_words
from app.ui.widgets.cards import Card, label
from app.ui.widgets.elided import ElidedLabel

_TONES = {"failed": "bad", "lost": "warn", "running": "accent", "finished": "good"}


class RunStatus(Card):
    """A line of words and a bar; a failed run says why, in the same place."""

    def __init__(self) -> None:
        super().__init__(margin=theme.BETWEEN)
        self.setObjectName("runStatus")
        self._state: RunState | None = None
        self._snapshot = Snapshot()
        self.name = ElidedLabel()
        self.name.setProperty("role", "strong")
        self.status = label()
        self.progress = label()
        self.speed = ElidedLabel()
        self.speed.setProperty("role", "muted")
        self.times = label(role="muted")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.reason = label(wrap=True)
        self.reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(theme.INSIDE)
        self._lay_out()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.BETWEEN)
        for widget in (self.name, self.status, self.progress):
            row.addWidget(widget)
        row.addWidget(self.speed, 1)
        row.addWidget(self.times)
        row.addLayout(self.buttons)
        self.body.setSpacing(6)
        self.body.addLayout(row)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.reason)

    def show_run(self, name: str, state: RunState, snapshot: Snapshot) -> None:
        """Show how a run stands."""
        self._state, self._snapshot = state, snapshot
        self.name.setText(name)
        self._update()

    def _update(self) -> None:
        state = self._state
        if state is None:
            return
        tone = "warn" if state.paused else _TONES.get(state.status, "")
        theme.set_role(self.status, "", tone=tone)
        self.status.setText(self._status_words(state))
        self.progress.setText(self._progress_words(state))
        self.speed.setText(self._speed_words(state))
        self.times.setText(self._time_words(state))
        self.bar.setVisible(state.status in ("running", "waiting"))
        self.bar.setValue(round(1000 * done_share(state)))
        reason = self._reason(state)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))

    def _status_words(self, state: RunState) -> str:
        if state.paused:
            return self.tr("paused")
        return {
            "waiting": self.tr("waiting"),
            "running": self.tr("running"),
            "finished": self.tr("finished"),
            "stopped": self.tr("stopped"),
            "failed": self.tr("failed"),
            "lost": self.tr("interrupted"),
        }[state.status]

    def _progress_words(self, state: RunState) -> str:
        if state.status == "running" and not self._snapshot.started:
            message = message_text(self._snapshot.message)
            return message or self.tr("getting ready")
        epoch = state.epoch
        if state.status == "running" and epoch < state.epochs:
            words = self.tr("epoch {epoch}/{epochs}, batch {batch}/{batches}")
            return words.format(
                epoch=epoch + 1, epochs=state.epochs, batch=state.batch, batches=state.batches
            )
        return self.tr("epoch {epoch}/{epochs}").format(epoch=epoch, epochs=state.epochs)

    def _speed_words(self, state: RunState) -> str:
        batch = self._snapshot.batch
        device = "CPU" if state.device == "cpu" else state.device
        parts = [device] if device else []
        if state.status == "running" and batch and not state.paused:
            speed = figure(float(batch.get("images_per_second") or 0.0))
            parts.append(self.tr("{speed} pictures/s").format(speed=speed))
            parts.append(size(float(batch.get("memory") or 0)))
        if state.parameters:
            parts.append(self.tr("{count} M parameters").format(count=figure(state.parameters / 1e6)))
        return listed(parts)

    def _time_words(self, state: RunState) -> str:
        if not state.seconds:
            return ""
        elapsed = duration(state.seconds)
        if state.status != "running" or state.remaining is None:
            return elapsed
        done = float(self._snapshot.epoch.get("t", 0.0))
        left = max(float(state.remaining) - (state.seconds - done), 0.0)
        return self.tr("{elapsed}, {remaining} left").format(elapsed=elapsed, remaining=duration(left))

    def _reason(self, state: RunState) -> str:
        if state.status in ("failed", "lost"):
            return in_a_row(*reason_words(state))
        return reason_words(state)[0] if state.status == "finished" else ""

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self._update()
        super().changeEvent(event)


def done_share(state: RunState) -> float:
    """Return how much of a run is done, 0 to 1."""
    if not state.epochs:
        return 0.0
    part = state.batch / state.batches if state.batches else 0.0
    return min((state.epoch + part) / state.epochs, 1.0)


def message_text(event: Any) -> str:
    """Return the text of a message event in the user's language."""
    if event.get("source"):
        return note_words({"template": event["source"], "values": event.get("values") or {}})
    return note_words(event.get("text", ""))
