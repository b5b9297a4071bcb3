"""Opening and reading sources, closed whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.engine import sources
from app.engine.sources import Frame, LatestFrameReader, open_source


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@contextmanager
def opened(spec: str | Path, **options: float) -> Iterator[sources.Source]:
    source = open_source(str(spec), **options)
    try:
        yield source
    finally:
        source.close()


@contextmanager
def reading(source: sources.Source, **options: bool) -> Iterator[LatestFrameReader]:
    reader = LatestFrameReader(source, **options)
    try:
        yield reader
    finally:
        reader.close()


def frames_of(source: sources.Source) -> list[Frame]:
    return list(iter(source.read, None))  # type: ignore[arg-type]
