"""Conversion from end to end: a trained model in, a checkpoint out that stock ultralytics opens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from app.core.blocks import eligible
from app.core.design import Design, Swap, dump_design, preset
from app.core.errors import AppError
from app.engine.checkpoint import save_checkpoint
from app.engine.convert import convert, run, training_pictures
from app.engine.models import deployed, load_checkpoint
from tests.engine.checkpoints import batch_of, lively_model


@pytest.fixture(scope="module")
def trained(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A standard checkpoint of three classes, at 160 px."""
    file = tmp_path_factory.mktemp("trained") / "standard.pt"
    save_checkpoint(
        lively_model(Design.stock("yolov5n", 3), batch_of(frames)), file, train_args={"imgsz": 160}
    )
    return file


@pytest.fixture(scope="module")
def few(bccd_yaml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of real pictures: 8 to train on, 2 to validate."""
    root = tmp_path_factory.mktemp("few")
    for split, count in (("train", 8), ("val", 2)):
        pictures = sorted((bccd_yaml.parent / "images" / split).iterdir())[:count]
        for picture in pictures:
            for kind, suffix in (("images", picture.suffix), ("labels", ".txt")):
                source = Path(str(picture.with_suffix(suffix)).replace("/images/", f"/{kind}/"))
                target = root / kind / split / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    data = {"path": ".", "train": "images/train", "val": "images/val", "names": ["RBC", "WBC", "Platelets"]}
    (root / "data.yaml").write_text(yaml.safe_dump(data))
    return root / "data.yaml"


@pytest.fixture(scope="module")
def converted(trained: Path, few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("converted") / "light.pt"
    design = preset("separable", "yolov5n").with_swap(["model.5"], Swap("separable", {"rank": 2}))
    return convert(trained, design, few, output=output).path


def test_what_comes_out(trained: Path, few: Path, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    output = tmp_path / "out" / "light.pt"
    made = convert(trained, preset("separable"), few, output=output, emit=lambda e: events.append(dict(e)))
    assert made.path == output
    assert made.report.pictures == 8
    assert {row.how for row in made.report.rows if row.block} == {"refitted"}
    assert [path.name for path in output.parent.iterdir()] == ["light.pt"]
    fractions = [e["fraction"] for e in events if e["event"] == "progress"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    loaded = load_checkpoint(output)
    assert loaded.imgsz == 160
    assert loaded.design.resolved() == preset("separable", classes=3).resolved()
    assert loaded.names == load_checkpoint(trained).names
    # The report lies in the checkpoint too, as plain data.
    assert torch.load(output, weights_only=False)["transfer"]["pictures"] == 8
    assert json.loads(json.dumps(made.to_json()))["transfer"]["totals"]["refitted"]["modules"] > 29


def test_what_is_random_is_the_same_each_time(trained: Path, tmp_path: Path) -> None:
    design = Design.stock("yolov5n").with_swap(["model.6"], Swap("lcnet"))
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(
            load_checkpoint(convert(trained, design, output=tmp_path / f"{seed}.pt").path).model.state_dict()
        )
        assert torch.initial_seed() == seed
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_stock_ultralytics_opens_it_without_the_studio(converted: Path, few: Path, tmp_path: Path) -> None:
    picture = next((few.parent / "images" / "val").iterdir())
    script = f"""
import sys
sys.modules["app"] = None
from ultralytics import YOLO
model = YOLO({str(converted)!r})
boxes = model.predict({str(picture)!r}, imgsz=160, conf=0.001, verbose=False)[0].boxes
print("BOXES", len(boxes), model.ckpt["train_args"]["imgsz"], next(model.model.parameters()).dtype)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={
            **__import__("os").environ,
            "ULTRALYTICS_SAFE_LOAD": "1",
            "PYTHONPATH": "",
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    words = next(line for line in done.stdout.splitlines() if line.startswith("BOXES")).split()
    assert int(words[1]) > 0
    assert words[2:] == ["160", "torch.float32"]


def test_the_file_is_half_as_large_and_finite(converted: Path) -> None:
    loaded = load_checkpoint(converted)
    numbers = sum(p.numel() for p in loaded.model.parameters())
    assert converted.stat().st_size < 2 * numbers + 400_000
    assert all(torch.isfinite(value).all() for value in loaded.model.state_dict().values())
    x = torch.rand(1, 3, 160, 160)
    with torch.no_grad():
        assert torch.allclose(deployed(loaded.model)(x)[0], loaded.model(x)[0], rtol=1e-3, atol=1e-2)


def test_only_training_pictures_are_looked_at(few: Path, tmp_path: Path) -> None:
    chosen = training_pictures(few)
    assert len(chosen) == 8
    assert all("train" in picture.parts for picture in chosen)
    data = yaml.safe_load(few.read_text())
    both = tmp_path / "both.yaml"
    both.write_text(yaml.safe_dump({**data, "path": str(few.parent), "train": "images", "val": "images/val"}))
    assert len(training_pictures(both)) == 8


def test_without_data_it_says_so(trained: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    made = convert(
        trained,
        preset("backbone"),
        output=tmp_path / "light.pt",
        emit=lambda e: messages.append(e["text"]) if e["event"] == "message" else None,
    )
    assert {row.how for row in made.report.rows if row.block} == {"factorised"}
    assert any("only factorised" in message for message in messages)
    assert load_checkpoint(made.path).design.resolved()


def test_the_job(trained: Path, few: Path, tmp_path: Path) -> None:
    class Channel:
        cancelled = False

        def __init__(self) -> None:
            self.events: list[Any] = []

        def emit(self, event: Any) -> None:
            self.events.append(event)
            self.cancelled = self.stop_at_once

        stop_at_once = False

    design = Design.stock("yolov5n").with_swap(["model.7"], Swap("dwconv"))
    request = {
        "weights": str(trained),
        "design": dump_design(design),
        "data": str(few),
        "output": str(tmp_path / "job.pt"),
        "pictures": 4,
    }
    channel = Channel()
    result = run(request, channel)
    assert result["transfer"]["pictures"] == 4
    assert Path(result["weights"]).is_file()
    assert channel.events
    stopped = Channel()
    stopped.stop_at_once = True
    with pytest.raises(AppError, match="cancelled"):
        run({**request, "output": str(tmp_path / "never.pt")}, stopped)
    assert not (tmp_path / "never.pt").exists()


def test_refusals(trained: Path, yolov5n_weights: Path, few: Path, tmp_path: Path) -> None:
    light = preset("separable")
    for weights, design, data, words in (
        (yolov5n_weights, light, few, "no YOLOv5u head"),
        (trained, Design.stock("yolov5n"), few, "swaps nothing"),
        (trained, light.with_classes(7), few, "7 classes.*has 3"),
        (trained, light.with_base("yolov5s"), few, "yolov5n.*yolov5s"),
        (trained, light, tmp_path / "missing.yaml", "missing"),
        (tmp_path / "missing.pt", light, few, "missing"),
    ):
        with pytest.raises(AppError, match=words) as refused:
            convert(weights, design, data, output=tmp_path / "never.pt")
        assert refused.value.hint
    with pytest.raises(AppError, match="weights to convert"):
        convert(trained, light, few, output=trained)
    assert not (tmp_path / "never.pt").exists()


def test_damaged_pictures_are_skipped(trained: Path, few: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(few.parent, copy)
    pictures = sorted((copy / "images" / "train").iterdir())
    pictures[0].write_bytes(b"no picture")
    design = Design.stock("yolov5n").with_swap(["model.24.cv2.0.0"], Swap("separable"))
    made = convert(trained, design, copy / "data.yaml", output=tmp_path / "light.pt")
    assert made.report.pictures == 7
    for picture in pictures:
        picture.write_bytes(b"no picture")
    with pytest.raises(AppError, match="None of 8 training pictures"):
        convert(trained, design, copy / "data.yaml", output=tmp_path / "none.pt")


def test_every_kind_of_base_fits(few: Path) -> None:
    # Shapes only: each stock model walks through the same code.
    from app.engine.walk import Walk

    for base in ("yolov5n", "yolov5s"):
        design = Design.stock(base, 2)
        assert eligible(design.architecture)
        from app.engine.models import build_model

        model = build_model(design).eval()
        x = torch.rand(3, 3, 64, 64)
        with torch.no_grad():
            wanted = model(x)[0]
            walk = Walk(model, x)
            kept: list[torch.Tensor] = []
            handle = model.model[-1].register_forward_hook(lambda _m, _i, out, kept=kept: kept.append(out[0]))
            for _ in range(walk.length):
                walk.step(2)
            handle.remove()
        assert torch.allclose(torch.cat(kept), wanted, atol=1e-4)
