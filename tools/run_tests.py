"""Runs every test: those that can share the machine on all cores, those with a window likewise, each process on a
display of its own, then one by one those that measure.

    python tools/run_tests.py [ARGUMENTS OF PYTEST]

The last lines are the sum of all. Tests of the second and third kind are marked `window` and `alone` (see
tests/conftest.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_WORKERS = 8
PLACES = {
    "shared": ["--ignore=tests/ui", "--ignore=tests/workers", "--ignore=tests/benchmarks"],
    "window": ["tests/ui", "tests/workers"],
}
"""Where tests of these kinds can be (see tests/conftest.py): importing the others takes as long as running some."""
INTERRUPTED, NO_TESTS = 2, 5
"""Exit statuses of pytest: by the keyboard, and nothing was selected."""


def workers() -> int:
    """Return how many tests may run at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, MOST_WORKERS))


def main(arguments: list[str]) -> int:
    begun = time.monotonic()
    count = workers()
    shared = ["-n", str(count), "--dist", "worksteal"] if count > 1 else []
    named = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    places = {kind: [] if named else found for kind, found in PLACES.items()}
    parts = (
        (f"{count} at once", ["-m", "not alone and not window", *shared, *places["shared"]]),
        (f"windows, {count} at once", ["-m", "window", *shared, *places["window"]]),
        ("alone", ["-m", "alone"]),
    )
    lines, failed, total, bad = [], [], Counter(), False
    with tempfile.TemporaryDirectory() as folder:
        for title, options in parts:
            print(f"\n-- tests, {title} --", flush=True)
            report = Path(folder) / "report.xml"
            report.unlink(missing_ok=True)
            since = time.monotonic()
            status = run([*options, f"--junitxml={report}", *arguments], one_thread="-n" in options)
            outcome, names = read(report)
            lines.append(f"{title}: {words(outcome)} in {time.monotonic() - since:.0f} s")
            failed += names
            total += outcome
            if status == INTERRUPTED:
                return status
            bad |= bool(names) or status not in (0, NO_TESTS)  # negative where a signal ended it
    print("\n" + "\n".join(lines + [f"FAILED {name}" for name in failed]))
    print(f"==== {words(total)} in {time.monotonic() - begun:.2f}s ====", flush=True)
    return 1 if bad else 0 if total["passed"] else NO_TESTS


def run(options: list[str], *, one_thread: bool) -> int:
    """Run pytest; several at once get one thread each."""
    environment = dict(os.environ)
    if one_thread:
        environment |= {"OMP_NUM_THREADS": "1", "DEPTHWISE_STUDIO_TEST_DISPLAYS": "own"}
    return subprocess.run([sys.executable, "-m", "pytest", *options], cwd=ROOT, env=environment).returncode


def read(report: Path) -> tuple[Counter[str], list[str]]:
    """Return how many tests ended how, and the names of those that failed."""
    outcome: Counter[str] = Counter()
    names = []
    if not report.is_file():
        return Counter(error=1), ["pytest wrote no report"]
    for case in ElementTree.parse(report).iter("testcase"):
        how = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        outcome[how] += 1
        if how in {"failure", "error"}:
            names.append(f"{case.get('classname', '')}::{case.get('name', '')}")
    return outcome, names


def words(outcome: Counter[str]) -> str:
    """Say it as pytest does: "1 failed, 3741 passed, 4 skipped"."""
    named = (("failure", "failed"), ("passed", "passed"), ("skipped", "skipped"), ("error", "errors"))
    return ", ".join(f"{outcome[how]} {word}" for how, word in named if outcome[how]) or "no tests"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
