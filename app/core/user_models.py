"""Users' own models as bases: a model YAML is read, checked, and known from then on by a hash of what it builds.

Nothing of it is evaluated (see `app.core.model_yaml_read`). Its text is kept in the cache folder, so that every process
of the Studio can build it, and so is its trace, which the engine makes once (`app.engine.user_models`): core knows no
torch, and refuses to reckon with a model that has not been traced.

Designs name such a base "mymodel.yaml#0123456789abcdef"; their files say `base: mymodel.yaml` and `model:` the hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.core.architecture_file import FORMAT, SUFFIX
from app.core.errors import AppError
from app.core.files import write_text
from app.core.folders import cache_folder
from app.core.text import QT_TRANSLATE_NOOP

ENDINGS = (".yaml", ".yml")

_DIGITS = 16
_MOST_MODULES = 400
_NAME = re.compile(r"[\w .()+-]{1,80}")


class NotTracedError(AppError):
    """A user's model that the engine has to look at first.

    Attributes:
        base: the base model, as the job "architecture.trace" takes it.
    """

    def __init__(self, base: str) -> None:
        super().__init__(
            QT_TRANSLATE_NOOP("core", "{name} has not been looked at yet."),
            QT_TRANSLATE_NOOP("core", "Open it in the Studio, or with: layers --base {name}."),
            name=base_title(base),
        )
        self.base = base


@dataclass(frozen=True)
class UserModel:
    """A user's own model.

    Attributes:
        name: name of its file, in which a scale may stand.
        text: the file's text.
        description: what it builds, as canonical JSON: rows with final channels and repeats.
    """

    name: str
    text: str
    description: str

    @property
    def base(self) -> str:
        """The base model's name in designs."""
        return f"{self.name}#{hashlib.sha256(self.description.encode()).hexdigest()[:_DIGITS]}"

    def to_yaml(self) -> dict[str, Any]:
        """Return what ultralytics builds the model from."""
        found: dict[str, Any] = json.loads(self.description)
        return {"nc": 80, **found, "scale": "", "yaml_file": self.name}


def is_user_model(base: str) -> bool:
    """Say whether a base model is a user's own."""
    return "#" in base


def is_model_yaml(text: str) -> bool:
    """Say whether a text looks like a model YAML rather than like a design: it has a backbone and a head."""
    return all(re.search(rf"^{part}\s*:", text, re.MULTILINE) for part in ("backbone", "head"))


def is_model_file(path: Path) -> bool:
    """Say whether a readable file is a model YAML rather than a design."""
    return is_model_yaml(path.read_text(encoding="utf-8"))


def base_named(name: str) -> str:
    """Return the base model that a name or the path of a model YAML stands for."""
    return open_user_model(Path(name)) if name.endswith(ENDINGS) else name


def base_title(base: str) -> str:
    """Return a base model's name for people."""
    return base.partition("#")[0]


def base_hash(base: str) -> str:
    """Return the hash of a user's own model, "" for a stock one."""
    return base.partition("#")[2]


def same_base(a: str, b: str) -> bool:
    """Say whether two names stand for one base model; a user's own may have got another file name."""
    return a == b or (is_user_model(a) and base_hash(a) == base_hash(b))


def open_user_model(path: Path) -> str:
    """Return the base model that a model YAML is: a stock one where it says the same, else a user's own.

    Raises:
        DesignError: it is no model YAML, or says what it must not; the message names the file and the line.
        AppError: it is too large, or cannot be kept in the cache folder.
    """
    from app.core.design_file import read_text

    return remember_model(read_text(path), path.name)


def remember_model(text: str, name: str) -> str:
    """Return the base model that the text of a model YAML is, and keep it; see `open_user_model`."""
    from app.core.model_yaml_read import read_model_yaml
    from app.core.model_yaml_stock import describe, same_as_stock

    read = read_model_yaml(text, name)
    stock = same_as_stock(read.model)
    if stock is not None:
        return stock
    if not _NAME.fullmatch(name) or not name.endswith(ENDINGS):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{name}” is no name that a design can hold."),
            QT_TRANSLATE_NOOP("core", "Use letters, digits, spaces and -_.()+ and end it with .yaml."),
            name=name[:80],
        )
    modules = sum(row.modules for row in read.model.rows)
    if modules > _MOST_MODULES:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has {count} modules; {most} are allowed."),
            QT_TRANSLATE_NOOP("core", "Lower its repeats or its depth."),
            name=name,
            count=modules,
            most=_MOST_MODULES,
        )
    model = UserModel(name, text, describe(read.model))
    keep_model(model)
    return model.base


def keep_model(model: UserModel) -> None:
    """Write a model to the cache folder, where every process of the Studio finds it.

    Raises:
        AppError: the folder cannot be written.
    """
    path = _folder() / f"{base_hash(model.base)}.json"
    if path.is_file():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({"name": model.name, "text": model.text, "model": model.description}))
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Check that the disk is not full and can be written."),
            path=path,
            reason=error.strerror or error,
        ) from error


def known_model(name: str, digest: str) -> str | None:
    """Return the base model of that file name and hash where this computer has seen it."""
    good = re.fullmatch(f"[0-9a-f]{{{_DIGITS}}}", digest) and _NAME.fullmatch(name)
    return f"{name}#{digest}" if good and (_folder() / f"{digest}.json").is_file() else None


@lru_cache(maxsize=16)
def user_model(base: str) -> UserModel:
    """Return a user's own model that was opened on this computer.

    Raises:
        AppError: it was not, or is kept no longer.
    """
    path = _folder() / f"{base_hash(base)}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return UserModel(base_title(base), str(data["text"]), str(data["model"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The model {name} is not known on this computer."),
            QT_TRANSLATE_NOOP("core", "Put {name} beside the design."),
            name=base_title(base),
        ) from error


def trace_file(base: str) -> Path:
    """Return where the trace of a user's own model is kept."""
    return _folder() / f"{base_hash(base)}-{FORMAT}{SUFFIX}"


def _folder() -> Path:
    return cache_folder() / "models"
