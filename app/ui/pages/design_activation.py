"""The choice of the whole model's activation: a menu, and what the step is called."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from app.core.activations import ACTIVATIONS, title, titles
from app.core.design import Design
from app.ui.workspace import Workspace


def activation_words(design: Design) -> str:
    """Return what giving a model this design's activation is called in the history, translated."""
    name = design.activation
    shown = _own(design) if name is None else title(name)
    return QCoreApplication.translate("DesignActivation", "Activation: {name}").format(name=shown)


def add_activations(menu: QMenu, workspace: Workspace) -> None:
    """Add a menu of activations and a line, that of the base model first and the open design's checked."""
    for old in menu.findChildren(QMenu, "activations"):  # clearing a menu leaves those inside it alive
        old.setParent(None)
        old.deleteLater()
    design = workspace.design
    inner = menu.addMenu(QCoreApplication.translate("DesignActivation", "Activation"))
    inner.setObjectName("activations")
    group = QActionGroup(inner)
    own = design.cleared().architecture.activations
    base = QCoreApplication.translate("DesignActivation", "{name}, as in the base model")
    rows: list[tuple[str | None, str]] = [(None, base.format(name=titles(own)))]
    rows += [(name, title(name)) for name in ACTIVATIONS if own != (name,)]
    for name, words in rows:
        action = inner.addAction(words)
        action.setObjectName(f"activation_{name or 'own'}")
        action.setCheckable(True)
        action.setChecked(name == design.activation)
        action.triggered.connect(lambda _checked=False, chosen=name: _choose(workspace, chosen))
        group.addAction(action)
    menu.addSeparator()


def _choose(workspace: Workspace, activation: str | None) -> None:
    changed = workspace.design.with_activation(activation)
    if changed != workspace.design:
        workspace.apply(changed, activation_words(changed))


def _own(design: Design) -> str:
    return titles(design.cleared().architecture.activations)
