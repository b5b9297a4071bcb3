"""The ring of pictures: whole or nothing, while another process writes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from app.core.frames import RingReader, RingWriter


def test_what_is_written_is_read_until_it_is_overwritten(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "ring", capacity=6 * 2, slots=3)
    reader = RingReader(tmp_path / "ring")
    places = []
    for value in range(1, 5):
        places.append(writer.write(bytes([value]) * 12, 2, 2, 6))
    pictures = [reader.read(slot, sequence) for slot, sequence in places]
    assert pictures[0] is None
    assert [(p.width, p.height, p.stride, p.pixels) for p in pictures[1:] if p] == [
        (2, 2, 6, bytes([value]) * 12) for value in (2, 3, 4)
    ]
    assert reader.read(99, 1) is None
    reader.close()
    writer.close()
    writer.close()
    assert not (tmp_path / "ring").exists()


def test_a_picture_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    writer = RingWriter(tmp_path / "ring", capacity=11)
    with pytest.raises(ValueError, match="12 bytes"):
        writer.write(bytes(12), 2, 2, 6)
    writer.close()


def test_a_file_that_is_no_ring_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(bytes(1000))
    with pytest.raises(ValueError, match="no ring"):
        RingReader(tmp_path / "other")


def test_no_picture_is_torn_while_another_process_writes_as_fast_as_it_can(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    script = """
        import sys, time
        from pathlib import Path
        from app.core.frames import RingWriter
        writer = RingWriter(Path(sys.argv[1]), 600_000, slots=2)
        fills = [bytes([i]) * 600_000 for i in range(256)]
        end = time.monotonic() + 2
        while time.monotonic() < end:
            writer.write(fills[(writer._sequence + 1) % 256], 400, 500, 1200)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), str(path)])
    whole = torn = 0
    try:
        end = time.monotonic() + 10
        reader = None
        while reader is None and time.monotonic() < end:
            try:
                reader = RingReader(path)
            except (OSError, ValueError):
                time.sleep(0.01)
        assert reader is not None
        while child.poll() is None and time.monotonic() < end:
            for slot in (0, 1):
                picture = reader.read(slot, reader._number(64 + slot * reader._slot_bytes))
                if picture is not None and picture.height:
                    whole += 1
                    torn += len(set(picture.pixels[::997])) != 1
        reader.close()
    finally:
        child.kill()
        child.wait()
    assert whole > 50
    assert torn == 0
