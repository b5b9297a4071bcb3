"""Where the Studio keeps its own files: preferences, caches, resources."""

from __future__ import annotations

import os
import sys
from pathlib import Path

APP_NAME = "depthwise-studio"

_ROOT = Path(__file__).resolve().parents[2]


def resources() -> Path:
    """Return the folder of icons, themes, translations, presets, base models and the sample."""
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen:
        return Path(frozen) / "resources"
    checkout = _ROOT / "resources"
    return checkout if checkout.is_dir() else Path(__file__).resolve().parents[1] / "resources"


def door() -> list[str]:
    """Return how a process starts the Studio again: from a checkout, an installed package or a frozen application."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    script = _ROOT / "main.py"
    return [sys.executable, str(script)] if script.is_file() else [sys.executable, "-m", "app"]


def config_folder() -> Path:
    """Return the folder of the preferences; the environment variable DEPTHWISE_STUDIO_CONFIG overrides it."""
    return _named("DEPTHWISE_STUDIO_CONFIG", "user_config_path")


def cache_folder() -> Path:
    """Return the folder of everything that can be made again; DEPTHWISE_STUDIO_CACHE overrides it."""
    return _named("DEPTHWISE_STUDIO_CACHE", "user_cache_path")


def documents_folder() -> Path:
    """Return the folder of the user's documents."""
    import platformdirs

    return platformdirs.user_documents_path()


def _named(variable: str, function: str) -> Path:
    override = os.environ.get(variable)
    if override:
        return Path(override)
    import platformdirs

    return Path(getattr(platformdirs, function)(APP_NAME, appauthor=False))
