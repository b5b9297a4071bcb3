"""Colours that can be read, icons that follow, one style sheet without a leftover."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QSlider,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.core.colours import CLASS_COLOURS, contrast, text_on
from app.core.folders import resources
from app.ui import theme
from app.ui.application import Studio
from app.ui.theme_style import palette, style_sheet
from app.ui.theme_tokens import DARK, LIGHT, OKABE_ITO, TEXT_TOKENS, Tokens

BOTH = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@BOTH
@pytest.mark.parametrize("ground", ["ground", "surface", "selection", "overlay"])
@pytest.mark.parametrize("token", TEXT_TOKENS)
def test_every_text_token_can_be_read(tokens: Tokens, token: str, ground: str) -> None:
    assert contrast(getattr(tokens, token), getattr(tokens, ground)) >= 4.5


@BOTH
def test_text_on_accent_and_on_hover_can_be_read(tokens: Tokens) -> None:
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert contrast(tokens.on_accent, tokens.accent_hover) >= 4.5
    for token in ("text", "muted"):
        assert contrast(getattr(tokens, token), tokens.raised) >= 4.5
    for band in (tokens.backbone, tokens.neck, tokens.head):
        assert contrast(tokens.text, band) >= 4.5


@pytest.mark.parametrize("fill", [*CLASS_COLOURS, *OKABE_ITO])
def test_labels_on_class_and_run_colours_can_be_read(fill: str) -> None:
    assert contrast(text_on(fill), fill) >= 4.5


def test_colour_lists_do_not_repeat_early() -> None:
    assert len(set(CLASS_COLOURS)) == len(CLASS_COLOURS) == 16
    assert theme.class_colour(16) == theme.class_colour(0)
    assert len(set(OKABE_ITO)) == len(OKABE_ITO)
    assert theme.run_colour(len(OKABE_ITO)) == OKABE_ITO[0]


@BOTH
def test_style_sheet_is_filled_in(tokens: Tokens, tmp_path: Path) -> None:
    sheet = style_sheet(tokens, tmp_path)
    assert "$" not in sheet
    other = DARK if tokens is LIGHT else LIGHT
    assert tokens.surface in sheet
    assert other.ground not in sheet


@BOTH
def test_palette_is_our_own(tokens: Tokens) -> None:
    ours = palette(tokens)
    assert ours.color(QPalette.ColorRole.Window).name().upper() == tokens.ground
    assert ours.color(QPalette.ColorRole.Text).name().upper() == tokens.text


def test_every_icon_is_tinted_and_drawn(qapp: QApplication) -> None:
    for path in sorted((resources() / "icons").glob("*.svg")):
        if path.stem == "studio":
            continue
        assert "currentColor" in path.read_text(), path.name
        image = theme.pixmap(path.stem, "bad", 24).toImage()
        painted = [image.pixelColor(x, y) for x in range(24) for y in range(24)]
        assert any(colour.alpha() > 200 for colour in painted), path.name


def _darkest(icon: QIcon) -> int:
    image = icon.pixmap(QSize(24, 24), 1.0).toImage().convertToFormat(QImage.Format.Format_ARGB32)
    colours = (image.pixelColor(x, y) for x in range(24) for y in range(24))
    return min(colour.lightness() for colour in colours if colour.alpha() > 200)


def test_icons_follow_the_theme_without_being_set_again(studio: Studio) -> None:
    icon = theme.icon("home")
    assert _darkest(icon) < 80
    studio.services.store.update(theme="dark")
    assert _darkest(icon) > 180


def test_theme_changes_at_once_and_tells(studio: Studio, qtbot: QtBot) -> None:
    studio.window.start()
    assert theme.tokens() is LIGHT
    with qtbot.waitSignal(theme.notifier().changed):
        studio.services.store.update(theme="dark")
    assert theme.tokens() is DARK
    grabbed = studio.window.grab().toImage()
    assert grabbed.pixelColor(grabbed.width() - 4, grabbed.height() // 2).name().upper() == DARK.ground


def test_a_role_changes_the_look_of_a_shown_widget(studio: Studio, qtbot: QtBot) -> None:
    label = QLabel("12")
    qtbot.addWidget(label)
    label.show()
    before = label.sizeHint().height()
    theme.set_role(label, "figure")
    assert label.sizeHint().height() > 2 * before


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_icons_are_sharp_at_every_scale(qapp: QApplication, scale: float) -> None:
    pixmap = theme.icon("home").pixmap(QSize(24, 16), scale)
    assert (pixmap.width(), pixmap.height()) == (round(24 * scale), round(16 * scale))
    assert pixmap.devicePixelRatio() == pytest.approx(scale)


def test_rows_of_a_tree_and_text_of_a_spin_box_have_room(studio: Studio, qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    tree, spin = QTreeWidget(), QSpinBox()
    tree.addTopLevelItem(QTreeWidgetItem(["row"]))
    column.addWidget(tree)
    column.addWidget(spin)
    with qtbot.waitExposed(holder):
        holder.show()
    qtbot.waitUntil(lambda: tree.visualItemRect(tree.topLevelItem(0)).height() >= theme.ROW_HEIGHT)
    assert spin.lineEdit().textMargins().left() >= 6
    assert spin.height() >= theme.CONTROL_HEIGHT


def test_a_focused_slider_keeps_its_groove(studio: Studio, qtbot: QtBot) -> None:
    slider = QSlider(Qt.Orientation.Horizontal)
    qtbot.addWidget(slider)
    slider.resize(200, 30)
    slider.setValue(50)
    with qtbot.waitActive(slider):
        slider.show()
        slider.activateWindow()
    slider.setFocus()
    image = slider.grab().toImage()
    assert image.pixelColor(20, 3).name().upper() == LIGHT.ground
    assert image.pixelColor(20, 15).name().upper() == LIGHT.accent


def test_the_system_is_followed_only_when_asked(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    controller = studio.theme
    monkeypatch.setattr(controller, "_system_tokens", lambda: DARK)
    controller._on_system_color_scheme_changed()
    assert theme.tokens() is LIGHT
    studio.services.store.update(theme="system")
    assert theme.tokens() is DARK
    monkeypatch.setattr(controller, "_system_tokens", lambda: LIGHT)
    controller._on_system_color_scheme_changed()
    assert theme.tokens() is LIGHT
