"""Twenty outages: the stream of a comparison is killed or frozen again and again, and comes back.

    python -m tests.benchmarks.outages [--times 20]

Prints one JSON document: how long it took to notice each outage, and to compare again once the server was back. Fails
where that takes longer than 2 s and 3 s, or where a process, a thread, a handle or the ring is left.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import asdict
from pathlib import Path

from app.core.folders import resources
from tests.engine.outages import BACK_S, NOTICED_S, Outage, endure


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    sample = resources() / "sample"

    def tell(outage: Outage) -> None:
        print(json.dumps(asdict(outage)), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        request = {
            side: str(sample / f"{name}.pt") for side, name in (("a", "standard"), ("b", "lightweight"))
        }
        outages = endure({**request, "ring": str(Path(folder) / "ring")}, options.times, tell)
    noticed, back = [o.noticed_s for o in outages], [o.back_s for o in outages]
    print(
        json.dumps(
            {
                "outages": len(outages),
                "noticed_s": {
                    "median": statistics.median(noticed),
                    "longest": max(noticed),
                    "limit": NOTICED_S,
                },
                "back_s": {"median": statistics.median(back), "longest": max(back), "limit": BACK_S},
            },
            indent=1,
        )
    )
    if max(noticed) > NOTICED_S or max(back) > BACK_S:
        raise SystemExit("An outage took too long.")


if __name__ == "__main__":
    main()
