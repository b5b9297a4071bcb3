"""The Design page's actions: kinds by number key, restore, select, find, view; and the context menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.diagram_facts import Snapshot, kind_number
from app.ui.widgets.diagram_marks import kind_icon
from app.ui.widgets.diagram_stage import layer_of

RESTORE, SELECT_ALL, FIND, CLEAR = "restoreStandard", "selectReplaceable", "findLayer", "clearSelection"
FIT, ZOOM_IN, ZOOM_OUT, OPEN, CLOSE_ALL = (
    "fitDiagram",
    "zoomInDiagram",
    "zoomOutDiagram",
    "openLayer",
    "closeLayers",
)
_KEYS: Mapping[str, tuple[str, ...]] = {
    RESTORE: ("0", "Del"),
    SELECT_ALL: ("Ctrl+A",),
    FIND: ("Ctrl+F",),
    FIT: ("F",),
    ZOOM_IN: ("+", "="),
    ZOOM_OUT: ("-",),
}
_ICONS: Mapping[str, str] = {FIND: "search", FIT: "fit", ZOOM_IN: "zoom_in", ZOOM_OUT: "zoom_out"}
_REASON_LENGTH = 90


class DesignActions(QObject):
    """Makes the actions once; their words are set by `retranslate`."""

    def __init__(
        self, page: QWidget, apply: Callable[[str], None], slots: Mapping[str, Callable[[], object]]
    ) -> None:
        """Build the actions.

        Args:
            page: the page; the shortcuts work while it is visible.
            apply: makes the selection a block kind.
            slots: what the other actions do, by name.
        """
        super().__init__(page)
        self._page = page
        self.kinds: dict[str, QAction] = {}
        self.others: dict[str, QAction] = {}
        for name in BLOCKS:
            self.kinds[name] = self._action(f"kind_{name}", (str(kind_number(name)),), partial(apply, name))
        for name, slot in slots.items():
            self.others[name] = self._action(name, _KEYS.get(name, ()), slot)
            if name in _ICONS:
                self.others[name].setIcon(theme.icon(_ICONS[name], "muted"))

    def _action(self, name: str, keys: tuple[str, ...], slot: Callable[[], object]) -> QAction:
        action = QAction(self._page)
        action.setObjectName(f"action_{name}")
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.triggered.connect(lambda _checked=False: slot())
        self._page.addAction(action)
        return action

    def by_menu(self) -> dict[str, list[QAction]]:
        """Return the actions for the menu bar."""
        other = self.others
        return {
            "edit": [*self.kinds.values(), other[RESTORE], other[SELECT_ALL], other[CLEAR], other[FIND]],
            "view": [other[FIT], other[ZOOM_IN], other[ZOOM_OUT], other[OPEN], other[CLOSE_ALL]],
        }

    def retranslate(self) -> None:
        """Set the translated texts."""
        for name, action in self.kinds.items():
            action.setText(translated(BLOCKS[name].title))
        for name, words in (
            (RESTORE, self.tr("Restore the standard")),
            (SELECT_ALL, self.tr("Select everything replaceable")),
            (CLEAR, self.tr("Select nothing")),
            (FIND, self.tr("Find a layer")),
            (FIT, self.tr("Show the whole diagram")),
            (ZOOM_IN, self.tr("Zoom in")),
            (ZOOM_OUT, self.tr("Zoom out")),
            (OPEN, self.tr("Open the layer")),
            (CLOSE_ALL, self.tr("Close all layers")),
        ):
            self.others[name].setText(words)
        self.retint()

    def retint(self) -> None:
        """Draw the marks in the colours of the theme in use."""
        for name, action in self.kinds.items():
            action.setIcon(kind_icon(name))

    def enable(self, snapshot: Snapshot, paths: tuple[str, ...], opened: frozenset[str]) -> None:
        """Enable what the selection allows; `opened` are the layers whose inside is shown."""
        targets = snapshot.targets(paths)
        for action in self.kinds.values():
            action.setEnabled(bool(targets))
        self.others[RESTORE].setEnabled(any(snapshot.facts[path].kind for path in targets))
        self.others[CLEAR].setEnabled(bool(paths))
        is_open = len(paths) == 1 and layer_of(paths[0]) in opened
        inner = snapshot.architecture.convolutions_in(paths[0]) if len(paths) == 1 else ()
        self.others[OPEN].setEnabled(is_open or len(inner) > 1)
        self.others[OPEN].setText(self.tr("Close the layer") if is_open else self.tr("Open the layer"))

    def context_menu(self, snapshot: Snapshot, paths: tuple[str, ...]) -> QMenu:
        """Return a menu for the selection; what cannot be done stands there with its reason."""
        menu = QMenu(self._page)
        menu.setObjectName("designMenu")
        menu.setToolTipsVisible(True)
        reason = self.reason(snapshot, paths)
        if reason:
            why = menu.addAction(
                reason if len(reason) <= _REASON_LENGTH else f"{reason[: _REASON_LENGTH - 1]}…"
            )
            why.setObjectName("whyNot")
            why.setEnabled(False)
            why.setToolTip(reason)
            menu.addSeparator()
        for action in self.kinds.values():
            menu.addAction(action)
        menu.addAction(self.others[RESTORE])
        menu.addSeparator()
        menu.addAction(self.others[OPEN])
        menu.addAction(self.others[SELECT_ALL])
        menu.addAction(self.others[FIT])
        return menu

    def reason(self, snapshot: Snapshot, paths: tuple[str, ...]) -> str:
        """Return, translated, why nothing of the selection can be replaced; "" where something can."""
        if snapshot.targets(paths):
            return ""
        if not paths:
            return self.tr("Select a layer first.")
        why = translated(snapshot.facts[paths[0]].refusal or "")
        return f"{snapshot.facts[paths[0]].name}: {why}"
