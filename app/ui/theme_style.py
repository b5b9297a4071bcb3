"""The one style sheet of the Studio, and its palette, both made from tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QProxyStyle, QTreeView, QWidget

from app.core.folders import resources
from app.ui import theme_tokens as t
from app.ui.theme_icons import tinted_svg
from app.ui.theme_tokens import Tokens

# Pictures that Qt takes from files only: name of the picture → (icon, token).
_PICTURES: Mapping[str, tuple[str, str]] = {
    "check": ("check", "on_accent"),
    "dash": ("minus", "on_accent"),
    "down": ("chevron_down", "muted"),
    "down_off": ("chevron_down", "disabled"),
    "up": ("chevron_up", "muted"),
    "up_off": ("chevron_up", "disabled"),
    "right": ("chevron_right", "muted"),
    "menu_check": ("check", "accent"),
}


class StudioStyle(QProxyStyle):
    """Fusion, with what a style sheet cannot say."""

    def __init__(self) -> None:
        super().__init__("Fusion")

    def polish(self, target: QWidget | QApplication | QPalette) -> QPalette | None:  # type: ignore[override]
        """Keep text off the border of spin boxes, and give the rows of trees their height.

        Style sheets have no padding for the one, and the other is laid out before the sheet reaches it.
        """
        if isinstance(target, QAbstractSpinBox):
            field = target.findChild(QLineEdit)
            if field is not None:
                field.setTextMargins(t.INSIDE - 2, 0, 0, 0)
        elif isinstance(target, QTreeView):
            QTimer.singleShot(0, target, target.doItemsLayout)
        return super().polish(target)


def write_pictures(tokens: Tokens, folder: Path) -> None:
    """Write the few tinted pictures that a style sheet can only name by file."""
    target = folder / tokens.name
    target.mkdir(parents=True, exist_ok=True)
    for name, (icon, token) in _PICTURES.items():
        (target / f"{name}.svg").write_bytes(tinted_svg(icon, getattr(tokens, token)).data())


def palette(tokens: Tokens) -> QPalette:
    """Return the palette of a theme: what the style sheet does not reach is drawn by it."""
    roles = QPalette.ColorRole
    colours = {
        roles.Window: tokens.ground,
        roles.WindowText: tokens.text,
        roles.Base: tokens.surface,
        roles.AlternateBase: tokens.ground,
        roles.Text: tokens.text,
        roles.Button: tokens.surface,
        roles.ButtonText: tokens.text,
        roles.BrightText: tokens.bad,
        roles.Highlight: tokens.accent,
        roles.HighlightedText: tokens.on_accent,
        roles.Link: tokens.accent,
        roles.LinkVisited: tokens.accent,
        roles.ToolTipBase: tokens.surface,
        roles.ToolTipText: tokens.text,
        roles.PlaceholderText: tokens.muted,
        roles.Accent: tokens.accent,
        roles.Light: tokens.raised,
        roles.Midlight: tokens.raised,
        roles.Mid: tokens.line,
        roles.Dark: tokens.strong_line,
        roles.Shadow: tokens.line,
    }
    result = QPalette()
    for role, colour in colours.items():
        result.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.disabled))
    result.setColor(QPalette.ColorGroup.Disabled, roles.Highlight, QColor(tokens.line))
    return result


def style_sheet(tokens: Tokens, pictures: Path) -> str:
    """Return the style sheet of a theme.

    Args:
        tokens: Colours.
        pictures: Folder given to ``write_pictures``.
    """
    values = {name: value for name, value in vars(tokens).items() if isinstance(value, str)}
    values |= {
        "pictures": (pictures / tokens.name).as_posix(),
        "small": f"{t.SIZE_SMALL}px",
        "body": f"{t.SIZE_BODY}px",
        "section": f"{t.SIZE_SECTION}px",
        "title": f"{t.SIZE_TITLE}px",
        "figure": f"{t.SIZE_FIGURE}px",
        "radius": f"{t.RADIUS}px",
    }
    template = (resources() / "themes" / "studio.qss").read_text(encoding="utf-8")
    return Template(template).substitute(values)
