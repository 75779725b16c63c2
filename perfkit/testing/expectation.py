"""What one test allows itself: the ``perfkit`` marker, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Protocol

from perfkit.record import Finding
from perfkit.statement import parse

#: The name of the option, the fixture and the marker.
NAME = "perfkit"
_ARGUMENTS = ("max_queries", "allow")


class BadMark(ValueError):
    """A marker is written wrongly; the message is one line that says what is allowed."""


class Mark(Protocol):
    """What ``pytest.Mark`` tells."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Its positional arguments."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """Its arguments by name."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The markers of one test, joined.

    Attributes:
        max_queries: statements that its call may run at most; None for any number.
        allow: kinds, ``kind:Model.path`` patterns and fingerprints that it accepts.
    """

    max_queries: int | None = None
    allow: tuple[str, ...] = ()

    def allows(self, finding: Finding) -> bool:
        """Tell whether the test accepts a finding; one of several paths only with each of them."""
        if not self.allow:
            return False
        if any(pattern in (finding.fingerprint, finding.kind) for pattern in self.allow):
            return True
        return all(
            any(fnmatchcase(name, pattern) for name in names for pattern in self.allow)
            for names in _names(finding)
        )


def expectation(marks: Iterable[Mark]) -> Expectation:
    """Join the markers of a test, the closest first: its ``max_queries`` counts, ``allow`` adds up.

    Raises:
        BadMark: one of them is written wrongly.
    """
    max_queries: int | None = None
    allow: list[str] = []
    for mark in marks:
        if mark.args:
            raise BadMark(
                f"@pytest.mark.{NAME} takes no positional arguments, not {mark.args[0]!r}; write "
                f"{NAME}(max_queries=..., allow=[...])"
            )
        for name in mark.kwargs:
            if name not in _ARGUMENTS:
                near = get_close_matches(name, _ARGUMENTS, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise BadMark(
                    f"@pytest.mark.{NAME} has {name!r}, which is not one of "
                    f"{', '.join(_ARGUMENTS)}{hint}"
                )
        if max_queries is None:
            max_queries = _count(mark.kwargs.get("max_queries"))
        allow += _patterns(mark.kwargs.get("allow", ()))
    return Expectation(max_queries, tuple(allow))


def _count(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise BadMark(f"@pytest.mark.{NAME}(max_queries={value!r}): write a whole number from 0")


def _patterns(value: Any) -> list[str]:
    patterns = [value] if isinstance(value, str) else value
    if isinstance(patterns, list | tuple | set | frozenset) and all(
        isinstance(each, str) and each for each in patterns
    ):
        return list(patterns)
    raise BadMark(
        f"@pytest.mark.{NAME}(allow={value!r}): write a list of kinds, kind:Model.path patterns and "
        "fingerprints"
    )


def _names(finding: Finding) -> Iterator[list[str]]:
    """Yield for each path of a finding the names that a pattern may match.

    A model counts with and without its app, and alone; where no model is known, the tables do.
    """
    labels = [finding.model, finding.model.partition(".")[2]]
    for path in map(str.strip, finding.path.split(",")):
        if finding.model:
            names = [f"{label}.{path}" for label in labels if path] + labels
        else:
            names = list(parse(finding.shape).tables)
        yield [f"{finding.kind}:{name}" for name in filter(None, names)]


def advice(finding: Finding) -> str:
    """Return what to write into ``allow`` to accept just this finding."""
    if not finding.model or "," in finding.path:
        return finding.fingerprint
    return f"{finding.kind}:{'.'.join(filter(None, (finding.model, finding.path)))}"
