"""Figures on disk: they come back as they were, and whatever is broken counts as nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.core import latency_cache
from app.core.design import Design, preset
from app.core.errors import AppError
from app.core.latency import LatencyTable
from app.core.latency_cache import (
    cached,
    file_of,
    from_json,
    keep,
    load_table,
    read_table,
    save_table,
)
from tests.core.latency_machine import SETTING, measured, table

N = Design.stock("yolov5n", 3)
LIGHT = preset("separable", "yolov5n", 3)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


def test_a_table_comes_back_as_it_was() -> None:
    made = LatencyTable(SETTING, table([N, LIGHT]).wholes, {"separable": "unrolled"})
    keep(made)
    found = cached(SETTING)
    assert found.setting == SETTING
    assert found.forms == made.forms
    for old, new in zip(made.wholes, found.wholes, strict=True):
        assert replace(old, units=()) == replace(new, units=())
        assert [row.unit for row in old.units] == [row.unit for row in new.units]
        assert [row.ms for row in old.units] == pytest.approx([row.ms for row in new.units], abs=1e-5)
    assert found.predict(N, 320) is not None


def test_settings_do_not_mix() -> None:
    keep(table([N]))
    other = replace(SETTING, threads=1)
    assert cached(other).wholes == ()
    file_of(other).write_bytes(file_of(SETTING).read_bytes())
    assert cached(other).wholes == ()


def test_what_another_process_measured_meanwhile_stays() -> None:
    mine = LatencyTable(SETTING, (measured(N),))
    keep(LatencyTable(SETTING, (measured(LIGHT),)))
    keep(mine)
    assert {whole.key for whole in cached(SETTING).wholes} == {measured(N).key, measured(LIGHT).key}
    newer = measured(N, speed=2)
    keep(LatencyTable(SETTING, (newer,)))
    assert len(cached(SETTING).wholes) == 2
    assert newer.figure in [whole.figure for whole in cached(SETTING).wholes]


def test_all_tables_are_found() -> None:
    keep(table([N]))
    keep(LatencyTable(replace(SETTING, runtime="torch"), (measured(N),)))
    (latency_cache.folder() / "broken.json").write_text("{")
    found = [read_table(path) for path in latency_cache.folder().glob("*.json")]
    assert len(found) == 3
    assert {one.setting.runtime for one in found if one is not None} == {"openvino", "torch"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.update(format=99),
        lambda data: data.update(what="something else"),
        lambda data: data.pop("setting"),
        lambda data: data["setting"].pop("threads"),
        lambda data: data.update(wholes=[3]),
        lambda data: data["wholes"][0]["units"].append(["model.0", 10_000, 1.0]),
        lambda data: data["wholes"][0]["units"][0].__setitem__(2, -1),
        lambda data: data["wholes"][0]["units"][0].__setitem__(2, float("nan")),
        lambda data: data["wholes"][0]["figure"].update(p50_ms=0),
        lambda data: data["wholes"][0].update(standard_ms="fast"),
        lambda data: data["wholes"][0].update(standard_ms=0),
        lambda data: data["wholes"][0].pop("ratio"),
        lambda data: data["wholes"][0].update(shape=[640]),
        lambda data: data["signatures"].append(None),
        lambda data: data.update(forms=[]),
    ],
)
def test_damaged_files_count_as_none(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    save_table(table([N]), path)
    data = json.loads(path.read_text())
    damage(data)  # type: ignore[operator]
    path.write_text(json.dumps(data))
    assert read_table(path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_files_that_are_no_tables_count_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_bytes(content)
    assert read_table(path) is None
    with pytest.raises(AppError, match=r"table\.json") as caught:
        load_table(path)
    assert caught.value.hint


def test_a_table_travels(tmp_path: Path) -> None:
    path = tmp_path / "raspberry.json"
    elsewhere = LatencyTable(replace(SETTING, machine="Raspberry Pi 5"), (measured(N), measured(LIGHT)))
    save_table(elsewhere, path)
    assert load_table(path).setting.machine == "Raspberry Pi 5"
    assert cached(elsewhere.setting).wholes == ()  # it is no figure of this machine


def test_a_missing_file_and_a_folder_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="no file"):
        load_table(tmp_path / "missing.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(AppError, match="cannot be written"):
        save_table(table([N]), tmp_path / "file" / "table.json")


def test_other_data_is_no_table() -> None:
    with pytest.raises(KeyError):
        from_json({})
    assert from_json({"what": "latency table of Depthwise Studio", "format": 0}) is None
