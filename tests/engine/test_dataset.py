"""Data sets: real ones, broken ones, hostile ones."""

from __future__ import annotations

import base64
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from app.core import findings as core_findings
from app.core.errors import AppError
from app.core.findings import FINDING_KINDS, Finding, arranged
from app.engine.dataset import (
    DatasetSummary,
    check_dataset,
    disable_foreign_caches,
    open_dataset,
    prepare_dataset,
    prepare_for_training,
    run_check,
    run_thumbnails,
)
from tests.engine.broken_pictures import png_that_claims

ROOT = Path(__file__).resolve().parents[2]
GOOD = "0 0.5 0.5 0.25 0.25\n1 0.25 0.25 0.1 0.2\n"


class Channel:
    """A channel that keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fractions: list[float] = []
        self.cancel_after: int | None = None
        self.commands: list[dict[str, Any]] = []

    @property
    def cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.fractions) + len(self.events) > self.cancel_after

    def emit(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def progress(self, fraction: float, text: str = "") -> None:
        self.fractions.append(fraction)

    def wait_command(self, seconds: float) -> dict[str, Any] | None:
        if not self.commands:
            self.cancel_after = -1
            return None
        return self.commands.pop(0)

    @property
    def thumbnails(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == "thumbnail"]


class Folder:
    """A small data set on disk: three pictures to train on, two to validate on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.yaml = root / "data.yaml"
        self.describe("train: images/train\nval: images/val\nnames: [cat, dog]\n")
        for split, count in (("train", 3), ("val", 2)):
            for number in range(count):
                self.add(split, f"{split}{number}", GOOD)

    def describe(self, text: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.yaml.write_text(text, encoding="utf-8")

    def add(self, split: str, name: str, label: str | None) -> Path:
        picture = self.root / "images" / split / f"{name}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(abs(hash((split, name)))).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(picture, quality=90)
        if label is not None:
            self.label(split, name).parent.mkdir(parents=True, exist_ok=True)
            self.label(split, name).write_text(label, encoding="utf-8")
        return picture

    def picture(self, split: str, name: str) -> Path:
        return self.root / "images" / split / f"{name}.jpg"

    def label(self, split: str, name: str) -> Path:
        return self.root / "labels" / split / f"{name}.txt"

    def check(self) -> DatasetSummary:
        return check_dataset(self.yaml)

    def found(self) -> list[tuple[str, str, int | None]]:
        """Return code, path from the root, and line of every finding."""
        return [
            (f.code, Path(f.path).relative_to(self.root).as_posix(), f.line) for f in self.check().findings
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "pets")


# --- the real one -------------------------------------------------------------------------------------------


def test_real_data_is_counted_and_found_clean(bccd_yaml: Path) -> None:
    began = time.monotonic()
    summary = check_dataset(bccd_yaml)
    lasted = time.monotonic() - began
    found = summary.to_json()
    assert found["images"] == {"train": 205, "val": 87, "test": 72}
    assert found["boxes"] == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    assert found["findings"] == []
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


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


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
    assert [item[::2] for item in folder.found()] == [("split_missing", 3), ("split_missing", 4)]
    assert folder.check().images == {"train": 3, "val": 0, "test": 0}


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


# --- the description ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("path: .\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n", None, None),
        ("train: images/train\nvalidation: images/val\nnames: [cat, dog]\n", None, None),
        ("train: ../images/train\nval: ../images/val\nnames: [cat, dog]\nroboflow: {v: 1}\n", None, None),
        ("path: /content/pets\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n", "root_missing", 1),
        ("train: images/train\nval: images/val\nnc: 2\n", "names_missing", 3),
        ("train: images/train\nval: images/val\nnames: [cat, dog]\nnc: 5\n", "nc_mismatch", 4),
        ("train: images/train\nval: images/val\nnames: [cat, cat]\n", "name_twice", 3),
        ("train: images/train\nval: images/val\nnames: [cat, no]\n", "name_not_text", 3),
        ("train: images/void\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n", "key_twice", 2),
        ("train: images/train\nval: images/val\nnames: [cat, dog]\nchannels: 1\n", "channels", 4),
        (
            "train: images/train\nval: images/val\nnames: [cat, dog]\ndownload: |\n  raise SystemExit\n",
            "download_ignored",
            4,
        ),
    ],
)
def test_what_is_odd_in_a_description_is_found_with_its_line(
    folder: Folder,
    text: str,
    code: str | None,
    line: int | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder.describe(text)
    monkeypatch.chdir(tmp_path)  # where one happens to be must not matter
    assert folder.found() == ([] if code is None else [(code, "data.yaml", line)])
    assert folder.check().images == {"train": 3, "val": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not the description"),
        ("- a\n- b\n", "is not the description"),
        ("train: [unclosed\n", "line 2: not valid YAML"),
        (
            "train: images\nval: images\nnames: !!python/object/apply:os.system ['touch pwned']\n",
            "line 3: not valid YAML",
        ),
        ("train: {a: b}\nnames: [a]\n", "line 1: “train” is a mapping"),
        ("train: [[images]]\nnames: [a]\n", "line 1: “train” is a list"),
        ("names: [a]\n", "it names no pictures"),
        ("train: images\nnames: {0: a, 2: b}\n", "line 2: the numbers of the 2 classes"),
        ("train: images\nnames: [a, [b]]\n", "line 2: class 1 has no name"),
        ("train: images\nnames: []\n", "line 2: “names” is a list of 0"),
        ("train: images\n", "it has no “names:”"),
        ("train: images\nnc: many\n", "line 2: “nc” is “many”"),
        ("train: images\nnc: 99999999\n", "line 2: “nc”"),
        ("path: [x]\ntrain: images\nnames: [a]\n", "line 1: “path”"),
        ("a: &a [x,x]\nb: " + "[" * 3000, "data.yaml"),
    ],
)
def test_what_is_no_description_is_refused_with_place_and_advice(
    folder: Folder, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.describe(text)
    monkeypatch.chdir(folder.root)
    with pytest.raises(AppError) as raised:
        open_dataset(folder.yaml)
    assert message in raised.value.message
    assert str(folder.yaml) in raised.value.message
    assert raised.value.hint
    assert not (folder.root / "pwned").exists()


def test_what_is_not_there_or_ambiguous_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="no data set"):
        open_dataset(tmp_path / "none")
    with pytest.raises(AppError, match=r"holds no data\.yaml"):
        open_dataset(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("")
    with pytest.raises(AppError, match="several descriptions"):
        open_dataset(tmp_path)


# --- ready for training -------------------------------------------------------------------------------------


def loaded_by_ultralytics(prepared: Path, split: str = "train") -> Any:
    from ultralytics.cfg import get_cfg
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(prepared))
    return YOLODataset(img_path=data[split], imgsz=64, augment=False, hyp=get_cfg(), data=data, task="detect")


