"""Regenerate `resources/models` from the installed ultralytics: `python tools/architectures.py [--check] [NAME...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "resources" / "models"


def main() -> int:
    """Write the descriptions, or compare them with those in the repository; return 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="base models (default: every detector that is installed)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something differs")
    options = parser.parse_args()
    from app.engine.environment_setup import prepare

    prepare()
    from app.core.architecture_file import SUFFIX, decode, encode
    from app.engine.stock import detection_families, scales_of
    from app.engine.trace import describe

    names = options.names or [name for family in detection_families() for name in scales_of(family)]
    different = []
    for name in names:
        path = FOLDER / f"{name}{SUFFIX}"
        fresh = describe(name)
        stored = decode(path.read_bytes(), name) if path.is_file() else {}
        if fresh | {"source": ""} != stored | {"source": ""}:
            different.append(name)
            print(f"{path.relative_to(ROOT)}: {'differs' if stored else 'is missing'}", flush=True)
            if not options.check:
                path.write_bytes(encode(fresh))
    left = (
        []
        if options.names
        else sorted(p.name for p in FOLDER.iterdir() if p.name.removesuffix(SUFFIX) not in names)
    )
    for name in left:
        print(f"resources/models/{name}: not of an installed detector", flush=True)
    return int(bool(options.check and (different or left)))


if __name__ == "__main__":
    sys.exit(main())
