"""The designs of a workspace: listed, duplicated, renamed, annotated. No file is ever overwritten by another.

A design's name is its file's without the ending; what is safe as a run's name is safe here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.core.design import Design, load_design, save_design
from app.core.errors import AppError
from app.core.files import put_in_place
from app.core.runs import Workspace, check_name, make_name
from app.core.text import QT_TRANSLATE_NOOP

SUFFIX = ".yaml"
LONGEST_NOTES = 20_000
"""Characters that a design's notes may have."""


def list_designs(workspace: Workspace) -> tuple[Path, ...]:
    """Return the designs of a workspace, the last changed first."""
    folder = workspace.root / "designs"
    found = []
    for path in folder.glob(f"*{SUFFIX}") if folder.is_dir() else ():
        try:
            found.append((path.stat().st_mtime, path))
        except OSError:  # gone meanwhile
            continue
    return tuple(path for _, path in sorted(found, key=lambda item: (-item[0], item[1].name)))


def design_path(workspace: Workspace, name: str) -> Path:
    """Return the file of a design that exists.

    Raises:
        AppError: the name is not safe, or there is no such design.
    """
    path = workspace.designs / (check_name(name) + SUFFIX)
    if not path.is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no design named “{name}” in {folder}."),
            QT_TRANSLATE_NOOP("core", "Choose one that is listed."),
            name=name,
            folder=path.parent,
        )
    return path


def duplicate_design(workspace: Workspace, name: str, new: str | None = None) -> Path:
    """Copy a design, byte for byte, and return the copy.

    Args:
        workspace: where it is.
        name: its name.
        new: name of the copy; None takes the next free of "NAME 2", "NAME 3" …

    Raises:
        AppError: a name is not safe, there is no such design, the new name is taken, or nothing can be written.
    """
    source = design_path(workspace, name)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise _unusable(source, error) from error
    names = [check_name(new)] if new is not None else [make_name(name, f" {i}") for i in range(2, 1000)]
    for candidate in names:
        target = source.with_name(candidate + SUFFIX)
        if _reserve(target):
            _finish(target, partial(target.write_bytes, data))
            return target
    raise _taken(names[-1])


def rename_design(workspace: Workspace, name: str, new: str) -> Path:
    """Rename a design and return its new file.

    Args:
        workspace: where it is.
        name: its name.
        new: its new name; it may differ in upper and lower case alone.

    Raises:
        AppError: a name is not safe, there is no such design, the new name is taken, or the folder cannot be written.
    """
    source = design_path(workspace, name)
    target = source.with_name(check_name(new) + SUFFIX)
    if target == source:
        return source
    if _same_file(source, target):  # a file system that does not tell upper from lower case
        _finish(None, partial(put_in_place, source, target), source)
        return target
    if not _reserve(target):
        raise _taken(new)
    _finish(target, partial(put_in_place, source, target), source)
    return target


def annotate_design(path: Path, notes: str) -> Design:
    """Write notes into a design file and return the design.

    Raises:
        AppError: the file is no design, the notes are too long, or it cannot be written.
    """
    if len(notes) > LONGEST_NOTES:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Notes of {count} characters are too long."),
            QT_TRANSLATE_NOOP("core", "Write at most {most}."),
            count=len(notes),
            most=LONGEST_NOTES,
        )
    design = replace(load_design(path), notes=notes)
    save_design(design, path)
    return design


def _same_file(source: Path, target: Path) -> bool:
    try:
        return target.name.casefold() == source.name.casefold() and target.samefile(source)
    except OSError:
        return False


def _reserve(path: Path) -> bool:
    """Make an empty file where none was; return whether there was none, so that two at once cannot take one name."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    return True


def _finish(reserved: Path | None, act: Callable[[], object], about: Path | None = None) -> None:
    """Fill a reserved file; where that fails it is given back."""
    try:
        act()
    except OSError as error:
        if reserved is not None:
            reserved.unlink(missing_ok=True)
        raise _unusable(about or reserved or Path(), error) from error


def _taken(name: str) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "There is a design named “{name}” already."),
        QT_TRANSLATE_NOOP("core", "Take another name."),
        name=name,
    )


def _unusable(path: Path, error: OSError) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "{path} cannot be read or written: {reason}."),
        QT_TRANSLATE_NOOP("core", "Check the folder and its permissions."),
        path=path,
        reason=error.strerror or error,
    )
