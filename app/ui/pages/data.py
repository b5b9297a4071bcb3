"""Data: what a data set holds, what is wrong with it, and on to training."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFileDialog, QMenu, QSplitter, QStackedWidget

from app.core.errors import AppError
from app.core.text import grouped
from app.ui import drops, theme
from app.ui.data_names import short_name, spoken_name
from app.ui.page import Page, Services
from app.ui.pages.data_gallery import Gallery
from app.ui.pages.data_results import FindingsCard, Statistics
from app.ui.pages.data_summary import Summary
from app.ui.requests import SAMPLE, DataRequest, Request
from app.ui.text import problem_words
from app.ui.widgets.cards import button, label
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.empty_state import EmptyState
from app.workers.job import EngineJob

_LAYOUTS = {"yolo": "YOLO", "voc": "Pascal VOC", "coco": "COCO"}
EMPTY, LOADING, FAILED, READY = "empty", "loading", "failed", "ready"


class DataPage(Page):
    """Opens a data set, checks it, and shows pictures, figures and findings."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.state = EMPTY
        self.summary: Summary | None = None
        self.problem: AppError | None = None
        self._spec = ""
        self._job: EngineJob | None = None
        self._progress = ""
        self.open_button = button("openData", icon="open")
        self.sample_button = button("openSample", icon="data")
        self.again_button = button("checkAgain", icon="refresh")
        self.name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        theme.set_role(self.name, "strong")
        self.counts = label(role="muted")
        self.stack = QStackedWidget()
        self.blank = EmptyState("data")
        self.gallery = Gallery()
        self.statistics = Statistics()
        self.findings = FindingsCard()
        self._lay_out()
        self._make_actions()
        self._connect()
        self.retranslate()

    def _lay_out(self) -> None:
        for widget in (self.open_button, self.sample_button):
            self.tools.addWidget(widget)
        self.tools.addSpacing(theme.BETWEEN)
        self.tools.addWidget(self.name)
        self.tools.addWidget(self.counts)
        self.actions_area.addWidget(self.again_button)
        self.primary.setIcon(theme.icon("arrow_right", "on_accent"))
        self.primary.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        upper = QSplitter(Qt.Orientation.Horizontal)
        upper.addWidget(self.gallery)
        upper.addWidget(self.statistics)
        upper.setStretchFactor(0, 3)
        upper.setStretchFactor(1, 2)
        upper.setSizes([600, 400])
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(upper)
        whole.addWidget(self.findings)
        whole.setStretchFactor(0, 1)
        whole.setStretchFactor(1, 0)
        for splitter in (upper, whole):
            splitter.setChildrenCollapsible(False)
        self._whole = whole
        self.stack.addWidget(self.blank)
        self.stack.addWidget(whole)
        self.body.addWidget(self.stack, 1)
        self._menu = QMenu(self.open_button)
        self.open_button.setMenu(self._menu)
        self.open_button.setProperty("menu", "true")

    def _make_actions(self) -> None:
        self.open_action = QAction(self)
        self.open_action.setIcon(theme.icon("open", "muted"))
        self.folder_action = QAction(self)
        self.folder_action.setIcon(theme.icon("folder", "muted"))
        self.again_action = QAction(self)
        self.again_action.setIcon(theme.icon("refresh", "muted"))
        self.again_action.setShortcut(QKeySequence("F5"))
        self.open_action.triggered.connect(lambda: self.choose_file())
        self.folder_action.triggered.connect(lambda: self.choose_folder())
        self.again_action.triggered.connect(lambda: self.check_again())

    def _connect(self) -> None:
        self._menu.aboutToShow.connect(self._fill_menu)
        self.sample_button.clicked.connect(lambda: self.open(SAMPLE))
        self.again_button.clicked.connect(lambda: self.check_again())
        self.primary.clicked.connect(self._on_primary_clicked)
        self.blank.primary_clicked.connect(self._on_blank_primary_clicked)
        self.blank.secondary_clicked.connect(self._on_blank_secondary_clicked)
        self.statistics.classes.chosen.connect(self.gallery.show_class)
        self.gallery.class_dropped.connect(self.statistics.classes.clearSelection)
        self.gallery.failed.connect(self.messages.error)
        self.findings.fix_wanted.connect(lambda: self.choose_copy())
        self.findings.list.finding_chosen.connect(lambda finding: self.gallery.reveal(finding.path))

    def open(self, spec: str) -> None:
        """Open a data set and check it.

        Args:
            spec: a data.yaml, the folder it lies in, or ``SAMPLE``.
        """
        self._cancel()
        self._spec = spec
        self.problem = None
        self._progress = ""
        job = EngineJob("dataset.check", {"data": spec})
        job.progressed.connect(self._on_job_progressed)
        job.done.connect(self._on_job_done)
        job.failed.connect(self._on_job_failed)
        job.was_cancelled.connect(self._on_job_was_cancelled)
        self._job = job
        self._show(LOADING)
        self.blank.show_progress(-1.0)
        # The page itself tells of a failure, so the tray only follows.
        title = partial(self._check_title, spec)
        self.tasks.add(title, job.cancel).adopt(job)
        job.start()

    def check_again(self) -> None:
        """Look through the open data set once more."""
        if self._spec:
            self.open(self._spec)

    def choose_file(self) -> None:
        """Let the user choose a data.yaml, a COCO JSON file or a zip archive."""
        filters = self.tr("Data sets ({patterns})").format(patterns="*.yaml *.yml *.json *.zip")
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Open a data set"), self._folder(), filters)
        if name:
            self.open(name)

    def choose_copy(self) -> None:
        """Let the user choose where a corrected copy goes, and write it."""
        if self.summary is None:
            return
        start = self.workspace.folder.root / f"{short_name(self.summary.spec).replace('/', '-')}-fixed"
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("New folder for the corrected copy"),
            str(start),
            "",
            "",
            QFileDialog.Option.ShowDirsOnly,
        )
        if name:
            self.fix_into(Path(name))

    def fix_into(self, folder: Path) -> None:
        """Write a corrected copy of the shown data set into a folder; the tray shows how far it is."""
        if self.summary is None:
            return
        job = EngineJob("dataset.fix", {"data": self.summary.spec, "folder": str(folder)})
        job.done.connect(self._on_fix_job_done)
        self.tasks.start(partial(self._copy_title, self.summary.spec), job)

    def choose_folder(self) -> None:
        """Let the user choose the folder of a data set."""
        name = QFileDialog.getExistingDirectory(
            self, self.tr("Open the folder of a data set"), self._folder()
        )
        if name:
            self.open(name)

    def activated(self) -> None:
        """Show what was chosen for training meanwhile."""
        if self.workspace.data and self.workspace.data != self._spec:
            self.open(self.workspace.data)

    def deactivated(self) -> None:
        """Let the process that makes thumbnails go."""
        self.gallery.release()

    def receive(self, request: Request) -> None:
        """Open the data set that another page asked for."""
        if isinstance(request, DataRequest) and (request.data != self._spec or self.state == FAILED):
            self.open(request.data)

    def accepts_drop(self, paths: list[Path]) -> bool:
        """Take a data.yaml, a COCO JSON file, a zip archive or a folder."""
        return len(paths) == 1 and drops.kind_of(paths[0]) in (drops.DATA, drops.FOLDER)

    def dropped(self, paths: list[Path]) -> None:
        """Open what was dropped."""
        self.open(str(paths[0]))

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Lend opening and checking to the menu bar."""
        return {"file": [self.open_action, self.folder_action], "run": [self.again_action]}

    def shutdown(self) -> None:
        """End the processes."""
        self._cancel()
        self.gallery.close_feed()

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Data"))
        self.open_button.setText(self.tr("Open"))
        self.sample_button.setText(self.tr("Sample"))
        self.sample_button.setToolTip(self.tr("The built-in sample: things on a table, drawn by the Studio."))
        self.again_button.setText(self.tr("Check again"))
        self.again_button.setToolTip(self.tr("Look through the pictures and labels once more (F5)."))
        self.primary.setText(self.tr("Use in Train") + "\u2002")
        self.primary.setToolTip(self.tr("Go on to the Train page with this data set."))
        self.open_action.setText(self.tr("Open a data set…"))
        self.folder_action.setText(self.tr("Open the folder of a data set…"))
        self.again_action.setText(self.tr("Check the data set again"))
        self._show(self.state)

    # --- the check ------------------------------------------------------------------------------------------

    def _on_job_progressed(self, fraction: float, text: str) -> None:
        if self.sender() is self._job:
            self._progress = text if "/" in text else ""
            self.blank.show_progress(fraction)
            self._show_blank()

    def _on_job_done(self, result: dict[str, Any]) -> None:
        if self.sender() is not self._job:
            return
        self._job = None
        self.summary = summary = Summary.from_json(self._spec, result)
        self.workspace.set_data(self._spec)
        self.gallery.show_summary(summary)
        self.statistics.show_summary(summary)
        self.findings.show_summary(summary)
        self._show(READY)
        self._share_height()

    def _on_fix_job_done(self, result: dict[str, Any]) -> None:
        count = sum(result["changes"].values())
        self.messages.success(
            self.tr("The corrected copy is in {folder}: {count} changes, listed in changes.csv.").format(
                folder=result["folder"], count=grouped(count)
            )
        )
        self.open(result["data"])

    def _on_job_failed(self, problem: AppError) -> None:
        if self.sender() is self._job:
            self._job = None
            self.problem = problem
            self._show(FAILED)

    def _on_job_was_cancelled(self) -> None:
        if self.sender() is self._job:
            self._job = None
            before = self.summary
            self._spec = before.spec if before else ""
            self._show(READY if before else EMPTY)

    def _cancel(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    # --- what is to be seen ---------------------------------------------------------------------------------

    def _show(self, state: str) -> None:
        self.state = state
        ready = state == READY
        self.stack.setCurrentWidget(self._whole if ready else self.blank)
        # An empty page offers the same in its middle, by larger buttons.
        self.open_button.setVisible(state != EMPTY)
        self.sample_button.setVisible(state != EMPTY)
        self.again_button.setVisible(ready)
        self.primary.setVisible(ready)
        self.again_action.setEnabled(bool(self._spec))
        summary = self.summary if ready else None
        self.name.setText(spoken_name(summary.spec) if summary else "")
        self.name.setToolTip(str(summary.data) if summary else "")
        counts = " / ".join(grouped(count) for count in summary.images.values()) if summary else ""
        self.counts.setText(self._counts_words(summary, counts) if summary else "")
        self.counts.setToolTip(self._split_words(summary) if summary else "")
        if summary:
            self.primary.setEnabled(bool(summary.images.get("train")))
        self._show_blank()

    def _show_blank(self) -> None:
        """Fill the middle of the page where there is no data set to show."""
        if self.state == EMPTY:
            self.blank.set_icon("data")
            self.blank.show_progress(None)
            self.blank.set_texts(
                self.tr("Open a data set to see what is in it."),
                self.tr(
                    "Drop a folder, a data.yaml, a COCO JSON file or a zip archive here: YOLO, Pascal VOC or COCO."
                ),
                self.tr("Open a data set…"),
                self.tr("Use the sample"),
            )
        elif self.state == LOADING:
            self.blank.set_icon("data")
            self.blank.set_texts(
                self.tr("Looking through {name}…").format(name=spoken_name(self._spec)),
                self._progress,
                "",
                self.tr("Cancel"),
            )
        elif self.state == FAILED and self.problem is not None:
            self.blank.set_icon("error", "bad")
            self.blank.show_progress(None)
            self.blank.set_texts(
                *problem_words(self.problem),
                self.tr("Open another…"),
                self.tr("Use the sample"),
            )

    def _counts_words(self, summary: Summary, counts: str) -> str:
        """Name the format, how many pictures each split has, and who divided them."""
        shown = self.tr("{format}, {counts} pictures").format(format=_LAYOUTS[summary.layout], counts=counts)
        return self.tr("{counts}, split by the Studio").format(counts=shown) if summary.divided else shown

    def _split_words(self, summary: Summary) -> str:
        if summary.divided:
            return self.tr(
                "Train, validation and test pictures were chosen by the Studio, the same ones every time; pictures "
                "that are nearly the same stay in one split."
            )
        return self.tr("Pictures to train, to validate and to test, as the data set says.")

    def _share_height(self) -> None:
        """Give the findings as much height as they need, up to a third of the page."""
        rows = len(self.summary.findings) if self.summary else 0
        whole = max(self._whole.height(), 300)
        wanted = 58 if rows == 0 else min(58 + rows * 46 + 12, round(whole * 0.36))
        self.findings.setMinimumHeight(58 if rows == 0 else 110)
        self._whole.setSizes([whole - wanted, wanted])

    def _fill_menu(self) -> None:
        self._menu.clear()
        self._menu.addActions([self.open_action, self.folder_action])
        recent = [spec for spec in self.store.settings.recent_data if Path(spec).exists()]
        if recent:
            self._menu.addSeparator()
        for spec in recent:
            entry = self._menu.addAction(short_name(spec))
            entry.setToolTip(spec)
            entry.triggered.connect(lambda _checked=False, spec=spec: self.open(spec))

    def _on_primary_clicked(self) -> None:
        if self.summary is not None:
            self.workspace.set_data(self.summary.spec)
            self.workspace.request_training(self.summary.spec)

    def _on_blank_primary_clicked(self) -> None:
        self.choose_file()

    def _on_blank_secondary_clicked(self) -> None:
        if self.state == LOADING and self._job is not None:
            self._job.cancel()
        else:
            self.open(SAMPLE)

    def _check_title(self, spec: str) -> str:
        return self.tr("Check of {name}").format(name=spoken_name(spec))

    def _copy_title(self, spec: str) -> str:
        return self.tr("Corrected copy of {name}").format(name=spoken_name(spec))

    def _folder(self) -> str:
        if self._spec and self._spec != SAMPLE:
            return str(Path(self._spec).parent)
        return str(self.workspace.folder.root)
