"""Measuring: whole models as a bare loop has them, modules that add up, nothing kept of a busy machine."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.core import latency_cache
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.latency import Setting
from app.core.latency_units import units
from app.engine import latency, latency_clock
from app.engine.latency import Bench, CancelledError, measure, resolve_setting
from app.engine.latency_build import Built
from app.engine.latency_clock import LoadMeter, Pace, figure, take_turns
from app.engine.latency_profile import onnx_path, openvino_path, profile, tensorrt_path
from app.engine.latency_setting import processor_name, setting_of

ROOT = Path(__file__).resolve().parents[2]
N = Design.stock("yolov5n", 3)
LIGHT = N.with_swap(["model.3", "model.24.cv3.0.0"], Swap("separable", {"rank": 2}))
QUICK = Pace(rounds=2, seconds=0.1, warm_up=1)
RUNTIMES = ("openvino", "onnxruntime", "torch")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this machine for quiet, whatever runs beside the tests."""
    monkeypatch.setattr(latency_clock, "BUSY_SHARE", 2.0)


def setting(runtime: str, batch: int = 1) -> Setting:
    return setting_of(runtime, "cpu", "f32", 1, batch)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_design_is_measured_against_its_standard_model(runtime: str, quiet: None) -> None:
    found = measure(LIGHT, setting(runtime), 96, QUICK)
    assert found.busy is None
    for measured in (found.standard, found.lightweight):
        assert 0 < measured.low_ms <= measured.p50_ms <= measured.high_ms
        assert measured.p50_ms <= measured.p95_ms
    assert found.speedup.low <= found.speedup.median <= found.speedup.high
    assert sum(row.standard_ms for row in found.modules) == pytest.approx(found.standard.p50_ms)
    assert sum(row.lightweight_ms for row in found.modules) == pytest.approx(found.lightweight.p50_ms)
    swapped = [row for row in found.modules if row.kind]
    assert [row.path for row in swapped] == ["model.3", "model.24.cv3.0.0"]
    assert all(row.standard_ms > 0 and row.lightweight_ms > 0 for row in swapped)
    document = found.to_json()
    assert (document["runtime"], document["precision"], document["threads"]) == (runtime, "f32", 1)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_convolution_is_found_in_the_runtime_s_own_words(runtime: str) -> None:
    built = Built(LIGHT, setting(runtime), (96, 96))
    rows = profile(built, built.batch(), runs=2)
    known = {unit.path: unit for unit in units(LIGHT, 96)}
    taken = {row.unit.path: row.ms for row in latency._units(LIGHT, (96, 96), {}, rows)}
    assert taken.keys() == known.keys()
    silent = {path for path, ms in taken.items() if ms == 0 and known[path].flops}
    assert silent == set()
    assert sum(taken.values()) > 0.8 * sum(rows.values())


def _bare(runtime: str, built: Built) -> Callable[[], object]:
    """Return a call of a runtime as its own documentation has it, without the Studio's classes."""
    batch = built.batch()
    if runtime == "openvino":
        from app.engine.openvino_model import openvino

        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = openvino().compile_model(built.converted(), "CPU", options)
        return lambda: compiled(batch)[0]
    if runtime == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(built.converted(), options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"images": batch})
    import torch

    model, tensor = built.converted(), torch.from_numpy(batch)

    def call() -> object:
        with torch.inference_mode():
            return model(tensor)

    return call


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.alone
def test_the_median_is_that_of_a_bare_loop(runtime: str) -> None:
    built = Built(N, setting(runtime), (160, 160))
    own = built.runtime()
    own.prepare((160, 160))
    batch, bare = built.batch(), _bare(runtime, built)
    ratios = []
    for _ in range(4):  # on a busy machine a single comparison says little
        ratios.clear()
        for _ in range(8):
            mine = take_turns([lambda: own.infer(batch)], Pace(2, 0.0, 1))[0]
            for _ in range(2):
                bare()
            loop = []
            for _ in range(len(mine)):
                begin = time.perf_counter()
                bare()
                loop.append((time.perf_counter() - begin) * 1e3)
            ratios.append(statistics.median(mine) / statistics.median(loop))
        if abs(statistics.median(ratios) - 1) <= 0.1:
            break
    assert statistics.median(ratios) == pytest.approx(1, abs=0.1)


@pytest.mark.alone
def test_a_larger_batch_takes_longer(quiet: None) -> None:
    one, four = (Built(N, setting("openvino", batch), (96, 96)) for batch in (1, 4))
    assert four.batch().shape == (4, 3, 96, 96)
    calls = []
    for built in (one, four):
        runtime, batch = built.runtime(), built.batch()
        assert runtime.infer(batch).shape[0] == len(batch)
        calls.append(lambda r=runtime, b=batch: r.infer(b))
    times = take_turns(calls, Pace(6, 0.0, 1))
    assert min(times[1]) > 1.5 * min(times[0])


