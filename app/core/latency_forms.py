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
from app.core.files import write_text
from app.core.folders import cache_folder

FORMAT = 1


def forms_file() -> Path:
    """Return the file of what was measured here."""
    return cache_folder() / "latency-forms.json"


def fast_forms(runtime: str, precision: str, device: str = "cpu") -> Mapping[str, str]:
    """Return block kind → form to run; a kind that is not named takes its usual form.

    Args:
        runtime: one of the runtimes.
        precision: "f32", "bf16", "f16" or "int8".
        device: "cpu", "cuda", …
    """
    kept = _read().get(_name(runtime, precision, device), {})
    if not isinstance(kept, Mapping):
        return {}
    return {kind: form for kind, form in kept.items() if kind in BLOCKS and form in BLOCKS[kind].all_forms}


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
