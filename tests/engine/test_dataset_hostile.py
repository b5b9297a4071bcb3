"""Data that attacks: each payload would leave a trace file if it ran, or fill memory or disk if it were believed."""

from __future__ import annotations

import json
import os
import stat
import time
import zipfile
from pathlib import Path

import pytest
import yaml

from app.core.errors import AppError
from app.engine.dataset import check_dataset, fix_dataset, open_dataset, prepare_dataset
from tests.engine.broken_pictures import png_that_claims
from tests.engine.data_folders import GOOD, Folder
from tests.engine.hostile import payloads
from tests.engine.test_dataset_layouts import coco_folder, voc_folder
from tests.engine.test_dataset_training import loaded_by_ultralytics

HEAD = "train: images/train\nval: images/val\nnames: [cat, dog]\n"


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("form", ["exec", "bash"])
def test_download_code_does_not_run(folder: Folder, tmp_path: Path, form: str, missing: bool) -> None:
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w')" if form == "exec" else f"bash touch {trace}"
    head = HEAD.replace("images/val", "images/nowhere") if missing else HEAD
    folder.describe(f"{head}download: |\n  {code}\n")
    assert "download_ignored" in {finding.code for finding in folder.check().findings}
    prepared = prepare_dataset(folder.yaml, tmp_path / "run")
    assert len(loaded_by_ultralytics(prepared.path)) > 0
    assert "download" not in yaml.safe_load(prepared.path.read_text(encoding="utf-8"))
    assert not trace.exists()


@pytest.mark.parametrize("tag", ["apply:os.system", "new:subprocess.Popen", "apply:builtins.exec"])
def test_tags_of_python_do_not_run(folder: Folder, tmp_path: Path, tag: str) -> None:
    trace = tmp_path / "trace"
    said = f"open({str(trace)!r}, 'w')" if "exec" in tag else f"touch {trace}"
    folder.describe(f"{HEAD}extra: !!python/object/{tag} [{json.dumps(said)}]\n")
    with pytest.raises(AppError, match="line 4"):
        open_dataset(folder.yaml)
    assert not trace.exists()


def test_label_caches_and_saved_pixels_are_not_opened(folder: Folder, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    payload = payloads(trace)["os.system"]
    (folder.root / "labels" / "train.cache").write_bytes(payload)
    folder.picture("train", "train0").with_suffix(".npy").write_bytes(payload)
    found = {finding.code for finding in folder.check().findings}
    assert found >= {"cache_ignored", "saved_pixels_ignored"}
    dataset = loaded_by_ultralytics(prepare_dataset(folder.yaml, tmp_path / "run").path)
    dataset.load_image(0)
    assert len(dataset) == 3
    assert not trace.exists()
    fix_dataset(folder.yaml, tmp_path / "fixed")
    assert not list((tmp_path / "fixed").rglob("*.cache")) + list((tmp_path / "fixed").rglob("*.npy"))


def test_entities_of_xml_are_neither_fetched_nor_multiplied(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    root = voc_folder(tmp_path / "voc")
    many = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for name, inner in (
        ("p0", f'<!ENTITY x SYSTEM "file://{secret}">'),
        ("p1", f'<!ENTITY a0 "lol">{many}<!ENTITY x "&a9;">'),
    ):
        text = f"<!DOCTYPE annotation [{inner}]><annotation><object><name>&x;</name></object></annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(text)
    began = time.monotonic()
    summary = check_dataset(root)
    assert time.monotonic() - began < 5
    assert summary.names == ("cat",)
    assert [f.code for f in summary.findings].count("label_unreadable") == 2


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "/etc/secret.jpg", "..\\secret.jpg", "C:\\secret.jpg", "a\n/etc/b.jpg"]
)
def test_coco_entries_cannot_lead_outside(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"x")
    images = [{"id": 1, "file_name": name}] + [{"id": n, "file_name": f"p{n}.jpg"} for n in (2, 3)]
    annotations = [{"image_id": n, "category_id": 3, "bbox": [1, 1, 9, 9]} for n in (1, 2, 3)]
    file = coco_folder(tmp_path / "coco", images=images, annotations=annotations)
    summary = check_dataset(file)
    assert {f.code for f in summary.findings} & {"outside", "picture_name"}
    assert sum(summary.images.values()) == 2
    listed = (prepare_dataset(file, tmp_path / "run").path.parent / "train.txt").read_text()
    assert "secret" not in listed
    assert "/etc" not in listed


