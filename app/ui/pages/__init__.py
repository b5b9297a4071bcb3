"""The pages of the window, made at their first visit."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from PySide6.QtCore import QCoreApplication

from app.core.text import QT_TRANSLATE_NOOP
from app.ui.page import Page, Services
from app.ui.requests import COMPARE, DATA, DESIGN, HOME, MODELS, TRAIN


@dataclass(frozen=True)
class PageEntry:
    """A page in the rail: its name, icon and word, and the class that makes it."""

    name: str
    icon: str
    word: str
    factory: str

    @property
    def title(self) -> str:
        """The word in the user's language."""
        return QCoreApplication.translate("Pages", self.word)

    def create(self, services: Services) -> Page:
        """Import the page's module and make the page."""
        module, name = self.factory.split(":")
        page = getattr(import_module(module), name)(services)
        assert isinstance(page, Page)
        page.setObjectName(f"page_{self.name}")
        page.retranslate()
        return page


PAGES = (
    PageEntry(HOME, "home", QT_TRANSLATE_NOOP("Pages", "Home"), "app.ui.pages.home:HomePage"),
    PageEntry(DESIGN, "design", QT_TRANSLATE_NOOP("Pages", "Design"), "app.ui.pages.design:DesignPage"),
    PageEntry(DATA, "data", QT_TRANSLATE_NOOP("Pages", "Data"), "app.ui.pages.data:DataPage"),
    PageEntry(TRAIN, "train", QT_TRANSLATE_NOOP("Pages", "Train"), "app.ui.pages.train:TrainPage"),
    PageEntry(COMPARE, "compare", QT_TRANSLATE_NOOP("Pages", "Compare"), "app.ui.pages.compare:ComparePage"),
    PageEntry(MODELS, "models", QT_TRANSLATE_NOOP("Pages", "Models"), "app.ui.pages.models:ModelsPage"),
)
