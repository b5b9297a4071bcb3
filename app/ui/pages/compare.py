"""Compare: two detectors on the same pictures, live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout

from app.core.errors import AppError
from app.ui import drops, theme
from app.ui.page import Page, Services
from app.ui.pages.compare_controls import Transport
from app.ui.pages.compare_instruments import Instruments
from app.ui.pages.compare_menus import RuntimeMenus, SourceMenu, sample_weights
from app.ui.pages.compare_pane import Pane
from app.ui.pages.compare_session import (
    ENDED,
    FAILED,
    LOST,
    OPENING,
    PAUSED,
    PLAYING,
    PREPARING,
    CompareSession,
)
from app.ui.pages.compare_snapshot import save_snapshot
from app.ui.pages.compare_verdict import Verdict
from app.ui.requests import SAMPLE, CompareRequest, Request
from app.ui.text import note_words
from app.ui.widgets.cards import button, label
from app.ui.widgets.elided import ElidedLabel
from app.workers.compare import LivePair
from app.workers.job import EngineJob


class ComparePage(Page):
    """Two views in step, the figures of both sides, and what acts on them at once."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.session = CompareSession(self)
        self.source = SourceMenu(services.store)
        self.source_name = label(role="muted")
        self.transport = Transport()
        self.runtimes = RuntimeMenus()
        self.panes = (Pane("a", "standard"), Pane("b", "lightweight"))
        self.verdict = Verdict()
        self.instruments = Instruments()
        self.plot = self.instruments.plot
        self.confidence, self.iou = self.instruments.confidence, self.instruments.iou
        self.snapshot = button("snapshot", icon="snapshot")
        self.state = ElidedLabel()
        self.state.setProperty("role", "muted")
        self._pair: LivePair | None = None
        self._cameras: EngineJob | None = None
        self._frames: int | None = None
        self._make_actions()
        self._lay_out()
        self._connect()
        runtime = services.store.settings.runtime
        self.session.change(runtime=runtime if runtime in ("openvino", "torch") else "auto", source=SAMPLE)
        self.runtimes.choose(self.session.setup.runtime, "auto", "auto")
        self._choose_detectors()
        self.retranslate()

    # --- building ------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        self.play_action = QAction(self)
        self.play_action.setShortcut(QKeySequence(Qt.Key.Key_K))
        self.play_action.triggered.connect(self.toggle)
        self.back_action = QAction(self)
        self.back_action.setShortcut(QKeySequence(Qt.Key.Key_Comma))
        self.back_action.triggered.connect(lambda: self.session.step(-1))
        self.step_action = QAction(self)
        self.step_action.setShortcut(QKeySequence(Qt.Key.Key_Period))
        self.step_action.triggered.connect(lambda: self.session.step(1))
        self.snapshot_action = QAction(self)
        self.snapshot_action.setShortcut(QKeySequence("Ctrl+Shift+P"))
        self.snapshot_action.triggered.connect(self.take_snapshot)

    def _lay_out(self) -> None:
        self.primary.setVisible(True)
        self.primary.setObjectName("play")
        self.tools.addWidget(self.state)
        self.actions_area.addWidget(self.snapshot)
        controls = QHBoxLayout()
        controls.setSpacing(theme.INSIDE)
        controls.addWidget(self.source_name)
        controls.addWidget(self.source, 2)
        controls.addSpacing(theme.INSIDE)
        controls.addWidget(self.transport, 4)
        controls.addSpacing(theme.INSIDE)
        controls.addWidget(self.runtimes, 4)
        self.body.addLayout(controls)
        views = QHBoxLayout()
        views.setSpacing(theme.INSIDE)
        for pane in self.panes:
            views.addWidget(pane, 1)
        self.body.addLayout(views, 1)
        self.body.addWidget(self.verdict)
        self.body.addWidget(self.instruments)

    def _connect(self) -> None:
        session = self.session
        session.pair_ready.connect(self._on_session_pair_ready)
        session.prepared.connect(self._on_session_prepared)
        session.source_opened.connect(self._on_session_source_opened)
        session.statistics_changed.connect(self._on_session_statistics_changed)
        session.state_changed.connect(self._on_session_state_changed)
        session.preparation_progressed.connect(self._on_session_preparation_progressed)
        session.problem.connect(self._on_session_problem)
        self.primary.clicked.connect(self.toggle)
        self.snapshot.clicked.connect(self.take_snapshot)
        self.transport.stepped.connect(session.step)
        self.transport.sought.connect(session.seek)
        self.confidence.changed.connect(lambda value: session.change(confidence=value))
        self.iou.changed.connect(lambda value: session.change(iou=value))
        self.panes[0].menu.value_chosen.connect(lambda path: self._on_detector_chosen(a=path))
        self.panes[1].menu.value_chosen.connect(lambda path: self._on_detector_chosen(b=path))
        self.source.value_chosen.connect(self._on_source_value_chosen)
        self.source.cameras_wanted.connect(self._list_cameras)
        self.runtimes.changed.connect(self._on_runtimes_changed)
        self.workspace.runs_changed.connect(self._refresh_runs)

    # --- what others ask for -------------------------------------------------------------------------

    def activated(self) -> None:
        """Read the runs, and the cameras in the background."""
        self._refresh_runs()
        self._list_cameras()

    def deactivated(self) -> None:
        """Release the camera and end the process; the last picture and figures stay."""
        self.session.stop()

    def shutdown(self) -> None:
        """End the process."""
        self.session.shutdown()
        if self._cameras is not None:
            self._cameras.close()

    def receive(self, request: Request) -> None:
        """Take detectors and a source from another page."""
        if not isinstance(request, CompareRequest):
            return
        chosen = {}
        for side, name, asked in (("a", "standard", request.a), ("b", "lightweight", request.b)):
            if asked:
                chosen[side] = str(sample_weights(name)) if asked == SAMPLE else asked
        if request.source:
            chosen["source"] = request.source
        self._choose(**chosen)
        if request.play:
            self.session.play()

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Play, step and snapshot stand in the Run menu."""
        return {"run": [self.play_action, self.back_action, self.step_action, self.snapshot_action]}

    def accepts_drop(self, paths: list[Path]) -> bool:
        """Take one or two checkpoints, a video, or a folder."""
        kinds = {drops.kind_of(path) for path in paths}
        return kinds in ({drops.WEIGHTS}, {drops.VIDEO}, {drops.FOLDER}) and len(paths) <= 2

    def dropped(self, paths: list[Path]) -> None:
        """Two checkpoints become both detectors, one the right one; anything else the source."""
        if drops.kind_of(paths[0]) != drops.WEIGHTS:
            self._on_source_value_chosen(str(paths[0]))
        elif len(paths) == 2:
            self._on_detector_chosen(a=str(paths[0]), b=str(paths[1]))
        else:
            self._on_detector_chosen(b=str(paths[0]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses, the arrows step, unless the focused button or slider takes them."""
        keys = {
            Qt.Key.Key_Space: self.play_action,
            Qt.Key.Key_Left: self.back_action,
            Qt.Key.Key_Right: self.step_action,
        }
        action = keys.get(Qt.Key(event.key()))
        if action is None or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            super().keyPressEvent(event)
        else:
            action.trigger()

    # --- what a person does --------------------------------------------------------------------------

    @Slot()
    def toggle(self) -> None:
        """Play or pause."""
        if self.session.moving:
            self.session.pause()
        elif self.session.setup.complete:
            self.session.play()
        else:
            self.messages.info(
                self.tr("Choose two detectors first."),
                self.tr("The sample's pair, two runs, or any .pt of a YOLOv5u."),
            )

    @Slot()
    def take_snapshot(self) -> None:
        """Save both pictures with boxes and figures as one PNG."""
        if self._pair is None:
            return
        try:
            path = save_snapshot(self.workspace.folder.snapshots, self.panes, self.verdict)
        except AppError as problem:
            self.messages.error(problem)
            return
        self.messages.success(self.tr("Snapshot saved: {name}").format(name=path.name), str(path.parent))

    def _on_detector_chosen(self, **chosen: str) -> None:
        self._choose(**chosen)

    @Slot(str)
    def _on_source_value_chosen(self, source: str) -> None:
        if source != SAMPLE and not source.startswith("camera:"):
            self.store.replace(self.store.settings.with_recent("recent_sources", source))
        self._choose(source=source)

    @Slot(str, str, str)
    def _on_runtimes_changed(self, runtime: str, precision: str, device: str) -> None:
        self._clear_figures()
        self.session.change(runtime=runtime, precision=precision, device=device)

    def _choose_detectors(self) -> None:
        """Begin with the sample's pair where it is there."""
        pair = {side: sample_weights(name) for side, name in (("a", "standard"), ("b", "lightweight"))}
        self._choose(**{side: str(path) for side, path in pair.items() if path.is_file()})

    def _choose(self, **chosen: str) -> None:
        self._clear_figures()
        self.session.change(**chosen)
        setup = self.session.setup
        for pane, weights in zip(self.panes, (setup.a, setup.b), strict=True):
            pane.menu.choose(weights)
        self.source.choose(setup.source)
        self._show_state()

    def _clear_figures(self) -> None:
        self.instruments.clear()
        self.verdict.show_statistics(None)
        self.verdict.show_counts(None)
        for pane in self.panes:
            pane.figures.show_timings(None)

    @Slot()
    def _refresh_runs(self) -> None:
        if self.isVisible():
            for pane in self.panes:
                pane.menu.refresh(self.workspace.folder)

    @Slot()
    def _list_cameras(self) -> None:
        if self._cameras is not None:
            return
        self._cameras = job = EngineJob("cameras", {}, self)
        job.done.connect(lambda result: self.source.set_cameras(list(result["cameras"])))
        job.finished.connect(self._on_cameras_finished)
        job.start()

    @Slot()
    def _on_cameras_finished(self) -> None:
        if self._cameras is not None:
            self._cameras.wait()
            self._cameras.deleteLater()
            self._cameras = None

    # --- what the engine tells -----------------------------------------------------------------------

    @Slot(object)
    def _on_session_pair_ready(self, pair: LivePair) -> None:
        fresh = self._pair is None or self._pair.image is not pair.image
        if fresh and self.session.state == PLAYING:
            self.verdict.note_age(pair.age_ms())
        self._pair = pair
        for pane, side in zip(self.panes, (pair.a, pair.b), strict=True):
            pane.view.show_frame(pair.image, side.boxes if side is not None else ())
        self.verdict.show_counts(pair.counts)
        self.transport.show_index(pair.index)
        self.snapshot.setEnabled(True)

    @Slot(dict)
    def _on_session_prepared(self, found: dict[str, Any]) -> None:
        names = [{int(k): str(v) for k, v in found[side]["names"].items()} for side in "ab"]
        left = {name: number for number, name in names[0].items()}
        colours = {number: left.get(name, number + len(left)) for number, name in names[1].items()}
        self.panes[0].view.set_classes(names[0])
        self.panes[1].view.set_classes(names[1], colours)
        for pane, side in zip(self.panes, "ab", strict=True):
            pane.show_detector(found[side])
        if not found["same_classes"]:
            self.messages.warning(
                self.tr("The two detectors know different classes."),
                self.tr("Boxes are matched by the names that both know."),
            )

    @Slot(dict)
    def _on_session_source_opened(self, source: dict[str, Any]) -> None:
        self.transport.show_source(bool(source["live"]), source["frames"])
        for note in source["notes"]:
            self.messages.info(note_words(note))

    @Slot(dict)
    def _on_session_statistics_changed(self, figures: dict[str, Any]) -> None:
        self.instruments.show_statistics(figures)
        self.verdict.show_statistics(figures)
        for pane, side in zip(self.panes, "ab", strict=True):
            pane.figures.show_timings(figures[side])

    @Slot(str)
    def _on_session_state_changed(self, _state: str) -> None:
        self._show_state()

    @Slot(float, str)
    def _on_session_preparation_progressed(self, fraction: float, what: str) -> None:
        if self.session.state == PREPARING:
            self._show_sentence(self._preparing(what))

    @Slot(object)
    def _on_session_problem(self, problem: AppError) -> None:
        self.messages.error(problem)

    def _preparing(self, what: str) -> str:
        return {
            "source": self.tr("Opening the source…"),
            "a": self.tr("Preparing the left detector…"),
            "b": self.tr("Preparing the right detector…"),
        }.get(what, self.tr("Starting…"))

    def _show_state(self) -> None:
        """Put the state into words: on the button, and where the pictures will be."""
        moving = self.session.moving
        words = self.tr("Pause") if moving else self.tr("Play")
        self.primary.setText(words)
        self.primary.setIcon(theme.icon("pause" if moving else "play", "on_accent"))
        self.play_action.setText(words)
        complete = self.session.setup.complete
        ready = self.tr("Press Play to compare.") if complete else self.tr("Choose a detector.")
        self._show_sentence(self._state_words().get(self.session.state, ready))
        self.state.setText(self._state_words().get(self.session.state, ""))
        running = self.session.state in (PLAYING, PAUSED, ENDED)
        self.transport.setEnabled(running)
        self.snapshot.setEnabled(self._pair is not None)

    def _state_words(self) -> dict[str, str]:
        return {
            PREPARING: self._preparing(""),
            PLAYING: self.tr("Playing"),
            PAUSED: self.tr("Paused"),
            ENDED: self.tr("At the end"),
            OPENING: self.tr("Opening the source…"),
            LOST: self.tr("The source gives no pictures; it is opened again as soon as it is back."),
            FAILED: self.tr("It could not be started; the message above says why."),
        }

    def _show_sentence(self, sentence: str) -> None:
        for pane in self.panes:
            pane.view.set_sentence(sentence)

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Compare"))
        self.source_name.setText(self.tr("Source"))
        self.source.setAccessibleName(self.tr("Source"))
        self.snapshot.setText(self.tr("Snapshot"))
        self.back_action.setText(self.tr("One picture back"))
        self.step_action.setText(self.tr("One picture on"))
        self.snapshot_action.setText(self.tr("Take a snapshot"))
        for part in (*self.panes, self.source, self.transport, self.runtimes, self.verdict, self.instruments):
            part.retranslate()
        self._show_state()
