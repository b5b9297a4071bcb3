"""Keeps freed memory in the process, so that PyTorch on the processor need not ask the system for it at every layer."""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Parameters of `mallopt`, as glibc's malloc.h numbers them."""

_NEVER = 2**31 - 1
_PAD_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Tell glibc's malloc to take all memory from the heap and to keep there what is freed.

    By default blocks of more than some hundred kilobytes are mapped anew each time and given back at once: every
    layer's output is then faulted in page by page. How much of it depends on what the process did before, so that the
    times of one model differ by half from process to process (ADR 19).

    Returns:
        Whether it was done; elsewhere than on Linux with glibc there is nothing to do.
    """
    if sys.platform != "linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return False
    libc = ctypes.CDLL(None)
    wanted = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD_BYTES))
    return all(libc.mallopt(parameter, value) == 1 for parameter, value in wanted)
