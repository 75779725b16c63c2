"""A site's events, made by hand and written to its store as a worker writes them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from perfkit.caching.event import ANONYMOUS, STAFF, USER, Event, Write
from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Aggregate, merge_into
from perfkit.record import RequestRecord
from perfkit.store.sink import StoreSink
from tests.caching.made import NOON, event

#: A page for all; one that says who asks; one that nobody asks for.
SHARED, OWN, RARE = "/products/<int:pk>/", "/account/", "/imprint/"

#: Stands for 64 bits of a hash.
_SPREAD = 0x9E3779B97F4A7C15


def hashed(*numbers: int) -> int:
    """Make what looks like a hash."""
    return hash(numbers) * _SPREAD % 2**64 or 1


def visits(now: float, hours: float = 6.0, count: int = 2_500, **fields: Any) -> list[Event]:
    """Make the events of a shop's few hours: 40 visitors of all kinds, 30 products, a page of their own.

    Args:
        now: Unix seconds of the last.
        hours: that it takes.
        count: of the page for all.
        fields: of the page for all.
    """
    draw = random.Random(7)
    made = []

    def visit(route: str, url: int, body: int, who: int, **more: Any) -> None:
        at = now - 60 - draw.random() * hours * 3_600 - NOON
        audience = (ANONYMOUS, USER, STAFF)[who % 3]
        values: dict[str, Any] = {
            "route": route, "principal": hashed(who), "audience": audience, "body": body,
            "has_session": audience != ANONYMOUS, "key": url, "view_ms": 120.0, "total_ms": 125.0,
        }  # fmt: skip
        made.append(event(at, url, **{**values, **more}))

    for _ in range(count):
        url = hashed(1, draw.randrange(30))
        visit(SHARED, url, url ^ 1, draw.randrange(40), **fields)
    for _ in range(400):
        who = draw.randrange(1, 40, 3)
        visit(OWN, hashed(2), hashed(2, who), who, user_read=True, session_read=True)
    for who in range(3):
        visit(RARE, hashed(3), hashed(3), who, writes=(Write("UPDATE", "shop_page", 1),))
    return sorted(made, key=lambda each: each.at)


def write_events(events: Iterable[Event]) -> None:
    """Write events and a request for each to the site's store, as one worker."""
    aggregate = Aggregate(200, 500.0)
    for each in events:
        aggregate.add(_record(each), True, 1)
        aggregate.window(each.at).note(each)
    windows = aggregate.take()
    sink = StoreSink(get_settings())
    for minutes in _few_at_once(windows):
        sink.emit(minutes)


def _few_at_once(windows: dict[int, Any]) -> Iterable[dict[int, Any]]:
    # No more minutes wait for the store than an hour's.
    starts = sorted(windows)
    for first in range(0, len(starts), 30):
        few: dict[int, Any] = {}
        merge_into(few, [(start, windows[start]) for start in starts[first : first + 30]])
        yield few


def _record(each: Event) -> RequestRecord:
    return RequestRecord(
        route=each.route,
        method=each.method,
        status=each.status,
        started_at=each.at,
        duration_ms=each.total_ms,
        ttfb_ms=each.total_ms,
        db_ms=each.db_ms,
        response_bytes=each.size,
        statements=1,
    )
