"""Files are told apart by what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.ui import drops


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.yaml", "format: 1\nbase: yolov5n\nswaps: {}\n", drops.DESIGN),
        ("data.yaml", "path: .\ntrain: images\nval: images\nnames: [a]\n", drops.DATA),
        ("data.yml", "names: {0: a}\n", drops.DATA),
        ("broken.yaml", "a: [", drops.DESIGN),
        ("list.yaml", "- 1\n", drops.DESIGN),
        ("w.pt", "", drops.WEIGHTS),
        ("W.PT", "", drops.WEIGHTS),
        ("clip.MP4", "", drops.VIDEO),
        ("pi5.json", "{}", drops.TABLE),
        ("note.txt", "", drops.UNKNOWN),
    ],
)
def test_kind_of_a_file(tmp_path: Path, name: str, text: str, kind: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert drops.kind_of(path) == kind


def test_kind_of_a_folder_and_of_real_files(tmp_path: Path, bccd_yaml: Path, yolov5n_weights: Path) -> None:
    assert drops.kind_of(tmp_path) == drops.FOLDER
    assert drops.kind_of(bccd_yaml) == drops.DATA
    assert drops.kind_of(yolov5n_weights) == drops.WEIGHTS


def test_a_huge_yaml_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(6_000_000)
    assert drops.kind_of(path) == drops.UNKNOWN


def test_only_local_files_that_exist_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a b.pt"
    path.touch()
    urls = [path.as_uri(), (tmp_path / "gone.pt").as_uri(), "https://example.org/x.pt", ""]
    assert drops.local_paths(urls) == [path]
