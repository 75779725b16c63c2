"""Events made by hand."""

from __future__ import annotations

from typing import Any

from perfkit.caching.event import Event, Seen

#: A Monday at noon, UTC.
NOON = 1_800_273_600.0


def seen(key: int, **fields: Any) -> Seen:
    """Make an answer that a cache would store."""
    values: dict[str, Any] = {"stored": True, "max_age": -1, "varies_on": (), "key": key}
    return Seen(**{**values, **fields})


def event(at: float, url: int = 1, **fields: Any) -> Event:
    """Make the event of a plain page.

    Args:
        at: seconds since noon.
        url: which page.
        fields: what is different; ``stored`` and ``varies_on`` go to both places.
    """
    both = {
        name: fields.pop(name) for name in ("stored", "varies_on", "key", "hit") if name in fields
    }
    place = seen(both.pop("key", url), **both)
    values: dict[str, Any] = {
        "route": "/page/", "method": "GET", "status": 200, "url": url, "bare_url": url,
        "address": url, "path": url, "principal": 1, "audience": 0, "body": 1, "size": 1_000,
        "view_ms": 10.0, "total_ms": 12.0, "db_ms": 4.0, "inner": place, "outer": place,
    }  # fmt: skip
    values |= fields
    values.setdefault("masked", values["body"])
    return Event(at=NOON + at, **values)
