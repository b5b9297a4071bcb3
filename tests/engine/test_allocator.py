"""Freed memory stays in the process: a second large tensor costs no page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
torch.set_num_threads(1)
if sys.argv[1] == "kept":
    from app.engine.allocator import keep_freed_memory
    assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.rand(12_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other allocators")
def test_large_tensors_are_not_faulted_in_again() -> None:
    counts = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True
            ).stdout
        )
        for how in ("usual", "kept")
    }
    assert counts["kept"] < 100
    assert counts["usual"] > 20 * counts["kept"] + 1000
