"""Compares the open design with another one: which modules differ, and how, for the diagram and the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QMenu, QWidget

from app.core.activations import titles
from app.core.cost import Cost, compare_cost
from app.core.design import Design, Swap, load_design
from app.core.design_diff import design_diff
from app.core.design_library import list_designs
from app.core.errors import AppError
from app.core.presets import preset
from app.core.text import percent_change
from app.ui import theme
from app.ui.messages import Messages
from app.ui.pages.design_presets import fill_presets, preset_words
from app.ui.text import listed
from app.ui.widgets.cards import button, label, tool
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_nodes import ADDED, CHANGED, REMOVED
from app.ui.workspace import Workspace

_MOST_FILES = 12
"""Designs of the workspace that the menu lists, the last changed first."""


@dataclass(frozen=True)
class Difference:
    """How the open design differs from another one.

    Attributes:
        name: of the other design.
        base: its base model.
        signs: path → ADDED, REMOVED or CHANGED, of modules and of everything that holds them.
        others: path → what the module is in the other design; None for standard.
        counts: ADDED, REMOVED or CHANGED → how many modules differ so; a module that is replaced as a whole in one
            design, and inside in the other, counts once.
        cost: of the other design.
        missing: modules that differ and that this base model does not have.
        activations: those of the other design and of the open one, for people; "" each where they are the same.
    """

    name: str
    base: str
    signs: Mapping[str, str]
    others: Mapping[str, Swap | None]
    counts: Mapping[str, int]
    cost: Cost
    missing: int = 0
    activations: tuple[str, str] = ("", "")

    @property
    def paths(self) -> frozenset[str]:
        """The modules that differ."""
        return frozenset(self.others)


@dataclass(frozen=True)
class Other:
    """A design to compare with."""

    name: str
    design: Design = field(repr=False)


def difference(snapshot: Snapshot, other: Other) -> Difference:
    """Return how what is shown differs from another design.

    Raises:
        AppError: the other design does not fit its base model.
    """
    signs: dict[str, str] = {}
    others: dict[str, Swap | None] = {}
    missing = 0
    for row in design_diff(other.design, snapshot.design):
        if row.path not in snapshot.facts:
            missing += 1
            continue
        sign = ADDED if row.before is None else (REMOVED if row.after is None else CHANGED)
        signs[row.path], others[row.path] = sign, row.before
        parent = snapshot.facts[row.path].parent
        while parent:
            signs[parent] = sign if signs.get(parent, sign) == sign else CHANGED
            parent = snapshot.facts[parent].parent
    counts = {ADDED: 0, REMOVED: 0, CHANGED: 0}
    for path in snapshot.outermost(others):
        counts[signs[path]] += 1
    there, here = (titles(one.architecture.activations) for one in (other.design, snapshot.design))
    cost = compare_cost(other.design, _size_for(snapshot, other.design)).lightweight
    return Difference(
        other.name,
        other.design.base,
        MappingProxyType(signs),
        MappingProxyType(others),
        MappingProxyType(counts),
        cost,
        missing,
        ("", "") if there == here else (there, here),
    )


def _size_for(snapshot: Snapshot, design: Design) -> tuple[int, int]:
    """Return the input size, rounded up where the other base model needs larger multiples."""
    cell = design.architecture.cell
    height, width = snapshot.table.imgsz
    return -(-height // cell) * cell, -(-width // cell) * cell


class Comparison(QObject):
    """Which design the open one is compared with, and the menu to choose it."""

    changed = Signal()
    """Another design is compared, or none."""

    def __init__(self, page: QWidget, workspace: Workspace, messages: Messages) -> None:
        super().__init__(page)
        self._page = page
        self._workspace = workspace
        self._messages = messages
        self.other: Other | None = None
        workspace.design_changed.connect(self._on_workspace_design_changed)

    def difference(self, snapshot: Snapshot) -> Difference | None:
        """Return how what is shown differs; None where nothing is compared."""
        if self.other is None:
            return None
        try:
            return difference(snapshot, self.other)
        except AppError as problem:
            self._messages.error(problem)
            self.other = None
            return None

    def fill_menu(self, menu: QMenu) -> None:
        """Add what there is to compare with: the standard model, presets, the workspace's designs, any file."""
        workspace = self._workspace
        design = workspace.design
        if self.other is not None:
            menu.addAction(self.tr("Stop comparing")).triggered.connect(lambda: self.stop())
            menu.addSeparator()
        standard = menu.addAction(self.tr("Standard model"))
        standard.setObjectName("compare_standard")
        standard.triggered.connect(lambda: self.compare(self.tr("the standard model"), design.cleared()))
        if workspace.path is not None and workspace.dirty:
            saved = menu.addAction(self.tr("As it was saved"))
            saved.setObjectName("compare_saved")
            saved.triggered.connect(lambda: self._compare_file(workspace.path, self.tr("the saved design")))
        presets = menu.addMenu(self.tr("Preset"))
        presets.setToolTipsVisible(True)
        fill_presets(presets, design.base, self._compare_preset)
        files = [path for path in list_designs(workspace.folder) if path != workspace.path][:_MOST_FILES]
        if files:
            menu.addSeparator()
        for path in files:
            action = menu.addAction(path.stem)
            action.setObjectName(f"compare_{path.stem}")
            action.triggered.connect(lambda _checked=False, path=path: self._compare_file(path))
        menu.addSeparator()
        menu.addAction(self.tr("A design file…")).triggered.connect(lambda: self._choose_file())

    def compare(self, name: str, design: Design) -> None:
        """Compare with a design."""
        self.other = Other(name, design)
        self.changed.emit()

    def stop(self) -> None:
        """Compare no more."""
        self.other = None
        self.changed.emit()

    def _compare_preset(self, name: str) -> None:
        design = self._workspace.design
        other = preset(name, design.base, design.classes) if name else design.cleared()
        self.compare(preset_words(name), other)

    def _compare_file(self, path: Path | None, name: str = "") -> None:
        if path is None:
            return
        try:
            design = load_design(path)
        except AppError as problem:
            self._messages.error(problem)
            return
        self.compare(name or path.stem, design)

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._page,
            self.tr("Compare with a design"),
            str(self._workspace.folder.root),
            self.tr("Designs ({patterns})").format(patterns="*.yaml *.yml"),
        )
        if name:
            self._compare_file(Path(name))

    def _on_workspace_design_changed(self, design: Design) -> None:
        """Compare with the same rule on the number of classes that is open now."""
        if self.other is not None and self.other.design.base == design.base:
            self.other = replace(self.other, design=self.other.design.with_classes(design.classes))


