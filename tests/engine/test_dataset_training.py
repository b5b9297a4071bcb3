"""Data sets made ready for training: what ultralytics reads then, and what it never touches."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from app.core.errors import AppError
from app.engine.dataset import disable_foreign_caches, prepare_dataset, prepare_for_training
from tests.engine.broken_pictures import png_that_claims
from tests.engine.data_folders import Folder, cut

ROOT = Path(__file__).resolve().parents[2]


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


def test_without_anything_to_train_on_it_is_refused_and_without_val_some_are_set_apart(
    folder: Folder, tmp_path: Path
) -> None:
    shutil.rmtree(folder.root / "images" / "val")
    assert prepare_dataset(folder.yaml, tmp_path / "run").images == {"train": 2, "val": 1}
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


def test_the_switch_may_be_thrown_twice() -> None:
    disable_foreign_caches()
    disable_foreign_caches()
    from ultralytics.data import dataset

    with pytest.raises(FileNotFoundError):
        dataset.load_dataset_cache_file(Path("any.cache"))
