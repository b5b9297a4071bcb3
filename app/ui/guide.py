"""The user guide, read inside the Studio."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QLocale, QUrl
from PySide6.QtGui import (
    QBrush,
    QDesktopServices,
    QFont,
    QFontDatabase,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from app.core.folders import resources
from app.ui import theme

_PICTURE_WIDTH = 680.0
_HEADINGS = {1: theme.SIZE_TITLE, 2: theme.SIZE_SECTION, 3: theme.SIZE_BODY}


class GuideDialog(QDialog):
    """The user guide; it stays open beside the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("guide")
        self.resize(760, 680)
        self._chapter: Path | None = None
        """The file that is shown; None is the guide itself, in the language in use."""
        self._text = QTextBrowser()
        self._text.setObjectName("guideText")
        self._text.setProperty("embedded", "true")
        self._text.setOpenLinks(False)
        self._text.anchorClicked.connect(self._on_text_anchor_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._text)
        theme.notifier().changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Read the guide in the language in use, in the colours in use."""
        self.setWindowTitle(self.tr("User guide"))
        self._text.setAccessibleName(self.tr("User guide"))
        self._show(self._chapter or guide_path())

    def _show(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            text = self.tr("The user guide is missing from this installation: {path}").format(path=path)
        document = QTextDocument(self)
        document.setBaseUrl(QUrl.fromLocalFile(f"{path.parent}/"))
        document.setDefaultFont(theme.font())
        document.setMarkdown(text)
        _set_type(document)
        self._text.setDocument(document)

    def _on_text_anchor_clicked(self, url: QUrl) -> None:
        if url.scheme() in {"http", "https"}:
            QDesktopServices.openUrl(url)
        elif url.path().endswith(".md"):
            self._go(url.path())
        elif url.hasFragment():
            self._text.scrollToAnchor(url.fragment())

    def _go(self, name: str) -> None:
        """Show another file of the documents; one outside them is left alone."""
        folder = guide_path().parent.resolve()
        path = ((self._chapter or guide_path()).parent / name).resolve()
        if path.is_relative_to(folder) and path.is_file():
            self._chapter = None if path == guide_path().resolve() else path
            self._show(path)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def guide_path() -> Path:
    """Return the guide's file, in the language in use where there is one."""
    folder = resources().parent / "docs"
    chinese = folder / "guide.zh_CN.md"
    if QLocale().language() == QLocale.Language.Chinese and chinese.is_file():
        return chinese
    return folder / "guide.md"


def _set_type(document: QTextDocument) -> None:
    """Give paragraphs, headings, code and tables the Studio's sizes, spaces and colours."""
    document.setDocumentMargin(theme.GROUPS)
    block = document.begin()
    while block.isValid():
        _set_block(block)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            form = frame.format()
            form.setBorderBrush(QBrush(theme.colour("line")))
            form.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            form.setBorderCollapse(True)
            form.setCellPadding(4)
            form.setTopMargin(theme.INSIDE)
            form.setBottomMargin(theme.BETWEEN)
            frame.setFormat(form)


def _set_block(block: QTextBlock) -> None:
    cursor = QTextCursor(block)
    form = block.blockFormat()
    level = form.headingLevel()
    inside_table = cursor.currentTable() is not None
    code = form.hasProperty(QTextFormat.Property.BlockCodeFence)
    form.setTopMargin(0 if inside_table or code else theme.GROUPS - 8 if level else 2)
    form.setBottomMargin(0 if inside_table or code else theme.INSIDE)
    if code:
        form.setBackground(theme.colour("raised"))
        form.setLeftMargin(theme.BETWEEN)
    cursor.setBlockFormat(form)
    _fit_pictures(block)
    if not level and not code:
        return
    if code:
        face = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        face.setPixelSize(theme.SIZE_BODY)
    else:
        face = theme.font(_HEADINGS.get(level, theme.SIZE_BODY), QFont.Weight.DemiBold)
    letters = QTextCharFormat()
    letters.setFont(face)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    cursor.setCharFormat(letters)


def _fit_pictures(block: QTextBlock) -> None:
    """Make a block's pictures as wide as the text."""
    place = block.begin()
    while not place.atEnd():
        fragment = place.fragment()
        if fragment.isValid() and fragment.charFormat().isImageFormat():
            picture = fragment.charFormat().toImageFormat()
            picture.setMaximumWidth(QTextLength(QTextLength.Type.FixedLength, _PICTURE_WIDTH))
            cursor = QTextCursor(block)
            cursor.setPosition(fragment.position())
            cursor.setPosition(fragment.position() + fragment.length(), QTextCursor.MoveMode.KeepAnchor)
            cursor.setCharFormat(picture)
            return
        place += 1
