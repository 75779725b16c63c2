"""The findings that a project had when it began to count: a file that CI compares with.

One line of JSON each, sorted and without line numbers, so that a change of the file reads as what
it means; a first line says what the file is.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from perfkit.errors import PerfkitError
from perfkit.record import Site

_HEAD = {"perfkit": "baseline", "version": 1}


class BadBaseline(PerfkitError):
    """A baseline cannot be read or written; the message says which file, and why."""


class Found(Protocol):
    """What a finding, or the row of one in a report, tells a baseline."""

    @property
    def fingerprint(self) -> str:
        """The same between runs."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def model(self) -> str:
        """Label of the root model."""

    @property
    def path(self) -> str:
        """ORM paths from there."""

    @property
    def access(self) -> Site | None:
        """The line that asked."""

    @property
    def origin(self) -> Site | None:
        """The line that evaluated the root queryset."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A known finding: the fingerprint decides, the rest is for the reader."""

    file: str
    function: str
    kind: str
    model: str
    path: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known findings of a file, by fingerprint."""

    file: str
    entries: Mapping[str, Entry]

    def knows(self, finding: Found) -> bool:
        """Tell whether a finding was there before, with each of its paths."""
        entry = self.entries.get(finding.fingerprint)
        return entry is not None and _paths(finding.path) <= _paths(entry.path)

    def gone(self, fingerprints: Container[str]) -> list[Entry]:
        """Return the entries that are not among what was found now, sorted."""
        return sorted(
            each for each in self.entries.values() if each.fingerprint not in fingerprints
        )


def _paths(path: str) -> set[str]:
    return {each.strip() for each in path.split(",") if each.strip()}


def read(file: str) -> Baseline:
    """Read a baseline.

    Raises:
        BadBaseline: it is missing, damaged, or from a newer perfkit.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise BadBaseline(f"the baseline {file!r} cannot be read: {reason}") from None
    head = _parsed(file, 1, lines[0])
    if head.get("perfkit") != _HEAD["perfkit"]:
        raise BadBaseline(f"{file!r} is no baseline: write one with --write-baseline")
    if head.get("version") != _HEAD["version"]:
        raise BadBaseline(
            f"the baseline {file!r} has version {head.get('version')!r}; this perfkit reads "
            f"{_HEAD['version']}"
        )
    entries = (
        _entry(file, number, line) for number, line in enumerate(lines[1:], 2) if line.strip()
    )
    return Baseline(file, {entry.fingerprint: entry for entry in entries})


def _parsed(file: str, number: int, line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise BadBaseline(f"the baseline {file!r} is damaged in line {number}: {line[:60]!r}")
    return parsed


def _entry(file: str, number: int, line: str) -> Entry:
    parsed = _parsed(file, number, line)
    values = {field.name: parsed.get(field.name, "") for field in fields(Entry)}
    if not values["fingerprint"] or not all(isinstance(each, str) for each in values.values()):
        raise BadBaseline(f"the baseline {file!r} is damaged in line {number}: {line[:60]!r}")
    return Entry(**values)


def write(file: str, findings: Iterable[Found]) -> int:
    """Write the baseline of these findings and return how many they are.

    A file that is there is replaced as a whole or not at all.

    Raises:
        BadBaseline: it cannot be written.
    """
    entries = sorted({entry.fingerprint: entry for entry in map(_entry_of, findings)}.values())
    lines = [_HEAD, *(asdict(entry) for entry in entries)]
    text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    path = Path(file)
    try:
        beside = path.with_name(f".{path.name}.new")
        # A file name that is no text becomes an escape that JSON reads.
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        beside.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadBaseline(f"the baseline {file!r} cannot be written: {reason}") from None
    return len(entries)


def _entry_of(finding: Found) -> Entry:
    site = finding.access or finding.origin
    return Entry(
        file=site.file if site else "",
        function=site.function if site else "",
        kind=finding.kind,
        model=finding.model,
        # By name and not by cost, which differs from run to run.
        path=", ".join(sorted(each.strip() for each in finding.path.split(","))),
        fingerprint=finding.fingerprint,
    )
