"""Which of the equivalent forms of a block runs fastest: measured per runtime and precision, with sound defaults.

A block kind names its forms, the usual one first (`app.core.blocks`): a depth multiplier can be unrolled, a separable
block multiplied out into one dense convolution. They compute the same; how fast depends on the runtime alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.blocks import BLOCKS
from app.core.design import Design
from app.core.files import write_text
from app.core.folders import cache_folder
from app.core.latency_units import form_for
from app.core.sites import site

FORMAT = 1


def forms_file() -> Path:
    """Return the file of what was measured here."""
    return cache_folder() / "latency-forms.json"


def fast_forms(runtime: str, precision: str, device: str = "cpu") -> Mapping[str, str]:
    """Return swap, as `latency_units.swap_text` writes it, → form to run; what is not named takes its usual form.

    Args:
        runtime: one of the runtimes.
        precision: "f32", "bf16", "f16" or "int8".
        device: "cpu", "cuda", …
    """
    kept = _read().get(_name(runtime, precision, device), {})
    if not isinstance(kept, Mapping):
        return {}
    return {str(swap): str(form) for swap, form in kept.items() if form in _forms_of(str(swap))}


def _forms_of(swap: str) -> tuple[str, ...]:
    kind = BLOCKS.get(swap.partition(" ")[0])
    return kind.all_forms if kind is not None else ()


def forms_by_path(design: Design, forms: Mapping[str, str]) -> dict[str, str]:
    """Return module path → form of every swap of a design that has a choice.

    Args:
        design: any design.
        forms: from `fast_forms`.
    """
    found = {}
    for path, swap in design.resolved().items():
        place = site(design.architecture, path)
        if place is None:
            continue
        possible = BLOCKS[swap.block].forms(place, swap.options)
        form = form_for(swap, forms)
        if len(possible) > 1 and form in possible:
            found[path] = form
    return found


def keep_forms(runtime: str, precision: str, device: str, forms: Mapping[str, str]) -> None:
    """Write what was measured; other runtimes and precisions stay.

    Raises:
        OSError: the cache folder cannot be written.
    """
    known = _read()
    known[_name(runtime, precision, device)] = {**fast_forms(runtime, precision, device), **forms}
    text = json.dumps({"format": FORMAT, "forms": known}, indent=1, sort_keys=True)
    write_text(forms_file(), text + "\n")


def _name(runtime: str, precision: str, device: str) -> str:
    return f"{runtime} {device.partition(':')[0]} {precision}"


def _read() -> dict[str, Any]:
    try:
        data = json.loads(forms_file().read_text(encoding="utf-8"))
        return dict(data["forms"]) if data["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
