"""Pascal VOC: an XML file for each picture. Read as data: no document type, no entity, nothing from elsewhere."""

from __future__ import annotations

import re
import xml.parsers.expat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from app.core.errors import AppError
from app.core.findings import Finding
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset_items import Item, fit_for_lists, one_line
from app.engine.dataset_labels import LabelFileError, Labels, Problem
from app.engine.dataset_pixels import PixelBox, to_shares
from app.engine.dataset_tree import UNDIVIDED, Tree, check_cancelled, nearest, split_of
from app.engine.dataset_yaml import MOST_CLASSES, Description
from app.engine.pictures import PictureInfo

Progress = Callable[[float, str], None]

LARGEST_BYTES = 5_000_000
MOST_OBJECTS = 20_000
_CHUNK = 512
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_SETS = {"train": "train", "val": "val", "test": "test"}


@dataclass(frozen=True)
class VocObject:
    """A labelled object: its class, its edges in pixels as the file says them, and its line."""

    name: str
    edges: tuple[str, ...]
    line: int


@dataclass
class Annotation:
    """What an XML file says.

    Attributes:
        filename: the picture it means.
        size: width and height it claims, zeros where it claims none.
        size_line: where it claims them.
        objects: in the order of the file.
    """

    filename: str = ""
    size: tuple[float, float] = (0.0, 0.0)
    size_line: int | None = None
    objects: list[VocObject] = field(default_factory=list)


class _XmlReader:
    """Collects an annotation while expat goes through the file."""

    def __init__(self) -> None:
        self.annotation = Annotation()
        self.root = ""
        self._path: list[str] = []
        self._text: list[str] = []
        self._object: dict[str, str] = {}
        self._line = 0
        self._size = {"width": 0.0, "height": 0.0}
        self.parser = parser = xml.parsers.expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append

    def _refuse(self, *_what: object) -> NoReturn:
        raise LabelFileError(QT_TRANSLATE_NOOP("core", "it declares a document type, which no label needs"))

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self.root = self.root or name
        if len(self._path) > 20:
            raise LabelFileError(QT_TRANSLATE_NOOP("core", "its elements are nested too deeply"))
        self._path.append(name)
        self._text.clear()
        if self._path[1:] == ["object"]:
            self._object, self._line = {}, self.parser.CurrentLineNumber
        elif self._path[1:] == ["size"]:
            self.annotation.size_line = self.parser.CurrentLineNumber

    def _end(self, name: str) -> None:
        text, path = "".join(self._text).strip(), self._path[1:]
        self._text.clear()
        if path == ["filename"]:
            self.annotation.filename = text
        elif path[:1] == ["size"] and name in self._size:
            self._size[name] = _number(text) or 0.0
            self.annotation.size = (self._size["width"], self._size["height"])
        elif path == ["object", "name"] or (path[:2] == ["object", "bndbox"] and name in _EDGES):
            self._object[name] = text
        elif path == ["object"]:
            if len(self.annotation.objects) >= MOST_OBJECTS:
                raise LabelFileError(QT_TRANSLATE_NOOP("core", "it holds more than 20 000 objects"))
            edges = tuple(self._object.get(edge, "") for edge in _EDGES)
            self.annotation.objects.append(VocObject(self._object.get("name", ""), edges, self._line))
        self._path.pop()


