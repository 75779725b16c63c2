"""What one request did, in the order it did it, short enough to be kept: masked and folded."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final

from perfkit.record import CacheCall, Query, RequestRecord

#: Letters of a statement's shape that are kept.
LONGEST_TEXT: Final = 200

#: Entries of a timeline; of more, those that took longest stay.
MOST_ENTRIES: Final = 24

#: A statement that runs again is folded into its entry when no more entries lie between: the
#: statements of one loop take turns.
LOOK_BACK: Final = 8

_FROM: Final = " FROM "


class _Entry:
    """One statement or cache call, and how often it ran in a row."""

    __slots__ = ("duration_ms", "hits", "kind", "misses", "site", "start_ms", "text", "times")

    def __init__(self, kind: str, start_ms: float, text: str, site: str | None) -> None:
        self.kind = kind
        self.start_ms = start_ms
        self.text = text
        self.site = site
        self.duration_ms = 0.0
        self.times = self.hits = self.misses = 0

    def plain(self) -> list[Any]:
        text = self.text
        if self.hits or self.misses:
            text += f": {self.hits} found, {self.misses} not"
        took = round(self.duration_ms, 2)
        return [round(self.start_ms, 2), took, self.kind, text, self.times, self.site]


def timeline(record: RequestRecord) -> tuple[list[list[Any]], list[int] | None]:
    """List a record's statements and cache calls.

    Args:
        record: with its queries and cache calls.

    Returns:
        The entries ``[start_ms, duration_ms, "db" or "cache", text, times, site or None]`` in the
        order of their first run, and how many entries and runs were left out, None for none.
    """
    entries = list(_folded(record))
    left_out = None
    if len(entries) > MOST_ENTRIES:
        entries.sort(key=attrgetter("duration_ms"), reverse=True)
        rest = entries[MOST_ENTRIES:]
        left_out = [len(rest), sum(entry.times for entry in rest)]
        del entries[MOST_ENTRIES:]
    entries.sort(key=attrgetter("start_ms"))
    return [entry.plain() for entry in entries], left_out


def _folded(record: RequestRecord) -> Iterator[_Entry]:
    count = 0
    last: dict[Any, tuple[int, _Entry]] = {}
    calls: list[Query | CacheCall] = [*record.queries, *record.cache_calls]
    calls.sort(key=attrgetter("start_ms"))
    for call in calls:
        site = call.site if isinstance(call, Query) else None
        what = _what(call)
        at, entry = last.get((what, site)) or (-LOOK_BACK, None)
        if entry is None and site is not None:
            # A first run has no line yet; the one that repeats it has.
            at, entry = last.pop((what, None), None) or (-LOOK_BACK, None)
            if entry is not None and count - at <= LOOK_BACK:
                entry.site = str(site)
                last[what, site] = at, entry
        if entry is None or count - at > LOOK_BACK:
            entry = _entry(call)
            count += 1
            last[what, site] = count, entry
            yield entry
        entry.times += 1
        entry.duration_ms += call.duration_ms
        if isinstance(call, CacheCall):
            entry.hits += call.hits
            entry.misses += call.misses


def _what(call: Query | CacheCall) -> tuple[Any, ...]:
    if isinstance(call, CacheCall):
        return call.alias, call.operation
    return call.alias, call.shape, call.failed


def _entry(call: Query | CacheCall) -> _Entry:
    if isinstance(call, CacheCall):
        return _Entry("cache", call.start_ms, f"{call.alias} {call.operation}", None)
    text = brief(call.shape)
    if call.alias != "default":
        text = f"{call.alias}: {text}"
    if call.failed:
        text = f"failed: {text}"
    return _Entry("db", call.start_ms, text, str(call.site) if call.site else None)


def brief(shape: str) -> str:
    """Shorten a statement's shape: first the columns of a SELECT go, then the end."""
    if len(shape) > LONGEST_TEXT and shape.startswith("SELECT "):
        at = shape.find(_FROM)
        while at > 0 and shape.count("(", 0, at) != shape.count(")", 0, at):
            at = shape.find(_FROM, at + 1)
        if at > 0:
            shape = f"SELECT …{shape[at:]}"
    return shape if len(shape) <= LONGEST_TEXT else f"{shape[: LONGEST_TEXT - 1]}…"
