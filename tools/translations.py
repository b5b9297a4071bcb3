"""Keeps the translations: python tools/translations.py update | compile | check.

`update` brings the .ts files up to the sources, `compile` makes the .qm files, `check` fails when either would
change something, a text has no finished translation, or a translation names other placeholders than its source.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "app"
FOLDER = ROOT / "resources" / "i18n"
LANGUAGES = ("zh_CN",)
NAME = "depthwise"

_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%n|%\d")


def main(arguments: list[str]) -> int:
    """Run one of the three verbs and return the exit status."""
    verbs = {"update": update, "compile": compile_, "check": check}
    if len(arguments) != 1 or arguments[0] not in verbs:
        print(__doc__, file=sys.stderr)
        return 2
    problems = verbs[arguments[0]](SOURCES, FOLDER)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def update(sources: Path, folder: Path) -> list[str]:
    """Bring every .ts file up to the sources."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        _extract(sources, folder / f"{NAME}_{language}.ts")
    return []


def compile_(sources: Path, folder: Path) -> list[str]:
    """Make the .qm file of every .ts file."""
    for language in LANGUAGES:
        ts = folder / f"{NAME}_{language}.ts"
        _release(ts, ts.with_suffix(".qm"))
    return []


def check(sources: Path, folder: Path) -> list[str]:
    """Return what is not as it should be, one sentence each."""
    problems: list[str] = []
    for language in LANGUAGES:
        ts = folder / f"{NAME}_{language}.ts"
        if not ts.is_file():
            problems.append(f"{ts.name} is missing: run update.")
            continue
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary) / ts.name
            copy.write_bytes(ts.read_bytes())
            _extract(sources, copy)
            if _texts(copy) != _texts(ts):
                problems.extend(_differences(ts, copy))
            qm = Path(temporary) / f"{ts.stem}.qm"
            _release(ts, qm)
            made = ts.with_suffix(".qm")
            if not made.is_file() or made.read_bytes() != qm.read_bytes():
                problems.append(f"{made.name} is not what {ts.name} compiles to: run compile.")
        problems.extend(_flaws(ts))
    return problems


def _extract(sources: Path, ts: Path) -> None:
    language = ts.stem.removeprefix(f"{NAME}_")
    files = sorted(str(path) for path in sources.rglob("*.py"))
    with tempfile.NamedTemporaryFile("w", suffix=".lst", encoding="utf-8", delete=False) as listing:
        listing.write("\n".join(files))
    try:
        _run(
            "pyside6-lupdate",
            f"@{listing.name}",
            *("-locations", "none", "-no-obsolete", "-source-language", "en"),
            *("-target-language", language, "-ts", str(ts)),
        )
    finally:
        Path(listing.name).unlink()


def _release(ts: Path, qm: Path) -> None:
    _run("pyside6-lrelease", str(ts), "-qm", str(qm))


def _run(tool: str, *arguments: str) -> None:
    scripts = Path(sys.executable).parent
    found = next((path for path in (scripts / tool, scripts / f"{tool}.exe") if path.is_file()), None)
    done = subprocess.run(
        [str(found or tool), *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(f"{tool} failed:\n{done.stdout}{done.stderr}")


def _messages(ts: Path) -> list[tuple[str, str, ElementTree.Element]]:
    """Return (context, source, translation element) of every message."""
    found = []
    for context in ElementTree.parse(ts).getroot().iter("context"):
        name = context.findtext("name") or ""
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            found.append((name, message.findtext("source") or "", translation))
    return found


def _texts(ts: Path) -> set[tuple[str, str]]:
    return {(context, source) for context, source, _ in _messages(ts)}


def _differences(ts: Path, fresh: Path) -> list[str]:
    old, new = _texts(ts), _texts(fresh)
    missing = [f"{ts.name} lacks {context}: {source!r}. Run update." for context, source in sorted(new - old)]
    gone = [
        f"{ts.name} has {context}: {source!r}, which no source has. Run update."
        for context, source in sorted(old - new)
    ]
    return missing + gone


def _flaws(ts: Path) -> list[str]:
    problems = []
    for context, source, translation in _messages(ts):
        where = f"{ts.name}, {context}: {source!r}"
        if not context.isidentifier():
            problems.append(
                f"{where} has no context: use self.tr inside a class, or translate with a literal."
            )
        if translation.get("type") == "unfinished":
            problems.append(f"{where} has no finished translation.")
            continue
        forms = [form.text or "" for form in translation.iter("numerusform")] or [translation.text or ""]
        for form in forms:
            if sorted(_PLACEHOLDER.findall(source)) != sorted(_PLACEHOLDER.findall(form)):
                problems.append(f"{where} has other placeholders than its translation {form!r}.")
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
