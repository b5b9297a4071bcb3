"""Descriptions of data sets: what is odd is found with its line, what is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import AppError
from app.engine.dataset import open_dataset
from tests.engine.data_folders import Folder


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
    with pytest.raises(AppError, match=r"holds no data set"):
        open_dataset(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("")
    with pytest.raises(AppError, match="several descriptions"):
        open_dataset(tmp_path)
