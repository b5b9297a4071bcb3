"""What is wrong with a data set: findings, each of a kind, at a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.finding_kinds import FINDING_KINDS, SEVERITIES, FindingKind, Severity
from app.core.text import QT_TRANSLATE_NOOP, Text

__all__ = ["FINDING_KINDS", "MOST_OF_A_KIND", "SEVERITIES", "Finding", "FindingKind", "Severity", "arranged"]

MOST_OF_A_KIND = 500
"""More findings of one kind are counted, not listed."""

_BOTH = QT_TRANSLATE_NOOP("core", "{text} {remedy}")


@dataclass(frozen=True)
class Finding:
    """Something about a data set that a person should know.

    Attributes:
        code: its kind, a key of `FINDING_KINDS`.
        path: the file or folder.
        line: line in that file, from 1.
        values: what the texts of its kind have in braces.
    """

    code: str
    path: str
    line: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return FINDING_KINDS[self.code].severity

    @property
    def message(self) -> Text:
        """What is wrong and what to do about it, in English, fit for translation."""
        kind = FINDING_KINDS[self.code]
        text = Text(kind.text, self.values)
        return Text(_BOTH, {"text": text, "remedy": Text(kind.remedy, self.values)}) if kind.remedy else text

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read what `to_json` wrote.

        Raises:
            KeyError: its kind is not known.
        """
        code = str(data["code"])
        if code not in FINDING_KINDS:
            raise KeyError(code)
        return cls(code, str(data["path"]), data.get("line"), dict(data.get("values", {})))

    def to_json(self) -> dict[str, Any]:
        """Return it as the command line and the window get it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "values": dict(self.values),
        }


def arranged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put errors first, keep the order otherwise, and count what is beyond `MOST_OF_A_KIND` of one kind."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    listed = []
    for code, group in by_code.items():
        listed.extend(group[:MOST_OF_A_KIND])
        if len(group) > MOST_OF_A_KIND:
            rest = {"count": len(group) - MOST_OF_A_KIND, "code": code}
            listed.append(Finding(f"more_{group[0].severity}s", group[0].path, None, rest))
    return tuple(sorted(listed, key=lambda finding: SEVERITIES.index(finding.severity)))
