"""Hit ratios from a log of requests alone: no bodies, no costs, so nothing is said of what is safe.

Two forms are read: the combined log format of Apache and nginx, and tab-separated columns under a head
line with at least ``time`` (Unix seconds), ``method``, ``url`` and ``response``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Final, NamedTuple

from perfkit.caching.columns import Columns
from perfkit.caching.event import Event, Seen
from perfkit.caching.fingerprint import Fingerprint
from perfkit.caching.interval import ratio_interval
from perfkit.caching.policy import CACHE_PAGE, STRIPPED, TIMEOUTS, Policy
from perfkit.caching.replay import Replay
from perfkit.caching.shown import bare

_COMBINED: Final = re.compile(
    r'(?P<host>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<url>\S+)[^"]*" '
    r"(?P<status>\d{3}) (?P<size>\d+|-)"
)
_COLUMNS: Final = ("time", "method", "url", "response")

_HIGHEST_STATUS: Final = 999

#: Addresses listed by themselves.
_MOST_LISTED: Final = 20


class Visit(NamedTuple):
    """One line of a log."""

    at: float
    method: str
    url: str
    status: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a log tells.

    Attributes:
        visits: lines read, and ``bad_lines`` that could not be.
        hours: from the first to the last.
        addresses: different ones.
        ratios: (timeout, hit ratio, its interval, hit ratio without tracking parameters).
        common: (path, visits) of the commonest.
    """

    visits: int
    bad_lines: int
    hours: float
    addresses: int
    ratios: tuple[tuple[int, float, tuple[float, float], float], ...]
    common: tuple[tuple[str, int], ...]


class Log:
    """Reads a log line by line.

    Attributes:
        bad_lines: lines that were of no known form so far.
    """

    def __init__(self) -> None:
        self.bad_lines = 0

    def visits(self, lines: Iterable[str]) -> Iterator[Visit]:
        """Yield what the lines tell; what cannot be read is counted and passed over."""
        read: Callable[[str], Visit | None] | None = None
        for line in lines:
            line = line.rstrip("\r\n")
            if not line:
                continue
            if read is None:
                names = line.split("\t")
                if set(_COLUMNS) <= set(names):
                    read = _tabbed(names)
                    continue
                read = _combined
            visit = read(line)
            if visit is None:
                self.bad_lines += 1
            else:
                yield visit


def what_if(
    log: Log, lines: Iterable[str], progress: Callable[[int], None] | None = None
) -> WhatIf:
    """Replay a log as if every page had been cached for each timeout.

    Args:
        log: reads the lines, and counts the bad ones.
        lines: of the log.
        progress: called now and then with how many lines were read.
    """
    hashes = Fingerprint("what-if")
    columns = Columns("log")
    common: Counter[str] = Counter()
    for number, visit in enumerate(log.visits(lines), 1):
        common[visit.url.partition("?")[0]] += 1  # a query's values are not told
        columns.add(_event(visit, hashes))
        if progress is not None and not number % 2_000:
            progress(number)
    columns.sort()
    plain, stripped = (
        Replay(columns, Policy(name), one_by_one=True) for name in (CACHE_PAGE, STRIPPED)
    )
    ratios = tuple(
        (
            timeout,
            plain.outcome(timeout).hit_ratio,
            ratio_interval(plain.by_key(timeout)),
            stripped.outcome(timeout).hit_ratio,
        )
        for timeout in TIMEOUTS
    )
    count = len(columns)
    hours = (columns.at[-1] - columns.at[0]) / 3600 if count else 0.0
    listed = tuple(common.most_common(_MOST_LISTED))
    addresses = len(set(columns.url))
    return WhatIf(count, log.bad_lines, hours, addresses, ratios, listed)


def _event(visit: Visit, hashes: Fingerprint) -> Event:
    path, _, query = visit.url.partition("?")
    url = hashes.text(visit.url)
    # Only an answer of 200 would have been stored, but any request looks for one.
    seen = Seen(visit.status == 200, -1, (), url)
    return Event(
        at=visit.at, route="log", method=visit.method, status=visit.status, url=url,
        bare_url=hashes.parts((path, bare(query))), address=url, path=hashes.text(path),
        principal=0, audience=0, inner=seen, outer=seen,
    )  # fmt: skip


def _combined(line: str) -> Visit | None:
    found = _COMBINED.match(line)
    if found is None:
        return None
    try:
        at = datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        return None
    return Visit(at, found["method"], found["url"], int(found["status"]))


def _tabbed(names: list[str]) -> Callable[[str], Visit | None]:
    places = [names.index(name) for name in _COLUMNS]

    def read(line: str) -> Visit | None:
        values = line.split("\t")
        try:
            time, method, url, status = (values[place] for place in places)
            visit = Visit(float(time), method, url, int(status))
        except (IndexError, ValueError):
            return None
        return visit if isfinite(visit.at) and 0 <= visit.status <= _HIGHEST_STATUS else None

    return read
