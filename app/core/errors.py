"""The one exception that a user may cause and read."""

from __future__ import annotations

from typing import Any


class AppError(Exception):
    """A problem the user can understand and act on.

    Args:
        message: One sentence: what is wrong, and where.
        hint: One sentence: what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def as_dict(self) -> dict[str, str]:
        """Return the error as the engine sends it over a pipe."""
        return {"message": self.message, "hint": self.hint}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AppError:
        """Read an error that the engine sent."""
        return cls(str(data.get("message", "Unknown error.")), str(data.get("hint", "")))
