"""Texts of the core, in the user's language."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def translated(text: str) -> str:
    """Translate a text that ``app.core`` marked with ``QT_TRANSLATE_NOOP("core", …)``."""
    return QCoreApplication.translate("core", text) if text else ""
