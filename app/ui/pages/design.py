"""The Design page: which modules become lighter, and what that saves, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QSplitter, QVBoxLayout, QWidget

from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.model_yaml import ULTRALYTICS, YOLOV5
from app.core.presets import preset
from app.ui import theme
from app.ui.page import Page, Services
from app.ui.pages import design_actions as names
from app.ui.pages.design_actions import DesignActions
from app.ui.pages.design_activation import add_activations
from app.ui.pages.design_canvas import ZOOM_STEP, Canvas
from app.ui.pages.design_compare import Comparison
from app.ui.pages.design_edits import edit_words, restored, swapped, with_option
from app.ui.pages.design_explain import explain
from app.ui.pages.design_files import DesignFiles
from app.ui.pages.design_kind_search import KindSearch
from app.ui.pages.design_latency import DesignLatency
from app.ui.pages.design_latency_card import Below
from app.ui.pages.design_notes import NotesCard
from app.ui.pages.design_presets import preset_words
from app.ui.pages.design_reach import Reach
from app.ui.pages.design_rows import TableRows
from app.ui.pages.design_tools import DesignTools
from app.ui.requests import Request, TableRequest
from app.ui.widgets.cards import Card
from app.ui.widgets.diagram_export import save_diagram
from app.ui.widgets.diagram_facts import Snapshot, take_snapshot
from app.ui.widgets.diagram_stage import layer_of
from app.ui.widgets.inspector import Inspector
from app.ui.widgets.layer_table import LayerTable
from app.ui.widgets.totals import Totals

DEFAULT_SIZE = (640, 640)
_NARROW, _WIDE = 296, 384
"""Least and most width of the inspector, in pixels."""
_TITLE_WIDTH = 160


class DesignPage(Page):
    """Diagram, tree table, totals and inspector of the open design, in step with each other."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._imgsz = DEFAULT_SIZE
        self._paths: tuple[str, ...] = ()
        self._stale = self._narrow = False
        self._snapshot = take_snapshot(self.workspace.design, self._imgsz)
        self.tools_ = DesignTools(self.workspace, self.tools, self)
        self.canvas = Canvas(self._snapshot)
        self.diagram = self.canvas.diagram
        self.table = LayerTable()
        self.rows = TableRows(self.table, self.canvas)
        self.totals = Totals()
        self.inspector = Inspector()
        self.notes = NotesCard()
        self.comparison = Comparison(self, self.workspace, self.messages)
        self.files = DesignFiles(self, self.workspace, self.messages)
        self.kind_search = KindSearch(self)
        self.latency = DesignLatency(self, self.services, self.rows)
        self.reach = Reach(self)
        self.actions_ = DesignActions(self, self.apply_kind, self._slots())
        self._lay_out()
        self._connect()
        self.retranslate()
        self._show_design(self.workspace.design)

    def _slots(self) -> dict[str, Callable[[], object]]:
        files = self.files
        return {
            names.RESTORE: lambda: self.apply_kind(""),
            names.KINDS: lambda: self._offer_kinds(None),
            names.SELECT_ALL: self.diagram.select_all,
            names.CLEAR: self.diagram.clear_selection,
            names.FIND: self._find,
            names.FIT: self.diagram.fit,
            names.ZOOM_IN: lambda: self.diagram.zoom(ZOOM_STEP),
            names.ZOOM_OUT: lambda: self.diagram.zoom(1 / ZOOM_STEP),
            names.OPEN: lambda: self._open(self._paths[0]) if self._paths else None,
            names.CLOSE_ALL: self.diagram.close_all,
            names.BASE: self.tools_.base.open_chooser,
            names.NOTES: self.notes.edit,
            names.DUPLICATE: files.duplicate,
            names.RENAME: files.rename,
            names.COSTS: lambda: files.export_costs(self._snapshot),
            names.PICTURE: lambda: files.export_diagram(self._save_diagram),
            names.YAML: lambda: files.export_yaml(ULTRALYTICS),
            names.YAML_YOLOV5: lambda: files.export_yaml(YOLOV5),
            names.OPEN_YAML: files.open_yaml,
            names.REACH: self.reach.open,
            names.LOCK: self.reach.toggle_lock,
            **self.latency.slots(),
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
        left, right = QWidget(), QWidget()
        below = Below(self.totals, self.latency.card)
        beside = (self.inspector, self.latency.hints, self.notes)
        for side, widgets in ((left, (upper, below)), (right, beside)):
            column = QVBoxLayout(side)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(theme.BETWEEN)
            for number, widget in enumerate(widgets):
                column.addWidget(widget, 0 if number else 1)
        columns = QSplitter(Qt.Orientation.Horizontal)
        columns.setObjectName("designColumns")
        columns.setChildrenCollapsible(False)
        columns.addWidget(left)
        columns.addWidget(right)
        columns.setStretchFactor(0, 1)
        columns.setStretchFactor(1, 0)
        right.setMinimumWidth(_NARROW)
        self._columns, self._columns_moved = columns, False
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
        self.tools_.model_file_wanted.connect(self.files.open_yaml)
        self.tools_.classes_chosen.connect(self._on_tools_classes_chosen)
        self.tools_.preset_chosen.connect(self._on_tools_preset_chosen)
        self.tools_.reach_wanted.connect(self.reach.open)
        self.tools_.compare_menu_wanted.connect(self.comparison.fill_menu)
        self.tools_.more_menu_wanted.connect(self._fill_more_menu)
        self.diagram.selection_changed.connect(self._on_diagram_selection_changed)
        self.diagram.opened_changed.connect(lambda _opened: self._show_selection())
        self.diagram.menu_requested.connect(self._on_menu_requested)
        self.table.selection_changed.connect(self._on_table_selection_changed)
        self.table.menu_requested.connect(self._on_menu_requested)
        self.table.kinds_requested.connect(self._offer_kinds)
        self.rows.found.connect(self._on_rows_found)
        self.comparison.changed.connect(self._show_difference)
        self.latency.selected.connect(self.select)
        self.canvas.strip.closed.connect(self.comparison.stop)
        self.totals.imgsz_changed.connect(self._on_totals_imgsz_changed)
        self.totals.refused.connect(lambda text, hint: self.messages.error(text, hint))
        self.inspector.kind_chosen.connect(self.apply_kind)
        self.inspector.option_chosen.connect(self._on_inspector_option_chosen)
        self.inspector.open_requested.connect(self._open)
        self.inspector.select_requested.connect(self.select)
        self.notes.changed.connect(self._on_notes_changed)
        self.kind_search.chosen.connect(self.apply_kind)
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
        self._narrow = self.tools_.fit(min(self.width(), self.window().width() - theme.RAIL_WIDTH))
        self._name_primary()
        if not self._columns_moved:
            share = min(max(round(self.width() * 0.28), _NARROW), _WIDE)
            self._columns.setSizes([max(self._columns.width() - share, 1), share])

    def activated(self) -> None:
        """Catch up with what changed meanwhile, and let the keyboard act on the diagram."""
        if self._stale:
            self._show_design(self.workspace.design)
        self.latency.start()
        self.diagram.setFocus(Qt.FocusReason.OtherFocusReason)

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Lend the kinds, selection, view and file actions to the menu bar."""
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
        """Make what fits in the selection a block kind, or say why nothing does; "" restores the standard."""
        if not kind:
            paths = self._snapshot.outermost(self._paths)
            if paths:
                self._apply(lambda design: restored(design, paths), paths, None)
            return
        targets = self.inspector.kinds.targets_for(kind)
        if targets:
            swap = self.inspector.swap_for(kind)
            self._apply(lambda design: swapped(design, targets, swap), targets, swap)
            return
        reason = self.actions_.reason(self._snapshot, self._paths)
        explain(self, kind, reason)

    def shutdown(self) -> None:
        """End what is asked."""
        self.latency.close()
        self.reach.close()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._name_primary()
        self.primary.setToolTip(self.tr("Go on to the Train page with this design."))
        self.tools_.retranslate()
        self.actions_.retranslate()
        self.actions_.enable(self._snapshot, self._paths, self.diagram.opened)
        self.reach.show_selection()
        self.latency.retranslate()
        self._show_name()

    def _name_primary(self) -> None:
        self.primary.setText((self.tr("Train") if self._narrow else self.tr("Train this design")) + "\u2002")

    def accepts_drop(self, paths: list[Path]) -> bool:
        """Take latency tables of other devices."""
        return self.latency.tables.takes(paths)

    def dropped(self, paths: list[Path]) -> None:
        """Predict for the device of a dropped table."""
        self.latency.tables.load(paths)

    def receive(self, request: Request) -> None:
        """Predict for the device of a table that was dropped elsewhere."""
        if isinstance(request, TableRequest):
            self.latency.tables.load([request.path])

    def _apply(self, change: Callable[[Design], Design], targets: tuple[str, ...], swap: Swap | None) -> None:
        try:
            changed = change(self.workspace.design)
        except AppError as problem:
            self.messages.error(problem)
            return
        self.workspace.apply(changed, edit_words(self._snapshot, targets, swap))

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
        self.reach.show_snapshot(self._snapshot)
        self.canvas.show_snapshot(self._snapshot)
        self.table.show_snapshot(self._snapshot)
        self.totals.show_table(self._snapshot.table)
        self.tools_.show_design(design)
        self.latency.show(self._snapshot)
        self.notes.show_notes(design.notes)
        self._show_difference()
        self._show_name()
        self._show_selection()

    def _show_difference(self) -> None:
        shown = self.comparison.difference(self._snapshot)
        self.diagram.show_signs(shown.signs if shown is not None else {})
        self.rows.show_difference(shown)
        self.canvas.strip.show_difference(shown, self._snapshot.table.lightweight)

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
        self.reach.show_selection()
        self.latency.show_selection(self._paths)

    def _find(self) -> None:
        self.canvas.find_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.canvas.find_field.selectAll()

    def _open(self, path: str) -> None:
        self.diagram.set_open(path, layer_of(path) not in self.diagram.opened)

    def _offer_kinds(self, position: QPoint | None) -> None:
        """Open the search for kinds, by default at the selected node."""
        if not self._paths:
            explain(self, "", self.actions_.reason(self._snapshot, ()))
            return
        node = self.diagram.rect_of(self._paths[0]).bottomLeft()
        place = position or self.diagram.mapToGlobal(node)
        self.kind_search.show_at(place, self.inspector.kinds.offers)

    def _fill_more_menu(self, menu: QMenu) -> None:
        menu.clear()
        add_activations(menu, self.workspace)
        menu.addActions([self.actions_.others[name] for name in names.FILES])

    def _save_diagram(self, path: Path) -> None:
        snapshot, cost = self._snapshot, self._snapshot.table.lightweight
        title = self.tr("{name}: {flops} GFLOPs, {parameters} M parameters").format(
            name=self.workspace.name,
            flops=f"{cost.flops / 1e9:.3g}",
            parameters=f"{cost.parameters / 1e6:.3g}",
        )
        shown = self.comparison.difference(snapshot)
        signs = shown.signs if shown is not None else None
        save_diagram(path, snapshot, title, self.diagram.words, self.diagram.opened, signs)

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

    def _on_rows_found(self, paths: tuple[str, ...]) -> None:
        if paths:
            self.select(paths)

    def _on_menu_requested(self, position: QPoint) -> None:
        menu = self.actions_.context_menu(self._snapshot, self._paths, self.inspector.kinds.offers)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(position)

    def _on_totals_imgsz_changed(self, imgsz: tuple[int, int]) -> None:
        self._imgsz = imgsz
        self._show_design(self.workspace.design)

    def _on_inspector_option_chosen(self, kind: str, option: str, value: int) -> None:
        facts = self._snapshot.facts
        targets = tuple(p for p in self._snapshot.targets(self._paths) if facts[p].kind == kind)
        targets = tuple(p for p in targets if facts[p].swap is not None)
        swap = self.inspector.swap_for(kind)
        self._apply(lambda design: with_option(design, targets, option, value), targets, swap)

    def _on_notes_changed(self, notes: str) -> None:
        self.workspace.apply(replace(self.workspace.design, notes=notes), self.tr("Notes"), merge="notes")

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
        chosen = preset(name, design.base, design.classes) if name else design.cleared()
        words = self.tr("Preset: {name}").format(name=preset_words(name))
        kept = design.activation if name else None
        self.workspace.apply(replace(chosen, notes=design.notes, activation=kept), words)
