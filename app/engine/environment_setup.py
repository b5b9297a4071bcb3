"""Makes ultralytics offline, silent and safe. Must run before the first import of ultralytics."""

from __future__ import annotations

import json
import os
import shutil
import sys
import warnings
from pathlib import Path

from app.core.folders import cache_folder
from app.engine.allocator import keep_freed_memory

_SETTINGS = {
    "sync": False,
    "api_key": "",
    "openai_api_key": "",
    "clearml": False,
    "comet": False,
    "dvc": False,
    "hub": False,
    "mlflow": False,
    "neptune": False,
    "raytune": False,
    "tensorboard": False,
    "wandb": False,
    "vscode_msg": False,
}


_PATIENCE = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "1"}
"""How long threads of OpenMP spin while they wait for each other.

By default they spin so long that a training on all cores crawls as soon as another program runs beside it: on 2 cores
with four busy neighbours it was up to ten times as slow.
"""


def prepare(allow_network: bool = False) -> None:
    """Set the process environment: no downloads, no installs, no telemetry, safe unpickling, all cores.

    Args:
        allow_network: True only when the user allowed downloads in the preferences.

    Raises:
        RuntimeError: ultralytics was imported before.
    """
    if "ultralytics" in sys.modules:
        if os.environ.get("DEPTHWISE_STUDIO_PREPARED") == str(os.getpid()):
            return
        raise RuntimeError("prepare() must run before ultralytics is imported")
    folder = cache_folder() / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    threads = os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count() or 1)
    os.environ.update(
        {
            "DEPTHWISE_STUDIO_PREPARED": str(os.getpid()),
            "YOLO_CONFIG_DIR": str(folder),
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "false" if allow_network else "true",
            "YOLO_VERBOSE": os.environ.get("YOLO_VERBOSE", "true"),
            "ULTRALYTICS_SAFE_LOAD": "1",
            "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(folder / "matplotlib"),
            # ultralytics sets this to 1 where it is unset.
            "OMP_NUM_THREADS": threads,
        }
    )
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    keep_freed_memory()
    os.environ.pop("ULTRALYTICS_API_KEY", None)
    silence_openvino()
    os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)
    _provide_font(folder)
    # Numpy and torch announce future changes of their own to each other; nothing a user could act on.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\..*")


def silence_openvino() -> None:
    """Hide OpenVINO's telemetry client: with it every import and conversion is reported to a server (ADR 4)."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def assert_private_settings() -> None:
    """Switch every integration and the telemetry of ultralytics off, and check that they are.

    Raises:
        RuntimeError: a setting could not be switched off.
    """
    from ultralytics.utils import SETTINGS

    known = {key: value for key, value in _SETTINGS.items() if key in SETTINGS}
    if any(SETTINGS[key] != value for key, value in known.items()):
        SETTINGS.update(known)
    left = [key for key, value in known.items() if SETTINGS[key] != value]
    if left:
        raise RuntimeError(f"ultralytics settings could not be switched off: {json.dumps(left)}")


def _provide_font(folder: Path) -> None:
    """Put a font where ultralytics looks before it downloads one."""
    targets = [folder / "Arial.ttf", folder / "Ultralytics" / "Arial.ttf"]
    if all(target.is_file() for target in targets):
        return
    import importlib.util

    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        return
    source = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    for target in targets:
        if source.is_file() and not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
