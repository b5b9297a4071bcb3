"""End-to-end tests use the whole Studio of the UI tests, and the command line as scripts see it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ui.conftest import answer, services, settings_file, studio

__all__ = ["answer", "services", "settings_file", "studio"]

ROOT = Path(__file__).resolve().parents[2]

Verb = Callable[..., Any]


@pytest.fixture(scope="session")
def verb() -> Verb:
    """A function that runs a verb with --json and returns its document, or for `train` its events."""

    def run(*arguments: str, timeout: float = 280) -> Any:
        command = [sys.executable, str(ROOT / "main.py"), *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, done.stderr[-3000:]
        if arguments[0] == "train":
            return [json.loads(line) for line in done.stdout.splitlines()]
        return json.loads(done.stdout)

    return run
