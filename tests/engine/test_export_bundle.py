"""Bundles run in a Python without torch, ultralytics and the Studio, and find what the Studio finds."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from app.core.errors import AppError
from app.core.export_formats import FORMATS
from app.engine import export_bundle, export_tools
from app.engine.detector import Detector
from app.engine.export import _metadata, export
from app.engine.export_writers import Plan
from app.engine.model_cache import Card

ALONE = (
    "import runpy, sys\n"
    "for name in ('torch', 'ultralytics', 'app'): sys.modules[name] = None\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n"
)
HOSTILE = {0: 'a"); raise SystemExit(7) #', 1: "../../x\n'''{}{0}", 2: "\x1b[31m红"}


def run_alone(bundle: Path, picture: Path, work: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-I", "-c", ALONE, str(bundle / "detect.py"), str(picture)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("format_", ["onnx", "openvino"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_bundle_finds_the_same_boxes_alone(
    format_: str, dynamic: bool, frames: list[np.ndarray], tmp_path: Path
) -> None:
    weights = Path("resources/sample/standard.pt").resolve()
    result = export(
        weights, format_, output=tmp_path / "b", bundle=True, dynamic=dynamic, pictures=frames[:1]
    )
    bundle = Path(result["output"])
    picture = Path("resources/sample/card.png").resolve()
    found = run_alone(bundle, picture, tmp_path)
    ours = Detector.load(weights, "torch", "f32", "cpu")
    expected = ours.detect(cv2.imread(str(picture)), 0.25)
    assert (tmp_path / "detected.jpg").stat().st_size > 1000
    if dynamic:  # the Studio's own letterbox is rectangular too
        assert len(found) == len(expected) > 0
        boxes = np.array([one["box"] for one in found])
        assert np.abs(boxes - expected.xyxy).max() < 0.1
    assert "==" in (bundle / "requirements.txt").read_text()
    assert found


def test_names_of_classes_cannot_break_out(tmp_path: Path) -> None:
    model = SimpleNamespace(model=[SimpleNamespace()])
    how = Plan("onnx", (64, 64), False, "f32")
    meta = {**_metadata(SimpleNamespace(design=None, model=model), _card(), how), "names": HOSTILE}
    export_bundle.fill(tmp_path, how, meta, {})
    assert json.loads((tmp_path / "labels.json").read_text()) == list(HOSTILE.values())
    assert (tmp_path / "labels.json").read_text().isascii()
    for name in ("detect.py", "README.md", "requirements.txt", "model.json"):
        assert not any(label in (tmp_path / name).read_text() for label in HOSTILE.values())
    assert (tmp_path / "detect.py").read_text() == export_bundle.script("onnx")


def _card() -> Card:
    return SimpleNamespace(stride=32, names=HOSTILE)  # type: ignore[return-value]


@pytest.mark.parametrize("format_", [name for name, form in FORMATS.items() if form.tools])
def test_missing_tools_are_named_with_the_way_to_get_them(
    format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if all(importlib.util.find_spec(tool) for tool in FORMATS[format_].tools):
        pytest.skip("its tools are installed")
    monkeypatch.delenv(export_tools.VARIABLE, raising=False)
    with pytest.raises(AppError, match=FORMATS[format_].title) as caught:
        export_tools.check(format_)
    assert f"pip install {FORMATS[format_].install}" in caught.value.hint


def test_scripts_are_python() -> None:
    for name in FORMATS:
        if name != "tensorrt":
            assert "cv2" in compile(export_bundle.script(name), name, "exec").co_names