class CompareStrip(QFrame):
    """Says above the diagram what is compared, and ends it."""

    closed = Signal()
    only_different = Signal(bool)
    """Whether the table shall hold the differences alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareStrip")
        self._shown: Difference | None = None
        self._cost: Cost | None = None
        self.words = label(wrap=True)
        self.words.setObjectName("compareWords")
        self.only = button("onlyDifferent", "segment")
        self.only.setCheckable(True)
        self.close_button = tool("stopComparing", "close")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.BETWEEN, 4, theme.INSIDE, 4)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.words, 1)
        row.addWidget(self.only)
        row.addWidget(self.close_button)
        self.only.toggled.connect(self.only_different)
        self.close_button.clicked.connect(self.closed)
        self.setVisible(False)
        self.retranslate()

    def show_difference(self, shown: Difference | None, cost: Cost | None) -> None:
        """Show how the open design, which costs so much, differs; None hides the strip."""
        self._shown, self._cost = shown, cost
        self.setVisible(shown is not None)
        self._write()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.only.setText(self.tr("Differences only"))
        self.only.setMinimumWidth(self.only.fontMetrics().horizontalAdvance(self.only.text()) + 20)
        self.only.setToolTip(self.tr("The table shows only what differs."))
        self.close_button.setToolTip(self.tr("Stop comparing"))
        self.close_button.setAccessibleName(self.tr("Stop comparing"))
        self._write()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _write(self) -> None:
        shown, cost = self._shown, self._cost
        if shown is None or cost is None:
            return
        there, here = shown.activations
        if not shown.others and not shown.missing and not here:
            self.words.setText(self.tr("The same as {name}.").format(name=shown.name))
            return
        counts = (
            (self.tr("{count} replaced only here (+)"), ADDED),
            (self.tr("{count} only there (−)"), REMOVED),
            (self.tr("{count} otherwise (≠)"), CHANGED),
        )
        ways = [words.format(count=shown.counts[sign]) for words, sign in counts if shown.counts[sign]]
        if here:
            ways.append(self.tr("activation {here} instead of {there}").format(here=here, there=there))
        text = self.tr("Against {name}: {ways}; {flops} GFLOPs, {parameters} parameters.").format(
            name=shown.name,
            ways=listed(ways),
            flops=percent_change(shown.cost.flops, cost.flops),
            parameters=percent_change(shown.cost.parameters, cost.parameters),
        )
        if shown.missing:
            missing = self.tr("{count} of its modules are not in this base model ({base} there).")
            text = f"{text} {missing.format(count=shown.missing, base=shown.base)}"
        self.words.setText(text)
