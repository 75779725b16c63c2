"""The statements of a request by their shape: runs, duplicates apart from repeats, time, call sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from perfkit.capture.current import Trace
from perfkit.record import Query, RequestRecord, Site
from perfkit.snapshot import line_of
from perfkit.statement import TRANSACTION_VERBS
from perfkit_panels.bounded import cut
from perfkit_panels.recent import Run

#: Runs of one shape whose values are kept: the slowest, and the first with other values.
MOST_RUNS: Final = 4
#: Call sites told of one shape.
MOST_SITES: Final = 3


class Group:
    """The runs of one shape on one database."""

    __slots__ = ("failed", "first", "identities", "many", "paths", "slowest", "slowest_ms", "total")

    def __init__(self, at: int) -> None:
        self.first = self.slowest = at
        self.slowest_ms = -1.0
        self.total = 0.0
        self.failed = self.many = 0
        #: What equal parameters share -> the first run with them.
        self.identities: dict[int, int] = {}
        #: Index of the call path -> runs through it; None for those whose path was not taken.
        self.paths: Counter[int | None] = Counter()

    def add(self, at: int, query: Query) -> None:
        """Take one more run."""
        took = query.duration_ms
        self.total += took
        if took > self.slowest_ms:
            self.slowest, self.slowest_ms = at, took
        self.identities.setdefault(query.identity, at)
        self.paths[query.path] += 1
        self.failed += query.failed
        self.many += query.many


def groups(record: RequestRecord) -> list[Group]:
    """Group the statements of a record, those that took longest together first."""
    found: dict[tuple[str, str], Group] = {}
    for at, query in enumerate(record.queries):
        if query.verb in TRANSACTION_VERBS:
            continue
        key = query.shape, query.alias
        group = found.get(key)
        if group is None:
            group = found[key] = Group(at)
        group.add(at, query)
    return sorted(found.values(), key=lambda group: -group.total)


def rows(record: RequestRecord, grouped: list[Group], trace: Trace) -> Iterator[dict[str, Any]]:
    """Yield what is stored of each group: plain JSON, without values.

    Args:
        record: of the request.
        grouped: as of ``groups``.
        trace: the call paths of first runs are in its detail.
    """
    kinds: dict[str, dict[str, None]] = {}
    for finding in record.findings:
        for shape in (finding.shape, *(part.shape for part in finding.parts)):
            kinds.setdefault(shape, {})[finding.kind] = None
    for number, group in enumerate(grouped):
        query = record.queries[group.first]
        runs = group.paths.total()
        yield {
            "n": number,
            "shape": cut(query.shape),
            "alias": query.alias,
            "verb": query.verb,
            "tables": list(query.tables[:8]),
            "runs": runs,
            "duplicates": runs - len(group.identities),
            "repeats": len(group.identities) - 1,
            "total_ms": round(group.total, 3),
            "slowest_ms": round(group.slowest_ms, 3),
            "failed": group.failed,
            "many": group.many,
            "sites": [
                [site.file, site.line, site.function, times]
                for site, times in _sites(record, group, trace).most_common(MOST_SITES)
            ],
            "findings": list(kinds.get(query.shape, ())),
        }


def _sites(record: RequestRecord, group: Group, trace: Trace) -> Counter[Site]:
    sites: Counter[Site] = Counter()
    for index, times in group.paths.items():
        site = None
        if index is not None:
            site = record.paths[index].site
        elif trace.detail is not None and group.first < len(trace.events):
            path = trace.detail.paths.get(trace.events[group.first][0])
            site = line_of(path) if path is not None else None
        if site is not None:
            sites[site] += times
    return sites


def kept_runs(group: Group, trace: Trace) -> tuple[Run, ...]:
    """Return the runs of a group whose values a developer may ask for, the slowest first."""
    at = dict.fromkeys([group.slowest, *list(group.identities.values())[:MOST_RUNS]])
    events = trace.events
    return tuple(
        Run(
            events[each][0],
            events[each][4],
            events[each][1],
            (events[each][3] - events[each][2]) * 1e3,
        )
        for each in list(at)[:MOST_RUNS]
        if each < len(events)
    )
