"""Take the pictures of docs/designing.md: sh tools/with_display.sh python tools/design_pictures.py [FOLDER]."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from app.ui.application import Studio
    from app.ui.pages.design import DesignPage

SIZE = (1280, 800)


def wait(milliseconds: int) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def take(made: Studio, page: DesignPage, folder: Path) -> None:
    """Bring the page into the states that the chapter tells of, and save what is painted."""
    from PySide6.QtCore import QRect

    from app.core.design import Swap
    from app.core.presets import preset

    def save(name: str, area: QRect | None = None) -> None:
        wait(300)
        picture = made.window.grab() if area is None else made.window.grab(area)
        picture.save(str(folder / f"designing-{name}.png"))

    design = preset("separable", "yolov5s").without(["model.4.m.0.cv2", "model.4.m.1.cv2", "model.7"])
    design = design.with_swap(["model.4"], Swap("ghost_c3")).with_swap(["model.7"], Swap("scdown"))
    made.services.workspace.apply(design, "Picture")
    page.select(("model.5",))
    save("page")
    page.tools_.base.open_chooser()
    wait(300)
    page.tools_.base.chooser.grab().save(str(folder / "designing-base.png"))
    page.tools_.base.chooser.hide()
    made.window.resize(SIZE[0], 1220)
    page.select(("model.6",))
    page.inspector.kinds.rows["mobilenetv3"].previewed.emit("mobilenetv3")
    wait(300)
    page.inspector.grab().save(str(folder / "designing-kinds.png"))
    made.window.resize(*SIZE)
    page.select(())
    take_reach(page, folder)
    page.comparison.compare("Backbone separable", preset("backbone", "yolov5s"))
    wait(300)
    corner = page.canvas.mapTo(made.window, page.canvas.rect().topLeft())
    save("compare", QRect(corner.x() - 8, corner.y() - 8, page.canvas.width() + 16, 580))


def take_reach(page: DesignPage, folder: Path) -> None:
    """Reach a target, wait for all that is drawn, and save the dialog."""
    page.reach.locks.toggle(["model.24"])
    page.reach.open()
    dialog = page.reach.dialog
    assert dialog is not None
    found = dialog.search.findings
    for _ in range(120):
        wait(500)
        if found.narrower and dialog.frontier.plot is not None:
            break
    dialog.grab().save(str(folder / "designing-reach.png"))
    dialog.hide()
    page.reach.locks.clear()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(Path(temporary) / "config")
        from app.core.settings import Settings, save_settings
        from app.ui import application as studio

        save_settings(Settings(theme="light", language="en", workspace=temporary))
        made = studio.build(studio.create_application([]))
        made.window.resize(*SIZE)
        made.window.start()
        made.window.show_page("design")
        wait(500)
        take(made, made.window.page("design"), folder)  # type: ignore[arg-type]
        made.services.workspace.undo_stack.setClean()
        made.window.end()


if __name__ == "__main__":
    main()
