"""Pictures that are nearly the same: copies saved anew, resized ones, neighbouring frames of a film.

Each picture is shrunk to 16×16 grey. Candidates share at least one of four quarters of a 64-bit difference hash (dHash:
is each pixel of a 9×8 picture brighter than its right neighbour?), so that no pair within 3 bits is missed; they count
as nearly the same where the miniatures, brightness apart, differ by little everywhere. The hash alone would take all
pictures of a dark or blank scene for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SIDE = 16
MEAN_LIMIT = 4.0
"""Grey levels that miniatures may differ by on average."""
MOST_LIMIT = 24.0
"""Grey levels that any of their 256 pixels may differ by."""
_BUCKET = 32
_BANDS = 4
_ROBOFLOW = re.compile(r"\.rf\.[0-9a-f]{32}$")


def pairs(
    greys: Sequence[bytes], progress: Callable[[float], None] = lambda _share: None
) -> Iterator[tuple[int, int]]:
    """Find pairs of pictures that are nearly the same; enough of them to connect all that belong together.

    Args:
        greys: a miniature for each picture, or empty where there is none.
        progress: told the share that is done; may raise to end it.

    Yields:
        Places of two pictures, the smaller first.
    """
    places = np.array([place for place, grey in enumerate(greys) if len(grey) == SIDE * SIDE], dtype=np.int64)
    if len(places) < 2:
        return
    small = np.frombuffer(b"".join(greys[place] for place in places), dtype=np.uint8).reshape(-1, SIDE * SIDE)
    kept, first_of = np.unique(small, axis=0, return_index=True, return_inverse=True)[1:]
    firsts = kept[first_of.ravel()]
    for copy in np.nonzero(firsts != np.arange(len(places)))[0].tolist():
        yield int(places[firsts[copy]]), int(places[copy])
    kept.sort()
    for a, b in _similar(small[kept], progress):
        yield int(places[kept[a]]), int(places[kept[b]])


def _similar(small: NDArray[np.uint8], progress: Callable[[float], None]) -> Iterator[tuple[int, int]]:
    """Find pairs among miniatures that all differ."""
    bands = _hashes(small)
    told: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        # Sorted by the quarter, then by the rest of the hash: what is most alike comes to stand side by side.
        order = np.lexsort((*(bands[:, other] for other in range(_BANDS) if other != band), bands[:, band]))
        for step in range(1, _BUCKET):
            progress((band + step / _BUCKET) / _BANDS)
            first, second = order[:-step], order[step:]
            same = bands[first, band] == bands[second, band]
            if not same.any():
                break
            first, second = first[same], second[same]
            near = _near(small, first, second)
            for a, b in zip(first[near].tolist(), second[near].tolist(), strict=True):
                pair = (min(a, b), max(a, b))
                if pair not in told:
                    told.add(pair)
                    yield pair


def groups(count: int, linked: Iterator[tuple[int, int]]) -> list[list[int]]:
    """Put what is linked, also over others, into one group; groups and their members in order."""
    parent = list(range(count))

    def top(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for a, b in linked:
        first, second = sorted((top(a), top(b)))
        parent[second] = first
    found: dict[int, list[int]] = {}
    for place in range(count):
        found.setdefault(top(place), []).append(place)
    return list(found.values())


def origin(stem: str) -> str:
    """Return the name of the picture that a file was made from: Roboflow appends `.rf.` and a hash to each variant."""
    return _ROBOFLOW.sub("", stem)


def _hashes(small: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the four quarters of each difference hash."""
    pixels = small.reshape(-1, SIDE, SIDE).astype(np.int16)
    rows = pixels[:, 0::2] + pixels[:, 1::2]
    columns = np.linspace(0, SIDE - 1, 9).round().astype(int)
    bits = rows[:, :, columns[1:]] > rows[:, :, columns[:-1]]
    return np.packbits(bits.reshape(len(small), 64), axis=1).view(np.uint16)


def _near(small: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    near = np.zeros(len(first), dtype=bool)
    for start in range(0, len(first), 20_000):
        part = slice(start, start + 20_000)
        difference = small[first[part]].astype(np.float32) - small[second[part]]
        difference -= difference.mean(axis=1, keepdims=True)
        distance = np.abs(difference)
        near[part] = (distance.mean(axis=1) <= MEAN_LIMIT) & (distance.max(axis=1) <= MOST_LIMIT)
    return near
