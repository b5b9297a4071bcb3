"""Fixtures that every test shares: real data, a private configuration folder, a temporary workspace."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.displays import OWN, Display

ROOT = Path(__file__).resolve().parent.parent


_display = pytest.StashKey[tuple[Display, tempfile.TemporaryDirectory[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several processes that test windows a display of its own."""
    if hasattr(config, "workerinput") and OWN in os.environ:
        folder = tempfile.TemporaryDirectory()
        config.stash[_display] = Display(Path(folder.name)), folder


def pytest_unconfigure(config: pytest.Config) -> None:
    """End this process's display."""
    if (kept := config.stash.get(_display, None)) is not None:
        display, folder = kept
        display.close()
        folder.cleanup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what `tools/run_tests.py` runs apart: tests with a window, and those beside which nothing may run.

    Tests marked `exhaustive` are left out unless `-m` names them.
    """
    if "exhaustive" not in str(config.option.markexpr):
        left_out = {item for item in items if item.get_closest_marker("exhaustive")}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        place = item.path.relative_to(ROOT / "tests").parts[0]
        windowed = "qapp" in getattr(item, "fixturenames", ())
        if item.get_closest_marker("window") is not None:
            continue
        if place in {"workers", "benchmarks"} or (windowed and place != "ui"):
            item.add_marker(pytest.mark.alone)
        elif place == "ui" and item.get_closest_marker("alone") is None:
            item.add_marker(pytest.mark.window)


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    """Let Python collect its garbage again after a test with a Studio, which does so in its event loop alone."""
    yield
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _private_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests away from the user's own preferences, caches and recent files."""
    os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(tmp_path_factory.mktemp("config"))
    os.environ["DEPTHWISE_STUDIO_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with real data, weights and clips, beside the project or named by the environment."""
    named = os.environ.get("DEPTHWISE_STUDIO_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not (folder / "data" / "bccd" / "data.yaml").is_file():
        pytest.skip(f"no test data: {folder} (set DEPTHWISE_STUDIO_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def bccd_yaml(shared_dir: Path) -> Path:
    """data.yaml of a real data set: 364 blood-cell photographs, 3 classes."""
    return shared_dir / "data" / "bccd" / "data.yaml"


@pytest.fixture(scope="session")
def yolov5n_weights(shared_dir: Path) -> Path:
    """An original YOLOv5n checkpoint (anchor head, COCO)."""
    return shared_dir / "weights" / "yolov5n.pt"


@pytest.fixture(scope="session")
def clips_dir(shared_dir: Path) -> Path:
    """Folder with real video clips."""
    return shared_dir / "clips"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty workspace folder."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder
