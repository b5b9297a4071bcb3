"""Divides a data set that nobody has divided: by a seed, the same way every time, without leaks between the splits.

Pictures that are nearly the same go together, and so do the variants that Roboflow makes of one picture. The groups
are put into an order that depends on the seed and the pictures' names alone; the first ones validate, the next ones
test, the rest trains. What was decided is kept beside the preferences, so that pictures which come later change
nothing for those that were there. Nothing is written into the data set's folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.core.files import write_text
from app.core.findings import Finding
from app.core.folders import config_folder
from app.engine.dataset_alike import groups, origin, pairs
from app.engine.dataset_items import Item
from app.engine.dataset_looks import Looks
from app.engine.dataset_tree import UNDIVIDED

SEED = 0
VAL_SHARE, TEST_SHARE = 0.2, 0.1
_LEAST_FOR_TEST = 20
_LEAST_FILM = 10
_FORMAT = 1
_LARGEST_RECORD = 200_000_000


@dataclass(frozen=True)
class Division:
    """A division that the Studio made: pictures per split, and what is to be said about it."""

    items: dict[str, list[Item]]
    findings: tuple[Finding, ...]


def divide(
    root: Path,
    items: Mapping[str, list[Item]],
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Division | None:
    """Divide what is to be divided: pictures of no split, or those to train on where there are none to validate on.

    Args:
        root: of the data set.
        items: pictures per split; those of `UNDIVIDED` belong to none yet.
        progress: told how far the look at the pictures is.
        cancelled: asked now and then whether to give up.

    Returns:
        None where there is nothing to divide.

    Raises:
        AppError: it was cancelled.
    """
    undivided = items.get(UNDIVIDED, [])
    given = {split: found for split, found in items.items() if split != UNDIVIDED}
    if given.get("val"):
        if not undivided:
            return None
        given["train"] = [*given.get("train", []), *(replace(item, split="train") for item in undivided)]
        return Division(given, ())
    pool = sorted([*undivided, *given.pop("train", [])], key=lambda item: item.picture)
    if len(pool) < 2:
        if not undivided:
            return None
        return Division({"train": [replace(item, split="train") for item in pool], **given}, ())
    with_test = bool(undivided) and "test" not in given and len(pool) >= _LEAST_FOR_TEST
    record = _Record(root)
    names = [_name(item.picture, root) for item in pool]
    if any(name not in record.splits for name in names):
        together, record.films = _together(root, pool, progress, cancelled)
        _assign(record.splits, names, together, with_test)
        record.keep()
    chosen: dict[str, list[Item]] = {"train": [], "val": [], **({"test": []} if with_test else {}), **given}
    for name, item in zip(names, pool, strict=True):
        split = record.splits[name]
        chosen.setdefault(split, []).append(replace(item, split=split))
    films = [Finding("split_cut", str(root / name), None, {"count": count}) for name, count in record.films]
    counts = {split: len(chosen.get(split, [])) for split in ("train", "val", "test")}
    return Division(chosen, (Finding("split_made", str(root), None, counts), *films))


def _together(
    root: Path,
    pool: list[Item],
    progress: Callable[[float, str], None] | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[list[list[int]], list[tuple[str, int]]]:
    """Return groups of pictures that must not be parted, and films: a group too large is cut in its order."""
    with Looks(root) as looks:
        greys = [look.grey for look in looks.at([item.picture for item in pool], progress, cancelled)]
    links = list(pairs(greys))
    first: dict[tuple[Path, str], int] = {}
    for place, item in enumerate(pool):
        key = (item.picture.parent, origin(item.picture.stem))
        if first.setdefault(key, place) != place:
            links.append((first[key], place))
    most = max(round(len(pool) * TEST_SHARE), 1)
    found, films = [], []
    for group in groups(len(pool), iter(links)):
        if len(group) <= max(most, _LEAST_FILM):
            found.append(group)
            continue
        films.append((_name(pool[group[0]].picture.parent, root), len(group)))
        found.extend(group[start : start + most] for start in range(0, len(group), most))
    return found, films


def _assign(splits: dict[str, str], names: list[str], together: list[list[int]], with_test: bool) -> None:
    """Give each group a split: that of a member which has one, else what is still wanting, in the seed's order."""
    wanted: dict[str, int] = {"val": max(round(len(names) * VAL_SHARE), 1)}
    if with_test:
        wanted["test"] = max(round(len(names) * TEST_SHARE), 1)
    for name in names:
        if splits.get(name) in wanted:
            wanted[splits[name]] -= 1
    open_groups = []
    for group in together:
        decided = next((splits[names[place]] for place in group if names[place] in splits), None)
        if decided is None:
            open_groups.append(group)
            continue
        for place in group:
            splits.setdefault(names[place], decided)
    open_groups.sort(key=lambda group: _lot(names[group[0]]))
    for group in open_groups:
        chosen = next((split for split, count in wanted.items() if len(group) <= count), "train")
        wanted[chosen] = wanted.get(chosen, 0) - len(group)
        splits.update((names[place], chosen) for place in group)
    if len(open_groups) > 1 and not any(splits[name] == "val" for name in names):
        smallest = min(open_groups, key=len)
        splits.update((names[place], "val") for place in smallest)


def _lot(name: str) -> str:
    """Return a picture's lot: what puts it into an order that nobody chose."""
    return hashlib.blake2b(f"{SEED}/{name}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _name(picture: Path, root: Path) -> str:
    return Path(os.path.relpath(picture, root)).as_posix()


class _Record:
    """What was decided for the pictures of a data set: a JSON file beside the preferences."""

    def __init__(self, root: Path) -> None:
        key = hashlib.blake2b(os.fsencode(root.absolute()), digest_size=12).hexdigest()
        self._path = config_folder() / "splits" / f"{key}.json"
        self._root = root
        self.splits: dict[str, str] = {}
        self.films: list[tuple[str, int]] = []
        try:
            if self._path.stat().st_size <= _LARGEST_RECORD:
                content = json.loads(self._path.read_text(encoding="utf-8"))
                self.splits, self.films = _valid(content)
        except (OSError, ValueError, RecursionError):
            return  # none yet, or a broken one: it is decided again, by the same rule

    def keep(self) -> None:
        """Write it down; where that fails, the same rule gives the same again."""
        content: dict[str, Any] = {
            "format": _FORMAT,
            "root": str(self._root),
            "seed": SEED,
            "films": self.films,
        }
        content["splits"] = self.splits
        try:
            write_text(self._path, json.dumps(content, ensure_ascii=True, indent=0))
        except OSError:
            return


def _valid(content: Any) -> tuple[dict[str, str], list[tuple[str, int]]]:
    if not isinstance(content, dict) or content.get("format") != _FORMAT or content.get("seed") != SEED:
        return {}, []
    splits, films = content.get("splits"), content.get("films")
    if not isinstance(splits, dict) or not isinstance(films, list):
        return {}, []
    if not all(split in ("train", "val", "test") for split in splits.values()):
        return {}, []
    good = [(str(film[0]), film[1]) for film in films if isinstance(film, list) and isinstance(film[-1], int)]
    return {str(name): str(split) for name, split in splits.items()}, good
