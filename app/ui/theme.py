"""The theme in use: tokens, fonts, icons, and the switch between light, dark and the system's own.

Widgets that paint themselves ask ``tokens()`` in their ``paintEvent``; widgets that keep pens or pictures
connect to ``notifier().changed``. Everything else is drawn by the palette and the style sheet.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTemporaryDir, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase
from PySide6.QtWidgets import QApplication, QWidget

from app.core.colours import CLASS_COLOURS, class_colour, contrast, text_on
from app.ui.theme_icons import application_icon, draw_icon, icon, pixmap, use_tokens
from app.ui.theme_style import StudioStyle, palette, style_sheet, write_pictures
from app.ui.theme_tokens import (
    AROUND,
    BETWEEN,
    CONTROL_HEIGHT,
    DARK,
    GROUPS,
    INSIDE,
    KIND_COLOURS,
    LIGHT,
    OKABE_ITO,
    RADIUS,
    RAIL_WIDTH,
    ROW_HEIGHT,
    SIZE_BODY,
    SIZE_FIGURE,
    SIZE_SECTION,
    SIZE_SMALL,
    SIZE_TITLE,
    TEXT_TOKENS,
    Tokens,
    run_colour,
)

__all__ = [
    "AROUND",
    "BETWEEN",
    "CLASS_COLOURS",
    "CONTROL_HEIGHT",
    "DARK",
    "GROUPS",
    "INSIDE",
    "KIND_COLOURS",
    "LIGHT",
    "OKABE_ITO",
    "RADIUS",
    "RAIL_WIDTH",
    "ROW_HEIGHT",
    "SIZE_BODY",
    "SIZE_FIGURE",
    "SIZE_SECTION",
    "SIZE_SMALL",
    "SIZE_TITLE",
    "TEXT_TOKENS",
    "ThemeController",
    "Tokens",
    "application_icon",
    "class_colour",
    "colour",
    "contrast",
    "draw_icon",
    "font",
    "icon",
    "notifier",
    "pixmap",
    "run_colour",
    "set_role",
    "text_on",
    "tokens",
]


_NATIVE_TITLE_BARS = platform.system() in {"Windows", "Darwin"}


class _Notifier(QObject):
    """Tells widgets that the colours are other ones now."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens = LIGHT


@cache
def notifier() -> _Notifier:
    """Return the object whose ``changed`` fires after every change of theme."""
    return _Notifier()


def tokens() -> Tokens:
    """Return the colours in use."""
    return notifier().tokens


def colour(token: str, alpha: float = 1.0) -> QColor:
    """Return a token as a QColor.

    Args:
        token: Name of a colour of ``Tokens``, or ``#RRGGBB``.
        alpha: 0 (clear) to 1 (solid).
    """
    result = QColor(token if token.startswith("#") else getattr(tokens(), token))
    result.setAlphaF(alpha)
    return result


def font(size: int = SIZE_BODY, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the interface's face at a size in px, with tabular figures."""
    result = QFont(QApplication.font())
    result.setPixelSize(size)
    result.setWeight(weight)
    return result


def set_role(widget: QWidget, role: str, **properties: str) -> None:
    """Give a widget a role of the style sheet (``primary``, ``card``, ``muted``, …) and draw it anew.

    Args:
        widget: Button, label or frame.
        role: Value of the property ``role``; empty for none.
        **properties: Further properties of the style sheet, such as ``tone="good"``.
    """
    widget.setProperty("role", role)
    for name, value in properties.items():
        widget.setProperty(name, value)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)


@cache
def _pictures_folder() -> QTemporaryDir:
    """Return where the style sheet's pictures are drawn; it lives as long as the style sheet may: the process."""
    return QTemporaryDir()


class ThemeController(QObject):
    """Applies one of the themes to the application and follows the system when asked to."""

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._choice = "system"
        self._applied: Tokens | None = None
        self._pictures = _pictures_folder()
        application.setStyle(StudioStyle())
        application.setFont(_base_font())
        application.setWindowIcon(application_icon())
        application.styleHints().colorSchemeChanged.connect(self._on_system_color_scheme_changed)

    def apply(self, choice: str) -> None:
        """Use ``light``, ``dark``, or what the ``system`` prefers."""
        self._choice = choice
        self._tell_platform(choice)
        chosen = {"light": LIGHT, "dark": DARK}.get(choice) or self._system_tokens()
        if chosen is self._applied:
            return
        self._applied = chosen
        use_tokens(chosen)
        told = notifier()
        told.tokens = chosen
        folder = Path(self._pictures.path())
        write_pictures(chosen, folder)
        self._application.setPalette(palette(chosen))
        self._application.setStyleSheet(style_sheet(chosen, folder))
        told.changed.emit()

    def _tell_platform(self, choice: str) -> None:
        """Let Windows and macOS draw title bars to match; everything inside the window is ours."""
        if not _NATIVE_TITLE_BARS:
            return
        hints = self._application.styleHints()
        if choice == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)

    def _system_tokens(self) -> Tokens:
        scheme = self._application.styleHints().colorScheme()
        return DARK if scheme == Qt.ColorScheme.Dark else LIGHT

    @Slot()
    def _on_system_color_scheme_changed(self) -> None:
        if self._choice == "system":
            self.apply("system")


def _base_font() -> QFont:
    """The system's face at 13 px, digits of one width."""
    result = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    result.setPixelSize(SIZE_BODY)
    result.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if hasattr(QFont, "Tag"):
        result.setFeature(QFont.Tag("tnum"), 1)
    return result
