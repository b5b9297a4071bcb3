"""Where the Studio keeps its own files: preferences, caches, resources."""

from __future__ import annotations

import os
import sys
from pathlib import Path

APP_NAME = "depthwise-studio"

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent


def is_installed() -> bool:
    """Return whether this is an installed package, which holds its resources itself, rather than a checkout."""
    return (_PACKAGE / "resources").is_dir()


def resources() -> Path:
    """Return the folder of icons, themes, translations, presets, base models and the sample."""
    return _home() / "resources"


def documentation() -> Path:
    """Return the folder of the user guide and what it links to."""
    return _home() / "docs"


def door(*flags: str) -> list[str]:
    """Return how a process starts the Studio again: from a checkout, an installed package or a frozen application.

    Args:
        flags: what the interpreter is to be told; a frozen application has none to tell.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable]
    studio = ["-m", _PACKAGE.name] if is_installed() else [str(_CHECKOUT / "main.py")]
    return [sys.executable, *flags, *studio]


def _home() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen:
        return Path(frozen)
    return _PACKAGE if is_installed() else _CHECKOUT


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
