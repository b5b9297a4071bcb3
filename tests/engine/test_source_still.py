"""A stream that has stopped, told from a still scene."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from app.engine.source_still import StillWatch
from app.engine.source_types import Frame


def verdicts(values: Iterable[int], fps: float) -> list[tuple[int, str]]:
    """Return what is said of grey pictures, and at which of them; nothing where they move."""
    watch = StillWatch()
    said = [
        (number, watch.add(Frame(number, np.full((48, 64, 3), value, np.uint8), number / fps)))
        for number, value in enumerate(values)
    ]
    return [(number, verdict) for number, verdict in said if verdict != "moving"]


def test_a_source_that_moved_and_repeats_has_stopped_and_it_is_said_once() -> None:
    told = verdicts([*range(30), *[99] * 150], 30)
    assert [verdict for _, verdict in told] == ["stopped"]
    assert 1.7 < (told[0][0] - 30) / 30 <= 2.0


def test_what_never_moved_is_a_still_scene() -> None:
    assert [verdict for _, verdict in verdicts([5] * 200, 30)] == ["still"]


def test_slides_and_slow_cameras_have_not_stopped() -> None:
    slides = [slide for slide in range(40) for _ in range(150)]
    assert {verdict for _, verdict in verdicts(slides, 30)} == {"still"}
    assert verdicts(range(40), 0.5) == []
    assert verdicts([number // 4 for number in range(400)], 60) == []


def test_one_pixel_that_changes_is_movement() -> None:
    watch = StillWatch()
    for number in range(200):
        image = np.zeros((48, 64, 3), np.uint8)
        image[3, 5, 1] = number % 200
        assert watch.add(Frame(number, image, number / 30)) == "moving"
