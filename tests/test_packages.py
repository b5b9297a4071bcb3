"""Traps of the packages we stand on, seen before they bite a user."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

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


def test_nncf_reports_nothing() -> None:
    code = (
        "from app.engine.environment_setup import prepare; prepare()\n"
        "from nncf.telemetry.wrapper import telemetry\n"
        "print(type(telemetry).__module__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.strip().endswith("unittest.mock"), "NNCF's stand-in for the client that is not there"


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


def _imported() -> set[str]:
    """Return the names of the packages that the Studio imports, of others alone."""
    found = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"app"}


def _plain(name: str) -> str:
    return re.split(r"[<>=!~;\[ ]", name)[0].lower().replace("_", "-")


def test_every_package_that_is_imported_is_named_with_bounds_and_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {_plain(line): line for line in project["dependencies"]}
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "dev"}
    named = needed | {_plain(line): line for lines in extras.values() for line in lines}
    pinned = {_plain(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    providers = metadata.packages_distributions()
    for package in _imported():
        # PySide6 is a package of packages: what provides it is named by its parts.
        known = {package.lower(), *(_plain(name) for name in providers[package])}
        assert known & set(named), f"{package} is imported and not named in pyproject.toml"
    for name, line in named.items():
        assert name in pinned or name not in needed, f"{name} is not in constraints.txt"
        assert ">=" in line, line
        assert "<" in line, line


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "app").rglob("__init__.py")}
    assert listed == folders | {"app.resources", "app.docs"}


def test_an_installed_package_needs_no_checkout(tmp_path: Path) -> None:
    """Where only the package is installed, the command line finds its resources and starts its engine."""
    target, source = tmp_path / "site", tmp_path / "source"
    source.mkdir()
    for name in ("app", "resources", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(source)], check=True, timeout=240)
    (target / "resources").mkdir()  # another package's, of the same name
    (target / "main.py").touch()
    environment = {**os.environ, "PYTHONPATH": str(target)}
    code = "import app.core.folders as f; print(f.door('-I')[1:]); print(f.resources()); print(f.documentation())"
    seen = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    assert seen == [
        "['-I', '-m', 'app']",
        str(target / "app" / "resources"),
        str(target / "app" / "docs"),
    ]
    cost = subprocess.run(
        [sys.executable, "-P", "-m", "app", "cost", "separable", "--json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(cost.stdout)["lightweight"]["parameters"] < 1_200_000
    assert (target / "app" / "resources" / "sample" / "standard.pt").is_file()
    assert (target / "app" / "docs" / "guide.zh-CN.md").is_file()
