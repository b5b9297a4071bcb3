"""The sample's data set: reproducible, complete, honest."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml

from app.core.errors import AppError
from app.engine.sample import object_names, run, write_dataset
from app.engine.sample.scene import sprite
from app.engine.sample.surfaces import surface

SMALL: dict[str, Any] = {"train": 12, "val": 6, "test": 6}


def digest(folder: Path) -> dict[str, str]:
    """Hash every file by its path inside the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def rows(file: Path) -> list[list[float]]:
    return [[float(word) for word in line.split()] for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("sample") / "data", **SMALL).parent


def test_the_same_seed_gives_the_same_bytes_with_cold_caches_and_one_thread(
    made: Path, tmp_path: Path
) -> None:
    sprite.cache_clear()
    surface.cache_clear()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        again = write_dataset(tmp_path / "again", **SMALL).parent
    finally:
        cv2.setNumThreads(threads)
    assert digest(again) == digest(made)


def test_another_process_gives_the_same_bytes(made: Path) -> None:
    code = (
        "import hashlib, cv2; from app.engine.sample.arrange import compose;"
        "from app.engine.sample.dataset import _jpeg;"
        "print(hashlib.sha256(_jpeg(compose(0, 1, 4, (320, 320)).image)).hexdigest())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == digest(made)["images/val/0004.jpg"]


def test_another_seed_gives_other_pictures(made: Path, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", seed=1, **SMALL).parent
    assert digest(other)["images/train/0000.jpg"] != digest(made)["images/train/0000.jpg"]


def test_more_pictures_keep_the_ones_there_were(made: Path, tmp_path: Path) -> None:
    more = digest(write_dataset(tmp_path / "more", train=14, val=6, test=6).parent)
    for name, value in digest(made).items():
        if name.startswith("images"):
            assert more[name] == value


def test_the_yaml_needs_no_place(made: Path) -> None:
    data = yaml.safe_load((made / "data.yaml").read_text(encoding="utf-8"))
    assert data == {
        "train": "images/train",
        "val": "images/val",
        "test": "images/test",
        "names": dict(enumerate(object_names())),
    }
    assert len(set(object_names())) >= 5


def test_every_split_has_every_class_and_labels_inside_the_pictures(made: Path) -> None:
    for split, count in SMALL.items():
        pictures = sorted((made / "images" / split).glob("*.jpg"))
        assert len(pictures) == count
        seen = set()
        for picture in pictures:
            assert cv2.imread(str(picture)).shape == (320, 320, 3)
            for label, x, y, width, height in rows(made / "labels" / split / f"{picture.stem}.txt"):
                seen.add(int(label))
                assert width > 0
                assert height > 0
                assert min(x - width / 2, y - height / 2) >= -1e-6
                assert max(x + width / 2, y + height / 2) <= 1 + 1e-6
        assert seen == set(range(len(object_names())))


def test_splits_share_no_picture(made: Path) -> None:
    hashes = [value for name, value in digest(made).items() if name.startswith("images")]
    assert len(set(hashes)) == len(hashes)


def test_shuffled_labels_belong_to_other_training_pictures_only(made: Path, tmp_path: Path) -> None:
    mixed = digest(write_dataset(tmp_path / "mixed", labels_shuffled=True, **SMALL).parent)
    true = digest(made)
    for name, value in true.items():
        if name.startswith("labels/train"):
            assert mixed[name] != value
        elif name != "sample.json":
            assert mixed[name] == value
    train = [name for name in true if name.startswith("labels/train")]
    assert sorted(mixed[name] for name in train) == sorted(true[name] for name in train)


def test_a_complete_set_is_kept_a_broken_one_mended_another_recipe_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    small = {"train": 3, "val": 1, "test": 1}
    write_dataset(folder, **small)
    before = digest(folder)
    stamp = (folder / "images/train/0000.jpg").stat().st_mtime_ns
    write_dataset(folder, **small)
    assert (folder / "images/train/0000.jpg").stat().st_mtime_ns == stamp
    (folder / "images/train/0001.jpg").unlink()
    write_dataset(folder, **small)
    assert digest(folder) == before
    write_dataset(folder, train=2, val=1, test=0)
    assert len(list((folder / "images/train").iterdir())) == 2
    assert not (folder / "images/test").exists()


def test_something_else_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(AppError, match="holds something else"):
        write_dataset(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(AppError, match="holds something else"):
        write_dataset(tmp_path / "thesis.txt", **SMALL)


@pytest.mark.parametrize("wrong", [{"train": 0}, {"val": 0}, {"test": -1}, {"seed": -1}, {"size": (10, 320)}])
def test_senseless_recipes_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(AppError):
        write_dataset(tmp_path / "x", **wrong)
    assert not (tmp_path / "x").exists()


class Caller:
    """A channel that gives up after so many reports."""

    def __init__(self, patience: int = 1000) -> None:
        self.reports: list[tuple[float, str]] = []
        self._patience = patience

    @property
    def cancelled(self) -> bool:
        return len(self.reports) >= self._patience

    def progress(self, fraction: float, text: str) -> None:
        self.reports.append((fraction, text))


def test_the_job_makes_what_is_asked_and_reports(tmp_path: Path) -> None:
    caller = Caller()
    request = {"folder": str(tmp_path / "s"), "parts": ["dataset", "card"], "size": [160, 128]}
    made = run({**request, "train": 3, "val": 1, "test": 1, "seed": 4}, caller)
    assert Path(made["data"]) == tmp_path / "s" / "data.yaml"
    assert cv2.imread(str(tmp_path / "s/images/val/0000.jpg")).shape == (128, 160, 3)
    assert Path(made["card"]).is_file()
    shares = [share for share, _ in caller.reports]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert made["names"] == list(object_names())


def test_a_cancelled_job_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="cancelled"):
        run({"folder": str(tmp_path / "s"), **SMALL}, Caller(patience=3))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="poster"):
        run({"folder": str(tmp_path), "parts": ["poster"]}, Caller())
