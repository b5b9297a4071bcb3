"""How long the window takes, beside a bare PySide6 window in the same run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

ROUNDS = 7

_BARE = """
import time; start = time.perf_counter()
from PySide6.QtWidgets import QApplication, QMainWindow
from PySide6.QtCore import QTimer
application = QApplication([])
window = QMainWindow(); window.resize(1280, 800); window.show()
def painted():
    print(time.perf_counter() - start); application.quit()
QTimer.singleShot(0, painted)
application.exec()
"""

_STUDIO = """
import json, sys, time; start = time.perf_counter()
from PySide6.QtCore import QEvent, QObject, QTimer
from app.ui import application as studio
app = studio.create_application(sys.argv)
made = studio.build(app)
times = {}
class First(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and "up" not in times:
            QTimer.singleShot(0, painted)
            app.removeEventFilter(self)
        return False
first = First()
def painted():
    times["up"] = time.perf_counter() - start
    times["heavy"] = sorted({"torch", "cv2", "pyqtgraph", "numpy"} & set(sys.modules))
    made.window.show_page("design")
    QTimer.singleShot(0, ready)
def ready():
    times["design"] = time.perf_counter() - start
    print(json.dumps(times)); made.window.close(); app.quit()
app.installEventFilter(first)
made.window.start()
app.exec()
"""


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def measure(rounds: int = ROUNDS) -> dict[str, object]:
    """Return medians in seconds, in turn: bare window, Studio up, Studio ready to design."""
    bare, studio = [], []
    for _ in range(rounds):
        bare.append(float(_run(_BARE)))
        studio.append(json.loads(_run(_STUDIO)))
    up = statistics.median(s["up"] for s in studio)
    return {
        "bare_s": statistics.median(bare),
        "up_s": up,
        "design_s": statistics.median(s["design"] for s in studio),
        "ratio": statistics.median(s["up"] / b for s, b in zip(studio, bare, strict=True)),
        "heavy_at_first_paint": studio[0]["heavy"],
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
