"""What an export came to, as sentences; and what is typed to get the tools of a format."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.core.export_formats import ExportFormat
from app.core.text import figure, scientific, size
from app.ui.pages.models_export_work import Outcome
from app.ui.text import in_a_row, problem_words

translate = QCoreApplication.translate
_MOST_LINES = 6


def _written(result: Mapping[str, Any]) -> str:
    """Return what was written."""
    words = translate("ExportDialog", "{file} is written: {size}.")
    return words.format(file=Path(str(result["output"])).name, size=size(float(result["bytes"])))


def _check_sentences(result: Mapping[str, Any]) -> list[str]:
    """Return how far an exported file is from torch, and what to do with a bundle."""
    check = result["check"]
    if not check["pictures"]:
        lines = [
            translate(
                "ExportDialog",
                "Not checked against torch: CoreML runs on macOS alone. Export there to have it checked.",
            )
        ]
    else:
        lines = [_distance(check), _agreement(check)]
    if result.get("bundle"):
        lines.append(
            translate(
                "ExportDialog",
                "In its folder: pip install -r requirements.txt, then python detect.py with a picture.",
            )
        )
    return lines


def outcome_words(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """Return how exports ended, and more about each, a sentence a line."""
    if len(outcomes) > 1:
        return _summary(outcomes)
    only = outcomes[0]
    if only.result is not None:
        return _written(only.result), "\n".join(_check_sentences(only.result))
    if only.problem is not None:
        return problem_words(only.problem)
    return (
        translate("ExportDialog", "The export was cancelled."),
        translate("ExportDialog", "Nothing was written."),
    )


def outcome_tone(outcomes: Sequence[Outcome]) -> str:
    """Return ``bad`` where one failed, ``warn`` where one finds something else than torch, ``good``, or none."""
    if any(one.problem is not None for one in outcomes):
        return "bad"
    results = [one.result for one in outcomes if one.result is not None]
    if any(map(_is_far, results)):
        return "warn"
    return "good" if len(results) == len(outcomes) else ""


def _summary(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    done = sum(one.result is not None for one in outcomes)
    words = translate("ExportDialog", "{done} of {count} models are written.")
    lines = [_line(one) for one in outcomes[:_MOST_LINES]]
    if len(outcomes) > _MOST_LINES:
        rest = translate("ExportDialog", "and {count} more")
        lines.append(rest.format(count=len(outcomes) - _MOST_LINES))
    return words.format(done=done, count=len(outcomes)), "\n".join(lines)


def _line(outcome: Outcome) -> str:
    if outcome.problem is not None:
        return f"{outcome.order.name}: {problem_words(outcome.problem)[0]}"
    if outcome.result is None:
        return translate("ExportDialog", "{name}: cancelled").format(name=outcome.order.name)
    check = outcome.result["check"]
    told = _agreement(check) if check["pictures"] else _check_sentences(outcome.result)[0]
    return in_a_row(_written(outcome.result), told)


def _distance(check: Mapping[str, Any]) -> str:
    pixels, score = float(check["max_box_px"]), float(check["max_score"])
    if not pixels and not score:
        return translate(
            "ExportDialog", "On {pictures} pictures boxes and scores are exactly those of torch."
        ).format(pictures=check["pictures"])
    words = translate(
        "ExportDialog",
        "On {pictures} pictures boxes are at most {pixels} px and scores at most {score} off torch.",
    )
    shown = figure(score, 2) if score >= 0.001 else scientific(score)
    return words.format(pictures=check["pictures"], pixels=figure(pixels, 2), score=shown)


def _agreement(check: Mapping[str, Any]) -> str:
    agree, alone, new = check["agree"], check["only_torch"], check["only_export"]
    changed = check["class_changed"]
    total = agree + alone + new + changed
    if not total:
        return translate("ExportDialog", "Neither finds anything on them with a confidence of 0.25.")
    if agree == total:
        return translate("ExportDialog", "Detections: all {total} are the same.").format(total=total)
    return translate(
        "ExportDialog",
        "Detections: {agree} of {total} are the same; torch alone has {alone}, the export alone {new}, "
        "and {changed} changed their class.",
    ).format(agree=agree, total=total, alone=alone, new=new, changed=changed)


def _is_far(result: Mapping[str, Any]) -> bool:
    """Return whether a detection is not the same as in torch."""
    check = result["check"]
    return bool(check["only_torch"] or check["only_export"] or check["class_changed"])


def _takes_packages() -> bool:
    """Return whether the Studio runs in a Python that packages can be installed into."""
    return not getattr(sys, "frozen", False)


def commands(form: ExportFormat, named: str, folder: Path) -> str:
    """Return what is typed in a terminal to get the tools of a format, one command a line.

    Args:
        form: The format.
        named: The Python that a person named for the converters; empty for none.
        folder: Where one is made, if they need one of their own and none is named.
    """
    apart = form.separate or not _takes_packages()
    if named or not apart:
        return f"{_quoted(named if apart else sys.executable)} -m pip install {form.install}"
    make = "py" if sys.platform == "win32" else "python3"
    python = _quoted(str(tools_python(folder)))
    return f"{make} -m venv {_quoted(str(folder))}\n{python} -m pip install {form.install}"


def tools_python(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def _quoted(path: str) -> str:
    if sys.platform == "win32":
        return f'"{path}"' if " " in path else path
    return shlex.quote(path)
