"""Home: the three ways to begin, and what was worked on last."""

from __future__ import annotations

from app.ui.page import Page, Services


class HomePage(Page):
    """Three cards above the recent designs and runs."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Depthwise Studio"))
