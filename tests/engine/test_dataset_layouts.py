"""Pascal VOC, COCO and bare YOLO folders: opened as they are, turned the right way, divided the same way every time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core.folders import config_folder
from app.engine.dataset import check_dataset, open_dataset, prepare_dataset
from app.engine.dataset_alike import groups, pairs
from app.engine.dataset_files import Listing
from app.engine.dataset_fingerprint import Fingerprint, fingerprint
from app.engine.dataset_looks import Looks, look
from app.engine.dataset_scan import look_at_all
from app.engine.train_data import read_data
from tests.engine.data_folders import Folder
from tests.engine.test_dataset_training import loaded_by_ultralytics

Box = tuple[float, float, float, float]


def voc_xml(size: tuple[int, int], boxes: list[tuple[str, Box]]) -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
        "</bndbox></object>"
        for name, (x1, y1, x2, y2) in boxes
    )
    head = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>x.jpg</filename>{head}{objects}</annotation>"


def noise(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def voc_folder(root: Path, count: int = 3) -> Path:
    for number in range(count):
        picture = root / "JPEGImages" / f"p{number}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        noise(number).save(picture)
        xml = root / "Annotations" / f"p{number}.xml"
        xml.parent.mkdir(parents=True, exist_ok=True)
        xml.write_text(voc_xml((64, 48), [("cat", (8, 12, 24, 36))]))
    return root


def coco_folder(root: Path, **changes: Any) -> Path:
    (root / "images").mkdir(parents=True)
    for number in range(4):
        noise(number).save(root / "images" / f"p{number}.jpg")
    content: dict[str, Any] = {
        "images": [{"id": n + 7, "file_name": f"p{n}.jpg", "width": 64, "height": 48} for n in range(4)],
        "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": n, "image_id": n + 7, "category_id": 18, "bbox": [8, 12, 16, 24], "iscrowd": 0}
            for n in range(4)
        ],
    }
    file = root / "annotations.json"
    file.write_text(json.dumps(content | changes))
    return file


def rows_of(data: Path) -> dict[str, list[tuple[float, ...]]]:
    description = open_dataset(data)
    seen = look_at_all(Listing(description), description)
    return {
        one.item.picture.name: [tuple(round(v, 4) for v in row) for row in one.labels.rows] for one in seen
    }


def test_real_voc_says_what_the_converted_labels_say(shared_dir: Path, bccd_yaml: Path) -> None:
    data = shared_dir / "data" / "bccd_voc"
    found = check_dataset(data).to_json()
    assert (found["format"], found["split_made"]) == ("voc", True)
    assert found["boxes"] == {"Platelets": 3, "RBC": 87, "WBC": 6}
    assert found["usable"] == found["images"]
    zero = [(Path(f["path"]).name, f["line"]) for f in found["findings"] if f["code"] == "zero_size"]
    assert sorted(zero) == [("BloodImage_00338.xml", 158), ("BloodImage_00343.xml", 50)]
    names = {"Platelets": 2, "RBC": 0, "WBC": 1}
    for picture, rows in rows_of(data).items():
        (label,) = bccd_yaml.parent.glob(f"labels/*/{Path(picture).stem}.txt")
        converted = [tuple(map(float, line.split())) for line in label.read_text().splitlines()]
        ours = [(names[found["names"][int(row[0])]], *row[1:]) for row in rows]
        assert np.allclose(sorted(ours), sorted(converted), atol=2e-3)


def test_ultralytics_trains_on_voc_and_nothing_is_written_there(shared_dir: Path, tmp_path: Path) -> None:
    data = shared_dir / "data" / "bccd_voc"
    before = sorted(data.rglob("*"))
    prepared = prepare_dataset(data, tmp_path / "run")
    assert prepared.images == {"train": 5, "val": 1}
    assert [f.code for f in prepared.findings] == ["split_made", "zero_size", "zero_size"]
    boxes = sum(
        len(label["cls"])
        for split in ("train", "val")
        for label in loaded_by_ultralytics(prepared.path, split).labels
    )
    assert boxes == 96
    assert sorted(data.rglob("*")) == before


@pytest.mark.parametrize("opened", ["file", "folder"])
def test_coco_opens_by_its_file_and_by_its_folder(tmp_path: Path, opened: str) -> None:
    file = coco_folder(tmp_path / "coco")
    data = read_data(file if opened == "file" else file.parent, tmp_path / "run")
    assert (data["format"], data["names"]) == ("coco", {0: "cat", 1: "dog"})
    labels = loaded_by_ultralytics(Path(data["yaml_file"])).labels
    assert len(labels) == 3
    for one in labels:
        assert np.allclose(one["bboxes"], [[0.25, 0.5, 0.25, 0.5]])
        assert one["cls"] == 1


def test_coco_with_flaws_names_them_and_goes_on(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "p0.jpg"}, {"id": 2, "file_name": "p1.jpg"}, {"id": 3}, "no"]
    annotations = [
        {"image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10]},
        {"image_id": 1, "category_id": 3, "bbox": [5, 5, 0, 10]},
        {"image_id": 1, "category_id": 99, "bbox": [5, 5, 9, 10]},
        {"image_id": 2, "category_id": 3, "bbox": [60, 40, 40, 40]},
        {"image_id": 2, "category_id": 3, "bbox": [1, 1, 5, 5], "iscrowd": 1},
        {"image_id": 55, "category_id": 3, "bbox": [1, 1, 5, 5]},
        7,
    ]
    summary = check_dataset(coco_folder(tmp_path / "coco", images=images, annotations=annotations))
    codes = {finding.code for finding in summary.findings}
    assert codes >= {"entry_broken", "zero_size", "object_broken", "box_cut", "crowds"}
    assert summary.to_json()["boxes"] == {"cat": 2, "dog": 0}


def test_a_bare_folder_takes_names_from_a_list(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "bare")
    folder.yaml.unlink()
    (folder.root / "classes.txt").write_text("cat\ndog\n")
    found = check_dataset(folder.root).to_json()
    assert (found["names"], found["images"]) == (["cat", "dog"], {"train": 3, "val": 2})
    (folder.root / "classes.txt").unlink()
    assert check_dataset(folder.root).names == ("class_0", "class_1")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_drawn_on_the_raw_picture_turn_with_its_exif(tmp_path: Path, orientation: int) -> None:
    """A bright spot is marked where the file stores it: in what training reads, the box still lies on the spot."""
    import cv2

    root = voc_folder(tmp_path / "voc", 2)
    pixels = np.zeros((40, 64, 3), np.uint8)
    pixels[8:16, 40:56] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(root / "JPEGImages" / "p0.jpg", exif=exif, quality=95)
    (root / "Annotations" / "p0.xml").write_text(voc_xml((64, 40), [("cat", (40, 8, 56, 16))]))
    rows = rows_of(root)["p0.jpg"]
    image = cv2.imdecode(np.fromfile(root / "JPEGImages" / "p0.jpg", np.uint8), cv2.IMREAD_GRAYSCALE)
    height, width = image.shape
    if orientation in (2, 3, 4):  # the size tells nothing: taken as upright, and said
        assert "turned_unclear" in {f.code for f in check_dataset(root).findings}
        return
    ys, xs = np.nonzero(image > 128)
    assert rows[0][1:] == pytest.approx(
        (
            (xs.min() + xs.max() + 1) / 2 / width,
            (ys.min() + ys.max() + 1) / 2 / height,
            (xs.max() + 1 - xs.min()) / width,
            (ys.max() + 1 - ys.min()) / height,
        ),
        abs=0.02,
    )


def test_sizes_that_lie_are_named_and_scaled_where_the_boxes_say_so(tmp_path: Path) -> None:
    root = voc_folder(tmp_path / "voc")
    (root / "Annotations" / "p0.xml").write_text(voc_xml((640, 480), [("cat", (320, 240, 640, 480))]))
    (root / "Annotations" / "p1.xml").write_text(voc_xml((999, 10), [("cat", (16, 12, 48, 36))]))
    (root / "Annotations" / "p2.xml").write_text(voc_xml((0, 0), [("cat", (16, 12, 48, 36))]))
    rows = rows_of(root)
    assert rows["p0.jpg"] == [(0, 0.75, 0.75, 0.5, 0.5)]
    assert rows["p1.jpg"] == rows["p2.jpg"] == [(0, 0.5, 0.5, 0.5, 0.5)]
    codes = {(f.code, Path(f.path).stem) for f in check_dataset(root).findings}
    assert codes >= {("size_scaled", "p0"), ("size_lies", "p1")}


def as_png(image: Image.Image, path: Path) -> None:
    image.save(path, "PNG")


def as_grey(image: Image.Image, path: Path) -> None:
    image.convert("L").save(path)


def as_cmyk(image: Image.Image, path: Path) -> None:
    image.convert("CMYK").save(path)


def as_deep(image: Image.Image, path: Path) -> None:
    Image.fromarray(np.asarray(image.convert("L"), dtype=np.uint16) * 256).save(path, "PNG")


@pytest.mark.parametrize(
    ("save", "code"), [(as_png, "picture_suffix"), (as_grey, ""), (as_cmyk, ""), (as_deep, "picture_deep")]
)
def test_unusual_pictures_work_or_are_named(
    folder: Folder, tmp_path: Path, save: Callable[[Image.Image, Path], None], code: str
) -> None:
    save(noise(5), folder.picture("train", "train0"))
    summary = folder.check()
    assert summary.usable == {"train": 3, "val": 2}
    assert not code or code in {f.code for f in summary.findings}
    dataset = loaded_by_ultralytics(prepare_dataset(folder.yaml, tmp_path / "run").path)
    grey = dataset.load_image(0)[0].mean(axis=2)
    expected = np.asarray(noise(5).convert("L").resize(grey.shape[::-1]), dtype=float)
    assert len(dataset) == 3
    assert np.abs(grey - expected).mean() < 30


# --- the division ---------------------------------------------------------------------------------------------


def division_of(root: Path) -> dict[str, str]:
    items = Listing(open_dataset(root)).items
    return {item.picture.name: split for split, found in items.items() for item in found}


def test_a_division_is_the_same_every_time_and_elsewhere_and_survives_new_pictures(tmp_path: Path) -> None:
    root = voc_folder(tmp_path / "voc", 40)
    first = division_of(root)
    assert [list(first.values()).count(split) for split in ("train", "val", "test")] == [28, 8, 4]
    shutil.rmtree(config_folder() / "splits")
    assert division_of(root) == first
    shutil.copytree(root, tmp_path / "elsewhere")
    assert division_of(tmp_path / "elsewhere") == first
    for number in range(40, 55):
        noise(number).save(root / "JPEGImages" / f"a{number}.jpg")
    later = division_of(root)
    assert {name: later[name] for name in first} == first
    assert len(later) == 55
    assert not [path for path in root.rglob("*") if path.suffix not in (".jpg", ".xml", "")]


def test_near_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    root = voc_folder(tmp_path / "voc", 20)
    for number in range(0, 20, 2):
        bright = noise(number).resize((96, 72)).point(lambda value: min(value + 6, 255))
        bright.save(root / "JPEGImages" / f"z{number}.jpg", quality=60)
    split = division_of(root)
    assert len(set(split.values())) == 3
    assert all(split[f"z{number}.jpg"] == split[f"p{number}.jpg"] for number in range(0, 20, 2))


def test_a_film_is_cut_in_its_order_and_said(tmp_path: Path) -> None:
    root = tmp_path / "film"
    voc_folder(root, 0)
    (root / "JPEGImages").mkdir(parents=True)
    (root / "Annotations").mkdir()
    for number in range(40):
        pixels = np.full((48, 64, 3), 90, np.uint8)
        pixels[10:14, number : number + 4] = 120
        Image.fromarray(pixels).save(root / "JPEGImages" / f"f{number:03d}.png")
        (root / "Annotations" / f"f{number:03d}.xml").write_text(
            voc_xml((64, 48), [("cat", (8, 12, 24, 36))])
        )
    split = division_of(root)
    order = [split[f"f{number:03d}.png"] for number in range(40)]
    assert set(order) == {"train", "val", "test"}
    assert sum(a != b for a, b in pairwise(order)) <= 6
    assert "split_cut" in {f.code for f in check_dataset(root).findings}


def test_hundred_thousand_different_miniatures_have_no_pairs_and_equal_ones_one_group() -> None:
    rng = np.random.default_rng(0)
    different = [rng.integers(0, 255, 256, dtype=np.uint8).tobytes() for _ in range(5000)]
    assert list(pairs(different)) == []
    assert groups(5000, pairs([bytes(256)] * 5000)) == [list(range(5000))]


# --- the cache and the fingerprint ----------------------------------------------------------------------------


def test_a_second_check_decodes_nothing_and_a_changed_picture_is_looked_at_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine import dataset_looks

    asked: list[Path] = []

    def counting(path: Path) -> Any:
        asked.append(path)
        return look(path)

    monkeypatch.setattr(dataset_looks, "look", counting)
    first = folder.check()
    assert len(asked) == 5
    assert folder.check() == first
    assert len(asked) == 5
    folder.picture("val", "val0").write_bytes(b"\xff\xd8 no picture")
    assert "picture_corrupt" in {f.code for f in folder.check().findings}
    assert len(asked) == 6


def test_a_cache_that_is_no_cache_is_made_anew(folder: Folder) -> None:
    with Looks(folder.root) as looks:
        place = looks._path
    place.write_bytes(b"\x80\x04 not a base" * 50)
    assert folder.check().usable == {"train": 3, "val": 2}
    assert place.read_bytes().startswith(b"SQLite format 3")


def test_the_fingerprint_knows_labels_names_and_pictures_but_not_where_they_lie(
    folder: Folder, tmp_path: Path
) -> None:
    first = fingerprint(folder.yaml)
    assert (dict(first.images), dict(first.boxes)) == ({"train": 3, "val": 2}, {"train": 6, "val": 4})
    shutil.copytree(folder.root, tmp_path / "copy")
    assert fingerprint(tmp_path / "copy") == first
    assert read_data(folder.yaml, tmp_path / "run")["fingerprint"] == first.to_json()
    label = folder.label("train", "train1")
    label.write_text(label.read_text().replace("0.25", "0.26"))
    other = fingerprint(folder.yaml)
    assert other.digest != first.digest
    assert other.of("train") != first.of("train")
    assert other.of("val") == first.of("val")
    assert first.of("test") == first.of("train") != first.of("val")
    assert Fingerprint.from_json(json.loads(json.dumps(first.to_json()))) == first
    folder.describe("train: images/train\nval: images/val\nnames: [cat, hound]\n")
    assert fingerprint(tmp_path / "copy").digest == first.digest != fingerprint(folder.yaml).digest


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_voc_behind_links_opens(shared_dir: Path, tmp_path: Path) -> None:
    for name in ("Annotations", "JPEGImages"):
        (tmp_path / name).symlink_to(shared_dir / "data" / "bccd_voc" / name, target_is_directory=True)
    (tmp_path / "Annotations2").symlink_to(tmp_path, target_is_directory=True)
    assert sum(check_dataset(tmp_path).to_json()["boxes"].values()) == 96
