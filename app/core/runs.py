"""The workspace and its run folders: where a training writes, and how everyone else reads it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from app.core.errors import AppError
from app.core.events import Event, EventLog, EventTail, read_events
from app.core.files import write_text
from app.core.processes import ProcessIdentity, identify, is_alive
from app.core.run_names import check_name, make_name
from app.core.run_state import RunState, read_state
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import TrainConfig

if TYPE_CHECKING:
    from app.core.design import Design

__all__ = ["COMMANDS", "RunFolder", "Workspace", "check_name", "make_name"]

COMMANDS = ("stop_now", "stop_after_epoch", "pause")

_FORMAT = 1


class RunFolder:
    """One training: a folder with its record, events, checkpoints and weights.

    Args:
        path: The folder; kept absolute, for a training's libraries take a relative one for something of their own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"RunFolder({self.path})"

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.path.name

    @property
    def best(self) -> Path:
        """Weights of the best epoch."""
        return self.path / "weights" / "best.pt"

    @property
    def last(self) -> Path:
        """Weights of the last complete epoch."""
        return self.path / "weights" / "last.pt"

    @property
    def checkpoints(self) -> Path:
        """Folder of what resuming needs."""
        return self.path / "checkpoints"

    @property
    def events_path(self) -> Path:
        """File of the events."""
        return self.path / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """File of everything the training's process printed."""
        return self.path / "log.txt"

    @property
    def metrics_path(self) -> Path:
        """Table of one row per epoch."""
        return self.path / "metrics.csv"

    @property
    def transfer_path(self) -> Path:
        """Report of which weights were carried over."""
        return self.path / "transfer.json"

    def config(self) -> TrainConfig:
        """Read what the training was told.

        Raises:
            AppError: run.yaml is missing or broken.
        """
        return TrainConfig.from_dict(self._record())

    def created(self) -> float:
        """Return when the run was made, seconds since 1970; 0 where its record does not say."""
        try:
            return datetime.fromisoformat(str(self._record().get("created"))).timestamp()
        except (AppError, ValueError):
            return 0.0

    def design(self) -> Design:
        """Read the design that is trained.

        Raises:
            AppError: design.yaml is missing or broken.
        """
        from app.core.design import load_design

        return load_design(self.path / "design.yaml")

    def write_config(self, config: TrainConfig) -> None:
        """Write run.yaml and design.yaml; a record that is there keeps its date."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        known = self._record() if (self.path / "run.yaml").is_file() else {}
        record = {"format": _FORMAT, "created": known.get("created", now), **config.to_dict()}
        write_text(self.path / "run.yaml", yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
        write_text(self.path / "design.yaml", config.design_text)

    def change(
        self, *, epochs: int | None = None, batch: int | None = None, device: str | None = None
    ) -> TrainConfig:
        """Change what a run is told when it is resumed; None leaves a setting as it is.

        Raises:
            AppError: It is being trained, has more epochs already, or a value is out of its range.
        """
        state = self.state()
        if state.live:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The run “{name}” is being trained."),
                QT_TRANSLATE_NOOP("core", "Stop it first."),
                name=self.name,
            )
        if epochs is not None and epochs < state.epoch:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The run “{name}” has {done} epochs already."),
                QT_TRANSLATE_NOOP("core", "Give more epochs than that."),
                name=self.name,
                done=state.epoch,
            )
        given = {"epochs": epochs, "batch": batch, "device": device}
        config = self.config()
        changed = replace(config, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        if changed != config:
            self.write_config(changed)
        return changed

    def events(self) -> Iterator[Event]:
        """Yield the events so far; a half-written last line is left out."""
        return read_events(self.events_path)

    def tail(self) -> EventTail:
        """Return a reader that follows the events."""
        return EventTail(self.events_path)

    def append_event(self, event: Event) -> None:
        """Write one event after the others."""
        log = EventLog(self.events_path)
        try:
            log.append(event)
        finally:
            log.close()

    def transfer(self) -> dict[str, Any] | None:
        """Read the transfer report; None where none was written."""
        try:
            data = json.loads(self.transfer_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return data if isinstance(data, dict) else None

    def request(self, command: str) -> None:
        """Ask the training to end ("stop_now", "stop_after_epoch") or to lie still ("pause") after its batch.

        The latest wish counts alone: one to stop ends a pause too.

        Raises:
            AppError: There is no such command.
        """
        if command not in COMMANDS:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The command “{name}” is unknown."),
                QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
                name=command,
                choices=", ".join(COMMANDS),
            )
        write_text(self._control_path, json.dumps({"command": command, "time": time.time()}))

    def requested(self) -> str | None:
        """Return the command that was asked for and not yet cleared."""
        try:
            data = json.loads(self._control_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        command = data.get("command") if isinstance(data, dict) else None
        return command if command in COMMANDS else None

    def clear_request(self) -> None:
        """Forget what was asked for."""
        self._control_path.unlink(missing_ok=True)

    def continue_(self) -> None:
        """Let a paused training go on; a wish to stop stays."""
        if self.requested() == "pause":
            self.clear_request()

    def claim(self, pid: int | None = None) -> None:
        """Note which process trains this run, by default this one."""
        identity = identify(pid)
        if identity is not None:
            write_text(self._process_path, json.dumps(identity.to_dict()))

    def release(self) -> None:
        """Note that no process trains this run."""
        self._process_path.unlink(missing_ok=True)

    def process(self) -> ProcessIdentity | None:
        """Return which process trains this run; None where none ever did or it gave the run back."""
        try:
            return ProcessIdentity.from_dict(json.loads(self._process_path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None

    def state(self, alive: Callable[[ProcessIdentity], bool] = is_alive) -> RunState:
        """Find out how the run stands, from the head and the tail of its events and from its process.

        Args:
            alive: Tells whether a process still runs.
        """
        return read_state(self.events_path, self.process(), self._epochs_asked, alive)

    def _epochs_asked(self) -> int:
        try:
            return self.config().epochs
        except AppError:
            return 0

    @property
    def _control_path(self) -> Path:
        return self.path / "control.json"

    @property
    def _process_path(self) -> Path:
        return self.path / "process.json"

    def _record(self) -> dict[str, Any]:
        path = self.path / "run.yaml"
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} is missing."),
                QT_TRANSLATE_NOOP("core", "This is no run folder; start the training anew."),
                path=path,
            ) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} cannot be read: {reason}."),
                QT_TRANSLATE_NOOP("core", "Start the training anew."),
                path=path,
                reason=_first_line(error),
            ) from error
        if not isinstance(data, dict):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} is no record of a training."),
                QT_TRANSLATE_NOOP("core", "Start the training anew."),
                path=path,
            )
        return data


class Workspace:
    """The folder of everything the user makes; its parts are made when first needed.

    Args:
        root: The folder; kept absolute.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def designs(self) -> Path:
        """Folder of the designs."""
        return self._part("designs")

    @property
    def runs(self) -> Path:
        """Folder of the runs."""
        return self._part("runs")

    @property
    def exports(self) -> Path:
        """Folder of the exported models."""
        return self._part("exports")

    @property
    def reports(self) -> Path:
        """Folder of the reports."""
        return self._part("reports")

    @property
    def snapshots(self) -> Path:
        """Folder of the pictures taken while comparing."""
        return self._part("snapshots")

    @property
    def recordings(self) -> Path:
        """Folder of the comparisons recorded as MP4."""
        return self._part("recordings")

    def new_run(self, name: str) -> RunFolder:
        """Make a run folder; where the name is taken, the next number is added: `name-2`.

        Raises:
            AppError: The name cannot be a folder's, or the workspace cannot be written.
        """
        clean = check_name(name)
        for number in range(1, 10_000):
            path = self.runs / (clean if number == 1 else f"{clean}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            except OSError as error:
                raise _cannot_make(path, error) from error
            return RunFolder(path)
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There are too many runs named “{name}”."),
            QT_TRANSLATE_NOOP("core", "Give another name."),
            name=clean,
        )

    def run(self, name: str) -> RunFolder:
        """Return the run of that name.

        Raises:
            AppError: There is none.
        """
        run = RunFolder(self.root / "runs" / check_name(name))
        if not (run.path / "run.yaml").is_file():
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There is no run named “{name}” in {folder}."),
                QT_TRANSLATE_NOOP("core", "`runs list` shows them."),
                name=name,
                folder=self.root / "runs",
            )
        return run

    def list_runs(self) -> list[RunFolder]:
        """Return every run, the newest first."""
        folder = self.root / "runs"
        if not folder.is_dir():
            return []
        records = [(path / "run.yaml", path) for path in folder.iterdir() if path.is_dir()]
        found = [(record.stat().st_mtime, path) for record, path in records if record.is_file()]
        return [RunFolder(path) for _, path in sorted(found, key=lambda item: (-item[0], item[1].name))]

    def _part(self, name: str) -> Path:
        path = self.root / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_make(path, error) from error
        return path


def _cannot_make(path: Path, error: OSError) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "{path} cannot be made: {reason}."),
        QT_TRANSLATE_NOOP("core", "Choose another workspace."),
        path=path,
        reason=error.strerror,
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
