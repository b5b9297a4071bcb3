"""Filling a table: resumable, cancellable, patient; forms and roofs measured and kept; the verb without a window."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.core import latency_cache
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.latency_forms import fast_forms, keep_forms
from app.core.latency_roofline import kept_roof
from app.core.statistics import Interval
from app.engine import latency_clock, latency_forms, latency_table
from app.engine.latency import Bench, CancelledError
from app.engine.latency_clock import Pace
from app.engine.latency_forms import fastest_form, measure_forms, swaps_with_forms
from app.engine.latency_roofline import measure_roof
from app.engine.latency_setting import setting_of
from app.engine.latency_table import build_table

ROOT = Path(__file__).resolve().parents[2]
N = Design.stock("yolov5n", 3)
QUICK = Pace(rounds=1, seconds=0.0, warm_up=1)
KINDS = (Swap("separable"), Swap("dwconv"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(latency_clock, "_WARM_UP_S", 0.0)


def fill(**more: Any) -> Any:
    """Fill a table of two designs and one mix."""
    arguments = {"kinds": KINDS[:1], "device": "cpu", "strict": False, "pace": QUICK, **more}
    return build_table(N, "openvino", "f32", 1, 64, **arguments)


@pytest.fixture(autouse=True)
def few_mixes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mix is as good as twelve here, and the usual options are enough."""
    whole_plan = latency_table.plan
    monkeypatch.setattr(
        latency_table, "plan", lambda design, kinds: whole_plan(design, kinds, 1)[: len(kinds) + 2]
    )


def test_a_table_predicts_what_it_did_not_measure() -> None:
    told: list[Mapping[str, Any]] = []
    table = fill(emit=told.append)
    assert len(table.wholes) == 3
    assert [(event["done"], event["total"]) for event in told] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    found = table.predict(N.with_swap(["model.3"], KINDS[0]), 64)
    assert found is not None
    assert found.basis == "fitted"
    assert found.low < found.ms < found.high
    assert latency_cache.cached(table.setting).predict(N, 64) is not None


def test_a_design_with_another_activation_is_measured_without_its_swaps_too() -> None:
    relu = N.with_activation("relu")
    swapped = relu.with_swap(["model.3"], KINDS[0])
    table = build_table(
        swapped, "openvino", "f32", 1, 64, kinds=KINDS[:1], device="cpu", strict=False, pace=QUICK
    )
    assert len(table.wholes) == 4
    assert table.whole(relu, 64) is not None
    found = table.predict(relu.with_swap(["model.5"], KINDS[0]), 64)
    assert found is not None
    assert found.basis == "estimated"  # what is swapped was measured with the base's own activation alone


def test_what_is_measured_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fill()
    monkeypatch.setattr(Bench, "observe", lambda *_: pytest.fail("measured again"))
    again = fill()
    assert len(again.wholes) == len(first.wholes)
    with pytest.raises(BaseException, match="measured again"):
        fill(kinds=KINDS)
    keep_forms("openvino", "f32", "cpu", {"separable": "dense"})
    with pytest.raises(BaseException, match="measured again"):
        fill()


def test_a_cancelled_table_keeps_what_it_has_and_goes_on_there() -> None:
    asked: list[bool] = []
    done: list[Mapping[str, Any]] = []

    def cancelled() -> bool:
        asked.append(True)
        return any(event["done"] >= 1 for event in done)

    with pytest.raises(CancelledError):
        fill(emit=done.append, cancelled=cancelled)
    setting = setting_of("openvino", "cpu", "f32", 1)
    assert len(latency_cache.cached(setting).wholes) == 1
    told: list[Mapping[str, Any]] = []
    assert len(fill(emit=told.append).wholes) == 3
    assert told[0]["done"] == 1


def test_on_a_busy_machine_it_waits_and_then_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_clock, "BUSY_SHARE", -1.0)
    told: list[Mapping[str, Any]] = []
    with pytest.raises(AppError, match="busy"):
        fill(strict=True, patience_s=0.2, emit=told.append)
    assert told[-1]["waiting"] == "programs"
    assert latency_cache.cached(setting_of("openvino", "cpu", "f32", 1)).wholes == ()


def test_a_cancelled_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_clock, "BUSY_SHARE", -1.0)
    monkeypatch.setattr(latency_table, "_PAUSE_S", 0.1)
    with pytest.raises(CancelledError):
        fill(strict=True, cancelled=lambda: True)


def test_figures_that_were_disturbed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_table, "_wait", lambda *_: None)
    monkeypatch.setattr(latency_table, "TRIES", 2)
    monkeypatch.setattr(latency_clock, "BUSY_SHARE", -1.0)
    assert fill(strict=True).wholes == ()


def test_the_fastest_form_must_be_surely_and_noticeably_faster() -> None:
    usual = Interval(1.0, 1.0, 1.0)
    assert fastest_form({"a": usual, "b": Interval(1.2, 1.1, 1.3)}) == "b"
    assert fastest_form({"a": usual, "b": Interval(1.2, 0.9, 1.5)}) == "a"
    assert fastest_form({"a": usual, "b": Interval(1.01, 1.005, 1.015)}) == "a"
    assert fastest_form({"a": usual, "b": Interval(0.5, 0.4, 0.6)}) == "a"


