"""Locked modules and allowed kinds of a design: remembered in the workspace, whatever stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import AppError
from app.core.reach_means import EVERYTHING, FILE_NAME, Means, keep_means, kept_means

MEANS = Means(("model.24", "model.4.m.0"), ("separable", "ghost"))


def designs(root: Path, *names: str) -> list[Path]:
    """Write design files, and return them."""
    (root / "designs").mkdir(exist_ok=True)
    files = [root / "designs" / f"{name}.yaml" for name in names]
    for file in files:
        file.write_text("format: 1\nbase: yolov5n\n")
    return files


def test_they_are_remembered_by_design_and_move_with_the_workspace(workspace: Path, tmp_path: Path) -> None:
    first, second = designs(workspace, "first", "second")
    outside = tmp_path / "elsewhere.yaml"
    keep_means(workspace, first, MEANS)
    keep_means(workspace, second, Means(kinds=()))
    keep_means(workspace, outside, Means(("model.3",)))
    assert "designs/first.yaml" in (workspace / FILE_NAME).read_text()
    moved = tmp_path / "moved"
    workspace.rename(moved)
    assert kept_means(moved, moved / "designs" / "first.yaml") == MEANS
    assert kept_means(moved, moved / "designs" / "second.yaml") == Means(kinds=())
    assert kept_means(moved, outside) == Means(("model.3",))
    assert kept_means(moved, None) == EVERYTHING


def test_designs_that_are_gone_and_those_without_a_choice_leave_the_file(workspace: Path) -> None:
    first, second = designs(workspace, "first", "second")
    keep_means(workspace, first, EVERYTHING)
    assert not (workspace / FILE_NAME).exists(), "nothing is written where nothing was chosen"
    keep_means(workspace, first, MEANS)
    first.unlink()
    keep_means(workspace, second, MEANS)
    assert kept_means(workspace, first) == EVERYTHING
    keep_means(workspace, second, EVERYTHING)
    assert "designs/" not in (workspace / FILE_NAME).read_text()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "3",
        "format: 2\ndesigns: {}",
        "format: 1\ndesigns: 3",
        "format: 1",
        "[" * 800,
        "\x00",
        "a" * 1_100_000,
    ],
)
def test_a_broken_file_counts_as_none(workspace: Path, text: str) -> None:
    (first,) = designs(workspace, "first")
    (workspace / FILE_NAME).write_text(text)
    assert kept_means(workspace, first) == EVERYTHING
    keep_means(workspace, first, MEANS)
    assert kept_means(workspace, first) == MEANS


def test_what_is_unknown_in_an_entry_is_passed_over(workspace: Path) -> None:
    (first,) = designs(workspace, "first")
    row = "{locked: [model.3, 7], kinds: [no such kind, dwconv], more: 1}"
    (workspace / FILE_NAME).write_text(f"format: 1\ndesigns:\n  designs/first.yaml: {row}\n")
    assert kept_means(workspace, first) == Means(("model.3",), ("dwconv",))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.write_text("no folder")
    with pytest.raises(AppError, match="not remembered"):
        keep_means(root, root / "designs" / "a.yaml", MEANS)
