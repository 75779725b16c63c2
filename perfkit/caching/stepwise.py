"""A cache request by request, as Django asks it: for what no shortcut tells.

That are a cache that is full, several routes in one cache, a HEAD, and addresses whose answers vary on
different headers: Django remembers for an address only what the latest stored answer varied on, and
looks every request up by that.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Any, Final, NamedTuple

from perfkit.caching.backend import BackendFacts, page_bytes
from perfkit.caching.columns import Columns
from perfkit.caching.policy import Keyed, mixed

#: What Django remembers of an address, and the page itself.
_NAMES: Final = 0
_PAGE: Final = 1


@dataclass(slots=True)
class Lane:
    """A route as it is cached.

    Attributes:
        columns, what: its events, and what its policy makes of them.
        timeout_s: seconds.
        events: indexes of those to replay, in the order of time.
        shared: whether all workers have one cache; else each has its own.
        one_by_one: requests do not overlap.
    """

    columns: Columns
    what: Keyed
    timeout_s: float
    events: Iterable[int]
    shared: bool = True
    one_by_one: bool = False
    _keys: dict[int, array[int]] = field(default_factory=dict)

    def keys(self, varies: int) -> array[int]:
        """Return all events' keys under a list of names, by its index."""
        found = self._keys.get(varies)
        if found is None:
            found = array("Q", self.what.urls)
            for name in self.columns.varies[varies]:
                found = mixed(found, self.columns.attribute(f"header:{name}"))
            self._keys[varies] = found
        return found


class Step(NamedTuple):
    """What became of a request.

    Attributes:
        lane: index of its route.
        event: index of the event.
        stored: the event whose answer it got from the cache, -1 when the view answered.
        ready: when its own answer is in the cache, 0.0 when it is not stored.
    """

    lane: int
    event: int
    stored: int
    ready: float


class _Entry(NamedTuple):
    ends: float
    event: int
    varies: int
    weight: float
    bytes: float


class Meter:
    """Bytes that all caches hold together: ``now``, and ``most`` so far."""

    __slots__ = ("most", "now")

    def __init__(self) -> None:
        self.now = self.most = 0.0

    def add(self, size: float) -> None:
        """Count what is stored, or with a minus what goes."""
        self.now += size
        self.most = max(self.most, self.now)


class _Store:
    """One cache: what is in it, and what goes when it is full.

    Args:
        facts: which cache; None for one that is never full.
        meter: of all caches.
    """

    def __init__(self, facts: BackendFacts | None, meter: Meter) -> None:
        self._facts = facts
        self._meter = meter
        self._limit = facts.max_entries if facts is not None else None
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._held = 0.0
        self._draw = Random(1)  # the same events give the same figures

    def get(self, name: Any, now: float) -> _Entry | None:
        """Look for an entry; one that has run out goes when it is asked for."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.ends <= now:
            self._drop(name)
            return None
        if self._limit is not None:
            self._entries.move_to_end(name)
        return entry

    def put(self, name: Any, entry: _Entry, now: float) -> None:
        """Store an entry, and make room before where the cache does so."""
        if self._facts is not None and self._limit is not None:
            self._cull(self._facts, self._limit, now)
        if name in self._entries:
            self._drop(name)
        self._entries[name] = entry
        self._held += entry.weight
        self._meter.add(entry.bytes)

    def _drop(self, name: Any) -> None:
        entry = self._entries.pop(name)
        self._held -= entry.weight
        self._meter.add(-entry.bytes)

    def _cull(self, facts: BackendFacts, limit: int, now: float) -> None:
        """Make room where the cache is full: of LocMemCache goes what was not used for longest.

        Of files it is any; of DatabaseCache the first by name, after all that has run out.
        """
        is_database = facts.kind == "database"
        if self._held < limit or (is_database and self._held == limit):
            return
        entries = self._entries
        if not facts.cull:
            for name in [*entries]:
                self._drop(name)
            return
        names: Iterable[Any] = list(entries)
        if facts.kind == "file":
            names = self._draw.sample(list(entries), len(entries))
        elif is_database:
            for name in [name for name, entry in entries.items() if entry.ends < now]:
                self._drop(name)
            if self._held <= limit:
                return
            names = sorted(entries)
        keep = self._held - self._held // facts.cull
        for name in names:
            if self._held <= keep:
                return
            self._drop(name)


def steps(
    lanes: list[Lane], facts: BackendFacts | None = None, meter: Meter | None = None
) -> Iterator[Step]:
    """Replay routes in one cache, and tell of each request what became of it.

    Args:
        lanes: the routes.
        facts: the cache; None for one that is never full.
        meter: counts what is held, to be looked at afterwards.
    """
    meter = meter or Meter()
    caches: dict[int, _Store] = {}
    making: list[tuple[float, int, int, int, int]] = []
    number = 0
    for at, index, event in _in_order(lanes):
        while making and making[0][0] <= at:
            _store(lanes, caches, facts, heappop(making))
        lane = lanes[index]
        worker = 0 if lane.shared else lane.columns.worker[event]
        cache = caches.get(worker)
        if cache is None:
            cache = caches[worker] = _Store(facts, meter)
        entry = _found(cache, lane, index, event, at)
        if entry is not None:
            yield Step(index, event, entry.event, 0.0)
            continue
        ready = 0.0
        if lane.what.stored[event]:
            ready = at if lane.one_by_one else at + lane.columns.view_ms[event] / 1000
            number += 1
            making_now = (ready, number, index, event, worker)
            if ready <= at:
                _store(lanes, caches, facts, making_now)
            else:
                heappush(making, making_now)
        yield Step(index, event, -1, ready)


def _in_order(lanes: list[Lane]) -> Iterable[tuple[float, int, int]]:
    if len(lanes) == 1:
        at = lanes[0].columns.at
        return ((at[event], 0, event) for event in lanes[0].events)
    return sorted(
        (lane.columns.at[event], index, event)
        for index, lane in enumerate(lanes)
        for event in lane.events
    )


def _found(cache: _Store, lane: Lane, index: int, event: int, at: float) -> _Entry | None:
    """Look a request up as Django does: what the key is made of, then the page."""
    names = cache.get((_NAMES, lane.what.urls[event], index), at)
    if names is None:
        return None
    key = lane.keys(names.varies)[event]
    entry = cache.get((_PAGE, key, index, "GET"), at)
    if entry is None and lane.columns.methods[event] == "HEAD":
        entry = cache.get((_PAGE, key, index, "HEAD"), at)
    return entry


def _store(
    lanes: list[Lane],
    caches: dict[int, _Store],
    facts: BackendFacts | None,
    made: tuple[float, int, int, int, int],
) -> None:
    """Store an answer: what its key is made of, then the page."""
    ready, _, index, event, worker = made
    lane, cache = lanes[index], caches[worker]
    columns, varies = lane.columns, lane.what.varies[event]
    ends, weight = ready + lane.timeout_s, columns.weight[event]
    names = _Entry(ends, event, varies, weight, 0.0)
    cache.put((_NAMES, lane.what.urls[event], index), names, ready)
    size = weight * page_bytes(columns.size[event], facts)
    page = (_PAGE, lane.keys(varies)[event], index, columns.methods[event])
    cache.put(page, names._replace(bytes=size), ready)
