"""Which base models there are, how they are called, and why others are not among them."""

from __future__ import annotations

import re
from functools import lru_cache

from app.core.architecture_file import SUFFIX
from app.core.errors import AppError
from app.core.folders import resources
from app.core.text import QT_TRANSLATE_NOOP

_NAME = re.compile(r"(yolov?)(\d+)([a-z]?)((?:-[a-z0-9]+)*)")
_P6 = re.compile(r"(yolov[58])([nslmx])6")
_SCALES = "tnsmcblex"
_VARIANTS = ("-tiny", "", "-spp", "-p2", "-p6", "-ghost", "-ghost-p2", "-ghost-p6")
_REASONS = (
    (
        ("-cls", "-seg", "-pose", "-obb", "-sem", "-depth"),
        QT_TRANSLATE_NOOP("core", "“{name}” does something else than detecting boxes."),
        QT_TRANSLATE_NOOP("core", "The Studio lightens detectors. Choose one of {choices}."),
    ),
    (
        ("world", "yoloe"),
        QT_TRANSLATE_NOOP("core", "“{name}” looks for what a text names, which needs a language model."),
        QT_TRANSLATE_NOOP("core", "Choose a detector with fixed classes: {choices}."),
    ),
    (
        ("rtdetr", "rt-detr"),
        QT_TRANSLATE_NOOP("core", "“{name}” decodes by a transformer, which has no convolutions to lighten."),
        QT_TRANSLATE_NOOP("core", "Choose a convolutional detector: {choices}."),
    ),
)


@lru_cache(maxsize=1)
def base_models() -> tuple[str, ...]:
    """Return the names of the stock base models, by family, smallest first."""
    files = (resources() / "models").glob(f"*{SUFFIX}")
    return tuple(sorted((path.name.removesuffix(SUFFIX) for path in files), key=_rank))


def _rank(name: str) -> tuple[int, int, int, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        return 10_000, 0, 0, name
    _, version, scale, variant = found.groups()
    place = _VARIANTS.index(variant) if variant in _VARIANTS else len(_VARIANTS)
    return int(version), place, _SCALES.find(scale), name


@lru_cache(maxsize=1)
def base_families() -> dict[str, tuple[str, ...]]:
    """Return family → its base models, smallest first; a family is a YAML of ultralytics, such as "yolov8-p2"."""
    families: dict[str, list[str]] = {}
    for name in base_models():
        families.setdefault(family_of(name), []).append(name)
    return {family: tuple(names) for family, names in families.items()}


def family_of(name: str) -> str:
    """Return the family of a base model: its name without the scale."""
    found = _NAME.fullmatch(name)
    if found is None:
        return name
    start, version, _, variant = found.groups()
    return f"{start}{version}{variant}"


def canonical(name: str) -> str:
    """Return the name of a base model as the Studio writes it; "yolov5n6" is yolov5n-p6."""
    found = _P6.fullmatch(name)
    return f"{found[1]}{found[2]}-p6" if found else name


def choices() -> str:
    """Return the names of all base models in short: "yolov5{n,s,m,l,x}"."""
    words = []
    for family, names in base_families().items():
        if len(names) == 1:
            words.append(names[0])
            continue
        start, _, variant = family.partition("-")
        scales = ",".join(name[len(start)] for name in names)
        words.append(f"{start}{{{scales}}}{'-' if variant else ''}{variant}")
    return ", ".join(words)


def unknown_base(name: str) -> AppError:
    """Return the refusal of a name that is no base model, with the reason where there is one."""
    return why_not(name) or AppError(
        QT_TRANSLATE_NOOP("core", "Unknown base model “{name}”."),
        QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
        name=name[:60],
        choices=choices(),
    )


def why_not(name: str) -> AppError | None:
    """Return why a name that ultralytics may know is no base model, or None where there is no reason to tell."""
    for parts, message, hint in _REASONS:
        if any(part in name for part in parts):
            return AppError(message, hint, name=name[:60], choices=choices())
    scales = base_families().get(name, ())
    if not scales:
        return None
    return AppError(
        QT_TRANSLATE_NOOP("core", "“{name}” comes in several sizes."),
        QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
        name=name,
        choices=", ".join(scales),
    )