def test_forms_are_measured_and_kept() -> None:
    setting = setting_of("openvino", "cpu", "f32", 1)
    rank_2 = Swap("separable", {"rank": 2})
    rows = measure_forms(setting, N, (64, 64), [rank_2, Swap("ghost")], QUICK, strict=False)
    assert [row.swap for row in rows] == ["separable rank=2"]
    assert list(rows[0].ms) == ["unrolled", "multiplier", "dense"]
    assert all(ms > 0 for ms in rows[0].ms.values())
    assert rows[0].gains["unrolled"].median == 1
    assert (rows[0].before, rows[0].kept) == ("unrolled", True)
    assert fast_forms("openvino", "f32") == {"separable rank=2": rows[0].fastest}


def test_forms_of_a_busy_machine_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_clock, "BUSY_SHARE", -1.0)
    rows = measure_forms(setting_of("openvino", "cpu", "f32", 1), N, (64, 64), [Swap("dwconv")], QUICK)
    assert rows[0].busy
    assert not rows[0].kept
    assert fast_forms("openvino", "f32") == {}


def test_every_kind_with_a_choice_is_measured() -> None:
    assert {"separable", "dwconv", "repconv"} <= {swap.block for swap in swaps_with_forms()}
    assert latency_forms.WORTH > 0


def test_the_fast_form_is_what_runs(tmp_path: Path) -> None:
    from app.core.latency_forms import keep_forms
    from app.engine.detector import Detector
    from app.engine.model_cache import folder
    from app.engine.models import build_model
    from tests.engine.checkpoints import save_checkpoint

    design = N.with_swap(["model.3"], Swap("separable", {"rank": 2}))
    weights = save_checkpoint(build_model(design).eval(), tmp_path / "model.pt")
    for form in ("unrolled", "multiplier"):
        keep_forms("openvino", "f32", "cpu", {"separable rank=2": form})
        Detector.load(weights, "openvino", "f32", "cpu")
    texts = [path.read_text() for path in folder().glob("*/model.xml")]
    assert sorted("model.3.0.0/aten::cat" in text for text in texts) == [False, True]


def test_a_roof_is_measured_once() -> None:
    setting = setting_of("openvino", "cpu", "f32", 1)
    roof = measure_roof(setting, 0.05, strict=False)
    assert 1e8 < roof.bytes_per_s < 1e13
    assert 1e8 < roof.flops_per_s < 1e15
    assert kept_roof(setting) == roof == measure_roof(setting)
    with pytest.raises(AppError, match="int8"):
        measure_roof(setting_of("openvino", "cpu", "int8", 1))


WITHOUT_A_WINDOW = """
import os, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"PySide6", "shiboken6", "pyqtgraph", "cv2_enumerate_cameras", "cloudpickle"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
from app.cli import run
kept, status = os.dup(1), 0  # a verb keeps standard output for itself
for runtime in sys.argv[1].split(","):
    status = max(status, run([*sys.argv[2:], "--runtime", runtime]))
    os.dup2(kept, 1)
window = {"PySide6", "shiboken6", "app.ui", "app.workers"} & set(sys.modules)
assert not window, window
sys.exit(status)
"""


def test_the_verb_needs_no_window() -> None:
    runtimes = ["openvino", "onnxruntime", "torch"]
    arguments = ["latency", "separable", "--classes", "3", "--device", "cpu", "--threads", "1"]
    arguments += ["--precision", "f32", "--imgsz", "64", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_WINDOW, ",".join(runtimes), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    rest, documents = done.stdout.strip(), []
    while rest:
        document, end = json.JSONDecoder().raw_decode(rest)
        documents.append(document)
        rest = rest[end:].strip()
    assert [document["runtime"] for document in documents] == runtimes
    wanted = {"runtime", "device", "precision", "threads", "standard", "lightweight", "speedup", "modules"}
    for document in documents:
        assert wanted <= set(document)
        assert document["threads"] == 1
        for side in ("standard", "lightweight"):
            assert 0 < document[side]["p50_ms"] <= document[side]["p95_ms"]
        assert document["speedup"]["low"] <= document["speedup"]["median"] <= document["speedup"]["high"]
        assert {row["path"] for row in document["modules"] if row["kind"]} == set(
            preset("separable", "yolov5n", 3).resolved()
        )


def test_a_saved_table_is_what_another_machine_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.cli import run

    monkeypatch.setattr(latency_table, "PACE", QUICK)
    path = tmp_path / "here.json"
    arguments = ["latency", "yolov5n", "--classes", "3", "--runtime", "openvino", "--precision", "f32"]
    arguments += ["--device", "cpu", "--threads", "1", "--imgsz", "64", "--kinds", "dwconv", "--anyway"]
    assert run([*arguments, "--save-table", str(path), "--json"]) == 0
    told = capsys.readouterr().out  # with what libraries print: this process keeps its streams
    document = json.loads(told[told.index("{\n") :])
    assert document["table"] == str(path)
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "elsewhere"))
    table = latency_cache.load_table(path)
    assert table.setting.machine == document["machine"]
    assert table.predict(N.with_swap(["model.1"], Swap("dwconv")), 64) is not None
    assert run(["latency", "yolov5n", "--kinds", "nothing"]) == 1
    assert "unknown block kind" in capsys.readouterr().err
