"""What can be done on the Compare page, with its keys, for the Run and View menus."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from app.ui import theme
from app.ui.pages.compare_pictures import MODES

_KEYS: Mapping[str, tuple[str, ...]] = {
    "play": ("K",),
    "back": (",",),
    "step": (".",),
    "loop": ("L",),
    "slower": ("[",),
    "faster": ("]",),
    "reset": ("Ctrl+Shift+Backspace",),
    "snapshot": ("Ctrl+Shift+P",),
    "record": ("Ctrl+Shift+R",),
    "copy": ("Ctrl+Shift+C",),
    "report": ("Ctrl+Shift+E",),
    "card": (),
    "layers": ("Ctrl+Shift+L",),
    "beside": ("1",),
    "divider": ("2",),
    "stacked": ("3",),
    "cycle": ("V",),
    "zoom_in": ("+", "="),
    "zoom_out": ("-",),
    "whole": ("0",),
    "full_screen": ("F",),
    "classes": ("C",),
}
"""Name of an action → its keys."""

_ICONS: Mapping[str, str] = {
    "play": "play",
    "back": "step_back",
    "step": "step",
    "loop": "loop",
    "reset": "undo",
    "snapshot": "snapshot",
    "record": "record",
    "copy": "copy",
    "report": "file",
    "card": "print",
    "beside": "view_beside",
    "divider": "view_divider",
    "stacked": "view_stacked",
    "zoom_in": "zoom_in",
    "zoom_out": "zoom_out",
    "whole": "fit",
    "full_screen": "full_screen",
    "classes": "filter",
}

_RUN = (
    ("play", "back", "step", "loop", "slower", "faster", "reset"),
    ("snapshot", "record", "copy", "report", "card"),
    ("layers",),
)
_VIEW = (
    ("beside", "divider", "stacked", "cycle"),
    ("zoom_in", "zoom_out", "whole", "full_screen", "classes"),
)


class CompareActions(QObject):
    """The page's actions by name: ``actions["play"]``; the ways of viewing and the loop can be checked."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._made: dict[str, QAction] = {}
        for name, keys in _KEYS.items():
            action = QAction(self)
            action.setObjectName(name)
            action.setShortcuts([QKeySequence(key) for key in keys])
            if name in _ICONS:
                action.setIcon(theme.icon(_ICONS[name], "muted"))
            self._made[name] = action
        self._group = QActionGroup(self)
        for mode in MODES:
            self[mode].setCheckable(True)
            self._group.addAction(self[mode])
        for name in ("loop", "record"):
            self[name].setCheckable(True)
        self["loop"].setChecked(True)

    def __getitem__(self, name: str) -> QAction:
        """Return an action."""
        return self._made[name]

    def connect_all(self, slots: Mapping[str, Callable[[], object]]) -> None:
        """Say what each action does."""
        for name, slot in slots.items():
            self[name].triggered.connect(lambda _checked=False, slot=slot: slot())

    def all(self) -> list[QAction]:
        """Return every action."""
        return list(self._made.values())

    def menus(self) -> dict[str, list[QAction]]:
        """Return the actions by menu, with lines between the groups."""
        return {"run": self._grouped(_RUN), "view": self._grouped(_VIEW)}

    def _grouped(self, groups: tuple[tuple[str, ...], ...]) -> list[QAction]:
        found: list[QAction] = []
        for group in groups:
            if found:
                line = QAction(self)
                line.setSeparator(True)
                found.append(line)
            found.extend(self[name] for name in group)
        return found

    def retranslate(self) -> None:
        """Set the words; those of play are the page's."""
        words = {
            "back": self.tr("One picture back"),
            "step": self.tr("One picture on"),
            "loop": self.tr("Begin again at the end"),
            "slower": self.tr("Play slower"),
            "faster": self.tr("Play faster"),
            "reset": self.tr("Begin the statistics anew"),
            "snapshot": self.tr("Take a snapshot"),
            "record": self.tr("Record both views"),
            "copy": self.tr("Copy the numbers"),
            "report": self.tr("Write a report…"),
            "card": self.tr("Print the sample card…"),
            "layers": self.tr("Which layers cost what…"),
            "beside": self.tr("Side by side"),
            "divider": self.tr("One picture with a divider"),
            "stacked": self.tr("One above the other"),
            "cycle": self.tr("Next way of viewing"),
            "zoom_in": self.tr("Zoom in"),
            "zoom_out": self.tr("Zoom out"),
            "whole": self.tr("Show the whole picture"),
            "full_screen": self.tr("Pictures in full screen"),
            "classes": self.tr("Choose the classes shown…"),
        }
        for name, text in words.items():
            self[name].setText(text)
