"""Regenerate `resources/model_rows.json` from the installed ultralytics: `python tools/model_rows.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def dump(families: dict[str, dict[str, Any]], source: str) -> str:
    """Return the document, one row of a model YAML a line."""
    lines = ["{", f' "source": {json.dumps(source)},', ' "families": {']
    for name, family in families.items():
        lines.append(f"  {json.dumps(name)}: {{")
        lines += [
            f"   {json.dumps(key)}: {json.dumps(value)}," for key, value in family.items() if key != "rows"
        ]
        rows = ",\n".join(f"    {json.dumps(row)}" for row in family["rows"])
        lines += ['   "rows": [', rows, "   ]", "  }," if name != list(families)[-1] else "  }"]
    return "\n".join([*lines, " }", "}"]) + "\n"


def main() -> None:
    from app.engine.environment_setup import prepare

    prepare()
    from ultralytics import __version__

    from app.engine.yaml_check import stock_families

    path = ROOT / "resources" / "model_rows.json"
    path.write_text(dump(stock_families(), f"ultralytics {__version__}"), encoding="utf-8")
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
