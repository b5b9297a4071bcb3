"""The menu bar: every action of the window, and those of the page that is visible."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QAction, QActionGroup, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from app.core.text import QT_TRANSLATE_NOOP
from app.ui import theme
from app.ui.documents import Documents
from app.ui.page import Page, Services
from app.ui.pages import PAGES
from app.ui.requests import DESIGN, HOME

Keys = QKeySequence.StandardKey

MENUS = (
    ("file", QT_TRANSLATE_NOOP("Actions", "&File")),
    ("edit", QT_TRANSLATE_NOOP("Actions", "&Edit")),
    ("view", QT_TRANSLATE_NOOP("Actions", "&View")),
    ("run", QT_TRANSLATE_NOOP("Actions", "&Run")),
    ("help", QT_TRANSLATE_NOOP("Actions", "&Help")),
)
THEME_WORDS = (
    ("system", QT_TRANSLATE_NOOP("Actions", "As the system")),
    ("light", QT_TRANSLATE_NOOP("Actions", "Light")),
    ("dark", QT_TRANSLATE_NOOP("Actions", "Dark")),
)
LANGUAGE_WORDS = (
    ("system", QT_TRANSLATE_NOOP("Actions", "As the system")),
    ("en", "English"),
    ("zh_CN", "简体中文"),
)


class Actions(QObject):
    """Builds the menus once, keeps their words and states, and exchanges the page's own actions."""

    def __init__(self, window: QMainWindow, services: Services, documents: Documents) -> None:
        super().__init__(window)
        self._window = window
        self._services = services
        self._workspace = services.workspace
        self._documents = documents
        self._on_design = False
        self._page: Page | None = None
        self._lent: list[tuple[QMenu, QAction]] = []
        self._words: list[tuple[QAction, str]] = []
        self.menus: dict[str, QMenu] = {}
        for name, _ in MENUS:
            menu = window.menuBar().addMenu("")
            menu.setObjectName(f"menu_{name}")
            menu.setToolTipsVisible(True)
            self.menus[name] = menu
        self._build_file()
        self._build_edit()
        self._build_view()
        self._ends = {name: self.menus[name].addSeparator() for name in ("edit", "run")}
        self._build_help()
        self._connect()
        self.retranslate()

    def _add(
        self,
        menu: QMenu,
        name: str,
        words: str,
        slot: Callable[[], object] | None,
        keys: QKeySequence.StandardKey | str | None = None,
        icon: str = "",
    ) -> QAction:
        action = QAction(self._window)
        action.setObjectName(name)
        if icon:
            action.setIcon(theme.icon(icon, "muted"))
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        if slot is not None:
            action.triggered.connect(lambda _checked=False: slot())
        menu.addAction(action)
        self._words.append((action, words))
        return action

    def _submenu(self, menu: QMenu, name: str, words: str, icon: str = "") -> QMenu:
        result = menu.addMenu("")
        result.setObjectName(name)
        if icon:
            result.setIcon(theme.icon(icon, "muted"))
        self._words.append((result.menuAction(), words))
        return result

    def _build_file(self) -> None:
        menu, to = self.menus["file"], self._documents
        add = partial(self._add, menu)
        add("new", QT_TRANSLATE_NOOP("Actions", "&New design"), to.new, Keys.New, "new")
        add("open", QT_TRANSLATE_NOOP("Actions", "&Open…"), to.open, Keys.Open, "open")
        add(
            "openFolder",
            QT_TRANSLATE_NOOP("Actions", "Open a &folder…"),
            to.open_folder,
            "Ctrl+Shift+O",
            "folder",
        )
        self._recent = self._submenu(menu, "recent", QT_TRANSLATE_NOOP("Actions", "Open &recent"), "clock")
        self._recent.aboutToShow.connect(self._fill_recent)
        menu.addSeparator()
        self.save = add("save", QT_TRANSLATE_NOOP("Actions", "&Save"), to.save, Keys.Save, "save")
        add("saveAs", QT_TRANSLATE_NOOP("Actions", "Save &as…"), to.save_as, "Ctrl+Shift+S")
        self._ends_file = menu.addSeparator()
        add(
            "preferences",
            QT_TRANSLATE_NOOP("Actions", "&Preferences…"),
            self._show_preferences,
            "Ctrl+,",
            "settings",
        ).setMenuRole(QAction.MenuRole.PreferencesRole)
        add("quit", QT_TRANSLATE_NOOP("Actions", "&Quit"), self._window.close, "Ctrl+Q").setMenuRole(
            QAction.MenuRole.QuitRole
        )

    def _build_edit(self) -> None:
        stack = self._workspace.undo_stack
        add = partial(self._add, self.menus["edit"])
        self.undo = add("undo", "", stack.undo, Keys.Undo, "undo")
        self.redo = add("redo", "", stack.redo, None, "redo")
        self.redo.setShortcuts([QKeySequence("Ctrl+Y"), QKeySequence("Ctrl+Shift+Z")])

    def _build_view(self) -> None:
        menu = self.menus["view"]
        self._pages = QActionGroup(self)
        for number, entry in enumerate(PAGES, 1):
            go = partial(self._workspace.go_to, entry.name)
            action = self._add(menu, f"page_{entry.name}", "", go, f"Ctrl+{number}", entry.icon)
            action.setCheckable(True)
            self._pages.addAction(action)
        menu.addSeparator()
        self._theme = self._choices(
            self._submenu(menu, "theme", QT_TRANSLATE_NOOP("Actions", "&Theme"), "theme"),
            THEME_WORDS,
            "theme",
        )
        self._language = self._choices(
            self._submenu(menu, "language", QT_TRANSLATE_NOOP("Actions", "&Language")),
            LANGUAGE_WORDS,
            "language",
        )
        words = QT_TRANSLATE_NOOP("Actions", "&Full screen")
        self._full = self._add(menu, "fullScreen", words, self._toggle_full_screen, "F11")
        self._full.setCheckable(True)
        self._ends_view = menu.addSeparator()

    def _choices(self, menu: QMenu, words: tuple[tuple[str, str], ...], field: str) -> dict[str, QAction]:
        group = QActionGroup(self)
        result = {}
        for value, word in words:
            choose = partial(self._services.store.update, **{field: value})
            action = self._add(menu, f"{field}_{value}", word, choose)
            action.setCheckable(True)
            group.addAction(action)
            result[value] = action
        return result

    def _build_help(self) -> None:
        add = partial(self._add, self.menus["help"])
        add(
            "start",
            QT_TRANSLATE_NOOP("Actions", "&Getting started"),
            partial(self._workspace.go_to, HOME),
            "F1",
            "help",
        )
        add("guide", QT_TRANSLATE_NOOP("Actions", "&User guide"), self._open_guide, "Shift+F1")
        self.menus["help"].addSeparator()
        add("doctor", QT_TRANSLATE_NOOP("Actions", "&This computer…"), self._show_doctor, None, "chip")
        add(
            "openWorkspace",
            QT_TRANSLATE_NOOP("Actions", "Show the &workspace folder"),
            self._open_workspace,
            None,
            "folder",
        )
        self._ends_help = self.menus["help"].addSeparator()
        add("about", QT_TRANSLATE_NOOP("Actions", "&About Depthwise Studio"), self._show_about).setMenuRole(
            QAction.MenuRole.AboutRole
        )

    def _connect(self) -> None:
        stack = self._workspace.undo_stack
        # What the signals carry is kept: at the end they still come, from a stack that is being deleted.
        self._can_undo, self._undo_text = stack.canUndo(), stack.undoText()
        self._can_redo, self._redo_text = stack.canRedo(), stack.redoText()
        stack.canUndoChanged.connect(self._on_stack_can_undo_changed)
        stack.canRedoChanged.connect(self._on_stack_can_redo_changed)
        stack.undoTextChanged.connect(self._on_stack_undo_text_changed)
        stack.redoTextChanged.connect(self._on_stack_redo_text_changed)
        self._services.store.changed.connect(self._update_choices)
        self._update_choices()

    def retranslate(self) -> None:
        """Set the words of every menu and action."""
        for name, words in MENUS:
            self.menus[name].setTitle(self.tr(words))
        for action, words in self._words:
            if words:
                action.setText(self.tr(words))
        for action, entry in zip(self._pages.actions(), PAGES, strict=True):
            action.setText(entry.title)
        self._update_undo()

    def show_page(self, name: str, page: Page) -> None:
        """Take the last page's actions out of the menus and put this one's in."""
        for menu, action in self._lent:
            menu.removeAction(action)
        self._lent.clear()
        self._on_design = name == DESIGN
        self._page = page
        before = {
            "file": self._ends_file,
            "edit": self._ends["edit"],
            "view": self._ends_view,
            "run": self._ends["run"],
            "help": self._ends_help,
        }
        for menu_name, actions in page.menu_actions().items():
            menu = self.menus[menu_name]
            for action in [_separator(menu), *actions]:
                menu.insertAction(before[menu_name], action)
                self._lent.append((menu, action))
        for action in self._pages.actions():
            action.setChecked(action.objectName() == f"page_{name}")
        self.menus["run"].menuAction().setVisible(any(menu is self.menus["run"] for menu, _ in self._lent))
        self._update_undo()

    def _on_stack_can_undo_changed(self, able: bool) -> None:
        self._can_undo = able
        self._update_undo()

    def _on_stack_can_redo_changed(self, able: bool) -> None:
        self._can_redo = able
        self._update_undo()

    def _on_stack_undo_text_changed(self, text: str) -> None:
        self._undo_text = text
        self._update_undo()

    def _on_stack_redo_text_changed(self, text: str) -> None:
        self._redo_text = text
        self._update_undo()

    def _update_undo(self) -> None:
        undo, redo = self._undo_text, self._redo_text
        self.undo.setText(self.tr("&Undo: {action}").format(action=undo) if undo else self.tr("&Undo"))
        self.redo.setText(self.tr("&Redo: {action}").format(action=redo) if redo else self.tr("&Redo"))
        self.undo.setEnabled(self._on_design and self._can_undo)
        self.redo.setEnabled(self._on_design and self._can_redo)

    def _update_choices(self) -> None:
        settings = self._services.store.settings
        self._theme[settings.theme].setChecked(True)
        self._language[settings.language].setChecked(True)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for name in self._services.store.settings.recent_designs:
            path = Path(name)
            action = self._recent.addAction(path.name)
            action.setToolTip(name)
            action.setEnabled(path.is_file())
            action.triggered.connect(lambda _checked=False, path=path: self._documents.open_design(path))
        if not self._recent.isEmpty():
            self._recent.addSeparator()
            forget = partial(self._services.store.update, recent_designs=())
            self._recent.addAction(self.tr("Clear this list")).triggered.connect(lambda: forget())
        else:
            self._recent.addAction(self.tr("No designs yet")).setEnabled(False)

    def _toggle_full_screen(self) -> None:
        alone = not self._window.isFullScreen() and self._page is not None and self._page.full_screen()
        if not alone:
            self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._full.setChecked(self._window.isFullScreen())

    def _show_preferences(self) -> None:
        from app.ui.preferences import PreferencesDialog

        PreferencesDialog(self._services, self._window).exec()

    def _show_about(self) -> None:
        from app.ui.about import AboutDialog

        AboutDialog(self._window).exec()

    def _show_doctor(self) -> None:
        from app.ui.doctor import DoctorDialog

        DoctorDialog(self._window).exec()

    def _open_guide(self) -> None:
        from app.ui.guide import GuideDialog

        dialog = GuideDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def _open_workspace(self) -> None:
        root = self._workspace.folder.root
        root.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(root)))


def _separator(menu: QMenu) -> QAction:
    result = QAction(menu)
    result.setSeparator(True)
    return result
