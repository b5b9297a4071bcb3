"""The runs that wait for their turn: one readable file in the workspace.

The keeper is a small process that trains the entries one after the other and outlives the window. Whoever changes the
file holds its lock, so that an entry cannot be added to a queue whose keeper is just leaving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import yaml

from app.core.errors import AppError
from app.core.files import write_text
from app.core.processes import ProcessIdentity, is_alive
from app.core.runs import Workspace, check_name
from app.core.text import QT_TRANSLATE_NOOP

FILE_NAME = "queue.yaml"

_LOCK_S = 10.0
_HEAD = (
    "# The runs that wait for their turn, the next one first. Depthwise Studio reads and writes this file."
)


@dataclass(frozen=True)
class QueueEntry:
    """One run that waits.

    Attributes:
        run: Its name.
        resume: Whether it goes on after its last checkpoint.
    """

    run: str
    resume: bool = False


@dataclass(frozen=True)
class QueueState:
    """What stands in the file.

    Attributes:
        waiting: The next one first.
        running: Name of the run that is trained now; empty where none is.
        held: Whether nothing more is begun until the user lets it.
        keeper: The process that trains them; None where there is none.
    """

    waiting: tuple[QueueEntry, ...] = ()
    running: str = ""
    held: bool = False
    keeper: ProcessIdentity | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the runs that wait."""
        return tuple(entry.run for entry in self.waiting)

    @property
    def kept(self) -> bool:
        """Whether a living process trains the entries."""
        return self.keeper is not None and is_alive(self.keeper)


class RunQueue:
    """The queue of a workspace; every change is written at once.

    Args:
        workspace: Whose runs wait.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.path = workspace.root / FILE_NAME

    def read(self) -> QueueState:
        """Return what stands in the file; one that is no queue is kept aside as `queue.broken.yaml`."""
        try:
            data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return QueueState()
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            data = ""
        if not isinstance(data, dict):
            self._set_aside()
            return QueueState()
        return _state(data)

    def add(self, entries: Sequence[QueueEntry], first: bool = False) -> QueueState:
        """Put entries at the end, or at the front; a run that waits already moves there."""
        names = {entry.run for entry in entries}

        def change(state: QueueState) -> QueueState:
            others = tuple(entry for entry in state.waiting if entry.run not in names)
            waiting = (*entries, *others) if first else (*others, *entries)
            return replace(state, waiting=waiting)

        return self._change(change)

    def remove(self, run: str) -> QueueState:
        """Take a run out; its folder stays."""
        return self._change(
            lambda state: replace(state, waiting=tuple(entry for entry in state.waiting if entry.run != run))
        )

    def move(self, run: str, place: int) -> QueueState:
        """Move a waiting run to a place, 0 being the next to train; beyond the ends it goes to the end."""

        def change(state: QueueState) -> QueueState:
            entry = next((entry for entry in state.waiting if entry.run == run), None)
            if entry is None:
                return state
            others = [other for other in state.waiting if other.run != run]
            others.insert(min(max(place, 0), len(others)), entry)
            return replace(state, waiting=tuple(others))

        return self._change(change)

    def hold(self, on: bool) -> QueueState:
        """Begin nothing more until the user lets it, or let it again; what is trained now goes on."""
        return self._change(lambda state: replace(state, held=on))

    def keep(self, start: Callable[[], ProcessIdentity | None]) -> QueueState:
        """Make sure that a keeper lives.

        Args:
            start: Starts one; called with the lock held, so that there is never a second one.
        """

        return self._change(lambda state: state if state.kept else replace(state, keeper=start()))

    def take(self) -> QueueEntry | None:
        """Take the next entry, for the keeper; None tells it to leave: nothing waits, or the queue is held."""
        taken: list[QueueEntry] = []

        def change(state: QueueState) -> QueueState:
            if state.held or not state.waiting:
                return replace(state, running="", keeper=None)
            taken.append(state.waiting[0])
            return replace(state, running=taken[0].run, waiting=state.waiting[1:])

        self._change(change)
        return taken[0] if taken else None

    def _change(self, change: Callable[[QueueState], QueueState]) -> QueueState:
        with self._locked():
            before = self.read()
            after = change(before)
            if after != before:
                self._write(after)
        return after

    def _write(self, state: QueueState) -> None:
        data = {
            "format": 1,
            "held": state.held,
            "running": state.running,
            "waiting": [
                {"run": entry.run, **({"resume": True} if entry.resume else {})} for entry in state.waiting
            ],
            "keeper": state.keeper.to_dict() if state.keeper is not None else None,
        }
        body = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        try:
            write_text(self.path, f"{_HEAD}\n{body}")
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> AppError:
        return AppError(
            QT_TRANSLATE_NOOP("core", "The queue {path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Free some space, or choose another workspace."),
            path=self.path,
            reason=error.strerror,
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep every other process from changing the file; the system gives the lock back if this one dies."""
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path.with_name(f".{FILE_NAME}.lock"), timeout=_LOCK_S)
            lock.acquire()
        except Timeout as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The queue {path} is in use by another process."),
                QT_TRANSLATE_NOOP("core", "Try again in a moment."),
                path=self.path,
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _set_aside(self) -> None:
        if self.path.is_file():
            self.path.replace(self.path.with_suffix(".broken.yaml"))


def _state(data: dict[str, Any]) -> QueueState:
    """Take what is of the right kind; a person may have written the file."""
    given = data.get("waiting")
    entries = [_entry(item) for item in given] if isinstance(given, list) else []
    unique = {entry.run: entry for entry in entries if entry is not None}
    running = data.get("running")
    return QueueState(
        tuple(unique.values()),
        running if isinstance(running, str) else "",
        data.get("held") is True,
        ProcessIdentity.from_dict(data.get("keeper")),
    )


def _entry(item: Any) -> QueueEntry | None:
    name, resume = (item.get("run"), item.get("resume")) if isinstance(item, dict) else (item, False)
    try:
        return QueueEntry(check_name(name), resume is True) if isinstance(name, str) else None
    except AppError:
        return None
