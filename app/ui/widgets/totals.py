"""The totals strip: the standard and the lightweight model beside each other, and what changed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.core.cost import Cost, CostTable, check_imgsz
from app.core.errors import AppError
from app.core.text import figure, grouped, percent_change
from app.ui import theme
from app.ui.widgets.cards import Card, label

MEASURES = ("parameters", "flops", "file_bytes", "activation_bytes")
_SCALES = {"parameters": 1e6, "flops": 1e9, "file_bytes": 1e6, "activation_bytes": 1e6}
_ROWS = ("standard", "lightweight", "change", "deployed")
_SIZES = (320, 416, 512, 640, 960, 1280)


class Totals(Card):
    """Four measures by standard, lightweight, change and deployed form, and the input size they hold for."""

    imgsz_changed = Signal(object)
    """The input size that the user chose: (height, width) in pixels."""
    refused = Signal(str, str)
    """Why an input size is not possible, and what to write instead, translated."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=theme.BETWEEN)
        self.setObjectName("totals")
        self._table: CostTable | None = None
        self._heads: dict[str, QLabel] = {}
        self._values: dict[tuple[str, str], QLabel] = {}
        self._names: dict[str, QLabel] = {}
        self._grid = QGridLayout()
        self._build_grid()
        self.size_choice = QComboBox()
        self.size_choice.setObjectName("imgsz")
        self.size_choice.setEditable(True)
        self.size_choice.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.size_choice.addItems([str(size) for size in _SIZES])
        self.size_choice.setCurrentText("640")
        self.size_choice.setFixedWidth(104)
        self._size_label = label(role="small")
        self._size_label.setBuddy(self.size_choice)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self._size_label)
        column.addWidget(self.size_choice)
        column.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(theme.AROUND)
        row.addLayout(self._grid, 1)
        row.addLayout(column)
        self.body.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.BETWEEN, theme.INSIDE)
        self.body.addLayout(row)
        self.size_choice.textActivated.connect(self._on_size_chosen)
        edit = self.size_choice.lineEdit()
        assert edit is not None
        edit.editingFinished.connect(self._on_size_finished)
        self.retranslate()

    def _build_grid(self) -> None:
        self._grid.setHorizontalSpacing(theme.BETWEEN)
        self._grid.setVerticalSpacing(1)
        for row, name in enumerate(_ROWS, 1):
            self._names[name] = label(role="small" if name == "deployed" else "", tone=_tone(name))
            self._names[name].setObjectName(f"totals_{name}")
            self._grid.addWidget(self._names[name], row, 0)
        for column, measure in enumerate(MEASURES, 1):
            head = label(role="small", wrap=True)
            head.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
            self._heads[measure] = head
            self._grid.addWidget(head, 0, column)
            for row, name in enumerate(_ROWS, 1):
                value = label(
                    "–", role={"lightweight": "strong", "deployed": "small"}.get(name, ""), tone=_tone(name)
                )
                value.setObjectName(f"totals_{measure}_{name}")
                value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self._values[measure, name] = value
                self._grid.addWidget(value, row, column)
            self._grid.setColumnStretch(column, 3 if measure in ("flops", "file_bytes") else 4)

    def show_table(self, table: CostTable) -> None:
        """Show a design's totals."""
        self._table = table
        differs = False
        for measure in MEASURES:
            before, after = _value(table.standard, measure), _value(table.lightweight, measure)
            deployed, was = (
                _value(table.deployed_lightweight, measure),
                _value(table.deployed_standard, measure),
            )
            self._set(measure, "standard", before, measure)
            self._set(measure, "lightweight", after, measure)
            self._set_change(measure, before, after)
            other = (deployed, was) != (after, before)
            differs = differs or other
            self._set(measure, "deployed", deployed if other else None, measure)
            self._values[measure, "deployed"].setToolTip(
                self.tr("{before} → {after}, {change}").format(
                    before=grouped(was), after=grouped(deployed), change=percent_change(was, deployed)
                )
            )
        self._names["deployed"].setVisible(differs)
        height, width = table.imgsz
        shown = str(height) if height == width else f"{width}×{height}"
        if not self.size_choice.hasFocus():
            self.size_choice.setCurrentText(shown)
        theme.set_role(self.size_choice, "", invalid="false")

    def _set(self, measure: str, row: str, value: int | None, unit: str) -> None:
        widget = self._values[measure, row]
        widget.setText("" if value is None else figure(value / _SCALES[unit]))
        widget.setToolTip("" if value is None else grouped(value))

    def _set_change(self, measure: str, before: int, after: int) -> None:
        widget = self._values[measure, "change"]
        widget.setText(percent_change(before, after))
        widget.setToolTip(grouped(after - before))
        tone = "good" if after < before else ("bad" if after > before else "")
        if widget.property("tone") != tone:
            theme.set_role(widget, str(widget.property("role") or ""), tone=tone)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Totals of the standard and the lightweight model"))
        for measure, words, help_ in (
            ("parameters", self.tr("Parameters (M)"), self.tr("Numbers that training learns, in millions.")),
            (
                "flops",
                self.tr("GFLOPs"),
                self.tr("Floating-point operations for one picture: 2 × multiply-adds."),
            ),
            ("file_bytes", self.tr("Size (MB)"), self.tr("Tensor bytes of the FP16 checkpoint.")),
            (
                "activation_bytes",
                self.tr("Activations (MB)"),
                self.tr("Peak memory of the intermediate results for one picture, in float32."),
            ),
        ):
            self._heads[measure].setText(words)
            self._heads[measure].setToolTip(help_)
        self._names["standard"].setText(self.tr("Standard"))
        self._names["lightweight"].setText(self.tr("Lightweight"))
        self._names["change"].setText(self.tr("Change"))
        self._names["deployed"].setText(self.tr("deployed"))
        self._names["deployed"].setToolTip(
            self.tr("The lightweight model as a runtime executes it: BatchNorm folded, multipliers unrolled.")
        )
        self._size_label.setText(self.tr("Input size (px)"))
        self.size_choice.setAccessibleName(self.tr("Input size in pixels"))
        self.size_choice.setToolTip(self.tr("A multiple of 32, or width × height, such as 640×384."))
        if self._table is not None:
            self.show_table(self._table)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _on_size_finished(self) -> None:
        self._on_size_chosen(self.size_choice.currentText())

    def _on_size_chosen(self, text: str) -> None:
        size = parse_size(text)
        theme.set_role(self.size_choice, "", invalid="true" if size is None else "false")
        if size is None:
            self.refused.emit(
                self.tr("“{text}” is not an input size.").format(text=text.strip()),
                self.tr(
                    "Write a multiple of 32 up to 8192, such as 640, or width × height, such as 640×384."
                ),
            )
        elif self._table is None or size != self._table.imgsz:
            self.imgsz_changed.emit(size)


def parse_size(text: str) -> tuple[int, int] | None:
    """Return (height, width) of "640" or "640×384" (width × height); None where that is not possible."""
    parts = [part.strip() for part in text.replace("x", "×").replace("*", "×").split("×")]
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        return None
    try:
        return check_imgsz((int(parts[-1]), int(parts[0])))
    except AppError:
        return None


def _value(cost: Cost, measure: str) -> int:
    return int(getattr(cost, measure))


def _tone(row: str) -> str:
    return row if row in ("standard", "lightweight") else ""
