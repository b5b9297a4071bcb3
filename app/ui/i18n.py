"""Languages: our translator and Qt's own, exchanged while the Studio runs."""

from __future__ import annotations

import os

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from app.core.folders import resources
from app.core.settings import LANGUAGES

CATALOGUE = "depthwise"
PSEUDO_VARIABLE = "DEPTHWISE_STUDIO_PSEUDO"


class PseudoTranslator(QTranslator):
    """Translates every text to itself in brackets, two fifths longer: what escapes or is clipped shows."""

    def isEmpty(self) -> bool:
        """Say that there are translations."""
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        """Return the text in brackets, padded."""
        return f"[{text}{'·' * max(1, round(len(text) * 0.4))}]" if text else text


class Languages(QObject):
    """Installs the translators of the chosen language into the application."""

    def __init__(self, application: QCoreApplication) -> None:
        super().__init__(application)
        self._application = application
        self._installed: list[QTranslator] = []
        self._language = ""
        self._pseudo = bool(os.environ.get(PSEUDO_VARIABLE))

    @property
    def language(self) -> str:
        """The language in use: ``en`` or ``zh_CN``."""
        return self._language

    def apply(self, choice: str) -> None:
        """Use a language of ``LANGUAGES``; every widget hears of it by a ``LanguageChange`` event."""
        language = system_language() if choice == "system" else choice
        if language == self._language:
            return
        self._language = language
        for translator in self._installed:
            self._application.removeTranslator(translator)
        self._installed.clear()
        QLocale.setDefault(QLocale("en_GB") if language == "en" else QLocale(language))
        if self._pseudo:
            self._install(PseudoTranslator(self))
            return
        if language == "en":
            return
        own, qt = QTranslator(self), QTranslator(self)
        if qt.load(f"qtbase_{language}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
            self._install(qt)
        if own.load(f"{CATALOGUE}_{language}", str(resources() / "i18n")):
            self._install(own)

    def _install(self, translator: QTranslator) -> None:
        self._application.installTranslator(translator)
        self._installed.append(translator)


def system_language() -> str:
    """Return the language of ``LANGUAGES`` that suits this computer."""
    for name in QLocale.system().uiLanguages():
        locale = QLocale(name)
        if locale.language() == QLocale.Language.Chinese and "zh_CN" in LANGUAGES:
            return "zh_CN"
        if locale.language() == QLocale.Language.English:
            return "en"
    return "en"