def test_ultralytics_reads_what_was_prepared(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.describe(
        "path: .\ntrain: images/train\nval: images/val\nnc: 9\nnames: [cat, dog]\ndownload: echo no\n"
    )
    monkeypatch.chdir(folder.root.parent)
    path = prepare_for_training(Path("pets"), Path("run"))
    monkeypatch.chdir(tmp_path.parent)
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_absolute() else None
    assert content is not None
    assert set(content) == {"path", "train", "val", "names"}
    assert content["names"] == {0: "cat", 1: "dog"}
    assert all(Path(content[key]).is_absolute() for key in ("path", "train", "val"))
    dataset = loaded_by_ultralytics(path)
    assert len(dataset) == 3
    assert sum(len(label["cls"]) for label in dataset.labels) == 6


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_the_link_trap_is_avoided_in_training(folder: Folder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "photos"
    shutil.move(folder.root / "images" / "train", elsewhere)
    (folder.root / "images" / "train").symlink_to(elsewhere, target_is_directory=True)
    dataset = loaded_by_ultralytics(prepare_for_training(folder.yaml, tmp_path / "run"))
    assert sum(len(label["cls"]) for label in dataset.labels) == 6


def test_pictures_that_cannot_be_used_are_left_out_and_named(folder: Folder, tmp_path: Path) -> None:
    folder.picture("train", "train0").write_bytes(png_that_claims(60_000, 60_000))
    broken = folder.picture("train", "train1")
    broken.write_bytes(cut(broken.read_bytes()))
    folder.label("val", "val0").write_text("0 1.7 0.5 0.1 0.1\n")
    prepared = prepare_dataset(folder.yaml, tmp_path / "run")
    assert prepared.images == {"train": 1, "val": 1}
    codes = sorted(finding.code for finding in prepared.findings)
    assert codes == ["out_of_range", "picture_huge", "picture_truncated"]
    assert len(loaded_by_ultralytics(prepared.path)) == 1
    assert len(loaded_by_ultralytics(prepared.path, "val")) == 1


def test_without_anything_to_train_on_it_is_refused_and_without_val_train_serves(
    folder: Folder, tmp_path: Path
) -> None:
    shutil.rmtree(folder.root / "images" / "val")
    assert prepare_dataset(folder.yaml, tmp_path / "run").images == {"train": 3, "val": 3}
    for number in range(3):
        folder.label("train", f"train{number}").write_text("9 0.5 0.5 0.1 0.1\n")
    with pytest.raises(AppError, match="nothing to train on"):
        prepare_for_training(folder.yaml, tmp_path / "run2")
    shutil.rmtree(folder.root / "labels")
    with pytest.raises(AppError, match="nothing to train on"):
        prepare_for_training(folder.yaml, tmp_path / "run2")


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def test_a_label_cache_with_a_payload_is_never_opened(folder: Folder, tmp_path: Path) -> None:
    trace, cache = tmp_path / "trace", folder.root / "labels" / "train.cache"
    with cache.open("wb") as stream:
        np.save(stream, np.array({"payload": Payload(trace)}, dtype=object), allow_pickle=True)
    np.load(cache, allow_pickle=True)
    assert trace.exists()  # the payload works: opened, it leaves a trace
    trace.unlink()
    before = cache.read_bytes()

    folder.check()
    dataset = loaded_by_ultralytics(prepare_for_training(folder.yaml, tmp_path / "run"))
    assert len(dataset) == 3
    assert not trace.exists()
    assert cache.read_bytes() == before
    assert not (folder.root / "labels" / "val.cache").exists()


def test_training_changes_no_file_of_the_data_set(folder: Folder, tmp_path: Path) -> None:
    loose = folder.picture("train", "train1")
    loose.write_bytes(loose.read_bytes() + b"trailer")
    pixels = folder.picture("train", "train0").with_suffix(".npy")
    pixels.write_bytes(pickle.dumps("not an array"))
    false = folder.picture("train", "train2").with_suffix(".npy")
    np.save(false, np.zeros((48, 64, 3), np.uint8))
    before = {path: path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    dataset = loaded_by_ultralytics(prepare_for_training(folder.yaml, tmp_path / "run"))
    images = [dataset.load_image(index)[0] for index in range(3)]
    after = {path: path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    assert after == before
    assert all(image.std() > 1 for image in images)  # none is the black one that lay beside


def test_disk_caches_go_to_a_folder_of_our_own(folder: Folder, tmp_path: Path) -> None:
    from ultralytics.cfg import get_cfg
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(prepare_for_training(folder.yaml, tmp_path / "run")))
    dataset = YOLODataset(
        img_path=data["train"], imgsz=64, augment=False, hyp=get_cfg(), data=data, cache="disk"
    )
    assert all(path.is_file() for path in dataset.npy_files)
    assert not list(folder.root.rglob("*.npy"))
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.npy_files == dataset.npy_files


def test_caches_stay_off_in_a_fresh_process(folder: Folder, tmp_path: Path) -> None:
    """The switch itself, without anything else of the Studio having run before."""
    trace, cache = tmp_path / "trace", folder.root / "labels" / "train.cache"
    with cache.open("wb") as stream:
        np.save(stream, np.array({"payload": Payload(trace)}, dtype=object), allow_pickle=True)
    script = textwrap.dedent(
        f"""
        from app.engine.dataset import disable_foreign_caches
        {{switch}}
        import ultralytics.data.dataset as d
        try:
            d.load_dataset_cache_file({str(cache)!r})
        except (FileNotFoundError, AttributeError, ValueError):
            pass
        """
    )
    for switch, traced in (("disable_foreign_caches(); disable_foreign_caches()", False), ("", True)):
        trace.unlink(missing_ok=True)
        subprocess.run(
            [sys.executable, "-c", script.format(switch=switch)], cwd=ROOT, check=True, capture_output=True
        )
        assert trace.exists() is traced


# --- jobs ---------------------------------------------------------------------------------------------------


def test_the_check_job_reports_progress_and_can_be_cancelled(bccd_yaml: Path) -> None:
    channel = Channel()
    result = run_check({"data": str(bccd_yaml)}, channel)
    assert {"images", "boxes", "findings"} <= result.keys()
    assert channel.fractions == sorted(channel.fractions)
    assert channel.fractions[-1] == 1.0
    assert len(channel.fractions) >= 5
    channel = Channel()
    channel.cancel_after = 2
    with pytest.raises(AppError, match="cancelled"):
        run_check({"data": str(bccd_yaml)}, channel)


def test_thumbnails_are_small_upright_and_carry_their_boxes(folder: Folder) -> None:
    folder.picture("train", "train1").write_bytes(b"broken")
    sideways = Image.new("RGB", (640, 320), (0, 200, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways.save(folder.picture("train", "train2"), exif=exif)
    channel = Channel()
    request = {"data": str(folder.yaml), "split": "train", "offset": 0, "count": 10, "size": 160}
    assert run_thumbnails(request, channel) == {"total": 3}
    first, broken, turned = channel.thumbnails
    assert [event["index"] for event in channel.thumbnails] == [0, 1, 2]
    assert first["boxes"] == [[0, 0.5, 0.5, 0.25, 0.25], [1, 0.25, 0.25, 0.1, 0.2]]
    assert Image.open(BytesIO(base64.b64decode(first["jpeg"]))).size == (64, 48)
    assert Image.open(BytesIO(base64.b64decode(turned["jpeg"]))).size == (80, 160)
    assert (broken["jpeg"], bool(broken["problem"])) == ("", True)


def test_thumbnails_come_by_the_page_and_by_class(bccd_yaml: Path) -> None:
    channel = Channel()
    request = {"data": str(bccd_yaml), "split": "val", "offset": 80, "count": 60, "size": 200}
    assert run_thumbnails(request, channel)["total"] == 87
    assert [event["index"] for event in channel.thumbnails] == list(range(80, 87))
    channel = Channel()
    few = run_thumbnails({**request, "offset": 0, "cls": 2, "count": 5}, channel)
    assert 0 < few["total"] < 87
    assert len(channel.thumbnails) == 5
    assert all(2 in [box[0] for box in event["boxes"]] for event in channel.thumbnails)


def test_one_job_sends_page_after_page(bccd_yaml: Path) -> None:
    channel = Channel()
    channel.commands = [
        {"command": "page", "split": "train", "offset": 9, "count": 2, "size": 64, "token": 8}
    ]
    channel.commands.append(
        {"command": "find", "path": str(bccd_yaml.parent / "labels/val/BloodImage_00222.txt")}
    )
    request = {"data": str(bccd_yaml), "split": "test", "count": 3, "size": 64, "follow": True, "token": 7}
    run_thumbnails(request, channel)
    assert [(e["event"], e.get("token")) for e in channel.events] == [
        ("page", 7), *[("thumbnail", 7)] * 3, ("page", 8), *[("thumbnail", 8)] * 2, ("place", None),
    ]  # fmt: skip
    place = channel.events[-1]
    assert sorted((bccd_yaml.parent / "images" / "val").iterdir())[place["index"]].stem == "BloodImage_00222"
    assert place["split"] == "val"
    assert [event["total"] for event in channel.events if event["event"] == "page"] == [72, 205]


def test_the_switch_may_be_thrown_twice() -> None:
    disable_foreign_caches()
    disable_foreign_caches()
    from ultralytics.data import dataset

    with pytest.raises(FileNotFoundError):
        dataset.load_dataset_cache_file(Path("any.cache"))
