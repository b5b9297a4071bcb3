"""One picture, two detectors, a fair clock: without a window, and live over the engine's real channel."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.core import arbiter
from app.core.errors import AppError
from app.core.frames import RingReader
from app.engine import comparison, model_cache
from app.engine.comparison import compare_headless
from app.engine.detector import Detector
from app.engine.jobs import Channel
from app.engine.pairing import PairRunner, PairStatistics
from tests.engine.barcode import draw_number, read_number

pytestmark = pytest.mark.alone  # times, or counts processes

CHOICE = {"runtime": "openvino", "precision": "f32", "device": "cpu"}


@pytest.fixture(scope="module")
def numbered_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "numbered.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (320, 192))
    generator = np.random.default_rng(0)
    for number in range(90):
        image = cv2.resize(generator.integers(0, 255, (12, 20, 3), dtype=np.uint8), (320, 192))
        draw_number(image, number)
        writer.write(image)
    writer.release()
    return path


# --- pairs -----------------------------------------------------------------------------------------------


def test_order_alternates_and_a_shared_input_is_prepared_once(
    standard: Path, lightweight: Path, frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = (Detector.load(path, "openvino", "f32", "cpu") for path in (standard, lightweight))
    calls: list[tuple[str, int]] = []
    prepared: list[str] = []
    for name, detector in (("a", a), ("b", b)):
        infer, preprocess = detector.infer, detector.preprocess

        def watched(batch: Any, name: str = name, infer: Any = infer) -> Any:
            calls.append((name, id(batch)))
            return infer(batch)

        def counted(*arguments: Any, name: str = name, preprocess: Any = preprocess) -> Any:
            prepared.append(name)
            return preprocess(*arguments)

        monkeypatch.setattr(detector, "infer", watched)
        monkeypatch.setattr(detector, "preprocess", counted)
    runner = PairRunner(a, b)
    for image in frames:
        runner.run(image)
    assert [name for name, _ in calls] == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert prepared == ["a"] * 4
    assert all(first[1] == second[1] for first, second in zip(calls[::2], calls[1::2], strict=True))


def test_different_input_sizes_are_prepared_apart(
    standard: Path, lightweight: Path, frames: list[np.ndarray]
) -> None:
    small, large = Detector.load(standard, **CHOICE), Detector.load(lightweight, **CHOICE, imgsz=448)
    pair = PairRunner(small, large).run(frames[0], 0.1)
    alone = [detector.detect(frames[0], 0.1) for detector in (small, large)]
    for found, expected in zip((pair.a, pair.b), alone, strict=True):
        assert np.allclose(found.xyxy, expected.xyxy, atol=1e-2)
        assert np.allclose(found.scores, expected.scores, atol=1e-5)


def test_limits_act_again_on_the_same_picture(
    standard: Path, lightweight: Path, frames: list[np.ndarray]
) -> None:
    runner = PairRunner(*(Detector.load(path, **CHOICE) for path in (standard, lightweight)))
    assert runner.again(0.5, 0.5) is None
    many = runner.run(frames[0], 0.05, 0.7)
    few = runner.again(0.12, 0.7)
    assert few is not None
    assert 0 < len(few.a) < len(many.a)
    assert few.a.scores.min() > 0.12
    assert few.a.timings.inference_ms == many.a.timings.inference_ms


def test_a_detector_is_as_fast_as_itself(standard: Path, frames: list[np.ndarray]) -> None:
    runner = PairRunner(*(Detector.load(standard, **CHOICE) for _ in range(2)))
    statistics = PairStatistics()
    runner.warm_up(frames[0])
    for index in range(60):
        pair = runner.run(frames[index % len(frames)], 0.1)
        assert pair.match.counts() == {"agree": len(pair.a), "class_changed": 0, "only_a": 0, "only_b": 0}
        statistics.add(pair)
    speedup = statistics.speedup()
    assert speedup.low <= speedup.median <= speedup.high
    assert 0.8 < speedup.median < 1.25


# --- without a window ------------------------------------------------------------------------------------


def test_headless_result_has_the_documented_keys(standard: Path, lightweight: Path, clips_dir: Path) -> None:
    told: list[float] = []
    result = compare_headless(
        standard,
        lightweight,
        str(clips_dir / "vtest.avi"),
        12,
        **CHOICE,
        progress=lambda f, _: told.append(f),
    )
    assert result["frames"] == 12
    assert result["dropped"] == 0
    for side, weights in (("a", standard), ("b", lightweight)):
        found = result[side]
        assert (found["weights"], found["runtime"], found["precision"]) == (str(weights), "openvino", "f32")
        for part in ("preprocess_ms", "inference_ms", "postprocess_ms"):
            assert 0 < found[part]["p50"] <= found[part]["p95"]
        assert isinstance(found["detections"], int)
    assert set(result["speedup"]) == {"median", "low", "high"}
    assert result["pair_ms"]["p50"] >= result["a"]["inference_ms"]["p50"]
    assert 0 < result["pairs_per_second"] <= 1000 / result["pair_ms"]["p50"] * 1.2
    assert told[-1] == 1.0
    json.dumps(result, allow_nan=False)


def test_a_file_ends_by_itself_where_it_breaks_off(
    standard: Path, lightweight: Path, clips_dir: Path
) -> None:
    result = compare_headless(standard, lightweight, str(clips_dir / "tree.avi"), **CHOICE, imgsz=96)
    assert result["frames"] == 68
    assert result["notes"]


def test_the_source_is_opened_before_anything_is_converted(
    standard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    with pytest.raises(AppError, match="no_such_clip"):
        compare_headless(standard, standard, str(tmp_path / "no_such_clip.mp4"))
    assert not model_cache.folder().exists()


def test_a_stop_keeps_what_was_measured(standard: Path, numbered_clip: Path) -> None:
    result = compare_headless(standard, standard, str(numbered_clip), **CHOICE, should_stop=lambda: True)
    assert result["frames"] == 1


# --- live ------------------------------------------------------------------------------------------------


class Live:
    """A live comparison in a thread, at the other end of real pipes."""

    def __init__(self, request: dict[str, Any]) -> None:
        events_in, events_out = os.pipe()
        commands_in, commands_out = os.pipe()
        self._commands = os.fdopen(commands_out, "w")
        self.events: list[dict[str, Any]] = []
        self.result: dict[str, Any] | AppError | None = None
        self._output = os.fdopen(events_out, "w")
        self._received = os.fdopen(commands_in)
        self.channel = Channel(self._output, self._received)
        self._listener = threading.Thread(target=self._listen, args=(os.fdopen(events_in),))
        self._worker = threading.Thread(target=self._run, args=(request,))
        self._listener.start()
        self._worker.start()

    def _run(self, request: dict[str, Any]) -> None:
        try:
            self.result = comparison.run(request, self.channel)
        except AppError as error:
            self.result = error
        finally:
            self._output.close()

    def _listen(self, lines: Any) -> None:
        with lines:
            for line in lines:
                self.events.append({**json.loads(line), "arrived": time.monotonic()})

    def send(self, command: str, **values: Any) -> None:
        self._commands.write(json.dumps({"command": command, **values}) + "\n")
        self._commands.flush()

    def of(self, name: str) -> list[dict[str, Any]]:
        return [event for event in list(self.events) if event["event"] == name]

    def wait(self, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(
            f"not in {seconds} s; state {[e['state'] for e in self.of('state')]}; {self.result}"
        )

    def end(self) -> None:
        if self._commands.closed:
            return
        if self._worker.is_alive():
            self.send("close")
        self._worker.join(15)
        self._listener.join(5)
        self._commands.close()
        self.wait(lambda: self.channel.cancelled, 5)
        self._received.close()
        assert not self._worker.is_alive()


@pytest.fixture
def live(
    standard: Path, lightweight: Path, numbered_clip: Path, tmp_path: Path
) -> Iterator[Callable[..., Live]]:
    started: list[Live] = []

    def start(**changes: Any) -> Live:
        request = {"a": str(standard), "b": str(lightweight), "source": str(numbered_clip), **CHOICE}
        started.append(Live({**request, "ring": str(tmp_path / "ring"), "confidence": 0.05, **changes}))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_pairs_name_the_picture_they_were_found_on(live: Callable[..., Live], tmp_path: Path) -> None:
    running = live()
    running.wait(lambda: running.of("pair"))
    reader = RingReader(tmp_path / "ring")
    checked = 0
    seen = 0
    deadline = time.monotonic() + 15
    while checked < 15 and time.monotonic() < deadline:
        pairs = running.of("pair")[seen:]
        seen += len(pairs)
        if pairs:
            newest = pairs[-1]
            picture = reader.read(newest["slot"], newest["sequence"])
            if picture is not None:
                image = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
                assert read_number(image) == newest["index"]
                assert newest["a"]["timings_ms"][1] > 0
                checked += 1
        time.sleep(0.02)
    reader.close()
    assert checked == 15
    ready = running.of("ready")[0]
    assert ready["a"]["shape"] == [192, 320]
    assert ready["same_classes"] is True
    running.end()
    assert isinstance(running.result, dict)
    assert running.result["speedup"]["median"] > 0
    assert not (tmp_path / "ring").exists()


def test_statistics_come_four_times_a_second_at_most_and_cover_every_pair(live: Callable[..., Live]) -> None:
    running = live()
    running.wait(lambda: len(running.of("statistics")) >= 8)
    told = running.of("statistics")
    gaps = np.diff([event["arrived"] for event in told])
    assert np.median(gaps) >= 0.24
    last = told[-1]
    assert sum(len(event["recent"]) for event in told) == last["frames"]
    assert last["speedup"]["low"] <= last["speedup"]["median"] <= last["speedup"]["high"]
    assert 0 < last["pairs_per_second"] < 60
    assert last["age_ms"] >= 0


def test_pause_step_seek_and_limits_act_on_the_picture_shown(live: Callable[..., Live]) -> None:
    running = live(playing=False)
    running.wait(lambda: any(e["state"] == "paused" for e in running.of("state")) and running.of("pair"))
    time.sleep(0.3)
    shown = running.of("pair")[-1]
    count = len(running.of("pair"))
    time.sleep(0.3)
    assert len(running.of("pair")) == count
    running.send("confidence", value=0.5)
    again = running.wait(lambda: running.of("pair")[count:])[-1]
    assert (again["slot"], again["sequence"], again["index"]) == (
        shown["slot"],
        shown["sequence"],
        shown["index"],
    )
    assert len(again["a"]["boxes"]) < len(shown["a"]["boxes"])
    running.send("step")
    forward = running.wait(lambda: running.of("pair")[count + 1 :])[-1]
    assert forward["index"] == shown["index"] + 1
    running.send("seek", index=40)
    running.wait(lambda: running.of("pair")[-1]["index"] == 40)
    running.send("step", by=-1)
    running.wait(lambda: running.of("pair")[-1]["index"] == 39)
    running.send("play")
    running.wait(lambda: running.of("pair")[-1]["index"] > 42)


def test_classes_size_and_reset_act_at_once(live: Callable[..., Live]) -> None:
    running = live(playing=False)
    running.wait(lambda: any(e["state"] == "paused" for e in running.of("state")) and running.of("pair"))
    time.sleep(0.3)
    before = running.of("pair")[-1]
    assert before["a"]["boxes"]
    classes = sorted({row[5] for row in before["a"]["boxes"]})
    names = running.of("ready")[0]["a"]["names"]
    count = len(running.of("pair"))
    running.send("classes", shown=[names[str(classes[0])]])
    fewer = running.wait(lambda: running.of("pair")[count:])[-1]
    assert {row[5] for row in fewer["a"]["boxes"]} == {classes[0]}
    assert fewer["sequence"] == before["sequence"]
    running.send("classes", shown=[])
    running.wait(lambda: running.of("pair")[-1]["a"]["boxes"] == [])
    running.send("classes", shown=None)
    running.wait(lambda: len(running.of("pair")[-1]["a"]["boxes"]) == len(before["a"]["boxes"]))
    running.send("imgsz", value=160)
    ready = running.wait(lambda: running.of("ready")[1:])[-1]
    assert ready["a"]["shape"] == [96, 160]
    assert "preparing" in [event["state"] for event in running.of("state")]
    told = len(running.of("statistics"))
    running.send("reset")
    running.send("step")
    assert running.wait(lambda: running.of("statistics")[told:])[-1]["frames"] == 1


def test_a_comparison_records_and_reports_while_it_runs(
    live: Callable[..., Live], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[Any, ...]] = []

    class Writer:
        busy = False

        def __init__(self, *material: Any) -> None:
            written.append(material)

        def close(self) -> None:
            """There is nothing to wait for."""

    monkeypatch.setattr("app.engine.compare_outputs.ReportWriter", Writer)
    running = live()
    running.wait(lambda: running.of("statistics"))
    running.send("record", path=str(tmp_path / "pair.mp4"))
    running.wait(lambda: any(e["frames"] > 5 for e in running.of("recording")))
    running.send("record", path=None)
    running.send("report", path=str(tmp_path / "pair.html"))
    path, figures, settings, pictures, _ = running.wait(lambda: written)[0]
    assert path == tmp_path / "pair.html"
    assert figures.pairs >= figures.sampled > 5
    assert figures.a.shape == (192, 320)
    assert settings["confidence"] == 0.05
    assert 1 <= len(pictures) <= 6
    told = running.wait(lambda: [e for e in running.of("recording") if e["state"] == "finished"])[-1]
    assert Path(told["path"]).stat().st_size > 1000


def test_a_paused_comparison_leaves_the_machine_to_measurements(live: Callable[..., Live]) -> None:
    def claims() -> int:
        return len(list(arbiter.folder().glob(f"*-{arbiter.COMPARISON}-*.json")))

    running = live()
    running.wait(lambda: running.of("pair"))
    assert claims() == 1
    running.send("pause")
    running.wait(lambda: claims() == 0)
    running.send("play")
    running.wait(lambda: claims() == 1)
    running.end()
    assert claims() == 0


def test_the_source_changes_while_it_runs(live: Callable[..., Live], clips_dir: Path) -> None:
    running = live()
    running.wait(lambda: running.of("pair"))
    running.send("source", source="nowhere.mp4")
    problem = running.wait(lambda: running.of("problem"))[0]
    assert "nowhere.mp4" in problem["message"]
    running.send("source", source=str(clips_dir / "vtest.avi"))
    running.wait(lambda: running.of("pair")[-1]["width"] == 768)
    # The larger pictures needed a larger ring; every pair since tells a place in it.
    rings = running.of("ring")
    assert len(rings) == 2
    reader = RingReader(Path(rings[-1]["path"]))
    newest = running.of("pair")[-1]
    picture = running.wait(lambda: reader.read(*(running.of("pair")[-1][k] for k in ("slot", "sequence"))))
    assert (picture.width, picture.height) == (768, newest["height"])
    reader.close()


def test_a_source_that_is_not_there_ends_it_with_a_reason(live: Callable[..., Live]) -> None:
    running = live(source="missing.mp4")
    running.wait(lambda: running.result is not None)
    assert isinstance(running.result, AppError)
    assert "missing.mp4" in running.result.message
