"""The Design page: which convolutions become lighter, and what that saves, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.ui import theme
from app.ui.page import Page, Services
from app.ui.pages import design_actions as names
from app.ui.pages.design_actions import DesignActions
from app.ui.pages.design_canvas import ZOOM_STEP, Canvas
from app.ui.pages.design_tools import DesignTools
from app.ui.text import translated
from app.ui.widgets.cards import Card
from app.ui.widgets.diagram_facts import Snapshot, take_snapshot
from app.ui.widgets.diagram_stage import layer_of
from app.ui.widgets.inspector import Inspector
from app.ui.widgets.layer_table import LayerTable
from app.ui.widgets.totals import Totals

DEFAULT_SIZE = (640, 640)
_NARROW, _WIDE = 296, 384
"""Least and most width of the inspector, in pixels."""
_TITLE_WIDTH = 200


class DesignPage(Page):
    """Diagram, tree table, totals and inspector of the open design, in step with each other."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._imgsz = DEFAULT_SIZE
        self._paths: tuple[str, ...] = ()
        self._stale = False
        self._snapshot = take_snapshot(self.workspace.design, self._imgsz)
        self.tools_ = DesignTools(self.workspace, self.tools, self)
        self.canvas = Canvas(self._snapshot)
        self.diagram = self.canvas.diagram
        self.table = LayerTable()
        self.totals = Totals()
        self.inspector = Inspector()
        self.actions_ = DesignActions(self, self.apply_kind, self._slots())
        self._lay_out()
        self._connect()
        self.retranslate()
        self._show_design(self.workspace.design)

    def _slots(self) -> dict[str, Callable[[], object]]:
        return {
            names.RESTORE: lambda: self.apply_kind(""),
            names.SELECT_ALL: self.diagram.select_all,
            names.CLEAR: self.diagram.clear_selection,
            names.FIND: self._find,
            names.FIT: self.diagram.fit,
            names.ZOOM_IN: lambda: self.diagram.zoom(ZOOM_STEP),
            names.ZOOM_OUT: lambda: self.diagram.zoom(1 / ZOOM_STEP),
            names.OPEN: lambda: self._open(self._paths[0]) if self._paths else None,
            names.CLOSE_ALL: self.diagram.close_all,
        }

    def _lay_out(self) -> None:
        table = Card(margin=0)
        table.body.setContentsMargins(1, 1, 1, 1)
        table.body.addWidget(self.table)
        upper = QSplitter(Qt.Orientation.Vertical)
        upper.setObjectName("designRows")
        upper.setChildrenCollapsible(False)
        upper.addWidget(self.canvas)
        upper.addWidget(table)
        upper.setStretchFactor(0, 3)
        upper.setStretchFactor(1, 2)
        upper.setSizes([600, 400])
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.BETWEEN)
        column.addWidget(upper, 1)
        column.addWidget(self.totals)
        columns = QSplitter(Qt.Orientation.Horizontal)
        columns.setObjectName("designColumns")
        columns.setChildrenCollapsible(False)
        columns.addWidget(left)
        columns.addWidget(self.inspector)
        columns.setStretchFactor(0, 1)
        columns.setStretchFactor(1, 0)
        self.inspector.setMinimumWidth(_NARROW)
        self._columns = columns
        self._columns_moved = False
        columns.splitterMoved.connect(self._on_columns_moved)
        self.body.addWidget(columns, 1)
        self.primary.setVisible(True)
        self.primary.setIcon(theme.icon("arrow_right", "on_accent"))
        self.primary.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setFocusProxy(self.diagram)

    def _connect(self) -> None:
        self.workspace.design_changed.connect(self._on_workspace_design_changed)
        self.workspace.file_changed.connect(self._show_name)
        self.primary.clicked.connect(lambda: self.workspace.request_training())
        self.tools_.base_chosen.connect(self._on_tools_base_chosen)
        self.tools_.classes_chosen.connect(self._on_tools_classes_chosen)
        self.tools_.preset_chosen.connect(self._on_tools_preset_chosen)
        self.diagram.selection_changed.connect(self._on_diagram_selection_changed)
        self.diagram.opened_changed.connect(self._on_diagram_opened_changed)
        self.diagram.menu_requested.connect(self._on_menu_requested)
        self.table.selection_changed.connect(self._on_table_selection_changed)
        self.table.menu_requested.connect(self._on_menu_requested)
        self.canvas.find_field.textChanged.connect(self._on_find_text_changed)
        self.totals.imgsz_changed.connect(self._on_totals_imgsz_changed)
        self.totals.refused.connect(lambda text, hint: self.messages.error(text, hint))
        self.inspector.kind_chosen.connect(self.apply_kind)
        self.inspector.option_chosen.connect(self._on_inspector_option_chosen)
        self.inspector.open_requested.connect(self._open)
        self.inspector.select_requested.connect(self.select)
        theme.notifier().changed.connect(self.actions_.retint)

    @property
    def snapshot(self) -> Snapshot:
        """What is shown."""
        return self._snapshot

    @property
    def selection(self) -> tuple[str, ...]:
        """Selected module paths."""
        return self._paths

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the inspector its share of the width, until the user has chosen another."""
        super().resizeEvent(event)
        if not self._columns_moved:
            share = min(max(round(self.width() * 0.28), _NARROW), _WIDE)
            self._columns.setSizes([max(self._columns.width() - share, 1), share])

    def activated(self) -> None:
        """Catch up with what changed meanwhile, and let the keyboard act on the diagram."""
        if self._stale:
            self._show_design(self.workspace.design)
        self.diagram.setFocus(Qt.FocusReason.OtherFocusReason)

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Lend the kinds, selection and view actions to the menu bar."""
        return self.actions_.by_menu()

    def select(self, paths: tuple[str, ...]) -> None:
        """Select module paths everywhere, and bring the first into view."""
        self._paths = tuple(paths)
        self.diagram.select(paths)
        self.table.select(paths)
        if paths:
            self.diagram.reveal(paths[0])
        self._show_selection()

    def apply_kind(self, kind: str) -> None:
        """Make everything replaceable in the selection a block kind; "" restores the standard."""
        targets = self._snapshot.targets(self._paths)
        if not targets:
            self.messages.info(self.actions_.reason(self._snapshot, self._paths))
            return
        self._apply_swap(targets, self.inspector.swap_for(kind) if kind else None)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.primary.setText(self.tr("Train this design") + "\u2002")
        self.primary.setToolTip(self.tr("Go on to the Train page with this design."))
        self.tools_.retranslate()
        self.actions_.retranslate()
        self.actions_.enable(self._snapshot, self._paths, self.diagram.opened)
        self._show_name()

    def _apply_swap(self, targets: tuple[str, ...], swap: Swap | None) -> None:
        design = self.workspace.design
        try:
            changed = design.without(targets) if swap is None else design.with_swap(targets, swap)
        except AppError as problem:
            self.messages.error(problem)
            return
        self.workspace.apply(changed, self._label(targets, swap))

    def _label(self, targets: tuple[str, ...], swap: Swap | None) -> str:
        """Return what an edit is called in the history."""
        words = self.tr("Standard") if swap is None else translated(BLOCKS[swap.block].title)
        if len(targets) == 1:
            return self.tr("{kind} on {path}").format(kind=words, path=targets[0])
        return self.tr("{kind} on {count} convolutions").format(kind=words, count=len(targets))

    def _on_columns_moved(self) -> None:
        self._columns_moved = True

    def _on_workspace_design_changed(self, design: Design) -> None:
        if self.isVisible():
            self._show_design(design)
        else:
            self._stale = True

    def _show_design(self, design: Design) -> None:
        self._stale = False
        self._snapshot = take_snapshot(design, self._imgsz)
        self._paths = tuple(path for path in self._paths if path in self._snapshot.facts)
        self.diagram.show_snapshot(self._snapshot)
        self.table.show_snapshot(self._snapshot)
        self.totals.show_table(self._snapshot.table)
        self.tools_.show_design(design)
        self._show_name()
        self._show_selection()

    def _show_name(self) -> None:
        star = "*" if self.workspace.dirty else ""
        name = self.title.fontMetrics().elidedText(
            self.workspace.name, Qt.TextElideMode.ElideMiddle, _TITLE_WIDTH
        )
        self.title.setText(f"{name}{star}")
        path = self.workspace.path
        self.title.setToolTip(str(path) if path else self.tr("This design has no file yet."))

    def _show_selection(self) -> None:
        self.inspector.show_selection(self._snapshot, self._paths, self.diagram.opened)
        self.actions_.enable(self._snapshot, self._paths, self.diagram.opened)

    def _find(self) -> None:
        self.canvas.find_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.canvas.find_field.selectAll()

    def _open(self, path: str) -> None:
        self.diagram.set_open(path, layer_of(path) not in self.diagram.opened)

    def _on_diagram_selection_changed(self, paths: tuple[str, ...]) -> None:
        self._paths = paths
        self.table.select(paths)
        self._show_selection()

    def _on_table_selection_changed(self, paths: tuple[str, ...]) -> None:
        self._paths = paths
        self.diagram.select(paths)
        if paths:
            self.diagram.reveal(paths[0])
        self._show_selection()

    def _on_diagram_opened_changed(self, _opened: frozenset[str]) -> None:
        self._show_selection()

    def _on_find_text_changed(self, text: str) -> None:
        found = self.table.matches(text)
        self.canvas.show_found(len(found))
        if found:
            self.select(found)

    def _on_menu_requested(self, position: QPoint) -> None:
        menu = self.actions_.context_menu(self._snapshot, self._paths)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(position)

    def _on_totals_imgsz_changed(self, imgsz: tuple[int, int]) -> None:
        self._imgsz = imgsz
        self._show_design(self.workspace.design)

    def _on_inspector_option_chosen(self, kind: str, option: str, value: int) -> None:
        facts = self._snapshot.facts
        targets = tuple(path for path in self._snapshot.targets(self._paths) if facts[path].kind == kind)
        self._apply_swap(targets, Swap(kind, {option: value}))

    def _on_tools_base_chosen(self, base: str) -> None:
        design = self.workspace.design
        changed = design.with_base(base)
        self.workspace.apply(changed, self.tr("Base model {base}").format(base=base))
        lost = len(design.swaps) - len(changed.swaps)
        if lost:
            self.messages.info(
                self.tr("{count} replacements have no place in {base} and were left out.").format(
                    count=lost, base=base
                )
            )

    def _on_tools_classes_chosen(self, classes: int) -> None:
        changed = self.workspace.design.with_classes(classes or None)
        words = self.tr("{count} classes").format(count=classes) if classes else self.tr("Classes from data")
        self.workspace.apply(changed, words, merge="classes")

    def _on_tools_preset_chosen(self, name: str) -> None:
        design = self.workspace.design
        try:
            chosen = preset(name, design.base, design.classes) if name else design.cleared()
        except AppError as problem:  # this base model has nothing that the preset changes
            self.messages.error(problem)
            return
        words = self.tr("Preset: {name}").format(name=self.tools_.preset_words(name))
        self.workspace.apply(replace(chosen, notes=design.notes), words)
