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

from app.core.folders import documentation
from app.ui import theme

_PICTURE_WIDTH = 680.0
_CHINESE = ".zh-CN.md"
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
        """Show the document in the language and colours in use."""
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
        """Go to a heading or the other language's guide; everything else opens outside."""
        if url.scheme() in {"http", "https"}:
            QDesktopServices.openUrl(url)
        elif not url.path():
            self._go_to(url.fragment(QUrl.ComponentFormattingOption.FullyDecoded))
        elif not self._go(url.path()):
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._linked(url.path()))))

    def _go_to(self, anchor: str) -> None:
        """Bring the heading with this anchor to the top: Qt's reader of Markdown makes none."""
        block = self._text.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and _anchor(block.text()) == anchor:
                bar = self._text.verticalScrollBar()
                bar.setValue(round(self._text.document().documentLayout().blockBoundingRect(block).top()))
                return
            block = block.next()

    def _go(self, name: str) -> bool:
        """Show another file of the documents, and return whether there is one of this name."""
        path = self._linked(name)
        if path.suffix != ".md" or not path.is_relative_to(documentation().resolve()) or not path.is_file():
            return False
        self._chapter = None if path == guide_path().resolve() else path
        self._show(path)
        return True

    def _linked(self, name: str) -> Path:
        """Return the file that a link in the shown one names."""
        return ((self._chapter or guide_path()).parent / name).resolve()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            if self._chapter is not None:
                self._chapter = _in_use(self._chapter)
            self.retranslate()
        super().changeEvent(event)


def guide_path() -> Path:
    """Return the guide's file, in the language in use where there is one."""
    return _in_use(documentation() / "guide.md")


def _in_use(path: Path) -> Path:
    """Return the same document in the language in use, or itself where there is none."""
    name = path.name.removesuffix(_CHINESE).removesuffix(".md")
    ending = _CHINESE if QLocale().language() == QLocale.Language.Chinese else ".md"
    wanted = path.with_name(f"{name}{ending}")
    return wanted if wanted.is_file() else path


def _anchor(heading: str) -> str:
    """Return what a link to a heading is spelt like."""
    return heading.strip().lower().replace(" ", "-")


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
