"""Small dialogs about sources: the address of a stream, and how a camera shall be opened."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.core.source_options import SourceOptions, check_address
from app.ui import theme
from app.ui.text import problem_words
from app.ui.widgets.cards import label

_SIZES = ((640, 480), (800, 600), (1280, 720), (1280, 960), (1920, 1080), (2560, 1440), (3840, 2160))
_RATES = (10, 15, 24, 25, 30, 50, 60, 120)
_WIDTH = 460


class AddressDialog(QDialog):
    """Asks for the address of a stream; what is wrong with it stands below, and OK waits until nothing is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("addressDialog")
        self.setWindowTitle(self.tr("Open a stream"))
        self.setMinimumWidth(_WIDTH)
        self.address = QLineEdit()
        self.address.setObjectName("streamAddress")
        self.address.setAccessibleName(self.tr("Address of the stream"))
        self.address.setPlaceholderText("rtsp://192.168.1.20:554/live")
        self.problem = label(role="muted", wrap=True)
        self.problem.setObjectName("addressProblem")
        self.buttons = _buttons(self)
        words = label(
            self.tr(
                "RTSP cameras, MJPEG over HTTP and other streams that FFmpeg reads. A name and a password may stand "
                "in the address, as in rtsp://name:password@camera/live; they are shown and kept nowhere."
            ),
            wrap=True,
        )
        body = QVBoxLayout(self)
        body.setSpacing(theme.INSIDE)
        for widget in (words, self.address, self.problem, self.buttons):
            body.addWidget(widget)
        self.address.textChanged.connect(self._on_address_text_changed)
        self._on_address_text_changed()

    @property
    def value(self) -> str:
        """The address, trimmed."""
        return self.address.text().strip()

    @Slot()
    def _on_address_text_changed(self) -> None:
        words = ""
        fits = bool(self.value)
        if fits:
            try:
                check_address(self.value)
            except AppError as problem:
                fits, words = False, " ".join(problem_words(problem))
        self.problem.setText(words)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(fits)


class CameraDialog(QDialog):
    """Asks for the size and rate of a camera, and whether it is a mirror."""

    def __init__(self, name: str, options: SourceOptions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cameraDialog")
        self.setWindowTitle(self.tr("Settings of {camera}").format(camera=name))
        self.setMinimumWidth(_WIDTH)
        self.size_, self.rate = QComboBox(), QComboBox()
        self.size_.setObjectName("cameraSize")
        self.rate.setObjectName("cameraRate")
        own = self.tr("As the camera likes")
        self.size_.addItem(own, None)
        for width, height in _SIZES:
            self.size_.addItem(f"{width} × {height}", (width, height))
        self.rate.addItem(own, None)
        for fps in _RATES:
            self.rate.addItem(self.tr("{fps} pictures/s").format(fps=fps), float(fps))
        self.mirror = QCheckBox(self.tr("Show it as a mirror"))
        self.mirror.setObjectName("cameraMirror")
        self.buttons = _buttons(self)
        form = QFormLayout()
        form.setSpacing(theme.INSIDE)
        form.addRow(self.tr("Picture size"), self.size_)
        form.addRow(self.tr("Rate"), self.rate)
        form.addRow("", self.mirror)
        hint = label(
            self.tr(
                "A camera takes what comes nearest. The detectors see its picture scaled to their own size."
            ),
            role="muted",
            wrap=True,
        )
        body = QVBoxLayout(self)
        body.setSpacing(theme.INSIDE)
        body.addLayout(form)
        body.addWidget(hint)
        body.addWidget(self.buttons)
        self._show(options)

    def _show(self, options: SourceOptions) -> None:
        size = (options.width, options.height) if options.width else None
        for menu, value in ((self.size_, size), (self.rate, options.fps)):
            index = next((i for i in range(menu.count()) if menu.itemData(i) == value), 0)
            menu.setCurrentIndex(index)
        self.mirror.setChecked(options.mirror)

    @property
    def options(self) -> SourceOptions:
        """What is chosen."""
        size = self.size_.currentData()
        width, height = (int(size[0]), int(size[1])) if size else (None, None)
        return SourceOptions(width, height, self.rate.currentData(), self.mirror.isChecked())


def _buttons(dialog: QDialog) -> QDialogButtonBox:
    standard = QDialogButtonBox.StandardButton
    buttons = QDialogButtonBox(standard.Ok | standard.Cancel)
    buttons.accepted.connect(dialog.accept)
    buttons.rejected.connect(dialog.reject)
    return buttons
