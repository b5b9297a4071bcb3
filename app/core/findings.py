"""What can be wrong with a data set: each kind of finding with its severity, its text and its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from app.core.text import QT_TRANSLATE_NOOP, Text

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
MOST_OF_A_KIND = 500
"""More findings of one kind are counted, not listed."""

_BOTH = QT_TRANSLATE_NOOP("core", "{text} {remedy}")


@dataclass(frozen=True)
class FindingKind:
    """A kind of finding.

    Attributes:
        severity: `error` loses pictures, labels or the training; `warning` may spoil the result; `info` is known.
        text: what is wrong, in English, with the finding's values in braces.
        remedy: what to do about it, likewise.
    """

    severity: Severity
    text: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """Something about a data set that a person should know.

    Attributes:
        code: its kind, a key of `FINDING_KINDS`.
        path: the file or folder.
        line: line in that file, from 1.
        values: what the texts of its kind have in braces.
    """

    code: str
    path: str
    line: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return FINDING_KINDS[self.code].severity

    @property
    def message(self) -> Text:
        """What is wrong and what to do about it, in English, fit for translation."""
        kind = FINDING_KINDS[self.code]
        text = Text(kind.text, self.values)
        return Text(_BOTH, {"text": text, "remedy": Text(kind.remedy, self.values)}) if kind.remedy else text

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read what `to_json` wrote.

        Raises:
            KeyError: its kind is not known.
        """
        code = str(data["code"])
        if code not in FINDING_KINDS:
            raise KeyError(code)
        return cls(code, str(data["path"]), data.get("line"), dict(data.get("values", {})))

    def to_json(self) -> dict[str, Any]:
        """Return it as the command line and the window get it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "values": dict(self.values),
        }


def arranged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put errors first, keep the order otherwise, and count what is beyond `MOST_OF_A_KIND` of one kind."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    listed = []
    for code, group in by_code.items():
        listed.extend(group[:MOST_OF_A_KIND])
        if len(group) > MOST_OF_A_KIND:
            rest = {"count": len(group) - MOST_OF_A_KIND, "code": code}
            listed.append(Finding(f"more_{group[0].severity}s", group[0].path, None, rest))
    return tuple(sorted(listed, key=lambda finding: SEVERITIES.index(finding.severity)))


def _kinds() -> dict[str, FindingKind]:
    error, warning, info = SEVERITIES
    more = QT_TRANSLATE_NOOP("core", "{count} more of the kind {code} are not listed.")
    return {
        "more_errors": FindingKind(error, more, ""),
        "more_warnings": FindingKind(warning, more, ""),
        "more_infos": FindingKind(info, more, ""),
        # --- the description ------------------------------------------------------------------------------
        "download_ignored": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "The file asks to download or run something; the Studio does neither."),
            QT_TRANSLATE_NOOP("core", "If pictures are missing, fetch them yourself."),
        ),
        "key_twice": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "“{key}:” is there twice; the later one counts."),
            QT_TRANSLATE_NOOP("core", "Remove one of them."),
        ),
        "root_missing": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "“path: {folder}” is not on this computer; the file's own folder is used."
            ),
            QT_TRANSLATE_NOOP("core", "Correct the line, or remove it."),
        ),
        "split_not_named": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "There is no line “{split}:”."),
            QT_TRANSLATE_NOOP("core", "Add one that names the folder of those pictures."),
        ),
        "split_missing": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "The pictures of “{split}” are not there: {folder} does not exist."),
            QT_TRANSLATE_NOOP("core", "Correct the line “{split}:” or put the folder there."),
        ),
        "split_empty": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "There are no pictures for “{split}”."),
            QT_TRANSLATE_NOOP("core", "Put some into the folder, or name another folder."),
        ),
        "listed_missing": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "The list names a picture that is not there: {picture}."),
            QT_TRANSLATE_NOOP("core", "Correct or remove the line."),
        ),
        "names_missing": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "The classes have no names; they are called class_0 to class_{last}."),
            QT_TRANSLATE_NOOP("core", "Add a list “names:”."),
        ),
        "name_not_text": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "The name of class {index} is read as “{name}”, which may not be what it says."
            ),
            QT_TRANSLATE_NOOP("core", "Put the name in quotation marks."),
        ),
        "name_twice": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "Classes {first} and {second} have the same name, “{name}”."),
            QT_TRANSLATE_NOOP("core", "Rename one, or make them one class."),
        ),
        "nc_mismatch": FindingKind(
            error,
            QT_TRANSLATE_NOOP(
                "core", "“nc: {nc}” and the {count} names contradict each other; the names count."
            ),
            QT_TRANSLATE_NOOP("core", "Remove the line “nc:”."),
        ),
        "channels": FindingKind(
            error,
            QT_TRANSLATE_NOOP(
                "core", "“channels: {channels}” is not supported; pictures are read in colour."
            ),
            QT_TRANSLATE_NOOP("core", "Remove the line."),
        ),
        # --- pictures -------------------------------------------------------------------------------------
        "picture_corrupt": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "This picture cannot be decoded ({why})."),
            QT_TRANSLATE_NOOP("core", "Replace or delete it; training leaves it out."),
        ),
        "picture_truncated": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "Part of this picture is missing ({why})."),
            QT_TRANSLATE_NOOP("core", "Copy it again, or delete it; training leaves it out."),
        ),
        "picture_huge": FindingKind(
            error,
            QT_TRANSLATE_NOOP(
                "core", "This picture claims {why} pixels, which would fill the memory; it was not opened."
            ),
            QT_TRANSLATE_NOOP("core", "Make it smaller or delete it; training leaves it out."),
        ),
        "picture_tiny": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "This picture is only {why} pixels large."),
            QT_TRANSLATE_NOOP("core", "Delete it; training leaves it out."),
        ),
        "picture_unreadable": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "This picture file cannot be read ({why})."),
            QT_TRANSLATE_NOOP("core", "Check that it exists and that you may read it."),
        ),
        "picture_loose_end": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "Something follows the end of this JPEG; stock training would overwrite the file."
            ),
            QT_TRANSLATE_NOOP("core", "Nothing to do here: the Studio leaves it as it is."),
        ),
        "picture_duplicate": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "Same picture as {other}, both in “{split}”."),
            QT_TRANSLATE_NOOP("core", "Delete one of them."),
        ),
        "leak": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "Same picture as {other}: it is in “{split}” and in “{other_split}”."),
            QT_TRANSLATE_NOOP("core", "Keep it in one of the two, or the figures will be too good."),
        ),
        "splits_overlap": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "“{split}” and “{other_split}” share {count} picture files."),
            QT_TRANSLATE_NOOP(
                "core", "Keep some pictures for “{other_split}” alone, or its figures say little."
            ),
        ),
        "saved_pixels_ignored": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "{count} .npy files lie beside the pictures; stock training would use them instead."
            ),
            QT_TRANSLATE_NOOP("core", "Nothing to do here: the Studio ignores them."),
        ),
        **_label_kinds(),
    }


def _label_kinds() -> dict[str, FindingKind]:
    error, warning, info = SEVERITIES
    lost = QT_TRANSLATE_NOOP("core", "Correct the line; until then training leaves the whole picture out.")
    delete = QT_TRANSLATE_NOOP("core", "Delete the line.")
    return {
        "symlink_trap": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core",
                "This picture folder is a link to {target}, where no labels lie: stock training finds none "
                "of its {count} labels and learns nothing. The Studio finds them.",
            ),
            QT_TRANSLATE_NOOP(
                "core", "For use elsewhere, link the whole data set's folder, or copy the pictures."
            ),
        ),
        "cache_ignored": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "This label cache was not made by the Studio and is not opened: it could run code."
            ),
            QT_TRANSLATE_NOOP("core", "Nothing to do here; delete it before you train with other programs."),
        ),
        "class_absent": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "The class “{name}” has no box in “train”: it cannot be learned."),
            QT_TRANSLATE_NOOP("core", "Label some, or remove the class."),
        ),
        "nothing_to_learn": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "There is not one usable box to train on."),
            QT_TRANSLATE_NOOP("core", "Check where the labels lie: beside “images” there must be “labels”."),
        ),
        "label_missing": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "This picture has no label file; it counts as one without any object."),
            QT_TRANSLATE_NOOP("core", "Label it, or add an empty {label} to say that it is meant so."),
        ),
        "label_empty": FindingKind(
            info,
            QT_TRANSLATE_NOOP("core", "The label file is empty: a picture without any object."),
            QT_TRANSLATE_NOOP("core", "Nothing to do if that is right."),
        ),
        "label_unreadable": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "The label file cannot be read ({why})."),
            QT_TRANSLATE_NOOP("core", "Save it as UTF-8 text; until then training leaves the picture out."),
        ),
        "label_orphan": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "No picture belongs to this label file."),
            QT_TRANSLATE_NOOP("core", "Add the picture, or delete the file."),
        ),
        "label_shared": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "Two pictures share this label file: {first} and {second}."),
            QT_TRANSLATE_NOOP("core", "Rename one of the pictures and its label."),
        ),
        "columns": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "{count} values instead of 5 (class, x, y, width, height)."),
            lost,
        ),
        "not_a_number": FindingKind(error, QT_TRANSLATE_NOOP("core", "“{text}” is not a number."), lost),
        "unknown_class": FindingKind(
            error, QT_TRANSLATE_NOOP("core", "There is no class {value}; the classes are 0 to {last}."), lost
        ),
        "out_of_range": FindingKind(
            error,
            QT_TRANSLATE_NOOP(
                "core", "{name} is {value}, but must lie from 0 to 1, as a share of the picture."
            ),
            lost,
        ),
        "mixed_rows": FindingKind(
            error, QT_TRANSLATE_NOOP("core", "Boxes and polygons are mixed in one file."), lost
        ),
        "box_past_edge": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "The box reaches {percent} % of the picture beyond its edge."),
            QT_TRANSLATE_NOOP("core", "Cut the box off at the edge."),
        ),
        "zero_size": FindingKind(warning, QT_TRANSLATE_NOOP("core", "The box has no {name}."), delete),
        "row_duplicate": FindingKind(
            warning, QT_TRANSLATE_NOOP("core", "Same box as in line {first}; it counts once."), delete
        ),
        "polygons": FindingKind(
            info,
            QT_TRANSLATE_NOOP("core", "{count} label files hold polygons; their bounding boxes are used."),
            QT_TRANSLATE_NOOP("core", "Nothing to do if you want to detect boxes."),
        ),
    }


FINDING_KINDS: Mapping[str, FindingKind] = MappingProxyType(_kinds())
"""Code → kind."""
