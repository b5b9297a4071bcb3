"""What a person writes about a run: tags and a note, in `notes.json` of the run folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.core.files import write_text

FILE = "notes.json"
MOST_TAGS, LONGEST_TAG, LONGEST_NOTE = 12, 32, 4000
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Notes:
    """Tags and a note of a run."""

    tags: tuple[str, ...] = ()
    note: str = ""


def read_notes(run: Path) -> Notes:
    """Read what was written; the folder may come from anybody, so what does not fit is left out."""
    path = run / FILE
    try:
        if path.stat().st_size > _MOST_BYTES:
            return Notes()
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Notes()
    if not isinstance(data, dict):
        return Notes()
    tags, note = data.get("tags"), data.get("note")
    texts = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return Notes(clean_tags(texts), note[:LONGEST_NOTE] if isinstance(note, str) else "")


def write_notes(run: Path, notes: Notes) -> None:
    """Write tags and note; the file goes where there is nothing to say.

    Raises:
        OSError: The folder cannot be written.
    """
    if not notes.tags and not notes.note.strip():
        (run / FILE).unlink(missing_ok=True)
        return
    data = {"tags": list(clean_tags(notes.tags)), "note": notes.note[:LONGEST_NOTE]}
    write_text(run / FILE, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


def tags_of(text: str) -> tuple[str, ...]:
    """Read tags as a person types them, with commas between."""
    return clean_tags(text.replace("，", ",").replace("、", ",").split(","))


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags on one line each, short, none twice."""
    words = (" ".join(tag.split())[:LONGEST_TAG] for tag in tags)
    return tuple(dict.fromkeys(word for word in words if word))[:MOST_TAGS]
