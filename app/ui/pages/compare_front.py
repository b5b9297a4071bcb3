"""What the Compare page looks like: its widgets, ways of viewing, full screen, and its state in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout

from app.ui import theme
from app.ui.page import Page, Services
from app.ui.pages.compare_actions import CompareActions
from app.ui.pages.compare_controls import Transport
from app.ui.pages.compare_header import CardHint, HeaderTools
from app.ui.pages.compare_instruments import Instruments
from app.ui.pages.compare_keep import Keeper
from app.ui.pages.compare_menus import sample_weights
from app.ui.pages.compare_pane import Pane
from app.ui.pages.compare_pictures import MODES, Pictures
from app.ui.pages.compare_runtime_menus import RuntimeMenus
from app.ui.pages.compare_screen import CompareScreen
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
from app.ui.pages.compare_source_menu import SourceMenu
from app.ui.pages.compare_verdict import Verdict
from app.ui.pages.compare_views import Views
from app.ui.widgets.cards import label
from app.ui.widgets.elided import ElidedLabel
from app.workers.compare import LivePair


class CompareFront(Page):
    """Two views in step, the figures of both sides, and what acts on them at once, without what they do."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.session = CompareSession(self)
        self.source = SourceMenu(services.store)
        self.source_name = label(role="muted")
        self.transport = Transport()
        self.runtimes = RuntimeMenus()
        self.pictures = Pictures()
        self.panes = tuple(
            Pane(name, tone, view)
            for name, tone, view in zip("ab", ("standard", "lightweight"), self.pictures.views, strict=True)
        )
        self.views = Views(self.panes, self.pictures)
        self.verdict = Verdict()
        self.instruments = Instruments()
        self.plot = self.instruments.plot
        self.confidence, self.iou = self.instruments.confidence, self.instruments.iou
        self.keeper = Keeper(services, self.session, self)
        self.actions_ = CompareActions(self)
        self.header_tools = HeaderTools(self.actions_)
        self.snapshot = self.header_tools.snapshot
        self.card_hint = CardHint()
        self.screen_: CompareScreen | None = None
        """The pictures in full screen, while they are."""
        self.state = ElidedLabel()
        self.state.setProperty("role", "muted")
        self._pair: LivePair | None = None
        self._found: Mapping[str, Any] | None = None
        """Both detectors, as the engine describes them."""
        self._figures: Mapping[str, Any] | None = None
        self._source_words = ""
        self._lost = ""
        self._lay_out()

    def _lay_out(self) -> None:
        self.primary.setVisible(True)
        self.primary.setObjectName("play")
        self.tools.addWidget(self.state)
        self.actions_area.addWidget(self.header_tools)
        controls = QHBoxLayout()
        controls.setSpacing(theme.INSIDE)
        controls.addWidget(self.source_name)
        controls.addWidget(self.source, 2)
        controls.addSpacing(theme.INSIDE)
        controls.addWidget(self.transport, 4)
        controls.addSpacing(theme.INSIDE)
        controls.addWidget(self.runtimes, 4)
        self.body.addLayout(controls)
        self.body.addWidget(self.card_hint)
        self.body.addWidget(self.views, 1)
        self.body.addWidget(self.verdict)
        self.body.addWidget(self.instruments)

    def show_mode(self, mode: str) -> None:
        """Arrange the pictures, here and in full screen."""
        self.actions_[mode].setChecked(True)
        self.header_tools.show_mode(mode)
        self.views.set_mode(mode)
        if self.screen_ is not None:
            self.screen_.pictures.set_mode(mode)

    def _next_mode(self) -> None:
        self.show_mode(MODES[(MODES.index(self.views.mode) + 1) % len(MODES)])

    @Slot()
    def toggle_full_screen(self) -> None:
        """Show the pictures and large figures on the whole screen, or no longer."""
        if self.screen_ is not None:
            self.leave_full_screen()
            return
        self.screen_ = screen = CompareScreen(self, self.pictures.viewport, self.actions_.all())
        screen.setWindowTitle(self.tr("Compare"))
        screen.left.connect(self._on_screen_left)
        screen.pictures.set_mode(self.views.mode)
        if self._found is not None:
            screen.pictures.set_classes(self._found)
        if self._pair is not None:
            screen.pictures.show_pair(self._pair)
        screen.show_statistics(self._figures, [pane.title for pane in self.panes])
        screen.showFullScreen()
        self._show_state()

    def leave_full_screen(self) -> None:
        """Go back to the window."""
        if self.screen_ is not None:
            self.screen_.close()

    @Slot()
    def _on_screen_left(self) -> None:
        screen, self.screen_ = self.screen_, None
        if screen is not None:
            screen.deleteLater()
        if self._pair is not None:
            self.pictures.show_pair(self._pair)
        self._show_state()

    def _all_pictures(self) -> list[Pictures]:
        return [self.pictures] if self.screen_ is None else [self.pictures, self.screen_.pictures]

    def full_screen(self) -> bool:
        """Show the pictures on the whole screen, or no longer."""
        self.toggle_full_screen()
        return True

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
        self.actions_["play"].setText(words)
        complete = self.session.setup.complete
        ready = self.tr("Press Play to compare.") if complete else self.tr("Choose a detector.")
        state = self.session.state
        self._show_sentence(self._state_words().get(state, ready))
        self.state.setText(self._state_words().get(state, ""))
        dim = self._lost_words() if state == LOST else ""
        for pictures in self._all_pictures():
            pictures.set_dim(dim)
        self.transport.setEnabled(state in (PLAYING, PAUSED, ENDED))
        camera = self.session.setup.source.startswith("camera:")
        self.card_hint.set_wanted(camera and self._sample_detectors())
        self._show_keeper()

    def _sample_detectors(self) -> bool:
        setup = self.session.setup
        own = {str(sample_weights(name)) for name in ("standard", "lightweight")}
        return {setup.a, setup.b} <= own

    def _lost_words(self) -> str:
        """Name the source and what is wrong with it, and say what happens."""
        name = self.source.currentText() or self._source_words
        again = self.tr("It is being opened again…")
        what = f"{name}: {self._lost}" if self._lost else name
        return f"{what}\n{again}"

    @Slot()
    def _show_keeper(self) -> None:
        """Offer what can be kept now, and show how far the recording is."""
        measured = self._figures is not None and self._found is not None
        able = {
            "snapshot": self._pair is not None,
            "record": (self.session.running and measured) or self.keeper.recording,
            "copy": measured,
            "report": self.session.running and measured and not self.keeper.writing_report,
            "reset": self.session.running and measured,
        }
        for name, on in able.items():
            self.actions_[name].setEnabled(on)
        self.actions_["record"].setChecked(self.keeper.recording)
        self.header_tools.show_keeper(self.keeper)

    def _state_words(self) -> dict[str, str]:
        return {
            PREPARING: self._preparing(""),
            PLAYING: self.tr("Playing"),
            PAUSED: self.tr("Paused"),
            ENDED: self.tr("At the end"),
            OPENING: self.tr("Opening the source…"),
            LOST: self.tr("The source gives no pictures"),
            FAILED: self.tr("It could not be started; the message above says why."),
        }

    def _show_sentence(self, sentence: str) -> None:
        for pictures in self._all_pictures():
            pictures.set_sentence(sentence)

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Compare"))
        self.source_name.setText(self.tr("Source"))
        self.source.setAccessibleName(self.tr("Source"))
        self.pictures.set_names(
            self.tr("Picture with the left detector's boxes"),
            self.tr("Picture with the right detector's boxes"),
            self.tr("Picture with the boxes of both detectors, apart at a line"),
        )
        self.actions_.retranslate()
        self.header_tools.retranslate()
        self.card_hint.retranslate()
        for pane in self.panes:
            pane.retranslate()
        for part in (self.source, self.transport, self.runtimes, self.verdict, self.instruments):
            part.retranslate()
        self._show_state()
