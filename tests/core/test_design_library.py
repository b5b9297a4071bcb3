"""Designs of a workspace: duplicated, renamed, annotated, and never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.design import dump_design, load_design, preset, save_design
from app.core.design_library import (
    LONGEST_NOTES,
    annotate_design,
    design_path,
    duplicate_design,
    list_designs,
    rename_design,
)
from app.core.errors import AppError
from app.core.runs import Workspace


@pytest.fixture
def library(workspace: Path) -> Workspace:
    found = Workspace(workspace)
    save_design(preset("seed", classes=3), found.designs / "seed.yaml")
    return found


def names(library: Workspace) -> set[str]:
    return {path.name for path in library.designs.iterdir()}


def test_designs_are_listed_last_changed_first(library: Workspace) -> None:
    save_design(preset("neck"), library.designs / "neck.yaml")
    os.utime(library.designs / "neck.yaml", (1, 1))
    (library.designs / "notes.txt").write_text("x", encoding="utf-8")
    assert [path.stem for path in list_designs(library)] == ["seed", "neck"]
    assert list_designs(Workspace(library.root / "nowhere")) == ()
    assert not (library.root / "nowhere").exists()


def test_duplicates_get_the_next_free_number_or_the_name_asked_for(library: Workspace) -> None:
    made = [duplicate_design(library, "seed").stem for _ in range(2)]
    assert made == ["seed 2", "seed 3"]
    assert duplicate_design(library, "seed", "other").stem == "other"
    assert len({path.read_bytes() for path in list_designs(library)}) == 1


def test_renaming_moves_the_file(library: Workspace) -> None:
    before = design_path(library, "seed").read_bytes()
    after = rename_design(library, "seed", "späher 1")
    assert names(library) == {"späher 1.yaml"}
    assert after.read_bytes() == before
    assert rename_design(library, "späher 1", "späher 1") == after
    assert rename_design(library, "späher 1", "Späher 1").is_file()
    assert names(library) == {"Späher 1.yaml"}


def test_nothing_is_overwritten(library: Workspace) -> None:
    save_design(preset("neck"), library.designs / "neck.yaml")
    for act in (rename_design, duplicate_design):
        with pytest.raises(AppError, match="already"):
            act(library, "seed", "neck")
    assert load_design(design_path(library, "neck")).resolved() == preset("neck").resolved()
    assert names(library) == {"seed.yaml", "neck.yaml"}


@pytest.mark.parametrize("name", ["", "a/b", "../up", "con", "a:b", ".hidden", "x" * 81])
def test_unsafe_names_are_refused(library: Workspace, name: str) -> None:
    for act in (rename_design, duplicate_design):
        with pytest.raises(AppError, match="cannot be a name"):
            act(library, "seed", name)
    assert names(library) == {"seed.yaml"}


def test_what_is_not_there_is_said(library: Workspace) -> None:
    with pytest.raises(AppError, match="no design named “gone”"):
        rename_design(library, "gone", "x")


def test_notes_are_kept_in_the_file(library: Workspace) -> None:
    path = design_path(library, "seed")
    text = 'first "line"\nzweite Zeile\t\\'
    assert annotate_design(path, text).notes == text
    assert load_design(path).notes == text
    assert annotate_design(path, "") == preset("seed", classes=3)
    assert path.read_text(encoding="utf-8") == dump_design(preset("seed", classes=3))
    with pytest.raises(AppError, match="too long"):
        annotate_design(path, "x" * (LONGEST_NOTES + 1))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user"
)
def test_a_folder_that_cannot_be_written_is_named(library: Workspace) -> None:
    library.designs.chmod(0o500)
    try:
        with pytest.raises(AppError, match="cannot be"):
            duplicate_design(library, "seed")
    finally:
        library.designs.chmod(0o700)
