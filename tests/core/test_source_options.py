"""How a source shall be opened."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import AppError
from app.core.source_options import SourceOptions, size_from_text


@given(
    st.none() | st.tuples(st.integers(16, 8192), st.integers(16, 8192)),
    st.none() | st.floats(1, 240),
    st.booleans(),
)
def test_options_survive_json(size: tuple[int, int] | None, fps: float | None, mirror: bool) -> None:
    width, height = size or (None, None)
    options = SourceOptions(width, height, fps, mirror)
    assert SourceOptions.from_json(options.as_json()) == options


def test_what_is_unknown_is_left_out() -> None:
    assert SourceOptions.from_json({"width": "wide", "fps": True, "mirror": "yes", "x": 1}) == SourceOptions()


@pytest.mark.parametrize("values", [{"width": 640}, {"width": 4, "height": 4}, {"fps": -1.0}, {"fps": 1e9}])
def test_impossible_numbers_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(AppError):
        SourceOptions(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["1280x720", " 1280 × 720 ", "1280X720"])
def test_a_size_is_read(text: str) -> None:
    assert size_from_text(text) == (1280, 720)


@pytest.mark.parametrize("text", ["", "720p", "1280x", "x720", "1280x720x3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(AppError, match="no picture size"):
        size_from_text(text)
