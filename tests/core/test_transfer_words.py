"""What a conversion did, in words."""

from __future__ import annotations

import pytest

from app.core.blocks import BLOCKS
from app.core.transfer_words import ORIGINS, REFITTED, way_words


@pytest.mark.parametrize("how", ORIGINS)
def test_every_kind_has_a_sentence_for_every_way(how: str) -> None:
    for kind in BLOCKS:
        words = way_words(kind, how)
        assert words[0].isupper()
        assert words.endswith(".")
        assert "{" not in words


def test_every_kind_is_refitted_in_its_own_way() -> None:
    assert len({way_words(kind, REFITTED) for kind in (*BLOCKS, "unknown")}) == len(BLOCKS) + 1
    assert way_words("repconv", "copied").startswith("Exact")
    assert "zero" in way_words("mobilenetv3", "identity")
