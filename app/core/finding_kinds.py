"""What can be wrong with a data set: each kind of finding with its severity, its text and its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from app.core.text import QT_TRANSLATE_NOOP

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


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
        **_layout_kinds(),
    }


def _layout_kinds() -> dict[str, FindingKind]:
    """Kinds of Pascal VOC, COCO, undivided data, and unusual pictures."""
    error, warning, info = SEVERITIES
    nothing = QT_TRANSLATE_NOOP("core", "Nothing to do here.")
    correct = QT_TRANSLATE_NOOP("core", "Correct or remove it; training goes on without it.")
    return {
        "split_made": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core",
                "Nothing was set apart to validate on: the Studio takes {train} pictures to train, {val} to validate "
                "and {test} to test, the same ones every time; pictures that are nearly the same stay together.",
            ),
            QT_TRANSLATE_NOOP("core", "To divide them yourself, make folders “train” and “val”."),
        ),
        "split_cut": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core",
                "{count} pictures are nearly the same, like a film: they are cut in their order, and the splits "
                "resemble each other where they meet.",
            ),
            QT_TRANSLATE_NOOP("core", "Validate on pictures that were taken elsewhere, or at another time."),
        ),
        "near_leak": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "Nearly the same picture as {other}: it is in “{split}” and in “{other_split}”."
            ),
            QT_TRANSLATE_NOOP("core", "Keep both in one split, or the figures will be too good."),
        ),
        "picture_name": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "The picture's name holds control characters or is not valid text."),
            QT_TRANSLATE_NOOP("core", "Rename it; training leaves it out."),
        ),
        "name_control": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "The name of class {index} holds control characters; they are left out."
            ),
            QT_TRANSLATE_NOOP("core", "Correct the name."),
        ),
        "picture_suffix": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "This picture is a {format} by another name; it is read as what it is."
            ),
            nothing,
        ),
        "picture_deep": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "This picture has 16 bits a channel; training sees the upper 8 of them alone."
            ),
            QT_TRANSLATE_NOOP("core", "If it looks too dark, stretch its values and save it with 8 bits."),
        ),
        "picture_pages": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "This file holds {count} pictures; only the first is used."),
            QT_TRANSLATE_NOOP("core", "Save the others as files of their own if you need them."),
        ),
        "label_second": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "A second annotation of {picture}; it is not used."),
            QT_TRANSLATE_NOOP("core", "Remove one of the two."),
        ),
        "not_in_sets": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "{count} pictures are in no list of “ImageSets/Main”; they are not used."
            ),
            QT_TRANSLATE_NOOP("core", "Add them to a list if you want to use them."),
        ),
        "entry_broken": FindingKind(
            warning, QT_TRANSLATE_NOOP("core", "An entry of “images” names no file."), correct
        ),
        "entry_missing": FindingKind(
            error,
            QT_TRANSLATE_NOOP("core", "It names a picture that is not there: {picture}."),
            QT_TRANSLATE_NOOP("core", "Put the picture beside the file, or remove the entry."),
        ),
        "outside": FindingKind(
            error,
            QT_TRANSLATE_NOOP(
                "core", "It names a picture outside the data set: {picture}. It is not opened."
            ),
            QT_TRANSLATE_NOOP("core", "Put the picture into the data set's folder, and correct the entry."),
        ),
        "crowds": FindingKind(
            info,
            QT_TRANSLATE_NOOP("core", "{count} boxes around crowds are left out, as is usual for training."),
            nothing,
        ),
        "no_description": FindingKind(
            info,
            QT_TRANSLATE_NOOP(
                "core", "There is no data.yaml; classes and splits are taken from what lies here."
            ),
            QT_TRANSLATE_NOOP("core", "A corrected copy has one."),
        ),
        "object_broken": FindingKind(
            warning,
            QT_TRANSLATE_NOOP("core", "This object has no class, or no four numbers for its edges."),
            correct,
        ),
        "object_outside": FindingKind(
            warning, QT_TRANSLATE_NOOP("core", "The box lies outside the picture."), correct
        ),
        "box_cut": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "The box reaches {percent} % of the picture beyond its edge; it is cut off there."
            ),
            QT_TRANSLATE_NOOP("core", "Correct it if the object is elsewhere."),
        ),
        "row_duplicate_object": FindingKind(
            warning, QT_TRANSLATE_NOOP("core", "The same box is there twice; it counts once."), correct
        ),
        "size_lies": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "The annotation says {said} pixels, the picture has {size}; the picture counts."
            ),
            QT_TRANSLATE_NOOP("core", "Look whether the boxes are in their places."),
        ),
        "size_scaled": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core",
                "The annotation says {said} pixels, the picture has {size}; the boxes are scaled to it.",
            ),
            QT_TRANSLATE_NOOP("core", "Look whether the boxes are in their places."),
        ),
        "turned_unclear": FindingKind(
            warning,
            QT_TRANSLATE_NOOP(
                "core", "This picture is turned by its EXIF data; its boxes are taken as drawn on it upright."
            ),
            QT_TRANSLATE_NOOP("core", "Look whether the boxes are in their places."),
        ),
    }


FINDING_KINDS: Mapping[str, FindingKind] = MappingProxyType(_kinds())
"""Code → kind."""
