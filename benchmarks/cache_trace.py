"""Who asks for what, and when: made up after how sites are visited, or read from a real log.

The made-up day has a popularity by Zipf's law, a night, visitors who come back, and bursts on one page.
A real log gives times, addresses, methods, statuses and visitors; which view answers an address, and
whether a visitor is logged in, is drawn from their hashes, so that it is the same in each run.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate
from math import cos, pi
from pathlib import Path
from typing import NamedTuple

#: A Monday, midnight, UTC.
MONDAY = 1_800_230_400.0
HOURS = 24.0

#: View -> its share of the requests, and how many pages it has.
VIEWS = {
    "home": (12, 1),
    "about": (4, 8),
    "article": (22, 900),
    "product": (16, 500),
    "list": (10, 60),
    "search": (7, 3_000),
    "greeting": (5, 3),
    "account": (5, 2),
    "landing": (6, 12),
    "feed": (4, 2),
    "report": (2, 3),
    "form": (2, 4),
    "partial": (3, 80),
    "flaky": (2, 40),
}
#: Logged share of the answers that are none: what a site is asked for in vain.
ODDITIES = (("moved", 0.01), ("missing", 0.01))
VISITORS = 4_000
BURSTS = 6
BURST_S = 400.0
BURST_SHARE = 0.08
POST_SHARE = 0.02
HEAD_SHARE = 0.01


class Visit(NamedTuple):
    """One request."""

    at: float
    method: str
    view: str
    page: int
    visitor: int


def generated(count: int, seed: int) -> list[Visit]:
    """Make up a day of so many requests."""
    draw = random.Random(seed)
    names, shares = [*VIEWS], [*accumulate(share for share, _ in VIEWS.values())]
    popular = {
        name: [*accumulate((n + 1) ** -0.9 for n in range(VIEWS[name][1]))] for name in VIEWS
    }
    regulars = [*accumulate((n + 1) ** -0.7 for n in range(VISITORS))]
    bursts = [
        (_of_the_day(draw), draw.choice(("article", "product", "report"))) for _ in range(BURSTS)
    ]
    visits = []
    for _ in range(count):
        at, view = _of_the_day(draw), names[bisect(shares, draw.random() * shares[-1])]
        page = bisect(popular[view], draw.random() * popular[view][-1])
        if draw.random() < BURST_SHARE:
            begin, view = draw.choice(bursts)
            at, page = begin + draw.expovariate(1 / BURST_S), int(begin) % VIEWS[view][1]
        elif draw.random() < sum(share for _, share in ODDITIES):
            view = draw.choice([name for name, _ in ODDITIES])
        visitor = bisect(regulars, draw.random() * regulars[-1])
        dice = draw.random()
        method = (
            "POST" if dice < POST_SHARE else "HEAD" if dice < POST_SHARE + HEAD_SHARE else "GET"
        )
        visits.append(Visit(MONDAY + at, method, view, page, visitor))
    return sorted(visits)


def _of_the_day(draw: random.Random) -> float:
    """Draw a second of the day: few in the night, most in the afternoon."""
    while True:
        at = draw.random() * HOURS * 3_600
        if draw.random() < 0.55 - 0.45 * cos(2 * pi * (at / 3_600 - 3) / 24):
            return at


def read(path: Path) -> list[Visit]:
    """Read a trace: tab-separated columns under a head line, with host, time, method, url, response."""
    shares = [*accumulate(share for share, _ in VIEWS.values())]
    names, visits, lost = [*VIEWS], [], 0
    pages: dict[str, int] = {}
    with path.open(encoding="latin-1") as lines:
        head = next(lines).rstrip("\n").split("\t")
        host, at, method, url, status = (
            head.index(name) for name in ("host", "time", "method", "url", "response")
        )
        for line in lines:
            row = line.rstrip("\n").split("\t")
            try:
                answer, when = int(row[status]), float(row[at])
                view = names[bisect(shares, _hashed(row[url]) % shares[-1])]
            except (IndexError, ValueError):
                lost += 1
                continue
            if (
                answer // 100 == 3 and answer != 304
            ):  # who has a copy already asks the view all the same
                view = "moved"
            elif answer // 100 in (4, 5):
                view = "missing"
            page = pages.setdefault(row[url], len(pages))
            visits.append(Visit(when, row[method], view, page, _hashed(row[host])))
    if lost:
        print(f"{lost} lines of {path.name} could not be read and are left out")
    return sorted(visits)


def _hashed(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("latin-1"), digest_size=4).digest(), "little")


def halves(visits: Iterable[Visit]) -> float:
    """Return the time that cuts the trace into two halves of the same length in hours."""
    every = list(visits)
    return (every[0].at + every[-1].at) / 2
