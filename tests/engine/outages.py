"""A comparison on a stream whose server is killed, frozen and restarted, and what is left of it afterwards."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from app.workers.launch import start_engine
from tests.engine.stream_server import ServedStream

NOTICED_S, BACK_S = 2.0, 3.0
"""A lost source is noticed within the first, and compared again within the second after it is back."""


class EngineComparison:
    """The engine's process of a live comparison, and what it tells.

    Args:
        request: the fields of `LiveRequest`.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = start_engine("compare", nice=0)
        self.log: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen),
            threading.Thread(target=lambda: self.log.extend(self.process.stderr or ())),
        ]
        for thread in self._threads:
            thread.start()
        self.send(request)

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.events.append({**json.loads(line), "arrived": time.monotonic()})

    def send(self, document: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(document) + "\n")
        self.process.stdin.flush()

    def newest(self, name: str) -> dict[str, Any] | None:
        return next((event for event in reversed(self.events) if event["event"] == name), None)

    def state(self) -> str:
        told = self.newest("state")
        return str(told["state"]) if told else ""

    def pair_after(self, moment: float) -> float | None:
        """Return when the first pair on a picture captured after a moment came."""
        for event in reversed(self.events):
            if event["arrived"] < moment:
                return None
            if event["event"] == "pair" and event["captured_at"] > moment:
                return float(event["arrived"])
        return None

    def wait(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        told = [event for event in self.events if event["event"] not in ("pair", "statistics")][-8:]
        raise AssertionError(f"{what}: not within {seconds} s; {told}; {self.log[-5:]}")

    def resources(self) -> tuple[int, int, int]:
        """Return open handles, threads and child processes of the engine."""
        engine = psutil.Process(self.process.pid)
        return engine.num_fds(), engine.num_threads(), len(engine.children(recursive=True))

    def end(self) -> None:
        """Close the comparison, and check that its processes are gone."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.send({"command": "close"})
        assert self.process.wait(10) == 0, self.log[-5:]
        for thread in self._threads:
            thread.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        _gone, alive = psutil.wait_procs(children, 3)
        assert not alive, alive


@dataclass(frozen=True)
class Outage:
    """What happened to the server, and seconds until it was noticed and overcome."""

    kind: str
    noticed_s: float
    back_s: float


def endure(
    request: dict[str, Any], times: int, each: Callable[[Outage], None] = lambda _: None
) -> list[Outage]:
    """Compare on a stream that fails so many times, and return how it went.

    Raises:
        AssertionError: an outage was not noticed or overcome in time, or something was left behind.
    """
    server, outages = ServedStream(), []
    server.start()
    running = EngineComparison({**request, "source": server.address})
    try:
        running.wait(lambda: running.pair_after(0), 60, "the first pair")
        before = running.resources()
        for number in range(times):
            outages.append(_outage(running, server, "killed" if number % 2 == 0 else "frozen"))
            each(outages[-1])
        time.sleep(1.0)
        after = running.resources()
        assert all(b <= a + 2 for a, b in zip(before, after, strict=True)), (before, after)
    finally:
        try:
            running.end()
        finally:
            server.kill()
    assert not Path(request["ring"]).exists()
    return outages


def _outage(running: EngineComparison, server: ServedStream, kind: str) -> Outage:
    running.wait(lambda: running.state() == "playing", 3, "playing before the next outage")
    began = time.monotonic()
    server.kill() if kind == "killed" else server.freeze()
    lost = running.wait(
        lambda: running.state() == "lost" and running.newest("state"), NOTICED_S + 0.5, "lost"
    )
    assert lost["arrived"] > began, lost
    assert lost["reason"]["template"], lost
    time.sleep(0.3)
    back = server.start() if kind == "killed" else server.thaw()
    again = running.wait(lambda: running.pair_after(back), BACK_S + 0.5, f"a pair after it was {kind}")
    return Outage(kind, lost["arrived"] - began, again - back)
