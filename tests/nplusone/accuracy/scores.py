"""One tool's marks on one Django, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.nplusone.accuracy.tools import TOOLS


@dataclass(frozen=True, slots=True)
class Share:
    """So many out of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        return f"{self.part}/{self.whole}"

    @property
    def percent(self) -> str:
        """Never 100 % unless all are right, never 0 % unless none is."""
        if not self.whole:
            return ""
        exact = 100 * self.part / self.whole
        rounded = min(round(exact), 99) if self.part < self.whole else 100
        return f"{max(rounded, 1) if self.part else 0} %"


@dataclass(frozen=True, slots=True)
class Result:
    """What one process brought home.

    Attributes:
        series: ``"5.2"``.
        django: the exact version.
        cpython: the interpreter's version.
        tool: its name in ``TOOLS``.
        version: its version.
        marks: as written by ``marks.Marks``, by case, without cases that were skipped.
        skipped: why a case was not run, by case.
        failure: why there are no marks at all.
    """

    series: str
    django: str
    cpython: str
    tool: str
    version: str
    marks: dict[str, Any]
    skipped: dict[str, str]
    failure: str

    def share(self, aspect: str) -> Share:
        """Add up one mark over the cases that must be flagged and are asked for it."""
        right = [
            each["right"][aspect]
            for each in self.marks.values()
            if each["must_flag"] and each["right"][aspect] is not None
        ]
        return Share(sum(right), len(right))

    @property
    def false_alarms(self) -> Share:
        """Cases that must stay silent and did not."""
        silent = [each for each in self.marks.values() if not each["must_flag"]]
        return Share(sum(each["right"]["flagged"] for each in silent), len(silent))

    @property
    def crashes(self) -> dict[str, str]:
        """The exception that each case ended in, of those that did."""
        return {name: each["crash"] for name, each in self.marks.items() if each["crash"]}

    @property
    def holds(self) -> bool:
        """Everything that must be flagged is, nothing else is, and nothing broke."""
        recall = self.share("flagged")
        return (
            not self.failure
            and recall.part == recall.whole
            and not self.false_alarms.part
            and not self.crashes
        )


def result(series: str, cpython: str, tool: str, data: dict[str, Any], failure: str) -> Result:
    """Make a result of what a process wrote, or of why it wrote nothing."""
    marks = {each["id"]: each for each in data.get("marks", ())}
    return Result(
        series,
        data.get("django", series),
        cpython,
        TOOLS[tool].name,
        data.get("version", ""),
        {name: each for name, each in marks.items() if not each["skipped"]},
        {name: each["skipped"] for name, each in marks.items() if each["skipped"]},
        failure,
    )


def ask_alike(results: Iterable[Result]) -> None:
    """Ask every tool for the same: where words are right in place of code, no code is asked for.

    The corpus says so for most cases, and leaves it to perfkit in some.
    """
    every = list(results)
    unasked = {
        (each.series, name)
        for each in every
        if each.tool == "perfkit"
        for name, mark in each.marks.items()
        if mark["right"]["executed"] is None
    }
    for each in every:
        for name, mark in each.marks.items():
            if (each.series, name) in unasked:
                mark["right"]["executed"] = None
