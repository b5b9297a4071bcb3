"""Foreign checkpoints: read as data, refused with a reason, never run."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.engine.checkpoint import save_checkpoint
from app.engine.models import DESIGN_KEY, build_model, load_checkpoint
from app.engine.weight_files import open_weights
from app.engine.weights import read_weights, run_inspect
from tests.engine.hostile import Calls, legacy, payloads, zipped

FORMATS = [True, False]
NAMES = tuple(payloads(Path("trace")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "form", ["zip", "legacy", "legacy, first pickle", "legacy, list of storages", "bare"]
)
def test_nothing_runs(tmp_path: Path, name: str, form: str) -> None:
    trace, file = tmp_path / "trace", tmp_path / "weights.pt"
    content = payloads(trace)[name]
    made = {
        "zip": zipped,
        "legacy": legacy,
        "legacy, first pickle": lambda c: legacy(c, 0),
        "legacy, list of storages": lambda c: legacy(c, 4),
        "bare": lambda c: c,
    }
    file.write_bytes(made[form](content))
    with pytest.raises(AppError) as refused:
        read_weights(file)
    assert not trace.exists()
    assert "weights.pt" in refused.value.message
    assert "asks to run" in refused.value.message
    assert refused.value.hint


def test_the_payloads_would_work_elsewhere(tmp_path: Path) -> None:
    # Otherwise the test above could not fail.
    for name, content in payloads(tmp_path / "trace").items():
        if name in {"getattr, then call", "open", "torch's own nested pickle", "rebuild through torch"}:
            continue
        trace = tmp_path / "trace"
        made = pickle.loads(content)
        if name == "subprocess":
            made.wait()
        assert trace.exists(), name
        trace.unlink()


def test_the_refusal_names_what_would_run(tmp_path: Path) -> None:
    file = tmp_path / "evil.pt"
    file.write_bytes(zipped(pickle.dumps(Calls(os.system, "true"), 2)))
    with pytest.raises(
        AppError, match=rf"evil\.pt was not opened: it asks to run {os.system.__module__}\.system"
    ):
        read_weights(file)


def test_a_payload_beside_a_real_model(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for key in ("train_args", "names", "optimizer"):
        file = tmp_path / f"{key}.pt"
        torch.save({"model": {"w": torch.zeros(1)}, key: Calls(os.mkdir, str(trace))}, file)
        with pytest.raises(AppError, match="mkdir"):
            read_weights(file)
    assert not trace.exists()


def test_control_characters_of_a_stranger_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(zipped(b"\x80\x02X\x07\x00\x00\x00os\x1b[31mX\x06\x00\x00\x00system\x93)R."))
    with pytest.raises(AppError) as refused:
        read_weights(file)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("zip_format", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=1, max_size=4),
    dtype=st.sampled_from(
        [torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
    ),
)
def test_tensors_come_back(
    tmp_path: Path, zip_format: bool, sizes: list[list[int]], dtype: torch.dtype
) -> None:
    saved = {f"t{i}": (torch.rand(size) * 100).to(dtype) for i, size in enumerate(sizes)}
    saved["turned"] = torch.arange(12).view(3, 4).T.to(dtype)
    saved["part"] = torch.arange(10).to(dtype)[3:7]
    saved["same"] = saved["turned"]
    file = tmp_path / "t.pt"
    torch.save(saved, file, _use_new_zipfile_serialization=zip_format)
    with open_weights(file) as opened:
        for name, tensor in saved.items():
            read = opened.tensor(opened.content[name])
            assert read.dtype == (torch.float32 if dtype.is_floating_point else dtype)
            assert torch.equal(read, tensor.float() if dtype.is_floating_point else tensor)


@cache
def whole_file(zip_format: bool) -> bytes:
    """Return an undamaged file; the legacy form holds addresses, so that two of them may differ in size."""
    content = OrderedDict(a=torch.ones(3, 2), b=torch.ones(4), c=[1, "x", {"y": (2.5, None)}])
    written = io.BytesIO()
    torch.save(content, written, _use_new_zipfile_serialization=zip_format)
    return written.getvalue()


@pytest.mark.parametrize("zip_format", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_refused_or_harmless(tmp_path: Path, zip_format: bool, data: st.DataObject) -> None:
    damaged = bytearray(whole_file(zip_format))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    file = tmp_path / "damaged.pt"
    file.write_bytes(damaged)
    with pytest.raises(AppError, match=r"damaged\.pt"):  # at best it is a checkpoint without a model
        read_weights(file)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300), form=st.sampled_from(["zip", "legacy", "bare"]))
def test_noise_is_refused(tmp_path: Path, noise: bytes, form: str) -> None:
    file = tmp_path / "noise.pt"
    file.write_bytes({"zip": zipped, "legacy": legacy, "bare": bytes}[form](noise))
    with pytest.raises(AppError):
        read_weights(file)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("zip_format", FORMATS)
def test_truncated(tmp_path: Path, share: float, zip_format: bool) -> None:
    file = tmp_path / "half.pt"
    torch.save({"model": {"w": torch.rand(1000)}}, file, _use_new_zipfile_serialization=zip_format)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AppError, match=r"half\.pt is (truncated|damaged)"):
        read_weights(file)


def _refusal(file: Path) -> str:
    with pytest.raises(AppError) as refused:
        read_weights(file)
    return refused.value.message


def test_other_files_are_named_for_what_they_are(tmp_path: Path) -> None:
    assert "cannot be opened" in _refusal(tmp_path / "missing.pt")
    assert "not a file" in _refusal(tmp_path)
    empty = tmp_path / "empty.pt"
    empty.write_bytes(b"")
    assert "is empty" in _refusal(empty)
    picture = tmp_path / "picture.pt"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert "not a PyTorch checkpoint" in _refusal(picture)
    other_zip = tmp_path / "other.pt"
    with zipfile.ZipFile(other_zip, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "no PyTorch checkpoint" in _refusal(other_zip)
    plain = tmp_path / "plain.pt"
    torch.save({"epoch": 3, "results": [1, 2]}, plain)
    assert "holds no model" in _refusal(plain)
    script = tmp_path / "script.pt"
    script.write_bytes(zipped(pickle.dumps({}), constants__pkl=b"", **{"constants.pkl": b"x"}))
    assert "TorchScript" in _refusal(script)
    network = tmp_path / "network.pt"
    torch.save(torch.nn.Sequential(torch.nn.Linear(3, 4)), network)
    assert "unknown architecture" in _refusal(network)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # remember None under the number 2³¹ − 1
        b"\x80\x02N" + b"p4000000000\n.",
        b"\x80\x04\x8e" + (2**36).to_bytes(8, "little") + b"abc.",  # bytes of 64 GB
        b"\x80\x05\x96" + (2**36).to_bytes(8, "little") + b"abc.",
        b"\x80\x04\x95" + (2**40).to_bytes(8, "little") + b"N.",
    ],
)
@pytest.mark.parametrize("form", [zipped, legacy])
def test_a_few_bytes_that_claim_gigabytes(
    tmp_path: Path, content: bytes, form: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "claims.pt"
    file.write_bytes(form(content))
    before = psutil.Process().memory_info().rss
    _refusal(file)
    assert psutil.Process().memory_info().rss - before < 100e6


def test_a_zip_that_claims_too_much(tmp_path: Path) -> None:
    file = tmp_path / "bomb.pt"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    assert file.stat().st_size < 100_000
    assert "claims more data than it holds" in _refusal(file)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (2**31, 2**31), (0, 0)), (3, (2,), (1,)), (0, (4,), (2,)), (-1, (1,), (1,))],
)
def test_a_tensor_beyond_its_data(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    class Record:
        def __reduce__(self) -> tuple[object, ...]:
            empty = OrderedDict[str, int]()
            return torch._utils._rebuild_tensor_v2, (Storage(), offset, size, stride, False, empty)

    class Storage:
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, item: object) -> object:
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if isinstance(item, Storage) else None

    import io

    stream = io.BytesIO()
    Pickler(stream, 2).dump({"w": Record()})
    file = tmp_path / "beyond.pt"
    file.write_bytes(zipped(stream.getvalue(), data__0=bytes(16)))
    assert "beyond" in _refusal(file)


def test_the_original_checkpoint(yolov5n_weights: Path) -> None:
    found = read_weights(yolov5n_weights)
    assert (found.kind, found.base, found.design, found.classes) == ("yolov5-original", "yolov5n", None, None)
    assert found.names is not None
    assert len(found.names) == 80
    assert found.names[0] == "person"
    own = build_model(Design.stock("yolov5n")).state_dict()
    carried = {name for name in own if not name.startswith("model.24.")}
    assert len(carried) == 342
    assert all(found.tensors[name].shape == own[name].shape for name in carried)
    # The same numbers, taken from the file by hand: the first storage is the stem's kernel, in float16.
    with zipfile.ZipFile(yolov5n_weights) as archive:
        entry = next(name for name in archive.namelist() if name.endswith("/data/0"))
        raw = np.frombuffer(archive.read(entry), np.float16).astype(np.float32)
    assert np.array_equal(np.sort(found.tensors["model.0.conv.weight"].numpy().ravel()), np.sort(raw))


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(3)
    made = build_model(Design.stock("yolov5n", 2), names={0: "mug", 1: "钥匙"}).eval()
    del made.yaml[DESIGN_KEY]
    return made


@pytest.mark.parametrize("zip_format", FORMATS)
def test_an_ultralytics_checkpoint(tmp_path: Path, model: torch.nn.Module, zip_format: bool) -> None:
    file = tmp_path / "best.pt"
    content = {
        "epoch": 7,
        "best_fitness": np.float64(0.5),
        "model": None,
        "ema": model,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}},
        "train_args": {"imgsz": 416, "data": "d.yaml"},
        "opt": SimpleNamespace(a=1),
        "file": Path("x"),
    }
    torch.save(content, file, _use_new_zipfile_serialization=zip_format)
    found = read_weights(file)
    assert (found.kind, found.base, found.classes, found.imgsz) == ("ultralytics", "yolov5n", 2, 416)
    assert found.names == {0: "mug", 1: "钥匙"}
    own = model.state_dict()
    assert found.tensors.keys() == own.keys()
    assert all(torch.equal(found.tensors[name], own[name]) for name in own)


def test_a_bare_state_dict(tmp_path: Path, model: torch.nn.Module) -> None:
    file = tmp_path / "state.pt"
    torch.save({f"module.{name}": value for name, value in model.state_dict().items()}, file)
    found = read_weights(file)
    assert (found.kind, found.base, found.classes) == ("ultralytics", "yolov5n", 2)
    assert found.tensors.keys() == model.state_dict().keys()


def test_our_own_checkpoint(tmp_path: Path) -> None:
    design = preset("separable", "yolov5n", 3).with_swap(["model.3"], Swap("separable", {"rank": 2}))
    made = build_model(design, names={0: "a", 1: "b", 2: "c"})
    file = tmp_path / "own.pt"
    save_checkpoint(made, file, train_args={"imgsz": 320, "unknown": 1}, extra={"transfer": {"x": 1}})
    found = read_weights(file)
    assert found.kind == "studio"
    assert found.design is not None
    assert found.design.resolved() == design.resolved()
    assert found.imgsz == 320
    loaded = load_checkpoint(file)
    assert all(
        torch.equal(value, made.state_dict()[name].half().float())
        for name, value in loaded.model.state_dict().items()
        if value.is_floating_point()
    )
    inspected = run_inspect({"path": str(file)}, None)
    assert inspected["parameters"] == sum(p.numel() for p in made.parameters())
    assert inspected["swaps"]["model.3"] == "separable"
    assert inspected["classes"] == 3


def test_a_run_that_is_not_over(tmp_path: Path) -> None:
    design = preset("separable", "yolov5n", 3)
    made = build_model(design)
    file = tmp_path / "last.ckpt"
    text = made.yaml["depthwise_studio"]
    torch.save({"format": 1, "epoch": 2, "model": {}, "ema": made.state_dict(), "design": text}, file)
    found = read_weights(file)
    assert (found.kind, found.classes) == ("studio", 3)
    assert found.tensors.keys() == made.state_dict().keys()


def test_a_hostile_design_is_refused(tmp_path: Path, model: torch.nn.Module) -> None:
    for number, design in enumerate(
        ("!!python/object/apply:os.system [true]", 7, "base: yolov5n\nformat: 99\n")
    ):
        file = tmp_path / f"{number}.pt"
        torch.save({"ema": model.state_dict(), "design": design}, file)
        with pytest.raises(AppError) as refused:
            read_weights(file)
        assert file.name in refused.value.message


@pytest.mark.parametrize("names", [["a", "b"], {0: "a", 1: "b"}, {0: "a", 2: "b"}, {"x": 1}, 3, None])
def test_names_of_all_kinds(tmp_path: Path, model: torch.nn.Module, names: object) -> None:
    file = tmp_path / "names.pt"
    torch.save({"model": model.state_dict(), "names": names}, file)
    expected = {0: "a", 1: "b"} if names in (["a", "b"], {0: "a", 1: "b"}) else None
    assert read_weights(file).names == expected
