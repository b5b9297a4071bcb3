"""The card beside the table: what a model is, where it comes from, which files it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDateTime, QEvent, QLocale, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.core.run_notes import Notes, tags_of
from app.core.text import figure, grouped, size
from app.core.train_config import TrainConfig
from app.ui import theme
from app.ui.data_names import spoken_name
from app.ui.pages.models_rows import RUN, ModelRow
from app.ui.text import in_a_row, reason_words
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.elided import ElidedLabel

Pairs = list[tuple[str, ...]]
"""A name, a value, and where the value is shortened the whole of it."""


class ModelCard(Card):
    """Figures, provenance, classes and files of one model; a sentence where none is chosen."""

    folder_opened = Signal(object)
    notes_changed = Signal(object, object)
    """The run, and its `Notes` now."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("modelCard")
        self._row: ModelRow | None = None
        self._more: Mapping[str, Any] = {}
        self.name = ElidedLabel()
        self.name.setProperty("role", "section")
        self.sentence = label(role="muted", wrap=True)
        self.folder = button("modelFolder", icon="folder")
        self.folder.clicked.connect(lambda: self.folder_opened.emit(self._row))
        self._content = QWidget()
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.AROUND)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        row = QHBoxLayout()
        row.addWidget(self.folder)
        row.addStretch(1)
        self.body.addWidget(self.name)
        self.body.addWidget(self.sentence)
        self.body.addWidget(area, 1)
        self.tags = QLineEdit()
        self.tags.setObjectName("runTags")
        self.note = QPlainTextEdit()
        self.note.setObjectName("runNote")
        self.note.setFixedHeight(58)
        self.note.setTabChangesFocus(True)
        self.tags.editingFinished.connect(self.save_notes)
        self.note.installEventFilter(self)
        self.body.addWidget(self.tags)
        self.body.addWidget(self.note)
        self.body.addLayout(row)

    def show_row(self, row: ModelRow | None, more: Mapping[str, Any] | None = None) -> None:
        """Show a model.

        Args:
            row: The model; None shows the sentence.
            more: What the engine read in its checkpoint.
        """
        if row == self._row and (more or {}) == self._more:
            return
        if self._row is not None and (row is None or row.path != self._row.path):
            self.save_notes()
        same = self._row is not None and row is not None and row.path == self._row.path
        self._row, self._more = row, more or {}
        notes = row.notes if row is not None else Notes()
        for widget in (self.tags, self.note):
            widget.setVisible(row is not None and row.run is not None)
        if not (same and (self.tags.hasFocus() or self.note.hasFocus())):  # somebody is writing
            self.tags.setText(", ".join(notes.tags))
            self.note.setPlainText(notes.note)
        self._fill()

    def save_notes(self) -> None:
        """Keep what was written about the run."""
        row = self._row
        if row is None or row.run is None:
            return
        notes = Notes(tags_of(self.tags.text()), self.note.toPlainText().strip())
        if notes != row.notes:
            self._row = replace(row, notes=notes)
            self.notes_changed.emit(row.run, notes)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Keep the note when the keyboard goes elsewhere."""
        if watched is self.note and event.type() == QEvent.Type.FocusOut:
            self.save_notes()
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def texts(self) -> list[str]:
        """Return every text of the card, for tests."""
        return [text.text() for text in self._content.findChildren(ElidedLabel)]

    def _fill(self) -> None:
        while self._column.count():
            item = self._column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        row = self._row
        self.folder.setVisible(row is not None)
        self.sentence.setVisible(row is None or bool(row.state is not None and row.state.reason))
        self.sentence.setText(self.tr("Choose a model to see its figures, files and origin."))
        if row is None:
            self.name.setText("")
            return
        self.name.setText(row.name)
        if row.state is not None:
            self.sentence.setText(in_a_row(*reason_words(row.state)))
        config = self._config(row)
        self._section(self.tr("Figures"), self._figures(row))
        self._section(self.tr("Average precision by class"), self._classes(row), names_cut=True)
        self._section(self.tr("Origin"), self._origin(row, config))
        self._section(self.tr("Files"), self._files(row))
        self._column.addStretch(1)

    def _config(self, row: ModelRow) -> TrainConfig | None:
        if row.run is None:
            return None
        try:
            return row.run.config()
        except AppError:
            return None

    def _figures(self, row: ModelRow) -> Pairs:
        state = row.state
        best = dict(state.best or state.metrics) if state is not None else dict(row.figures)
        pairs: Pairs = []
        for name, words in (
            ("map50_95", self.tr("mAP50-95")),
            ("map50", self.tr("mAP50")),
            ("precision", self.tr("Precision")),
            ("recall", self.tr("Recall")),
        ):
            value = best.get(name)
            if isinstance(value, (int, float)):
                pairs.append((words, f"{value:.3f}"))
        parameters = row.parameters or int(self._more.get("parameters") or 0)
        if parameters:
            pairs.append((self.tr("Parameters"), grouped(parameters)))
        if row.gflops is not None:
            pairs.append((self.tr("GFLOPs at {size} px").format(size=row.imgsz or "?"), figure(row.gflops)))
        if row.bytes:
            pairs.append((self.tr("Size"), size(row.bytes)))
        return pairs

    def _classes(self, row: ModelRow) -> Pairs:
        state = row.state
        scores = row.figures.get("per_class") or {}
        if state is not None:
            scores = state.best.get("per_class") or state.metrics.get("per_class") or {}
        if not scores:
            return [(str(name), "") for name in self._more.get("names") or ()]
        return [
            (str(name), _score(found.get("ap50"), found.get("ap50_95"))) for name, found in scores.items()
        ]

    def _origin(self, row: ModelRow, config: TrainConfig | None) -> Pairs:
        pairs: Pairs = []
        if row.run is not None and row.state is not None and config is not None:
            pairs += [
                (self.tr("Data"), spoken_name(config.data), config.data),
                (
                    self.tr("Warm start"),
                    Path(config.weights).name if config.weights else self.tr("fresh weights"),
                ),
                (self.tr("Epochs"), f"{row.state.epoch}/{row.state.epochs}"),
                (self.tr("Picture size"), f"{config.imgsz} px"),
                (self.tr("Batch and seed"), f"{config.batch}, {config.seed}"),
                (self.tr("Device"), row.state.device),
                (self.tr("Started"), _moment(row.state.started)),
            ]
        more = self._more
        if more.get("base"):
            pairs.append((self.tr("Base model"), str(more["base"])))
        if more.get("swaps") is not None and row.run is None:
            pairs.append((self.tr("Swapped modules"), str(len(more["swaps"]))))
        pairs += [(str(key), str(value)) for key, value in (more.get("provenance") or {}).items()]
        return [pair for pair in pairs if pair[1]]

    def _files(self, row: ModelRow) -> Pairs:
        if row.kind != RUN or row.run is None:
            return [(row.path.name, size(row.bytes))]
        run = row.run
        names: Iterable[Path] = (
            run.best,
            run.last,
            run.metrics_path,
            run.transfer_path,
            run.path / "design.yaml",
        )
        return [(path.name, size(path.stat().st_size)) for path in names if path.is_file()]

    def _section(self, title: str, pairs: Pairs, names_cut: bool = False) -> None:
        """Add names and values; where there is little room the values are shortened, or the names."""
        if not pairs:
            return
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.BETWEEN)
        grid.setVerticalSpacing(4)
        grid.addWidget(label(title, role="strong"), 0, 0, 1, 2)
        for number, (key, value, *whole) in enumerate(pairs, 1):
            left = ElidedLabel(key)
            left.setProperty("role", "muted")
            right = ElidedLabel(value, Qt.TextElideMode.ElideMiddle)
            if whole:
                right.setToolTip(whole[0])
            kept = right if names_cut else left
            kept.setMinimumWidth(kept.sizeHint().width())
            right.setAlignment(Qt.AlignmentFlag.AlignRight)
            right.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
            grid.addWidget(left, number, 0)
            grid.addWidget(right, number, 1)
        grid.setColumnStretch(0 if names_cut else 1, 1)
        self._column.addWidget(box)

    def retranslate(self) -> None:
        """Set the texts."""
        self.folder.setText(self.tr("Open folder"))
        self.tags.setPlaceholderText(self.tr("Tags, with commas between"))
        self.tags.setAccessibleName(self.tr("Tags of the run"))
        self.note.setPlaceholderText(self.tr("A note"))
        self.note.setAccessibleName(self.tr("Note about the run"))
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _score(ap50: Any, ap50_95: Any) -> str:
    if ap50 is None or ap50_95 is None:
        return "–"
    return f"{float(ap50):.3f} / {float(ap50_95):.3f}"


def _moment(seconds: float) -> str:
    """Write a moment in the user's way."""
    if not seconds:
        return ""
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(round(seconds)), QLocale.FormatType.ShortFormat)
