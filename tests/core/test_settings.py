"""Preferences survive a round trip, and a broken file costs no start."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from app.core.settings import RECENT_LIMIT, Settings, default_workspace, load_settings, save_settings


def test_round_trip_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.yaml"
    chosen = Settings(
        theme="dark", language="zh_CN", workspace="/数据/工作", allow_network=True, recent_designs=("a.yaml",)
    )
    save_settings(chosen, path)
    assert load_settings(path) == chosen
    assert "/数据/工作" in path.read_text(encoding="utf-8")
    assert [item.name for item in path.parent.iterdir()] == ["settings.yaml"]


def test_nothing_there_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.yaml") == Settings()
    assert Settings().allow_network is False


@pytest.mark.parametrize("text", ["- a list", "theme: [", "\x00\x01", "!!python/object/apply:os.system [1]"])
def test_broken_file_is_kept_and_replaced_by_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_settings(path) == Settings()
    assert (tmp_path / "settings.broken.yaml").read_text(encoding="utf-8") == text


def test_undecodable_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"theme: \xff\xfe")
    assert load_settings(path) == Settings()
    assert (tmp_path / "settings.broken.yaml").exists()


def test_wrong_values_take_their_defaults_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    data = {"theme": "pink", "language": "en", "allow_network": "yes", "recent_designs": ["a", 3], "later": 1}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert load_settings(path) == Settings(language="en", recent_designs=("a",))


def test_recent_lists_move_to_front_and_stay_short() -> None:
    settings = Settings()
    for index in range(RECENT_LIMIT + 5):
        settings = settings.with_recent("recent_designs", f"{index}.yaml")
    settings = settings.with_recent("recent_designs", "10.yaml")
    assert settings.recent_designs[0] == "10.yaml"
    assert len(settings.recent_designs) == len(set(settings.recent_designs)) == RECENT_LIMIT
    assert "10.yaml" not in settings.without_recent("recent_designs", "10.yaml").recent_designs


def test_workspace_defaults_to_documents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DEPTHWISE_STUDIO_WORKSPACE", raising=False)
    assert Settings().workspace_path == default_workspace()
    assert default_workspace().name == "Depthwise Studio"
    monkeypatch.setenv("DEPTHWISE_STUDIO_WORKSPACE", str(tmp_path))
    assert Settings().workspace_path == tmp_path
    assert Settings(workspace="/elsewhere").workspace_path == Path("/elsewhere")
