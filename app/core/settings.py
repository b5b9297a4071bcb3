"""The user's preferences: one readable YAML file in the platform's configuration folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from app.core.files import write_text
from app.core.folders import config_folder, documents_folder

THEMES = ("system", "light", "dark")
LANGUAGES = ("system", "en", "zh_CN")
RUNTIMES = ("auto", "torch", "openvino", "onnxruntime", "tensorrt")
RECENT_LIMIT = 12
FILE_NAME = "settings.yaml"

_HEAD = "# Depthwise Studio: preferences. Without this file the Studio starts afresh."


@dataclass(frozen=True)
class Settings:
    """What the user chose; every field has a default that works on a bare machine.

    Attributes:
        theme: One of ``THEMES``.
        language: One of ``LANGUAGES``.
        workspace: Folder of designs, runs and exports; empty means ``default_workspace()``.
        runtime: What detectors run on unless told otherwise, one of ``RUNTIMES``.
        latency: Key of the latency table that designs are predicted with; empty for the last measured one.
        allow_network: Whether the Studio may download at all; each download still asks.
        keep_awake: Whether the computer is kept from sleeping while something trains.
        notify: Whether the desktop tells that a training has ended.
        recent_designs: Design files, newest first.
        recent_data: data.yaml files or folders, newest first.
        recent_sources: Videos, folders and stream addresses compared on, newest first; without passwords.
        export_python: Interpreter that has the tools of further export formats; empty for none.
        cameras: Name of a camera → how it shall be opened, as `SourceOptions.as_json` writes it.
    """

    theme: str = "system"
    language: str = "system"
    workspace: str = ""
    runtime: str = "auto"
    latency: str = ""
    export_python: str = ""
    allow_network: bool = False
    keep_awake: bool = True
    notify: bool = True
    recent_designs: tuple[str, ...] = field(default=())
    recent_data: tuple[str, ...] = field(default=())
    recent_sources: tuple[str, ...] = field(default=())
    cameras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def workspace_path(self) -> Path:
        """Folder of the workspace."""
        return Path(self.workspace).expanduser() if self.workspace else default_workspace()

    def with_recent(self, kind: str, entry: str) -> Settings:
        """Return the settings with an entry moved to the front of a recent list (``recent_designs``, …)."""
        known: tuple[str, ...] = getattr(self, kind)
        newest = (entry, *(item for item in known if item != entry))[:RECENT_LIMIT]
        return _with(self, kind, newest)

    def without_recent(self, kind: str, entry: str) -> Settings:
        """Return the settings with an entry taken out of a recent list."""
        known: tuple[str, ...] = getattr(self, kind)
        return _with(self, kind, tuple(item for item in known if item != entry))


def _with(settings: Settings, name: str, value: Any) -> Settings:
    return replace(settings, **{name: value})


def default_workspace() -> Path:
    """Return the folder that serves until the user chooses one; DEPTHWISE_STUDIO_WORKSPACE overrides it."""
    named = os.environ.get("DEPTHWISE_STUDIO_WORKSPACE")
    return Path(named) if named else documents_folder() / "Depthwise Studio"


def settings_path() -> Path:
    """File that holds the preferences."""
    return config_folder() / FILE_NAME


def load_settings(path: Path | None = None) -> Settings:
    """Read the preferences; what is missing, unknown or broken takes its default.

    A file that is no YAML mapping is kept beside as ``settings.broken.yaml``, so that nothing is lost by the
    next save.
    """
    path = path or settings_path()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        _set_aside(path)
        return Settings()
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        data = text
    if data is None:
        return Settings()
    if not isinstance(data, Mapping):
        _set_aside(path)
        return Settings()
    return _from_mapping(data)


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the preferences to a temporary name and put it in place.

    Raises:
        OSError: The folder cannot be written.
    """
    data = {item.name: getattr(settings, item.name) for item in fields(settings)}
    data = {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}
    data["cameras"] = {name: dict(options) for name, options in settings.cameras.items()}
    body = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    write_text(path or settings_path(), f"{_HEAD}\n{body}")


def _from_mapping(data: Mapping[Any, Any]) -> Settings:
    """Take each known field whose value is of the right kind."""
    choices = {"theme": THEMES, "language": LANGUAGES, "runtime": RUNTIMES}
    taken: dict[str, Any] = {}
    for name, allowed in choices.items():
        if data.get(name) in allowed:
            taken[name] = data[name]
    for name in ("workspace", "latency", "export_python"):
        if isinstance(data.get(name), str):
            taken[name] = data[name]
    for name in ("allow_network", "keep_awake", "notify"):
        if isinstance(data.get(name), bool):
            taken[name] = data[name]
    for name in ("recent_designs", "recent_data", "recent_sources"):
        entries = data.get(name)
        if isinstance(entries, list):
            taken[name] = tuple(item for item in entries if isinstance(item, str))[:RECENT_LIMIT]
    cameras = data.get("cameras")
    if isinstance(cameras, Mapping):
        named = {k: dict(v) for k, v in cameras.items() if isinstance(k, str) and isinstance(v, Mapping)}
        taken["cameras"] = dict(list(named.items())[:RECENT_LIMIT])
    return Settings(**taken)


def _set_aside(path: Path) -> None:
    """Keep a file that cannot be read under another name."""
    if path.is_file():
        path.replace(path.with_suffix(".broken.yaml"))
