"""Regenerate `resources/models/*.json` from the installed ultralytics: `python tools/architectures.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BASES = tuple(f"yolov5{scale}" for scale in "nsmlx")


def dump(description: dict[str, object]) -> str:
    """Return the description as JSON with one layer, module or step a line."""
    lines = []
    for key, value in description.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        elif key == "modules":
            assert isinstance(value, dict)
            rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    from app.engine.environment_setup import prepare

    prepare()
    from app.engine.trace import describe

    for base in BASES:
        path = ROOT / "resources" / "models" / f"{base}.json"
        path.write_text(dump(describe(base)), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
