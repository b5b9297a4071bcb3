"""The window of the roofline: why the layers of the open design take as long as they do."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.core.latency_devices import KnownTable
from app.core.latency_roofline import Roof, kept_roof, points
from app.ui import theme
from app.ui.pages.design_latency_choice import full_name
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.layer_table_columns import kind_words
from app.ui.widgets.roofline_plot import RooflinePlot, Spot

_SIZE = (760, 540)
_FLOATS = ("f32", "bf16", "f16")


class RooflineDialog(QDialog):
    """Stays open beside the page and follows it; a click in the plot selects the layer there."""

    chosen = Signal(tuple)
    """Module paths that the user chose."""
    roof_wanted = Signal()
    """Memory and arithmetic of this machine shall be measured."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("rooflineDialog")
        self._known: KnownTable | None = None
        self._snapshot: Snapshot | None = None
        self._measuring = False
        self.words = label(wrap=True)
        self.words.setObjectName("rooflineWords")
        self.legend = label(role="small", wrap=True)
        policy = self.legend.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.legend.setSizePolicy(policy)
        self.plot = RooflinePlot()
        self.measure = button("measureRoof")
        self.close_button = button("closeRoofline")
        self.card = Card(margin=theme.INSIDE)
        self.card.body.addWidget(self.plot, 1)
        foot = QHBoxLayout()
        foot.setSpacing(theme.INSIDE)
        foot.addWidget(self.legend, 1)
        foot.addWidget(self.measure)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.BETWEEN, theme.AROUND, theme.BETWEEN)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.words)
        column.addWidget(self.card, 1)
        column.addStretch(0)
        column.addLayout(foot)
        self.plot.chosen.connect(self.chosen)
        self.measure.clicked.connect(self.roof_wanted)
        self.measure.setAutoDefault(False)
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.close)
        self.resize(*_SIZE)
        self.plot.setFocus(Qt.FocusReason.OtherFocusReason)
        self.retranslate()

    def show_design(self, known: KnownTable | None, snapshot: Snapshot, measuring: bool) -> None:
        """Show a design as it runs on a device; `measuring` while the roof is being measured."""
        self._known, self._snapshot, self._measuring = known, snapshot, measuring
        self.card.setVisible(known is not None)
        self.legend.setVisible(known is not None)
        if known is None:
            self.plot.show_spots((), None)
            self._write(None, 0, 0)
            return
        roof = kept_roof(known.table.setting)
        spots = [
            Spot(point, point.path, self._kind(snapshot, point.path))
            for point in points(known.table, snapshot.design, snapshot.table.imgsz)
        ]
        self.plot.show_spots(spots, roof)
        waiting = sum(spot.point.ms for spot in spots if roof and spot.point.intensity < roof.ridge)
        self._write(roof, waiting, sum(spot.point.ms for spot in spots))

    def show_selection(self, paths: tuple[str, ...]) -> None:
        """Ring what is selected on the page."""
        self.plot.show_selection(paths)

    def _kind(self, snapshot: Snapshot, path: str) -> str:
        facts = snapshot.facts.get(path)
        if facts is None or facts.swap is None:
            return self.tr("standard")
        return kind_words(facts.swap.block, facts.swap)

    def _write(self, roof: Roof | None, waiting: float, whole: float) -> None:
        known = self._known
        can = known is not None and known.here and known.table.setting.precision in _FLOATS
        self.measure.setVisible(can and roof is None)
        self.measure.setEnabled(not self._measuring)
        if known is None:
            self.words.setText(self.tr("Nothing is measured yet: measure this machine first."))
        elif roof is not None:
            words = self.tr(
                "Left of the ridge, at {ridge} operations per byte, modules wait for memory, {share} % of the time "
                "here: fewer operations do not help them, fewer bytes do. Right of it arithmetic is the limit. "
                "What lies above the slope finds its data in the processor's caches."
            )
            share = f"{waiting / whole * 100:.0f}" if whole else "0"
            self.words.setText(words.format(share=share, ridge=f"{roof.ridge:.0f}"))
        elif self._measuring:
            self.words.setText(self.tr("Measuring what memory and arithmetic of this machine can do at best"))
        elif not known.here:
            words = self.tr("What memory and arithmetic of {machine} can do at best is not known here.")
            self.words.setText(words.format(machine=known.table.setting.machine))
        elif can:
            self.words.setText(
                self.tr("What memory and arithmetic of this machine can do at best is not measured yet.")
            )
        else:
            words = self.tr("There is no roof for {precision}: only f32, bf16 and f16 can be measured.")
            self.words.setText(words.format(precision=known.table.setting.precision))
        name = full_name(known) if known is not None else ""
        self.setWindowTitle(self.tr("Roofline: {name}").format(name=name) if name else self.tr("Roofline"))

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.measure.setText(self.tr("Measure the roof"))
        self.close_button.setText(self.tr("Close"))
        self.legend.setText(
            self.tr("Size: milliseconds. Colour: kind, as in the diagram. A click selects the layer.")
        )
        if self._snapshot is not None:
            self.show_design(self._known, self._snapshot, self._measuring)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
