"""What a search may use: the allowed block kinds, and the locked layers."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.pages.design_reach_locks import Locks
from app.ui.text import listed, translated
from app.ui.widgets.cards import button, label
from app.ui.widgets.diagram_marks import kind_icon

_MOST_NAMES = 6


class StayingMenu(QMenu):
    """A menu of check boxes that stays open while they are clicked."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Check without closing."""
        action = self.actionAt(event.position().toPoint())
        if action is not None and action.isEnabled() and not action.isSeparator():
            action.trigger()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space checks without closing."""
        action = self.activeAction()
        if event.key() == Qt.Key.Key_Space and action is not None:
            action.trigger()
        else:
            super().keyPressEvent(event)


class KindsButton(QPushButton):
    """Says which kinds are allowed, and opens their check boxes."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reachKinds")
        self.setProperty("menu", "true")
        menu = StayingMenu(self)
        menu.setToolTipsVisible(True)
        self.kinds: dict[str, QAction] = {}
        for name in BLOCKS:
            action = menu.addAction("")
            action.setObjectName(f"allow_{name}")
            action.setCheckable(True)
            action.setChecked(True)
            action.toggled.connect(self._on_kind_toggled)
            self.kinds[name] = action
        menu.addSeparator()
        self.every = menu.addAction("")
        self.every.triggered.connect(lambda _checked=False: self._set(tuple(BLOCKS)))
        self.fitted = menu.addAction("")
        self.fitted.setObjectName("allow_fitted")
        self.fitted.triggered.connect(lambda _checked=False: self._set(("separable",)))
        self.setMenu(menu)
        self.retranslate()

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """The allowed kinds; None for all."""
        chosen = tuple(name for name, action in self.kinds.items() if action.isChecked())
        return None if len(chosen) == len(self.kinds) else chosen

    def allow(self, names: tuple[str, ...] | None) -> None:
        """Allow these kinds alone; None allows all."""
        if names != self.allowed:
            self._set(tuple(BLOCKS) if names is None else names)

    def retranslate(self) -> None:
        """Set the translated texts."""
        for name, action in self.kinds.items():
            action.setText(translated(BLOCKS[name].title))
            action.setToolTip(translated(BLOCKS[name].summary))
            action.setIcon(kind_icon(name))
        self.every.setText(self.tr("All kinds"))
        self.fitted.setText(self.tr("Depthwise separable alone"))
        self.setAccessibleName(self.tr("Allowed block kinds"))
        self._say()

    def _set(self, names: tuple[str, ...]) -> None:
        self.blockSignals(True)
        for name, action in self.kinds.items():
            action.setChecked(name in names)
        self.blockSignals(False)
        self._on_kind_toggled()

    def _on_kind_toggled(self) -> None:
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        allowed = self.allowed
        if allowed is None:
            words = self.tr("all kinds")
        elif len(allowed) == 1:
            words = translated(BLOCKS[allowed[0]].title)
        else:
            words = self.tr("{count} of {total} kinds").format(count=len(allowed), total=len(self.kinds))
        self.setText(words)
        self.setToolTip(listed(translated(BLOCKS[name].title) for name in allowed or ()))


class MeansWidget(QWidget):
    """The allowed kinds, and which layers stay as they are."""

    changed = Signal()

    def __init__(self, locks: Locks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._locks = locks
        self.kinds = KindsButton()
        self.kinds_label = label(role="muted")
        self.kinds_label.setBuddy(self.kinds)
        self.locked = label(role="small", wrap=True)
        self.locked.setObjectName("lockedLayers")
        self.unlock = button("unlockAll", "link")
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.kinds_label)
        row.addWidget(self.kinds, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.locked)
        column.addWidget(self.unlock, 0, Qt.AlignmentFlag.AlignLeft)
        self.unlock.clicked.connect(locks.clear)
        locks.changed.connect(self._on_locks_changed)
        self.kinds.changed.connect(self.changed)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.kinds_label.setText(self.tr("Kinds"))
        self.unlock.setText(self.tr("Unlock all"))
        self.kinds.retranslate()
        self._say()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _on_locks_changed(self) -> None:
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        paths = self._locks.paths
        self.unlock.setVisible(bool(paths))
        if not paths:
            self.locked.setText(
                self.tr("No layer is locked. Select some in the diagram and press L to lock them.")
            )
            return
        names = listed(paths[:_MOST_NAMES])
        words = self.tr("Locked, these stay as they are: {layers}.")
        if len(paths) > _MOST_NAMES:
            words = self.tr("Locked, these and {count} more stay as they are: {layers}.")
        self.locked.setText(words.format(layers=names, count=len(paths) - _MOST_NAMES))
