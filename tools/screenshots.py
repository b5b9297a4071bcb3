"""Take the pictures of docs/images: run the demo, then show its real runs in the window.

    python tools/screenshots.py [FOLDER] [--keep WORKSPACE]

Needs a display with a window manager; `make screenshots` provides one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

Sizes = tuple[tuple[int, int], ...]
SIZES: Sizes = ((1280, 800), (1920, 1080))
THEMES = ("light", "dark")
SETTLE_MS = {"home": 600, "design": 1200, "data": 4000, "train": 2500, "compare": 12000, "models": 1500}


def run_demo(workspace: Path) -> None:
    """Do the whole job for real in a workspace of its own."""
    command = [sys.executable, str(ROOT / "main.py"), "demo", "--workspace", str(workspace), "--epochs", "3"]
    subprocess.run(command, check=True, cwd=ROOT)


def visit(window: Any, page: str) -> None:
    """Bring a page into the state that the picture is to show."""
    from app.ui.requests import SAMPLE, DataRequest

    workspace = window.services.workspace
    if page == "compare":
        workspace.request_comparison(SAMPLE, SAMPLE, SAMPLE, True)
    elif page == "data":
        workspace.go_to("data", DataRequest(SAMPLE))
    else:
        window.show_page(page)
    if page == "design":
        window.page("design").select(("model.5",))


def take(folder: Path, workspace: Path, languages: tuple[str, ...], sizes: Sizes) -> None:
    """Show every page in every theme, size and language, and save what the window paints."""
    from PySide6.QtCore import QEventLoop, QTimer

    from app.core.design import preset
    from app.core.settings import load_settings, save_settings

    settings = load_settings()
    save_settings(type(settings)(**{**settings.__dict__, "workspace": str(workspace)}))
    from app.ui import application as studio

    application = studio.create_application(sys.argv[:1])
    made = studio.build(application)
    made.window.start()
    made.services.workspace.apply(preset("separable", "yolov5n", 6), "Preset")

    def wait(milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    _shoot(made, folder, languages, sizes, wait)
    made.services.workspace.undo_stack.setClean()
    made.window.end()


def _shoot(
    made: Any, folder: Path, languages: tuple[str, ...], sizes: Sizes, wait: Callable[[int], None]
) -> None:
    store, window = made.services.store, made.window
    for language in languages:
        for theme in THEMES:
            store.update(theme=theme, language=language)
            for page, settle in SETTLE_MS.items():
                window.resize(*sizes[0])
                visit(window, page)
                for number, (width, height) in enumerate(sizes):
                    window.resize(width, height)
                    wait(900 if number else settle)
                    suffix = "" if language == "en" else f"-{language}"
                    window.grab().save(str(folder / f"{page}-{theme}-{width}{suffix}.png"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default=str(ROOT / "docs" / "images"))
    parser.add_argument("--keep", help="workspace of an earlier demo; none is run")
    parser.add_argument("--languages", nargs="*", default=["en"])
    parser.add_argument("--small", action="store_true", help="1280×800 alone")
    options = parser.parse_args()
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(Path(temporary) / "config")
        workspace = Path(options.keep) if options.keep else Path(temporary) / "workspace"
        if not options.keep:
            run_demo(workspace)
        take(folder, workspace, tuple(options.languages), SIZES[:1] if options.small else SIZES)


if __name__ == "__main__":
    main()
