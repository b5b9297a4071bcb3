"""The diagram as a file: whole, in the light theme, readable by others."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtSvg import QSvgRenderer

from app.core.design import Design, Swap
from app.ui import theme
from app.ui.application import Studio
from app.ui.theme_tokens import DARK, KIND_COLOURS, LIGHT
from app.ui.widgets.diagram_export import save_diagram
from app.ui.widgets.diagram_facts import take_snapshot
from app.ui.widgets.diagram_nodes import CHANGED
from app.ui.widgets.diagram_text import scene_words

SNAPSHOT = take_snapshot(Design.stock("yolov5n").with_swap(["model.4"], Swap("ghost_c3")))


def texts(path: Path) -> str:
    return " ".join(
        " ".join(element.itertext()).strip()
        for element in ElementTree.parse(path).iter()
        if element.tag.endswith("text")
    )


def test_an_svg_holds_every_layer_and_the_title_as_text(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "diagram.svg"
    save_diagram(path, SNAPSHOT, "gate: 7.4 GFLOPs", scene_words())
    found = texts(path)
    for layer in SNAPSHOT.architecture.layers:
        if layer.type != "Concat":
            assert f"{layer.index} {layer.type}" in found
    assert "gate: 7.4 GFLOPs" in found
    assert "Ghost C3" in found, "the key names the kinds"
    assert QSvgRenderer(str(path)).isValid()


def test_pictures_are_light_whatever_the_theme(studio: Studio, tmp_path: Path) -> None:
    studio.services.store.update(theme="dark")
    path = tmp_path / "diagram.png"
    save_diagram(path, SNAPSHOT, "x", scene_words())
    assert theme.tokens() is DARK, "the window keeps its theme"
    image = QImage(str(path))
    assert image.pixelColor(2, 2) == QColor(LIGHT.surface)
    colours = {
        image.pixelColor(x, y).name().upper()
        for x in range(0, image.width(), 3)
        for y in range(0, image.height(), 3)
    }
    assert KIND_COLOURS["ghost_c3"][0] in colours
    assert KIND_COLOURS["ghost_c3"][1] not in colours


def test_opened_layers_and_differences_are_in_the_picture(studio: Studio, tmp_path: Path) -> None:
    plain, opened = tmp_path / "plain.svg", tmp_path / "opened.svg"
    save_diagram(plain, SNAPSHOT, "x", scene_words())
    save_diagram(opened, SNAPSHOT, "x", scene_words(), frozenset({"model.6"}), {"model.1": CHANGED})
    assert "m.1.cv2" in texts(opened)
    assert "m.1.cv2" not in texts(plain)
    assert LIGHT.warn.lower() in opened.read_text().lower()


def test_another_ending_and_a_missing_folder_are_refused(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bmp"):
        save_diagram(tmp_path / "x.bmp", SNAPSHOT, "x", scene_words())
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError, match="file"):
        save_diagram(blocked / "x.png", SNAPSHOT, "x", scene_words())
