"""Traps of the packages we stand on, seen before they bite a user."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from PySide6.QtWidgets import QApplication, QLabel
app = QApplication([])
label = QLabel()
before = sys.getrefcount(None)
for i in range(1000):
    label.setText(str(i))
print(before - sys.getrefcount(None))
"""


def test_pyside_keeps_reference_counts() -> None:
    """PySide6 6.12.0 loses a reference to None with each call on Python 3.11, and the interpreter aborts."""
    run = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=None, timeout=60
    )
    assert abs(int(run.stdout)) < 100


def test_openvino_reports_nothing() -> None:
    code = (
        "from app.engine.environment_setup import prepare; prepare()\n"
        "from openvino.tools.ovc import telemetry\n"
        "print(type(telemetry).__module__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip().endswith("telemetry_stub")


def test_ultralytics_is_offline_and_silent() -> None:
    code = (
        "from app.engine.environment_setup import assert_private_settings, prepare; prepare()\n"
        "import ultralytics.utils as u\n"
        "assert_private_settings()\n"
        "print(u.ONLINE, u.SETTINGS['sync'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.split()[-2:] == ["False", "False"]
