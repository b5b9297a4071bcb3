"""Tables to predict with: this machine as it is installed now, and copies of what other devices measured."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from app.core import latency_cache
from app.core.design import Design
from app.core.errors import AppError
from app.core.latency import LatencyTable
from app.core.latency_devices import add_device, forget_device, has_tables, is_current, known_tables
from tests.core.latency_machine import SETTING, measured

YAML = metadata.version("pyyaml")
HERE = replace(SETTING, version=f"pyyaml {YAML}, deployed-1")
WHOLES = (measured(Design.stock("yolov5n")),)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTHWISE_STUDIO_CONFIG", str(tmp_path / "config"))


def test_figures_of_other_versions_are_not_of_this_machine() -> None:
    assert not has_tables()
    assert is_current(HERE)
    assert is_current(replace(HERE, version="no-such-package 1.0"))
    old = replace(HERE, version="pyyaml 0.1")
    for setting in (HERE, old):
        latency_cache.keep(LatencyTable(setting, WHOLES))
    latency_cache.keep(LatencyTable(replace(HERE, threads=7)))
    assert [known.table.setting for known in known_tables()] == [HERE]


def test_another_device_stays_when_its_file_is_gone(tmp_path: Path) -> None:
    file, empty = tmp_path / "pi.json", tmp_path / "empty.json"
    latency_cache.save_table(LatencyTable(HERE, WHOLES), file)
    latency_cache.save_table(LatencyTable(HERE), empty)
    latency_cache.keep(LatencyTable(HERE, WHOLES))
    added = add_device(file)
    file.unlink()
    known = list(known_tables())
    assert [one.here for one in known] == [True, False]
    assert known[1].key == added.key != known[0].key, "even where it was measured on the same machine"
    for bad in (empty, file):
        with pytest.raises(AppError):
            add_device(bad)
    forget_device(HERE)
    assert [one.here for one in known_tables()] == [True]
