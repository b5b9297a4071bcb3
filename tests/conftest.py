"""Fixtures that every test shares: real data, a private configuration folder, a temporary workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests with a window, so that `tools/run_tests.py` runs nothing beside them."""
    for item in items:
        place = item.path.relative_to(ROOT / "tests").parts[0]
        if place in {"ui", "workers", "benchmarks"} or "qapp" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.alone)


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
