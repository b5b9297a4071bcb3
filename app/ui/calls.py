"""Slots with arguments of their own."""

from __future__ import annotations

from collections.abc import Callable


def calling(function: Callable[..., object], *arguments: object) -> Callable[[], None]:
    """Return a function of no arguments that calls another with these.

    Qt then passes nothing along, such as whether an action is checked; a ``functools.partial`` would take it.
    """

    def call() -> None:
        function(*arguments)

    return call
