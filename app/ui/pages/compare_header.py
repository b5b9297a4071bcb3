"""The Compare page's tools at the top right, and the hint at the printable card."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from app.ui import theme
from app.ui.pages.compare_actions import CompareActions
from app.ui.pages.compare_keep import Keeper
from app.ui.pages.compare_pictures import MODES
from app.ui.widgets.cards import button, label, name_widget, tool
from app.ui.widgets.elided import ElidedLabel


class HeaderTools(QWidget):
    """Ways of viewing and full screen as icons; snapshot, record, numbers and report with words."""

    def __init__(self, actions: CompareActions) -> None:
        super().__init__()
        self._actions = actions
        self.modes = {mode: tool(f"mode_{mode}", f"view_{mode}", checkable=True) for mode in MODES}
        self.full = tool("fullScreenPictures", "full_screen")
        self.snapshot = button("snapshot", icon="snapshot")
        self.record = button("record", icon="record")
        self.copy = button("copyNumbers", icon="copy")
        self.report = button("report", icon="file")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        segments = QHBoxLayout()
        segments.setSpacing(0)
        for segment in (*self.modes.values(), self.full):
            segments.addWidget(segment)
        row.addLayout(segments)
        self._tools: Mapping[QToolButton, str] = {
            **{one: mode for mode, one in self.modes.items()},
            self.full: "full_screen",
        }
        self._buttons: Mapping[QPushButton, str] = {
            self.snapshot: "snapshot",
            self.record: "record",
            self.copy: "copy",
            self.report: "report",
        }
        for one in self._buttons:
            row.addWidget(one)
        for shown, name in (*self._tools.items(), *self._buttons.items()):
            action = actions[name]
            shown.clicked.connect(action.trigger)
            action.changed.connect(lambda shown=shown, action=action: shown.setEnabled(action.isEnabled()))

    def show_mode(self, mode: str) -> None:
        """Mark how the pictures are arranged."""
        for name, one in self.modes.items():
            one.setChecked(name == mode)

    def show_keeper(self, keeper: Keeper) -> None:
        """Show how long the recording is, and whether a report is being written."""
        on = keeper.recording
        self.record.setText(keeper.recorded if on else self.tr("Record"))
        self.record.setIcon(theme.icon("record", "bad" if on else "text"))
        self.record.setAccessibleName(
            self.tr("Stop recording, {length}").format(length=keeper.recorded) if on else self.tr("Record")
        )
        self.report.setText(self.tr("Writing…") if keeper.writing_report else self.tr("Report"))

    def retranslate(self) -> None:
        """Set the words."""
        for icon, name in self._tools.items():
            name_widget(icon, self._actions[name].text(), _keys(self._actions[name]))
        for one, name in self._buttons.items():
            action = self._actions[name]
            one.setToolTip(f"{action.text()} ({_keys(action)})")
        self.snapshot.setText(self.tr("Snapshot"))
        self.copy.setText(self.tr("Copy numbers"))
        if not self.record.text():
            self.record.setText(self.tr("Record"))
            self.report.setText(self.tr("Report"))


def _keys(action: QAction) -> str:
    return action.shortcut().toString()


class CardHint(QFrame):
    """Says that a camera needs something to see, and offers the sample's objects to print."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("cardHint")
        self.setProperty("role", "card")
        self._dismissed = False
        self._icon = label()
        self._icon.setFixedSize(18, 18)
        self.words = ElidedLabel()
        self.print = button("printCard", icon="print")
        self.dismiss = tool("dismissCard", "close")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.BETWEEN, 4, 4, 4)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.words, 1)
        row.addWidget(self.print)
        row.addWidget(self.dismiss)
        self.setVisible(False)
        self.dismiss.clicked.connect(self._on_dismiss_clicked)
        theme.notifier().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self._icon.setPixmap(theme.pixmap("info", "accent", 18, self.devicePixelRatioF()))

    def set_wanted(self, wanted: bool) -> None:
        """Show it, unless it was dismissed."""
        self.setVisible(wanted and not self._dismissed)

    def _on_dismiss_clicked(self) -> None:
        self._dismissed = True
        self.setVisible(False)

    def retranslate(self) -> None:
        """Set the words."""
        self.words.setText(
            self.tr(
                "The sample's detectors know six objects. Print them on a card and show it to the camera."
            )
        )
        self.print.setText(self.tr("Print the sample card…"))
        name_widget(self.dismiss, self.tr("Hide this hint"))
