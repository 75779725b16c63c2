"""Kept requests as a page shows them: why each was kept, and its timeline.

Bounded: ``MOST_OF_A_KIND`` of each kind and route. A sample comes from a store that another version
may have written, so that every part of it may be missing or of another form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST, Sample
from perfkit.report.wording import counted, duration, moment, printable

MOST_OF_A_KIND: Final = 3
MOST_ENTRIES: Final = 60

_REASONS: Final = {SLOWEST: "slowest", ERRORED: "error", N_PLUS_ONE: "worst N+1"}
_PARTS: Final = ("db", "cache", "template")


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement or cache call of a request, or a run of equal ones.

    Attributes:
        start_ms: since the request began, of the first of a run.
        duration_ms: of all of a run together.
        part: ``db``, ``cache``, ``template`` or ``app``.
    """

    number: int
    start_ms: float
    duration_ms: float
    start: str
    duration: str
    part: str
    text: str
    times: int
    place: str


@dataclass(frozen=True, slots=True)
class RequestView:
    """One real request: when it was, why it was kept, what it did."""

    id: str
    reasons: tuple[str, ...]
    at: str
    status: str
    duration: str
    duration_ms: float
    facts: tuple[str, ...]
    entries: tuple[Entry, ...]
    more: int


def requests_of(samples: Iterable[Sample], place: int) -> tuple[RequestView, ...]:
    """Lay out the requests kept of one route, each once, by what they are kept for.

    Args:
        samples: of the route, those of the highest rank first.
        place: the route's place in the report, from 1.
    """
    counts: dict[str, int] = {}
    found: dict[tuple[float, Any], list[Sample]] = {}
    for sample in samples:
        if sample.kind in _REASONS and counts.get(sample.kind, 0) < MOST_OF_A_KIND:
            counts[sample.kind] = counts.get(sample.kind, 0) + 1
            found.setdefault((sample.at, sample.data.get("duration_ms")), []).append(sample)
    ordered = sorted(found.values(), key=lambda same: -number(same[0].data.get("duration_ms")))
    return tuple(
        _request(same, f"request-{place}-{number}") for number, same in enumerate(ordered, 1)
    )


def _request(same: list[Sample], anchor: str) -> RequestView:
    data = same[0].data
    lines = data.get("timeline")
    lines = lines if isinstance(lines, list) else []
    entries = (_entry(row, line) for row, line in enumerate(lines[:MOST_ENTRIES], 1))
    return RequestView(
        id=anchor,
        reasons=tuple(_REASONS[kind] for kind in dict.fromkeys(each.kind for each in same)),
        at=moment(same[0].at, zone=""),
        status=printable(str(data.get("status", ""))),
        duration=duration(number(data.get("duration_ms"))),
        duration_ms=number(data.get("duration_ms")),
        facts=tuple(_facts(data)),
        entries=tuple(entry for entry in entries if entry),
        more=_left_out(data) + max(len(lines) - MOST_ENTRIES, 0),
    )


def _left_out(data: Mapping[str, Any]) -> int:
    left_out = data.get("left_out")
    return int(number(left_out[0])) if isinstance(left_out, list) and left_out else 0


def _facts(data: Mapping[str, Any]) -> Iterator[str]:
    if data.get("error"):
        yield printable(str(data["error"]))
    if data.get("aborted"):
        yield "cut short by the client"
    yield counted(number(data.get("statements")), "statement")
    for name, told in (
        ("db_ms", "in the database"),
        ("cache_ms", "in the cache"),
        ("queue_ms", "waited for a worker"),
    ):
        if spent_ms := number(data.get(name)):
            yield f"{duration(spent_ms)} {told}"


def _entry(row: int, line: Any) -> Entry | None:
    if not isinstance(line, list) or len(line) < 3:
        return None
    missing: list[Any] = [None, None, None]
    start, spent, part, text, times, place, *_ = [*line, *missing]
    return Entry(
        number=row,
        start_ms=number(start),
        duration_ms=number(spent),
        start=duration(number(start)),
        duration=duration(number(spent)),
        part=part if part in _PARTS else "app",
        text=printable(str(text or "")),
        times=max(int(number(times)), 1),
        place=printable(str(place or "")),
    )


def number(value: Any) -> float:
    """Take a number of a stored sample as it is, anything else as 0."""
    return value if isinstance(value, int | float) and abs(value) < 1e15 else 0