def test_json_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    file = coco_folder(tmp_path / "coco")
    file.write_text('{"images":' + "[" * 200_000)
    with pytest.raises(AppError, match="not valid JSON"):
        check_dataset(file)


def archive_of(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return path


def zipped(folder: Folder, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.root.rglob("*")):
            if file.is_file():
                archive.write(file, f"pets/{file.relative_to(folder.root)}")
    return path


def test_an_archive_opens_without_what_could_run(folder: Folder, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    (folder.root / "labels" / "train.cache").write_bytes(payloads(trace)["os.system"])
    (folder.root / "setup.py").write_text(f"open({str(trace)!r}, 'w')")
    archive = zipped(folder, tmp_path / "pets.zip")
    found = check_dataset(archive)
    assert (found.images, found.usable) == ({"train": 3, "val": 2}, {"train": 3, "val": 2})
    assert not {path.suffix for path in found.root.rglob("*") if path.is_file()} & {".cache", ".py"}
    assert check_dataset(archive) == found
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["../trace.txt", "/tmp/trace.txt", "a/../../trace.txt", "C:/trace.txt", "a\\..\\..\\trace.txt"]
)
def test_members_outside_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        archive.writestr(info, b"here")
    with pytest.raises(AppError, match="outside its folder"):
        check_dataset(path)
    assert not list(tmp_path.rglob("trace.txt"))


def test_links_bombs_and_control_characters_in_archives_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.zip"
    with zipfile.ZipFile(link, "w") as archive:
        info = zipfile.ZipInfo("images/train.txt")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc")
    bomb = archive_of(tmp_path / "bomb.zip", **{"labels__a.txt": bytes(30_000_000)})
    control = archive_of(tmp_path / "control.zip", **{"a\x1b[2J.txt": b"0"})
    for path, why in (
        (link, "link or a device"),
        (bomb, "beyond all measure"),
        (control, "control characters"),
    ):
        with pytest.raises(AppError, match=why):
            check_dataset(path)
    (tmp_path / "torn.zip").write_bytes(bomb.read_bytes()[:200])
    with pytest.raises(AppError, match="is broken"):
        check_dataset(tmp_path / "torn.zip")


def test_claims_of_size_fill_neither_memory_nor_time(folder: Folder, tmp_path: Path) -> None:
    folder.picture("train", "train0").write_bytes(png_that_claims(60_000, 60_000))
    with folder.label("train", "train1").open("wb") as stream:
        stream.truncate(3_000_000_000)  # sparse: gigabytes that take no room
    began = time.monotonic()
    found = {finding.code for finding in folder.check().findings}
    assert found >= {"picture_huge", "label_unreadable"}
    assert prepare_dataset(folder.yaml, tmp_path / "run").images["train"] == 1
    assert time.monotonic() - began < 5


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such names")
def test_names_with_control_characters_reach_no_list_and_no_terminal(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.cli import run

    folder.add("train", "a\n#", GOOD)
    folder.add("train", "b\x1b[31m", GOOD)
    folder.describe('train: images/train\nval: images/val\nnames: ["c\\e[2Jat", dog]\n')
    summary = folder.check()
    assert [f.code for f in summary.findings].count("picture_name") == 2
    assert summary.images == {"train": 3, "val": 2}
    assert "\x1b" not in "".join(summary.names)
    listed = (prepare_dataset(folder.yaml, tmp_path / "run").path.parent / "train.txt").read_text()
    assert len(listed.splitlines()) == 3
    assert run(["check", str(folder.yaml)]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_loops_of_links_end_in_every_layout(tmp_path: Path) -> None:
    root = voc_folder(tmp_path / "voc")
    (root / "JPEGImages" / "again").symlink_to(root, target_is_directory=True)
    assert sum(check_dataset(root).images.values()) == 3
