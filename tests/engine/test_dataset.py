"""Data sets checked: real ones, and everything that may be wrong with one."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.core import findings as core_findings
from app.core.findings import FINDING_KINDS, Finding, arranged
from app.engine.dataset import check_dataset, open_dataset
from tests.engine.broken_pictures import png_that_claims
from tests.engine.data_folders import Folder, cut

# --- the real one -------------------------------------------------------------------------------------------


@pytest.mark.alone
def test_real_data_is_counted_and_found_clean(bccd_yaml: Path) -> None:
    began = time.monotonic()
    summary = check_dataset(bccd_yaml)
    lasted = time.monotonic() - began
    found = summary.to_json()
    assert found["images"] == {"train": 205, "val": 87, "test": 72}
    assert found["boxes"] == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    # The same place of the same slide, photographed twice.
    (twice,) = found["findings"]
    assert (twice["code"], Path(twice["path"]).name) == ("near_leak", "BloodImage_00037.jpg")
    assert Path(twice["values"]["other"]).parts[-2:] == ("train", "BloodImage_00038.jpg")
    assert found["usable"] == found["images"]
    assert found["picture_sizes"] == [{"width": 640, "height": 480, "count": 364}]
    for name, total in found["boxes"].items():
        assert sum(found["box_sizes"]["counts"][name]) == total
        assert sum(split[name] for split in found["boxes_by_split"].values()) == total
    assert sum(found["boxes_per_picture"].values()) == 364
    assert lasted < 2.0


def test_the_counts_are_those_of_the_label_files(bccd_yaml: Path) -> None:
    rows = Counter(
        line.split()[0]
        for file in bccd_yaml.parent.glob("labels/*/*.txt")
        for line in file.read_text().splitlines()
    )
    assert list(check_dataset(bccd_yaml).to_json()["boxes"].values()) == [rows["0"], rows["1"], rows["2"]]


def test_a_folder_stands_for_the_description_inside(bccd_yaml: Path) -> None:
    assert open_dataset(bccd_yaml.parent) == open_dataset(bccd_yaml)


def test_the_sample_is_clean_and_has_its_classes_everywhere(tmp_path: Path) -> None:
    from app.engine.sample import write_dataset

    found = check_dataset(write_dataset(tmp_path / "sample", train=24, val=6, test=0)).to_json()
    assert [item for item in found["findings"] if item["severity"] != "info"] == []
    assert found["images"] == {"train": 24, "val": 6}
    assert len(found["names"]) >= 5
    assert min(found["boxes_by_split"]["train"].values()) > 0


def test_sizes_are_of_the_longer_side(folder: Folder) -> None:
    folder.label("train", "train0").write_text("0 0.5 0.5 0.5 0.5\n")  # 32×24 of 64×48: √768 / 64 = 0.433
    sizes = folder.check().to_json()["box_sizes"]
    edges = sizes["edges"]
    place = next(i for i in range(32) if edges[i] <= (32 * 24) ** 0.5 / 64 < edges[i + 1])
    assert sizes["counts"]["cat"][place] == 1


# --- findings -----------------------------------------------------------------------------------------------


def test_a_clean_folder_has_no_findings(folder: Folder) -> None:
    assert folder.found() == []


@pytest.mark.parametrize(
    ("label", "code", "line"),
    [
        ("0 0.5 0.5 0.2 0.2\n0 1.5 0.5 0.2 0.2\n", "out_of_range", 2),
        ("0 0.5 0.5 0.2 zwei\n", "not_a_number", 1),
        ("7 0.5 0.5 0.2 0.2\n", "unknown_class", 1),
        ("0 0.5 0.5 0.2 0.0\n", "zero_size", 1),
        ("0 0.5 0.5 0.2 0.2\n\n0 0.5 0.5 0.2 0.2\n", "row_duplicate", 3),
        ("0 0.5 0.5\n", "columns", 1),
        ("", "label_empty", None),
    ],
)
def test_a_wrong_label_is_found_with_its_line(
    folder: Folder, label: str, code: str, line: int | None
) -> None:
    folder.label("train", "train1").write_text(label)
    assert folder.found() == [(code, "labels/train/train1.txt", line)]
    found = folder.check().findings[0]
    assert found.message.count(".") >= 2  # what is wrong, and what to do


def test_a_missing_label_names_the_picture_and_a_lone_label_itself(folder: Folder) -> None:
    folder.label("val", "val1").rename(folder.label("val", "nobody"))
    assert sorted(folder.found()) == [
        ("label_missing", "images/val/val1.jpg", None),
        ("label_orphan", "labels/val/nobody.txt", None),
    ]
    assert "val1.txt" in next(f.message for f in folder.check().findings if f.code == "label_missing")


def test_a_label_that_is_no_text_is_found(folder: Folder) -> None:
    folder.label("train", "train0").write_bytes(b"\xff\xfe\x00bad")
    assert [code for code, _, _ in folder.found()] == ["label_unreadable"]
    assert folder.check().usable == {"train": 2, "val": 2}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (cut, "picture_truncated"),
        (lambda data: b"<html>404</html>", "picture_corrupt"),
        (lambda data: b"", "picture_corrupt"),
        (lambda data: png_that_claims(50_000, 50_000), "picture_huge"),
        (lambda data: png_that_claims(9, 9), "picture_tiny"),
        (lambda data: data + b"trailer", "picture_loose_end"),
    ],
)
def test_a_broken_picture_is_found_without_being_decoded(
    folder: Folder, spoil: Callable[[bytes], bytes], code: str
) -> None:
    picture = folder.picture("train", "train2")
    picture.write_bytes(spoil(picture.read_bytes()))
    assert folder.found() == [(code, "images/train/train2.jpg", None)]
    summary = folder.check()
    assert summary.images == {"train": 3, "val": 2}
    assert summary.usable["train"] == (3 if code == "picture_loose_end" else 2)


def test_a_truncated_png_is_found(folder: Folder) -> None:
    picture = folder.picture("train", "train2")
    stream = BytesIO()
    Image.open(picture).save(stream, "PNG")
    picture.with_suffix(".png").write_bytes(cut(stream.getvalue()))
    picture.unlink()
    assert [code for code, _, _ in folder.found()] in (["picture_truncated"], ["picture_corrupt"])


def test_the_same_picture_twice_and_across_splits(folder: Folder) -> None:
    original = folder.picture("train", "train0")
    shutil.copy(original, folder.picture("train", "train1"))
    shutil.copy(original, folder.picture("val", "val1"))
    assert sorted(folder.found()) == [
        ("leak", "images/val/val1.jpg", None),
        ("picture_duplicate", "images/train/train1.jpg", None),
    ]


def test_train_and_val_being_the_same_pictures_is_one_warning(folder: Folder) -> None:
    folder.describe("train: images/train\nval: images/train\nnames: [cat, dog]\n")
    (only,) = folder.check().findings
    assert (only.code, only.severity, only.values["count"]) == ("splits_overlap", "warning", 3)


def test_a_missing_split_names_its_line_and_the_rest_is_counted(folder: Folder) -> None:
    folder.describe("names: [cat, dog]\ntrain: images/train\nval: images/nowhere\ntest: images/none\n")
    found = [item[::2] for item in folder.found()]
    assert found == [("split_missing", 3), ("split_missing", 4), ("split_made", None)]
    assert folder.check().images == {"train": 2, "val": 1, "test": 0}


def test_an_empty_split_and_an_unnamed_one(folder: Folder) -> None:
    (folder.root / "images" / "void").mkdir()
    folder.describe("train: images/void\nnames: [cat, dog]\n")
    assert sorted(code for code, _, _ in folder.found()) == [
        "split_empty",
        "split_not_named",
    ]


def test_a_class_without_boxes_is_a_warning(folder: Folder) -> None:
    folder.describe("train: images/train\nval: images/val\nnames: [cat, dog, newt]\n")
    (only,) = folder.check().findings
    assert (only.code, only.values) == ("class_absent", {"name": "newt"})
    assert folder.check().to_json()["boxes"]["newt"] == 0


def test_a_foreign_cache_and_saved_pixels_are_mentioned(folder: Folder) -> None:
    (folder.root / "labels" / "train.cache").write_bytes(b"whatever")
    folder.picture("train", "train0").with_suffix(".npy").write_bytes(b"whatever")
    found = folder.check().findings
    assert [(item.code, item.severity) for item in found] == [
        ("cache_ignored", "info"),
        ("saved_pixels_ignored", "info"),
    ]


def test_two_pictures_that_share_a_label(folder: Folder) -> None:
    Image.new("RGB", (64, 48), (9, 90, 9)).save(folder.picture("train", "train0").with_suffix(".png"))
    assert [code for code, _, _ in folder.found()] == ["label_shared"]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_a_linked_picture_folder_is_named_and_its_labels_are_found(folder: Folder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk2" / "photos"
    elsewhere.parent.mkdir()
    shutil.move(folder.root / "images" / "train", elsewhere)
    (folder.root / "images" / "train").symlink_to(elsewhere, target_is_directory=True)
    (only,) = folder.check().findings
    assert (only.code, only.values["count"]) == ("symlink_trap", 3)
    assert str(elsewhere) in only.message
    assert folder.check().to_json()["boxes"]["cat"] == 5


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_a_link_to_a_whole_data_set_is_no_trap(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder.root, target_is_directory=True)
    (tmp_path / "images").symlink_to(folder.root / "images", target_is_directory=True)
    assert check_dataset(tmp_path / "link").findings == ()
    outside = tmp_path / "outside.yaml"
    outside.write_text(f"path: {tmp_path}\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n")
    assert check_dataset(outside).findings == ()
    assert check_dataset(outside).to_json()["boxes"]["cat"] == 5


def test_a_loop_of_links_ends(folder: Folder) -> None:
    if hasattr(os, "symlink"):
        (folder.root / "images" / "train" / "again").symlink_to(
            folder.root / "images", target_is_directory=True
        )
    assert folder.check().images["train"] >= 3


def test_lists_of_pictures_are_read_from_the_root_and_wrong_lines_named(folder: Folder) -> None:
    listed = folder.root / "train.txt"
    listed.write_text("images/train/train0.jpg\n./images/train/train1.jpg\nimages/train/gone.jpg\n")
    folder.describe("train: train.txt\nval: [images/val]\nnames: {0: cat, 1: dog}\n")
    assert folder.found() == [("listed_missing", "train.txt", 3)]
    assert folder.check().images == {"train": 2, "val": 2}


def test_many_findings_of_a_kind_are_counted_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_findings, "MOST_OF_A_KIND", 3)
    listed = arranged(
        [Finding("label_empty", f"{i}.txt") for i in range(9)]
        + [Finding("split_empty", "d", 1, {"split": "val"})]
    )
    assert [item.code for item in listed] == ["split_empty", *["label_empty"] * 3, "more_infos"]
    assert listed[-1].message == "6 more of the kind label_empty are not listed."


def test_every_kind_of_finding_says_what_to_do() -> None:
    for code, kind in FINDING_KINDS.items():
        assert kind.text.endswith((".", ":")), code
        assert kind.remedy.endswith(".") or code.startswith("more_"), code
