"""Compare: two detectors on the same pictures, live."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QKeyEvent

from app.core.errors import AppError
from app.core.source_options import address_scheme, without_password
from app.ui import drops
from app.ui.page import Services
from app.ui.pages.compare_front import CompareFront
from app.ui.pages.compare_layers import LayersDialog
from app.ui.pages.compare_menus import sample_weights
from app.ui.pages.compare_numbers import Numbers
from app.ui.pages.compare_pictures import MODES
from app.ui.pages.compare_preparation import Preparation, class_words
from app.ui.pages.compare_runtime_menus import NAMES
from app.ui.pages.compare_session import FAILED, PLAYING, PREPARING
from app.ui.pages.compare_snapshot import save_snapshot
from app.ui.requests import SAMPLE, CompareRequest, Request
from app.ui.text import note_words
from app.workers.compare import LivePair
from app.workers.job import EngineJob


class ComparePage(CompareFront):
    """Two views in step, the figures of both sides, and what acts on them at once."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._cameras: EngineJob | None = None
        self._layers: LayersDialog | None = None
        self.preparation = Preparation(services.tasks, self.session, self)
        self._connect()
        runtime = services.store.settings.runtime
        self.session.change(runtime=runtime if runtime in NAMES else "auto", source=SAMPLE)
        self.runtimes.choose(self.session.setup.runtime, "auto", "auto")
        self._choose_detectors()
        self.retranslate()

    # --- building ------------------------------------------------------------------------------------

    def _connect(self) -> None:
        session = self.session
        session.pair_ready.connect(self._on_session_pair_ready)
        session.prepared.connect(self._on_session_prepared)
        session.source_opened.connect(self._on_session_source_opened)
        session.statistics_changed.connect(self._on_session_statistics_changed)
        session.state_changed.connect(self._on_session_state_changed)
        session.preparation_progressed.connect(self._on_session_preparation_progressed)
        session.lost_because.connect(self._on_session_lost_because)
        session.problem.connect(self._on_session_problem)
        self.primary.clicked.connect(self.toggle)
        self.keeper.recording_changed.connect(self._show_keeper)
        self.keeper.report_changed.connect(self._show_keeper)
        self.card_hint.print.clicked.connect(self.keeper.print_card)
        self.transport.loop_changed.connect(self._on_transport_loop_changed)
        self.transport.speed_changed.connect(lambda value: session.change(speed=value))
        self.instruments.classes.changed.connect(lambda shown: session.change(shown=shown))
        self.instruments.size_changed.connect(self._on_instruments_size_changed)
        self.transport.stepped.connect(session.step)
        self.transport.sought.connect(session.seek)
        self.confidence.changed.connect(lambda value: session.change(confidence=value))
        self.iou.changed.connect(lambda value: session.change(iou=value))
        self.panes[0].menu.value_chosen.connect(lambda path: self._on_detector_chosen(a=path))
        self.panes[1].menu.value_chosen.connect(lambda path: self._on_detector_chosen(b=path))
        self.source.value_chosen.connect(self._on_source_value_chosen)
        self.source.cameras_wanted.connect(self._list_cameras)
        self.source.options_changed.connect(lambda options: session.change(options=options))
        self.runtimes.changed.connect(self._on_runtimes_changed)
        self.workspace.runs_changed.connect(self._refresh_runs)
        self._connect_actions()

    def _connect_actions(self) -> None:
        session, pictures = self.session, self.pictures
        self.actions_.connect_all(
            {
                "play": self.toggle,
                "back": lambda: session.step(-1),
                "step": lambda: session.step(1),
                "loop": self.transport.loop.click,
                "slower": lambda: self.transport.change_speed(-1),
                "faster": lambda: self.transport.change_speed(1),
                "reset": self.begin_anew,
                "snapshot": self.take_snapshot,
                "record": self.keeper.toggle_recording,
                "copy": self.copy_numbers,
                "report": self.keeper.ask_for_report,
                "card": self.keeper.print_card,
                "layers": self.show_layers,
                "cycle": self._next_mode,
                "zoom_in": lambda: pictures.zoom_by_steps(1),
                "zoom_out": lambda: pictures.zoom_by_steps(-1),
                "whole": pictures.viewport.reset,
                "full_screen": self.toggle_full_screen,
                "classes": self.instruments.classes.open_list,
                **{mode: partial(self.show_mode, mode) for mode in MODES},
            }
        )
        self.show_mode(self.pictures.mode)

    # --- what others ask for -------------------------------------------------------------------------

    def activated(self) -> None:
        """Read the runs, and the cameras in the background."""
        self._refresh_runs()
        self._list_cameras()

    def deactivated(self) -> None:
        """Release the camera and end the process; the last picture and figures stay."""
        self.leave_full_screen()
        self.session.stop()

    def shutdown(self) -> None:
        """End the process."""
        if self._layers is not None:
            self._layers.stop()
        self.leave_full_screen()
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
        """Playing and what it leaves behind stand in the Run menu, ways of viewing in the View menu."""
        return self.actions_.menus()

    def accepts_drop(self, paths: list[Path]) -> bool:
        """Take one or two detectors, or a video or a folder of pictures."""
        if all(drops.is_detector(path) for path in paths):
            return len(paths) <= 2
        kinds = {drops.kind_of(path) for path in paths}
        return kinds in ({drops.VIDEO}, {drops.FOLDER}) and len(paths) == 1

    def dropped(self, paths: list[Path]) -> None:
        """Two detectors become both sides, one the right one; anything else the source."""
        if not drops.is_detector(paths[0]):
            self._on_source_value_chosen(str(paths[0]))
        elif len(paths) == 2:
            self._on_detector_chosen(a=str(paths[0]), b=str(paths[1]))
        else:
            self._on_detector_chosen(b=str(paths[0]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses, the arrows step, unless the focused button or slider takes them."""
        keys = {
            Qt.Key.Key_Space: self.actions_["play"],
            Qt.Key.Key_Left: self.actions_["back"],
            Qt.Key.Key_Right: self.actions_["step"],
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

    @Slot()
    def copy_numbers(self) -> None:
        """Put the figures on the clipboard, with what they were measured on."""
        if self._found is None or self._figures is None:
            return
        models = [pane.menu.currentText() for pane in self.panes]
        self.keeper.copy(Numbers().rows(models, self._found, self._figures, self._source_words))

    @Slot()
    def show_layers(self) -> None:
        """Open the window that says which layers cost what."""
        if self._layers is None:
            self._layers = LayersDialog(self.services, self)
            self._layers.measuring_began.connect(self.session.pause)
        setup = self.session.setup
        names = ("a", "b", "runtime", "precision", "device", "imgsz")
        request: dict[str, Any] = {name: getattr(setup, name) for name in names}
        if self._pair is not None:
            request["picture"] = [self._pair.image.height(), self._pair.image.width()]
        self._layers.set_request(request)
        self._layers.show()
        self._layers.raise_()

    @Slot()
    def begin_anew(self) -> None:
        """Forget what was measured so far."""
        self._clear_figures()
        self.session.reset()

    # --- ways of viewing -----------------------------------------------------------------------------

    # --- what is chosen ------------------------------------------------------------------------------

    def _on_detector_chosen(self, **chosen: str) -> None:
        self._choose(**chosen)
        self.preparation.begin()

    @Slot(str)
    def _on_source_value_chosen(self, source: str) -> None:
        if source != SAMPLE and not source.startswith(("camera:", "screen:")):
            kept = without_password(source) if address_scheme(source) is not None else source
            self.store.replace(self.store.settings.with_recent("recent_sources", kept))
        self._choose(source=source, options=self.source.options_of(source))

    @Slot(str, str, str)
    def _on_runtimes_changed(self, runtime: str, precision: str, device: str) -> None:
        self._clear_figures()
        self.session.change(runtime=runtime, precision=precision, device=device)
        self.preparation.begin()

    @Slot(bool)
    def _on_transport_loop_changed(self, on: bool) -> None:
        self.actions_["loop"].setChecked(on)
        self.session.change(loop=on)

    @Slot(object)
    def _on_instruments_size_changed(self, size: int | None) -> None:
        self._clear_figures()
        self.session.change(imgsz=size)

    def _choose_detectors(self) -> None:
        """Begin with the sample's pair where it is there."""
        pair = {side: sample_weights(name) for side, name in (("a", "standard"), ("b", "lightweight"))}
        self._choose(**{side: str(path) for side, path in pair.items() if path.is_file()})

    def _choose(self, **chosen: Any) -> None:
        self._clear_figures()
        self.session.change(**chosen)
        setup = self.session.setup
        for pane, weights in zip(self.panes, (setup.a, setup.b), strict=True):
            pane.menu.choose(weights)
        self.source.choose(setup.source)
        self.runtimes.show_sides(setup.a, setup.b)
        self._show_state()

    def _clear_figures(self) -> None:
        self._figures = None
        if self.screen_ is not None:
            self.screen_.show_statistics(None, [pane.title for pane in self.panes])
        self.instruments.clear()
        self.verdict.show_statistics(None)
        self.verdict.show_counts(None)
        for pane in self.panes:
            pane.figures.show_timings(None)
            pane.figures.show_drift(None)
        self._show_keeper()

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
        job.done.connect(lambda result: self.source.set_cameras(result["cameras"], int(result["screens"])))
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
        (self.pictures if self.screen_ is None else self.screen_.pictures).show_pair(pair)
        self.verdict.show_counts(pair.counts)
        self.transport.show_index(pair.index)
        if not self.actions_["snapshot"].isEnabled():
            self._show_keeper()

    @Slot(dict)
    def _on_session_prepared(self, found: dict[str, Any]) -> None:
        self._found = found
        self.pictures.set_classes(found)
        if self.screen_ is not None:
            self.screen_.pictures.set_classes(found)
        names = [[str(name) for name in found[side]["names"].values()] for side in "ab"]
        self.instruments.classes.set_names(*names)
        self.session.change(shown=self.instruments.classes.shown)
        for pane, side in zip(self.panes, "ab", strict=True):
            pane.show_detector(found[side])
        if not found["same_classes"]:
            self.messages.warning(
                self.tr("The two detectors know different classes."),
                class_words(found["classes"]),
            )

    @Slot(dict)
    def _on_session_source_opened(self, source: dict[str, Any]) -> None:
        self._source_words = str(source["name"])
        self.transport.show_source(bool(source["live"]), source["frames"])
        for note in source["notes"]:
            self.messages.info(note_words(note))

    @Slot(dict)
    def _on_session_statistics_changed(self, figures: dict[str, Any]) -> None:
        first, self._figures = self._figures is None, figures
        self.instruments.show_statistics(figures)
        self.verdict.show_statistics(figures)
        for pane, side in zip(self.panes, "ab", strict=True):
            pane.figures.show_timings(figures[side])
            drift = figures.get("drift")
            pane.figures.show_drift(drift["ratio"] if drift and drift["side"] == side else None)
        if self.screen_ is not None:
            self.screen_.show_statistics(figures, [pane.title for pane in self.panes])
        if first:
            self._show_keeper()

    @Slot(object)
    def _on_session_lost_because(self, reason: object) -> None:
        self._lost = note_words(reason)

    @Slot(str)
    def _on_session_state_changed(self, _state: str) -> None:
        self._show_state()

    @Slot(float, str)
    def _on_session_preparation_progressed(self, fraction: float, what: str) -> None:
        if self.session.state == PREPARING:
            self._show_sentence(self._preparing(what))

    @Slot(object)
    def _on_session_problem(self, problem: AppError) -> None:
        if self.session.state != FAILED or self.session.setup.source == SAMPLE:
            self.messages.error(problem)
            return
        self.messages.error(
            problem, "", self.tr("Compare on the sample clip"), lambda: self._choose_and_play(source=SAMPLE)
        )

    def _choose_and_play(self, **chosen: str) -> None:
        self._choose(**chosen)
        self.session.play()
