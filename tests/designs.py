"""Random designs for tests: any base model, any sites, any kind that takes them, any options."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from app.core.architecture import load_architecture
from app.core.blocks import BLOCKS, refusal
from app.core.design import Design, Swap
from app.core.sites import sites


@st.composite
def designs(
    draw: st.DrawFn,
    bases: Sequence[str],
    classes: st.SearchStrategy[int | None],
    kinds: Sequence[str] = tuple(BLOCKS),
    most: int = 400,
) -> Design:
    """Draw a design with up to `most` swaps."""
    base = draw(st.sampled_from(bases))
    design = Design(base, draw(classes))
    architecture = load_architecture(base, design.classes)
    rows: list[tuple[str, Swap]] = []
    for path in draw(st.lists(st.sampled_from(tuple(sites(architecture))), unique=True, max_size=most)):
        kind = draw(st.sampled_from(kinds))
        options = {
            name: draw(st.sampled_from(option.offered)) for name, option in BLOCKS[kind].options.items()
        }
        nested = any(path.startswith(f"{p}.") or p.startswith(f"{path}.") for p, _ in rows)
        if not nested and refusal(architecture, path, kind, options) is None:
            rows.append((path, Swap(kind, options)))
    order = architecture.order
    return Design(base, design.classes, tuple(sorted(rows, key=lambda row: order[row[0]])))