def test_figures_are_kept_and_found_again(quiet: None) -> None:
    where = setting("openvino")
    found = measure(LIGHT, where, 96, QUICK)
    table = latency_cache.cached(where)
    kept = table.predict(LIGHT, 96)
    assert kept is not None
    assert kept.basis == "measured"
    whole = table.whole(LIGHT, 96)
    assert whole is not None
    assert whole.figure == found.lightweight
    assert kept.ms == pytest.approx(whole.ratio * whole.standard_ms)
    assert table.predict(N, 96) is not None
    stranger = table.predict(LIGHT.without(["model.3"]), 96)
    assert stranger is not None
    assert stranger.basis in {"fitted", "estimated"}


def test_a_busy_machine_is_marked_and_nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_clock, "BUSY_SHARE", -1.0)
    found = measure(N, setting("openvino"), 96, QUICK)
    assert found.busy is not None
    assert latency_cache.cached(setting("openvino")).wholes == ()


def test_a_training_that_runs_meanwhile_marks_the_figures(quiet: None) -> None:
    script = "import sys\nfrom app.core.arbiter import *\nwith active(TRAINING):\n print(flush=True)\n sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdin=-1, stdout=-1, text=True)
    assert child.stdin
    assert child.stdout
    child.stdout.readline()
    try:
        assert measure(N, setting("openvino"), 96, QUICK).busy is not None
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()
    assert measure(N, setting("openvino"), 96, QUICK).busy is None


@pytest.mark.alone
def test_the_meter_sees_others_but_not_this_process() -> None:
    meter = LoadMeter()
    end = time.process_time() + 1.0
    while time.process_time() < end:
        pass
    alone = meter.others()
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        meter = LoadMeter()
        time.sleep(1.5)
        beside = meter.others()
    finally:
        child.kill()
        child.wait()
    assert 0 <= alone <= 1
    assert beside > 0.2 / (latency_clock.psutil.cpu_count() or 1)


def test_turns_alternate_and_rows_belong_together() -> None:
    order: list[str] = []
    times = take_turns([lambda: order.append("a"), lambda: order.append("b")], Pace(3, 0.0, 1))
    assert [len(row) for row in times] == [9, 9]
    assert "".join(order[-24:]) == "aaaabbbbbbbbaaaaaaaabbbb"


def test_a_figure_holds_what_the_times_say() -> None:
    generator = np.random.default_rng(0)
    found = figure(list(generator.normal(10, 0.5, 400)))
    assert found.p50_ms == pytest.approx(10, abs=0.15)
    assert found.p95_ms == pytest.approx(10.82, abs=0.2)
    assert found.low_ms < 10.05
    assert found.high_ms > 9.95
    assert found.spread == pytest.approx(0.05, rel=0.2)
    assert found.runs == 400


def test_it_stops_when_asked(quiet: None) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 1

    with pytest.raises(CancelledError):
        Bench(setting("openvino"), N, (96, 96), {}, cancelled).observe(N, QUICK)
    assert latency_cache.cached(setting("openvino")).wholes == ()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("__module.model.24.cv2.0.0.conv/aten::_convolution/Convolution", "model.24.cv2.0.0.conv"),
        ("x.1_abcd_acdb___module.model.0.conv/aten::_convolution/Convolution", "model.0.conv"),
        ("__module.model.24/aten::cat/Concat_1", "model.24"),
        ("__module.model.9.m/aten::max_pool2d/MaxPool_2", "model.9.m"),
        ("__module.model.24.cv2.2.2/aten::x/C_acdb_abcd___module.model.24/aten::view/R", "model.24.cv2.2.2"),
        ("Constant_12", ""),
    ],
)
def test_openvino_names_hold_module_paths(name: str, path: str) -> None:
    assert openvino_path(name) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/model.24/cv3.1/cv3.1.0/conv/Conv_output_0_nchwc", "model.24.cv3.1.0.conv"),
        ("/model.6/m/m.2/cv1/act/Mul/QuickGeluFusion/", "model.6.m.2.cv1.act.Mul.QuickGeluFusion"),
        ("/model.1/model.1.0/model.1.0.1/conv/Conv", "model.1.0.1.conv"),
        ("/model.9/m_1/MaxPool", "model.9.m_1"),
        ("ReorderOutput_token_252", ""),
    ],
)
def test_onnx_names_hold_module_paths(name: str, path: str) -> None:
    assert onnx_path(name) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/model.3/conv/Conv + PWN(PWN(/model.3/act/Sigmoid), /model.3/act/Mul)", "model.3.conv"),
        ("PWN(/model.24/Sigmoid)", "model.24"),
        ("Reformatting CopyNode for Input Tensor 0", ""),
    ],
)
def test_tensorrt_layers_hold_module_paths(name: str, path: str) -> None:
    assert tensorrt_path(name) == path


