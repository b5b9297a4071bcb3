"""The Design page's actions: kinds by number key, restore, select, find, view, files; and the context menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.core.blocks import BLOCKS
from app.core.text import QT_TRANSLATE_NOOP
from app.ui import theme
from app.ui.pages.design_edits import can_restore, offer_words
from app.ui.text import translated
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_marks import kind_icon
from app.ui.widgets.diagram_stage import layer_of
from app.ui.widgets.diagram_targets import Offer

RESTORE, KINDS, SELECT_ALL, CLEAR, FIND = (
    "restoreStandard",
    "chooseKind",
    "selectReplaceable",
    "clearSelection",
    "findLayer",
)
FIT, ZOOM_IN, ZOOM_OUT, OPEN, CLOSE_ALL = (
    "fitDiagram",
    "zoomInDiagram",
    "zoomOutDiagram",
    "openLayer",
    "closeLayers",
)
BASE, DUPLICATE, RENAME, NOTES, COSTS, PICTURE, YAML, YAML_YOLOV5, OPEN_YAML = (
    "chooseBase",
    "duplicateDesign",
    "renameDesign",
    "editNotes",
    "exportCosts",
    "exportDiagram",
    "exportYaml",
    "exportYamlYolov5",
    "openModelYaml",
)
REACH, LOCK = "reachTarget", "lockLayers"
MEASURE, MEASURE_MACHINE, OTHER_RUNTIME, LOAD_TABLE, ROOFLINE = (
    "measureTheDesign",
    "measureTheMachine",
    "measureOtherRuntime",
    "loadLatencyTable",
    "showRoofline",
)
_RUN = (MEASURE, MEASURE_MACHINE, OTHER_RUNTIME, LOAD_TABLE, ROOFLINE)
_EDIT = (KINDS, RESTORE, LOCK, SELECT_ALL, CLEAR, FIND, BASE, NOTES)
_VIEW = (FIT, ZOOM_IN, ZOOM_OUT, OPEN, CLOSE_ALL)
FILES = (DUPLICATE, RENAME, OPEN_YAML, COSTS, PICTURE, YAML, YAML_YOLOV5)
_KEYS: Mapping[str, tuple[str, ...]] = {
    RESTORE: ("0", "Del"),
    KINDS: ("K",),
    SELECT_ALL: ("Ctrl+A",),
    FIND: ("Ctrl+F",),
    FIT: ("F",),
    ZOOM_IN: ("+", "="),
    ZOOM_OUT: ("-",),
    BASE: ("Ctrl+B",),
    DUPLICATE: ("Ctrl+D",),
    REACH: ("Ctrl+T",),
    MEASURE: ("M",),
    ROOFLINE: ("R",),
    LOCK: ("L",),
}
_ICONS: Mapping[str, str] = {
    LOCK: "lock",
    REACH: "target",
    MEASURE: "clock",
    MEASURE_MACHINE: "chip",
    FIND: "search",
    FIT: "fit",
    ZOOM_IN: "zoom_in",
    ZOOM_OUT: "zoom_out",
    DUPLICATE: "copy",
    RENAME: "edit",
    COSTS: "export",
    PICTURE: "export",
    YAML: "export",
    YAML_YOLOV5: "export",
    OPEN_YAML: "open",
}
_TEXTS: Mapping[str, str] = {
    RESTORE: QT_TRANSLATE_NOOP("DesignActions", "Restore the standard"),
    KINDS: QT_TRANSLATE_NOOP("DesignActions", "Choose a kind…"),
    SELECT_ALL: QT_TRANSLATE_NOOP("DesignActions", "Select everything replaceable"),
    CLEAR: QT_TRANSLATE_NOOP("DesignActions", "Select nothing"),
    FIND: QT_TRANSLATE_NOOP("DesignActions", "Find a layer"),
    FIT: QT_TRANSLATE_NOOP("DesignActions", "Show the whole diagram"),
    ZOOM_IN: QT_TRANSLATE_NOOP("DesignActions", "Zoom in"),
    ZOOM_OUT: QT_TRANSLATE_NOOP("DesignActions", "Zoom out"),
    OPEN: QT_TRANSLATE_NOOP("DesignActions", "Open the layer"),
    CLOSE_ALL: QT_TRANSLATE_NOOP("DesignActions", "Close all layers"),
    BASE: QT_TRANSLATE_NOOP("DesignActions", "Choose the base model…"),
    DUPLICATE: QT_TRANSLATE_NOOP("DesignActions", "Duplicate the design"),
    RENAME: QT_TRANSLATE_NOOP("DesignActions", "Rename the design…"),
    NOTES: QT_TRANSLATE_NOOP("DesignActions", "Write notes"),
    COSTS: QT_TRANSLATE_NOOP("DesignActions", "Export the cost table…"),
    PICTURE: QT_TRANSLATE_NOOP("DesignActions", "Export the diagram…"),
    YAML: QT_TRANSLATE_NOOP("DesignActions", "Export a model YAML for ultralytics…"),
    YAML_YOLOV5: QT_TRANSLATE_NOOP("DesignActions", "Export a model YAML for the YOLOv5 repository…"),
    OPEN_YAML: QT_TRANSLATE_NOOP("DesignActions", "Open a model YAML…"),
    MEASURE: QT_TRANSLATE_NOOP("DesignActions", "Measure the milliseconds"),
    MEASURE_MACHINE: QT_TRANSLATE_NOOP("DesignActions", "Measure this machine"),
    OTHER_RUNTIME: QT_TRANSLATE_NOOP("DesignActions", "Measure with another runtime…"),
    LOAD_TABLE: QT_TRANSLATE_NOOP("DesignActions", "Load another device's table…"),
    ROOFLINE: QT_TRANSLATE_NOOP("DesignActions", "Show the roofline"),
    REACH: QT_TRANSLATE_NOOP("DesignActions", "Reach a target…"),
    LOCK: QT_TRANSLATE_NOOP("DesignActions", "Lock against reaching"),
}
_REASON_LENGTH = 90


class DesignActions(QObject):
    """Makes the actions once; their words are set by `retranslate`."""

    def __init__(
        self, page: QWidget, apply: Callable[[str], None], slots: Mapping[str, Callable[[], object]]
    ) -> None:
        """Build the actions.

        Args:
            page: the page; the shortcuts work while it is visible.
            apply: makes the selection a block kind, or says why that is not possible.
            slots: what the other actions do, by name.
        """
        super().__init__(page)
        self._page = page
        self._apply = apply
        self.kinds: dict[str, QAction] = {}
        self.others: dict[str, QAction] = {}
        for name, kind in BLOCKS.items():
            keys = (kind.key,) if kind.key else ()
            self.kinds[name] = self._action(f"kind_{name}", keys, partial(apply, name))
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
        return {
            "file": [self.others[name] for name in FILES],
            "edit": [*self.kinds.values(), *(self.others[name] for name in _EDIT)],
            "view": [self.others[name] for name in _VIEW],
            "run": [self.others[REACH], *(self.others[name] for name in _RUN)],
        }

    def retranslate(self) -> None:
        """Set the translated texts."""
        for name, action in self.kinds.items():
            action.setText(translated(BLOCKS[name].title))
        for name, text in _TEXTS.items():
            self.others[name].setText(self.tr(text))
        self.retint()

    def retint(self) -> None:
        """Draw the marks in the colours of the theme in use."""
        for name, action in self.kinds.items():
            action.setIcon(kind_icon(name))

    def enable(self, snapshot: Snapshot, paths: tuple[str, ...], opened: frozenset[str]) -> None:
        """Enable what the selection allows; `opened` are the layers whose inside is shown.

        The kinds stay enabled: one that does not fit says why.
        """
        self.others[RESTORE].setEnabled(bool(paths) and can_restore(snapshot.design, paths))
        self.others[CLEAR].setEnabled(bool(paths))
        is_open = len(paths) == 1 and layer_of(paths[0]) in opened
        whole = len(paths) == 1 and snapshot.facts[paths[0]].swap is not None
        inner = snapshot.architecture.convolutions_in(paths[0]) if len(paths) == 1 and not whole else ()
        self.others[OPEN].setEnabled(is_open or len(inner) > 1)
        self.others[OPEN].setText(self.tr("Close the layer") if is_open else self.tr("Open the layer"))

    def show_locked(self, able: bool, locked: bool) -> None:
        """Let the lock of the selection be set or taken off."""
        self.others[LOCK].setEnabled(able)
        self.others[LOCK].setText(self.tr("Unlock") if locked else self.tr(_TEXTS[LOCK]))

    def context_menu(self, snapshot: Snapshot, paths: tuple[str, ...], offers: Mapping[str, Offer]) -> QMenu:
        """Return a menu for the selection; what cannot be done stands there with its reason."""
        menu = QMenu(self._page)
        menu.setObjectName("designMenu")
        menu.setToolTipsVisible(True)
        reason = self.reason(snapshot, paths)
        if reason:
            why = menu.addAction(_shortened(reason))
            why.setObjectName("whyNot")
            why.setEnabled(False)
            why.setToolTip(reason)
            menu.addSeparator()
        able = [kind for kind in BLOCKS if kind in offers and offers[kind].targets]
        for kind in able:
            self._add_kind(menu, kind, offer_words(offers[kind]))
        refused = [kind for kind in BLOCKS if kind not in able]
        if refused:
            others = menu.addMenu(self.tr("Not here"))
            others.setObjectName("designMenuRefused")
            others.setToolTipsVisible(True)
            for kind in refused:
                why_not = translated(offers[kind].reason) if kind in offers else reason
                title = translated(BLOCKS[kind].title)
                words = self.tr("{kind}: {reason}").format(kind=title, reason=why_not)
                action = self._add_kind(others, kind, _shortened(words))
                action.setEnabled(False)
                action.setToolTip(why_not)
        menu.addSeparator()
        for name in (RESTORE, KINDS, LOCK, OPEN, SELECT_ALL, FIT):
            menu.addAction(self.others[name])
        return menu

    def _add_kind(self, menu: QMenu, kind: str, words: str) -> QAction:
        action = menu.addAction(kind_icon(kind), words)
        action.setObjectName(f"action_kind_{kind}")
        if BLOCKS[kind].key:
            action.setShortcut(QKeySequence(BLOCKS[kind].key))
            action.setShortcutVisibleInContextMenu(True)
        action.triggered.connect(lambda _checked=False: self._apply(kind))
        return action

    def reason(self, snapshot: Snapshot, paths: tuple[str, ...]) -> str:
        """Return, translated, why nothing of the selection can be replaced; "" where something can."""
        if snapshot.targets(paths):
            return ""
        if not paths:
            return self.tr("Select a layer first.")
        why = translated(snapshot.facts[paths[0]].refusal or "")
        return self.tr("{module}: {reason}").format(module=snapshot.facts[paths[0]].name, reason=why)


def _shortened(text: str) -> str:
    return text if len(text) <= _REASON_LENGTH else f"{text[: _REASON_LENGTH - 1]}…"