def read_annotation(path: Path) -> Annotation:
    """Read an XML file.

    Raises:
        LabelFileError: it is no annotation, too large, or declares a document type.
        FileNotFoundError: there is none.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise LabelFileError(QT_TRANSLATE_NOOP("core", "it is larger than 5 MB"))
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise LabelFileError(problem.strerror or type(problem).__name__) from problem
    reader = _XmlReader()
    try:
        reader.parser.Parse(data, True)
    except (xml.parsers.expat.ExpatError, ValueError, LookupError) as problem:
        raise LabelFileError(str(problem)[:120]) from problem
    if reader.root != "annotation":
        raise LabelFileError(QT_TRANSLATE_NOOP("core", "it is no Pascal VOC annotation"))
    return reader.annotation


class VocReader:
    """Knows the boxes of pictures from their annotations, which are read once.

    Args:
        names: of the classes.
        annotations: by the path of their file; or why it cannot be read.
    """

    def __init__(self, names: tuple[str, ...], annotations: dict[Path, Annotation | LabelFileError]) -> None:
        self._classes = {name: index for index, name in enumerate(names)}
        self._annotations = annotations

    def read(self, item: Item, picture: PictureInfo | None) -> Labels:
        """Return a picture's boxes.

        Raises:
            LabelFileError: its annotation cannot be read.
        """
        annotation = self._annotations.get(item.label)
        if annotation is None:
            return Labels((), (), blank=True)
        if isinstance(annotation, LabelFileError):
            raise LabelFileError(*annotation.args)
        if picture is None:
            return Labels((), ())
        boxes, problems = [], []
        for found in annotation.objects:
            edges = [_number(edge) for edge in found.edges]
            cls = self._classes.get(_class_name(found.name))
            if cls is None or any(edge is None for edge in edges):
                problems.append(Problem("object_broken", found.line, {}))
            else:
                left, top, right, bottom = (edge for edge in edges if edge is not None)
                boxes.append(PixelBox(cls, left, top, right, bottom, found.line))
        return to_shares(boxes, annotation.size, picture, problems, annotation.size_line)


def read_voc(
    tree: Tree, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> Description | None:
    """Return what a folder of annotations holds; None where no XML file in it is one.

    Raises:
        AppError: there is no picture or no class, or it was cancelled.
    """
    annotations = _read_all(tree.xmls, progress, cancelled)
    annotations = {path: found for path, found in annotations.items() if not _is_other(found)}
    good = [found for found in annotations.values() if isinstance(found, Annotation)]
    if not good:
        return None
    names = tuple(sorted({_class_name(one.name) for found in good for one in found.objects} - {""}))
    if not names or len(names) > MOST_CLASSES:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The annotations in {folder} name {count} classes."),
            QT_TRANSLATE_NOOP("core", "Choose the folder of a Pascal VOC data set with labelled objects."),
            folder=tree.root,
            count=len(names),
        )
    reader = VocReader(names, annotations)
    findings: list[Finding] = []
    items = _items(tree, annotations, reader, findings)
    return Description(tree.root, tree.root, names, {}, {}, tuple(findings), "voc", items)


def _read_all(
    files: list[Path], progress: Progress | None, cancelled: Callable[[], bool] | None
) -> dict[Path, Annotation | LabelFileError]:
    found: dict[Path, Annotation | LabelFileError] = {}
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(files), _CHUNK):
            check_cancelled(cancelled)
            if progress is not None:
                progress(0.0, f"{start} / {len(files)}")
            chunk = files[start : start + _CHUNK]
            found.update(zip(chunk, pool.map(_read_one, chunk), strict=True))
    return found


def _read_one(path: Path) -> Annotation | LabelFileError:
    try:
        return read_annotation(path)
    except LabelFileError as problem:
        return problem
    except FileNotFoundError:
        return LabelFileError(QT_TRANSLATE_NOOP("core", "no such file"))


def _is_other(found: Annotation | LabelFileError) -> bool:
    """Say whether an XML file is of another kind, such as a project's settings."""
    return isinstance(found, LabelFileError) and found.args[0] == "it is no Pascal VOC annotation"


def _items(
    tree: Tree,
    annotations: dict[Path, Annotation | LabelFileError],
    reader: VocReader,
    findings: list[Finding],
) -> dict[str, tuple[Item, ...]]:
    """Give each picture its annotation: of the same name, else the one that names it; and its split."""
    stems = tree.by_stem()
    of_picture: dict[Path, Path] = {}
    for file, found in annotations.items():
        named = found.filename if isinstance(found, Annotation) else ""
        candidates = stems.get(file.stem) or stems.get(re.split(r"[\\/]", named)[-1].rpartition(".")[0])
        if not candidates:
            findings.append(Finding("label_orphan", str(file)))
            continue
        picture = nearest(candidates, file)
        if picture in of_picture:
            findings.append(Finding("label_second", str(file), None, {"picture": picture.name}))
        else:
            of_picture[picture] = file
    listed = _listed_splits(tree)
    items: dict[str, list[Item]] = {}
    for picture in tree.pictures:
        if not fit_for_lists(str(picture)):
            findings.append(Finding("picture_name", str(picture)))
            continue
        split = listed.get(picture.stem) or split_of(picture, tree.root)
        label = of_picture.get(picture)
        item = Item(split, picture, label or picture.with_suffix(".xml"), label is not None, reader)
        items.setdefault(split, []).append(item)
    if listed:
        left_out = items.pop(UNDIVIDED, [])
        if left_out:
            findings.append(Finding("not_in_sets", str(tree.root), None, {"count": len(left_out)}))
    return {split: tuple(found) for split, found in items.items()}


def _listed_splits(tree: Tree) -> dict[str, str]:
    """Return what `ImageSets/Main/{train,val,test}.txt` say of pictures, by their names without suffix."""
    found: dict[str, str] = {}
    for file in tree.texts:
        split = _SETS.get(file.stem.lower())
        if split is None or "imagesets" not in (part.lower() for part in file.parts):
            continue
        found.update((stem, split) for stem in _first_words(file))
    return found


def _first_words(file: Path) -> Iterator[str]:
    try:
        if file.stat().st_size > 50_000_000:
            return
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        words = line.split()
        if words and (len(words) == 1 or words[1] != "-1"):
            yield words[0]


def _class_name(text: str) -> str:
    return one_line(text).strip()[:200]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
