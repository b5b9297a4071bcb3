"""The corrected copy: a plain data set for any program, with a log; the original stays as it was."""

from __future__ import annotations

import csv
import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from app.core.errors import AppError
from app.engine.dataset import check_dataset, fix_dataset
from tests.engine.data_folders import Channel, Folder
from tests.engine.test_dataset_layouts import noise, voc_folder
from tests.engine.test_dataset_training import loaded_by_ultralytics


def state(root: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()
    }


def test_what_is_wrong_is_corrected_in_the_copy_alone(folder: Folder, tmp_path: Path) -> None:
    folder.label("train", "train0").write_text("0 0.5 0.5 0.2 0.2\n9 0.5 0.5 0.1 0.1\n0 0.5 0.5 0 0.1\n")
    folder.label("train", "train1").write_text("1 0.95 0.5 0.3 0.2\n1 0.95 0.5 0.3 0.2\nno label at all\n")
    folder.picture("val", "val1").write_bytes(b"no picture")
    shutil.copy(folder.picture("val", "val0"), folder.picture("train", "train2"))
    noise(3).save(folder.root / "images" / "train" / "other.jpg", "PNG")
    before = state(folder.root)
    fixed = fix_dataset(folder.yaml, tmp_path / "fixed")
    assert state(folder.root) == before
    assert fixed.images == {"train": 3, "val": 1}
    labels = {path.stem: path.read_text() for path in (tmp_path / "fixed" / "labels" / "train").iterdir()}
    assert labels["train0"] == "0 0.5 0.5 0.2 0.2\n"
    assert labels["train1"].split() == ["1", "0.9", "0.5", "0.2", "0.2"]
    assert (tmp_path / "fixed" / "images" / "train" / "other.png").is_file()
    rows = list(csv.DictReader((tmp_path / "fixed" / "changes.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["kind"] for row in rows} >= {
        "unknown_class",
        "zero_size",
        "copy",
        "picture_corrupt",
        "picture_suffix",
    }
    again = {finding.code for finding in check_dataset(tmp_path / "fixed").findings}
    assert again <= {"label_missing"}


def test_stock_ultralytics_reads_the_copy_of_voc_by_itself(tmp_path: Path) -> None:
    root = voc_folder(tmp_path / "voc", 6)
    fix_dataset(root, tmp_path / "fixed")
    dataset = loaded_by_ultralytics(tmp_path / "fixed" / "data.yaml")
    assert len(dataset) == 5
    assert all(len(label["cls"]) == 1 for label in dataset.labels)
    with Image.open(next((tmp_path / "fixed" / "images" / "val").iterdir())) as picture:
        assert picture.size == (64, 48)


def test_a_place_that_would_do_harm_is_refused_and_a_cancelled_copy_leaves_nothing(
    folder: Folder, tmp_path: Path
) -> None:
    with pytest.raises(AppError, match="must not lie inside"):
        fix_dataset(folder.yaml, folder.root / "fixed")
    with pytest.raises(AppError, match="something in"):
        fix_dataset(folder.yaml, folder.root.parent)
    channel = Channel()
    channel.cancel_after = 0
    target = tmp_path / "out" / "fixed"
    with pytest.raises(AppError, match="cancelled"):
        fix_dataset(folder.yaml, target, channel.progress, lambda: channel.cancelled)
    assert not target.exists()
    assert not target.parent.exists() or not list(target.parent.iterdir())
