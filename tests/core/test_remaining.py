"""Remaining time by the epochs so far, on epochs as real trainings took them."""

from __future__ import annotations

import pytest

from app.core.remaining import remaining_seconds

LONG = (
    *(9.6, 9.6, 9.7, 9.6, 9.7, 9.7, 9.2, 9.4, 8.5, 8.7, 9.2, 9.1, 8.9, 8.9, 9.5, 9.0, 8.8, 8.8, 8.4, 9.4),
    *(8.8, 8.5, 8.3, 9.2, 9.3, 9.6, 8.8, 8.9, 8.8, 8.5, 8.7, 8.8, 8.8, 8.9, 8.7, 8.4, 8.6, 8.5, 8.2, 8.4),
)
"""Seconds of forty epochs on two cores."""
SHORT = (10.1, 8.1, 7.4, 7.9, 7.7, 7.7, 7.3, 8.1, 8.2, 8.3, 7.6, 8.2, 8.3)
"""The first epochs of another training, as it warms up."""
HELD_UP = (10.1, 8.1, 7.4, 645.6, 7.9, 7.7, 7.7, 7.3, 8.1, 8.2, 8.3, 7.6, 8.2)
"""The same, with an epoch during which the machine slept."""


@pytest.mark.parametrize("epochs", [LONG, SHORT, HELD_UP])
def test_from_the_third_epoch_on_it_is_right_within_15_percent(epochs: tuple[float, ...]) -> None:
    for done in range(3, len(epochs)):
        if 645.6 in epochs[done:]:
            continue  # nobody foresees what holds an epoch up
        real = sum(epochs[done:])
        assert remaining_seconds(epochs[:done], len(epochs) - done) == pytest.approx(real, rel=0.15)


def test_once_mosaics_are_closed_the_epochs_before_count_no_longer() -> None:
    epochs = [12.0, *[10.0] * 9, *[6.0] * 10]
    for done in range(12, 20):
        assert remaining_seconds(epochs[:done], 20 - done, since=10) == pytest.approx(sum(epochs[done:]))


def test_the_ends() -> None:
    assert remaining_seconds([], 5) == 0.0
    assert remaining_seconds([7.0], 5) == 35.0
    assert remaining_seconds([7.0, 3.0], 5) == 15.0
    assert remaining_seconds([7.0, 3.0], 0) == 0.0
    assert remaining_seconds([7.0, 3.0], 5, since=2) == 15.0
