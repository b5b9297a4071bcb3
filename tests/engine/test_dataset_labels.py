"""Label files, whatever they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.findings import FINDING_KINDS
from app.engine.dataset_labels import LabelFileError, Row, parse_labels, read_labels

share = st.floats(0.0, 1.0).map(lambda value: round(value, 6))
size = st.floats(0.001, 1.0).map(lambda value: round(value, 6))
boxes = st.tuples(st.integers(0, 2), share, share, size, size)


def codes(text: str, classes: int = 3) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in parse_labels(text, classes).problems]


@given(st.lists(boxes, unique=True), st.sampled_from(["\n", "\r\n", "\n\n  \n"]))
def test_good_boxes_come_back_as_they_were_written(
    rows: list[tuple[int, float, float, float, float]], end: str
) -> None:
    text = end.join(" ".join(map(str, row)) for row in rows)
    labels = parse_labels(text, 3)
    assert [tuple(row) for row in labels.rows] == rows
    assert labels.usable
    assert labels.blank is (not rows)
    assert {problem.code for problem in labels.problems} <= {"box_past_edge"}


@given(st.text())
def test_any_text_is_read_without_failing_and_every_row_is_sane(text: str) -> None:
    labels = parse_labels(text, 2)
    for row in labels.rows:
        assert row.cls in (0, 1)
        assert 0 < row.width <= 1.02
        assert 0 < row.height <= 1.02
        assert -0.01 <= row.x <= 1.01
        assert -0.01 <= row.y <= 1.01
    for problem in labels.problems:
        assert 1 <= problem.line <= text.count("\n") + len(text.splitlines()) + 1
        kind = FINDING_KINDS[problem.code]
        assert f"{kind.text} {kind.remedy}".format(**problem.values)


number = st.one_of(
    st.floats(-2, 2).map(str),
    st.integers(-3, 5).map(str),
    st.sampled_from(["nan", "inf", "x", "1e400", "0x1", "٣", "1_0"]),
)


@given(st.lists(st.lists(number, min_size=1, max_size=9).map(" ".join), max_size=4).map("\n".join))
def test_usable_means_what_ultralytics_accepts(text: str) -> None:
    """The rules of `verify_image_label`, restated with numpy on the whole file."""
    labels = parse_labels(text, 3)
    assert labels.usable is _accepted(text, 3)


def _accepted(text: str, classes: int) -> bool:
    rows = [line.split() for line in text.strip().splitlines() if line.strip()]
    if not rows:
        return True
    if any("_" in word for row in rows for word in row):
        return False  # numpy and float() read 1_0 as 10: stricter here
    try:
        if any(len(row) > 6 for row in rows):
            if any(len(row) == 5 for row in rows):
                return False
            points = np.concatenate([np.array(row[1:], np.float64).reshape(-1, 2).ravel() for row in rows])
            cls = np.array([row[0] for row in rows], np.float64)
            sizes = np.zeros(1)
        else:
            table = np.array(rows, np.float64)
            if table.shape[1] != 5:
                return False
            cls, points, sizes = table[:, 0], table[:, 1:].ravel(), table[:, 3:].ravel()
    except ValueError:
        return False
    if not (np.isfinite(points).all() and np.isfinite(cls).all()):
        return False
    if points.max() > 1.01 or points.min() < -0.01 or sizes.min() < 0:
        return False
    return bool((cls % 1 == 0).all() and cls.min() >= 0 and cls.max() < classes)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("0 0.5 0.5 0.2", "columns"),
        ("0 0.5 0.5 0.2 0.2 0.9", "columns"),
        ("0 0.5 abc 0.2 0.2", "not_a_number"),
        ("0 0.5 nan 0.2 0.2", "not_a_number"),
        ("3 0.5 0.5 0.2 0.2", "unknown_class"),
        ("-1 0.5 0.5 0.2 0.2", "unknown_class"),
        ("0.5 0.5 0.5 0.2 0.2", "unknown_class"),
        ("0 320 240 40 40", "out_of_range"),
        ("0 0.5 0.5 -0.2 0.2", "out_of_range"),
        ("0 0.5 0.5 0 0.2", "zero_size"),
        ("0 0.95 0.5 0.2 0.2", "box_past_edge"),
    ],
)
def test_a_wrong_line_is_named_and_what_is_wrong_with_it(line: str, code: str) -> None:
    text = f"1 0.5 0.5 0.1 0.1\n\n{line}\n"
    assert codes(text) == [(code, 3)]
    labels = parse_labels(text, 3)
    assert labels.rows[0] == Row(1, 0.5, 0.5, 0.1, 0.1)
    assert labels.usable is (FINDING_KINDS[code].severity != "error")
    assert len(labels.rows) == (2 if code == "box_past_edge" else 1)


def test_repeated_rows_count_once_and_name_the_first() -> None:
    labels = parse_labels("0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n0 0.50 0.5 0.1 0.1\n", 2)
    assert len(labels.rows) == 2
    assert labels.problems == (("row_duplicate", 3, {"first": 1}),)


def test_polygons_give_the_box_around_them_and_may_not_be_mixed_with_boxes() -> None:
    polygon = "1 0.2 0.2 0.6 0.2 0.6 0.8"
    labels = parse_labels(polygon, 2)
    assert labels.polygons
    np.testing.assert_allclose(labels.rows[0], (1, 0.4, 0.5, 0.4, 0.6))
    assert codes(f"{polygon}\n0 0.5 0.5 0.1 0.1") == [("mixed_rows", 2)]


def test_label_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf0 0.5 0.5 0.1 0.1\n")  # a byte order mark
    assert len(read_labels(path, 1).rows) == 1
    path.write_bytes(b"\xff\xfe0\x00 \x00")
    with pytest.raises(LabelFileError, match="not UTF-8"):
        read_labels(path, 1)
    with pytest.raises(FileNotFoundError):
        read_labels(tmp_path / "none.txt", 1)