def test_tensorrt_says_what_it_needs() -> None:
    import importlib.util

    import torch

    if importlib.util.find_spec("tensorrt") is not None and torch.cuda.is_available():
        pytest.skip("TensorRT can be used here")
    with pytest.raises(AppError, match="TensorRT") as caught:
        resolve_setting("tensorrt")
    assert caught.value.hint


def test_the_setting_names_this_machine() -> None:
    here = setting_of("openvino", "cpu", "f32")
    assert here.machine == processor_name() != ""
    assert here.threads >= 1
    assert "openvino" in here.version
    assert "ultralytics" in here.version
    assert here == setting_of("openvino", "cpu", "f32")
    assert here.key != setting_of("torch", "cpu", "f32").key


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"runtime": "tvm"}, "no runtime"),
        ({"threads": 0}, "not possible"),
        ({"batch": 0}, "not possible"),
        ({"batch": 100_000}, "not possible"),
        ({"runtime": "torch", "precision": "int8"}, "OpenVINO only"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(AppError, match=says) as caught:
        resolve_setting(**arguments)  # type: ignore[arg-type]
    assert caught.value.hint


def test_int8_says_what_it_needs() -> None:
    import importlib.util

    if importlib.util.find_spec("nncf") is None:
        with pytest.raises(AppError, match="NNCF"):
            resolve_setting("openvino", "cpu", "int8")
    else:
        where = resolve_setting("openvino", "cpu", "int8", 1)
        assert measure(N, where, 96, QUICK).standard.p50_ms > 0


@pytest.mark.parametrize(("runtime", "precision"), [("onnxruntime", "bf16"), ("torch", "f16")])
def test_precisions_that_a_runtime_lacks_are_refused(runtime: str, precision: str) -> None:
    with pytest.raises(AppError, match="f32"):
        measure(N, setting_of(runtime, "cpu", precision, 1), 96, QUICK)


@pytest.mark.gpu
def test_a_gpu_is_waited_for(quiet: None) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    for precision in ("f32", "f16"):
        found = measure(LIGHT, setting_of("torch", "cuda", precision), 320, QUICK)
        assert found.standard.p50_ms > 0.5  # less would mean that the call returns before the result is there
        assert any(row.standard_ms > 0 for row in found.modules)


@pytest.mark.gpu
def test_tensorrt_measures_and_agrees_with_torch(quiet: None) -> None:
    import torch

    pytest.importorskip("tensorrt")
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    built = [Built(LIGHT, setting_of(runtime, "cuda", "f32"), (96, 96)) for runtime in ("tensorrt", "torch")]
    found, expected = (b.runtime().infer(b.batch()) for b in built)
    assert np.abs(found - expected).max() < 0.05
    seen = measure(LIGHT, resolve_setting("tensorrt"), 96, QUICK)
    assert seen.lightweight.p50_ms > 0
    assert any(row.kind and row.lightweight_ms > 0 for row in seen.modules)


FAMILIES = ("yolov3-tiny", "yolov6n", "yolov8n", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base", "runtime"),
    [
        pytest.param(base, runtime, marks=() if number % 2 == turn else pytest.mark.exhaustive)
        for number, base in enumerate(FAMILIES)
        for turn, runtime in enumerate(("openvino", "onnxruntime"))
    ],
)
def test_every_family_of_detectors_is_measured_module_by_module(base: str, runtime: str) -> None:
    from app.core.blocks import eligible

    standard = Design.stock(base, 3)
    paths = eligible(standard.architecture, "separable")
    design = standard.with_swap(paths[: len(paths) // 2], Swap("separable", {"rank": 2}))
    built = Built(design, setting(runtime), (128, 128))
    rows = profile(built, built.batch(), runs=1)
    taken = latency._units(design, (128, 128), {}, rows)
    silent = [row.unit.path for row in taken if row.unit.flops and not row.ms]
    heard = {row.unit.path for row in taken if row.ms}
    # Branches that are merged when deployed count with the one they are merged into, or with what added them up.
    alone = [path for path in silent if not any(h.startswith(path.rpartition(".")[0]) for h in heard)]
    assert alone == []
    assert len(silent) < len(taken) / 4
    assert sum(row.ms for row in taken) > 0.7 * sum(rows.values())


def test_every_kind_of_block_is_found_in_the_runtime_s_own_words() -> None:
    import random

    from app.core.latency_plan import default_kinds, random_design

    design = random_design(N, default_kinds(), 0.9, random.Random(1))
    for runtime in RUNTIMES:
        built = Built(design, setting(runtime), (96, 96))
        rows = profile(built, built.batch(), runs=1)
        taken = latency._units(design, (96, 96), {}, rows)
        assert [row.unit.path for row in taken if row.unit.flops and not row.ms] == []
