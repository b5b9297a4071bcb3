"""Opens a YOLO data.yaml as what it is, a foreign file: nothing in it is run, downloaded or evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import AppError
from app.core.findings import Finding
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.engine.dataset_items import Item, fit_for_lists, one_line

SPLITS = ("train", "val", "test")
LARGEST_BYTES = 1_000_000
MOST_CLASSES = 10_000
_ALIASES = {"val": ("val", "validation", "valid")}
_NO_DESCRIPTION = QT_TRANSLATE_NOOP("core", "{file} is not the description of a data set.")
_NOT_YAML = QT_TRANSLATE_NOOP("core", "not valid YAML: {why}.")
_CHOOSE_YAML = QT_TRANSLATE_NOOP("core", "Choose a data.yaml with “train:”, “val:” and “names:”.")
_USUAL_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


@dataclass(frozen=True)
class Description:
    """What a data.yaml says, with every path absolute.

    Attributes:
        file: the data.yaml.
        root: the folder that its paths start from.
        names: of the classes, in the order of their numbers.
        splits: per split its folders or lists of pictures, whether they exist or not; links are not followed.
        lines: where each key stands in the file, from 1.
        findings: what is wrong with it.
        layout: `yolo`, `voc` or `coco`.
        items: the pictures, where no folders or lists name them; those of `all` are not divided yet.
    """

    file: Path
    root: Path
    names: tuple[str, ...]
    splits: Mapping[str, tuple[Path, ...]]
    lines: Mapping[str, int]
    findings: tuple[Finding, ...]
    layout: str = "yolo"
    items: Mapping[str, tuple[Item, ...]] | None = field(default=None, repr=False)


def find_description(path: Path) -> Path:
    """Return the data.yaml that a path means: itself, or the one inside the folder.

    Raises:
        AppError: there is none, or the folder holds several.
    """
    try:
        if path.is_file():
            return path
        inside = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else []
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be opened: {why}."),
            QT_TRANSLATE_NOOP("core", "Check its permissions."),
            path=path,
            why=error.strerror or str(error),
        ) from error
    if not path.is_dir():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no data set {path}."),
            QT_TRANSLATE_NOOP(
                "core",
                "Choose a data.yaml, a COCO JSON file, or the folder of a YOLO, Pascal VOC or COCO data set.",
            ),
            path=path,
        )
    usual = [item for item in inside if is_usual(item)]
    if len(usual) == 1 or (not usual and len(inside) == 1):
        return (usual or inside)[0]
    if inside:
        listed = ", ".join(item.name for item in inside[:6])
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The folder {path} holds several descriptions: {files}."),
            QT_TRANSLATE_NOOP("core", "Choose one of these files."),
            path=path,
            files=listed,
        )
    raise AppError(
        QT_TRANSLATE_NOOP(
            "core", "The folder {path} holds no data set: no data.yaml, and no labelled pictures."
        ),
        QT_TRANSLATE_NOOP("core", "Choose the folder of a YOLO, Pascal VOC or COCO data set."),
        path=path,
    )


def is_usual(file: Path) -> bool:
    """Say whether a file bears the name that descriptions of data sets usually have."""
    return file.name.lower() in _USUAL_NAMES


def read_description(file: Path) -> Description:
    """Read a data.yaml.

    Raises:
        AppError: it is no YAML mapping, or says neither where its pictures are nor how many classes there are.
    """
    file = file.absolute()
    data, lines, repeated = _load(file)
    reader = _Reader(file, data, lines)
    for key, line in repeated:
        reader.note("key_twice", line=line, key=key)
    if "download" in data:
        reader.note("download_ignored", "download")
    if data.get("channels", 3) != 3:
        reader.note("channels", "channels", channels=_shown(data["channels"]))
    root = reader.root()
    splits = reader.splits(root)
    return Description(file, root, reader.names(), splits, lines, tuple(reader.findings))


class _Reader:
    """Reads one key after the other and collects findings."""

    def __init__(self, file: Path, data: dict[str, Any], lines: Mapping[str, int]) -> None:
        self.file, self.data, self.lines = file, data, lines
        self.findings: list[Finding] = []

    def note(self, code: str, key: str = "", *, line: int | None = None, **values: Any) -> None:
        place = line if line is not None else self.lines.get(key)
        self.findings.append(Finding(code, str(self.file), place, values))

    def refuse(self, key: str, problem: str, hint: str, **values: str | int) -> AppError:
        """Return the refusal of what stands at a key; `problem` and `hint` are marked for translation."""
        return _refusal(self.file, self.lines.get(key), Text(problem, values), hint)

    def root(self) -> Path:
        """Return the folder that paths start from: relative to the file, never to where one happens to be."""
        beside = self.file.parent
        named = self.data.get("path")
        if named is None or named == "":
            return beside
        if not isinstance(named, str):
            raise self.refuse(
                "path",
                QT_TRANSLATE_NOOP("core", "“path” is {value}, not a folder."),
                QT_TRANSLATE_NOOP("core", "Write the folder's path."),
                value=_shown(named),
            )
        folder = _lexical(beside / Path(named).expanduser())
        if folder.is_dir():
            return folder
        self.note("root_missing", "path", folder=named)
        return beside

    def splits(self, root: Path) -> dict[str, tuple[Path, ...]]:
        found = {}
        for split in SPLITS:
            key = next((name for name in _ALIASES.get(split, (split,)) if self.data.get(name)), None)
            if key is None:
                if split != "test":
                    self.note("split_not_named", line=self.lines.get(split), split=split)
                continue
            found[split] = tuple(_placed(root, entry) for entry in self._entries(key))
        if not found:
            raise self.refuse(
                "",
                QT_TRANSLATE_NOOP("core", "it names no pictures: “train:” and “val:” are missing."),
                QT_TRANSLATE_NOOP("core", "Choose the data.yaml of a YOLO data set."),
            )
        return found

    def _entries(self, key: str) -> list[str]:
        value = self.data[key]
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
            raise self.refuse(
                key,
                QT_TRANSLATE_NOOP("core", "“{name}” is {value}, neither a path nor a list of paths."),
                QT_TRANSLATE_NOOP("core", "Write the folder's path."),
                name=key,
                value=_shown(value),
            )
        return entries

    def names(self) -> tuple[str, ...]:
        raw, count = self.data.get("names"), self._count()
        if raw is None:
            if count is None:
                raise self.refuse(
                    "",
                    QT_TRANSLATE_NOOP("core", "it has no “names:”."),
                    QT_TRANSLATE_NOOP("core", "Add a list of the classes' names."),
                )
            self.note("names_missing", "nc", last=count - 1)
            return tuple(f"class_{index}" for index in range(count))
        names = tuple(self._name(index, name) for index, name in enumerate(self._in_order(raw)))
        if count is not None and count != len(names):
            self.note("nc_mismatch", "nc", nc=count, count=len(names))
        seen: dict[str, int] = {}
        for index, name in enumerate(names):
            if name in seen:
                self.note("name_twice", "names", first=seen[name], second=index, name=name)
            seen.setdefault(name, index)
        return names

    def _count(self) -> int | None:
        count = self.data.get("nc")
        if isinstance(count, float | str):
            count = int(float(count)) if _whole(count) else count
        if count is None or (
            isinstance(count, int) and not isinstance(count, bool) and 0 < count <= MOST_CLASSES
        ):
            return count
        raise self.refuse(
            "nc",
            QT_TRANSLATE_NOOP("core", "“nc” is {value}, not a number of classes."),
            QT_TRANSLATE_NOOP("core", "Remove the line."),
            value=_shown(count),
        )

    def _in_order(self, raw: Any) -> list[Any]:
        if isinstance(raw, dict):
            if sorted(raw, key=str) != sorted(range(len(raw)), key=str):
                raise self.refuse(
                    "names",
                    QT_TRANSLATE_NOOP("core", "the numbers of the {count} classes are not 0 to {last}."),
                    QT_TRANSLATE_NOOP("core", "Number them from 0 without gaps."),
                    count=len(raw),
                    last=len(raw) - 1,
                )
            raw = [raw[index] for index in range(len(raw))]
        if not isinstance(raw, list) or not 0 < len(raw) <= MOST_CLASSES:
            raise self.refuse(
                "names",
                QT_TRANSLATE_NOOP("core", "“names” is {value}, not a list of names."),
                QT_TRANSLATE_NOOP("core", "Write one name for each class."),
                value=_shown(raw),
            )
        return raw

    def _name(self, index: int, name: Any) -> str:
        if isinstance(name, str) and name.strip():
            if not fit_for_lists(name):
                self.note("name_control", "names", index=index)
            return one_line(name).strip() or f"class_{index}"
        if name is None or isinstance(name, list | dict | str):
            raise self.refuse(
                "names",
                QT_TRANSLATE_NOOP("core", "class {number} has no name."),
                QT_TRANSLATE_NOOP("core", "Write one name for each class."),
                number=index,
            )
        if not isinstance(name, int) or isinstance(name, bool):
            self.note("name_not_text", "names", index=index, name=str(name))
        return str(name)


def _load(file: Path) -> tuple[dict[str, Any], dict[str, int], list[tuple[str, int]]]:
    """Return the top-level mapping, the line of each key, and the keys that are there twice."""
    text = _read(file)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = Text(_NOT_YAML, {"why": str(getattr(error, "problem", None) or type(error).__name__)})
        hint = QT_TRANSLATE_NOOP("core", "Correct the file.")
        raise _refusal(file, mark.line + 1 if mark is not None else None, problem, hint) from error
    except (RecursionError, ValueError, TypeError, OverflowError) as error:
        raise AppError(_NO_DESCRIPTION, _CHOOSE_YAML, file=file) from error
    finally:
        loader.dispose()
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        raise AppError(_NO_DESCRIPTION, _CHOOSE_YAML, file=file)
    lines: dict[str, int] = {}
    repeated = []
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            repeated.append((name[:40], line))
        lines[name] = line
    return {str(key): value for key, value in data.items()}, lines, repeated


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{file} is larger than a data.yaml can be (1 MB)."),
                _CHOOSE_YAML,
                file=file,
            )
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{file} cannot be read: {why}."),
            QT_TRANSLATE_NOOP("core", "Check the path."),
            file=file,
            why=error.strerror or str(error),
        ) from error
    except UnicodeDecodeError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{file} is not a text file."), _CHOOSE_YAML, file=file
        ) from error


def _refusal(file: Path, line: int | None, problem: Text, hint: str) -> AppError:
    if line is None:
        return AppError(QT_TRANSLATE_NOOP("core", "{file}: {problem}"), hint, file=file, problem=problem)
    text = QT_TRANSLATE_NOOP("core", "{file}, line {line}: {problem}")
    return AppError(text, hint, file=file, line=line, problem=problem)


def _placed(root: Path, entry: str) -> Path:
    """Return an entry's absolute path; like ultralytics, forgive a `../` too much (Roboflow writes them)."""
    path = _lexical(root / Path(entry).expanduser())
    if not path.exists() and entry.startswith("../"):
        nearer = _lexical(root / entry[3:])
        return nearer if nearer.exists() else path
    return path


def _lexical(path: Path) -> Path:
    """Resolve `.` and `..` in a path without following links."""
    import os

    return Path(os.path.normpath(path))


def _whole(value: float | str) -> bool:
    try:
        return float(value).is_integer()
    except (ValueError, OverflowError):
        return False


def _shown(value: Any) -> str:
    """Write a foreign value in a message: short, whatever it is."""
    if isinstance(value, list | dict):
        return f"a list of {len(value)}" if isinstance(value, list) else f"a mapping of {len(value)}"
    text = str(value)
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
