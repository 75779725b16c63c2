"""Replays a route's requests as if its answers had been cached: what would have been a hit, and right.

The view has answered each request for real, so of each hit the fresh body and its cost are known.

A policy's requests are laid out key by key, in the order of time within a key. A request whose next
one of the same key comes too late for any hit need not be looked at; from each other one the replay
jumps to the end of what its entry serves, and what lies between are hits, summed up by differences
of running sums. Where keys hang on each other (a HEAD, an address whose answers vary on different
headers) requests are replayed one by one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from perfkit.caching.columns import Columns
from perfkit.caching.layout import Layout, tells
from perfkit.caching.policy import NO_PART, Keyed, Policy, keyed, mixed
from perfkit.caching.stepwise import Lane, Step, steps


@dataclass(slots=True)
class Outcome:
    """What a policy with a timeout would have done; sums stand for all requests, sampled or not.

    Attributes:
        timeout_s: seconds.
        all_requests: that came to the route, and ``requests`` that took part.
        hits: answered by the cache.
        stores: answers stored.
        at_once: misses while an answer to the same was being made.
        wrong: hits with a body that says something else than the fresh one.
        saved_ms: what the hits would have cost: the view's time at the view, all of it outside.
    """

    timeout_s: float
    all_requests: float = 0.0
    requests: float = 0.0
    hits: float = 0.0
    stores: float = 0.0
    at_once: float = 0.0
    wrong: float = 0.0
    saved_ms: float = 0.0

    @property
    def hit_ratio(self) -> float:
        """Hits of all requests of the route."""
        return self.hits / self.all_requests if self.all_requests else 0.0

    @property
    def stale_share(self) -> float:
        """Share of the hits that say something else than the fresh answer."""
        return self.wrong / self.hits if self.hits else 0.0

    def add(self, step: Step, columns: Columns, cost: Sequence[float]) -> None:
        """Count what became of one request.

        Args:
            step: of the replay request by request.
            columns: the events it is about.
            cost: milliseconds that a hit saves, of each event.
        """
        weight = columns.weight[step.event]
        if step.stored >= 0:
            self.hits += weight
            self.saved_ms += weight * cost[step.event]
            differs = columns.masked[step.event] != columns.masked[step.stored]
            if differs and tells(columns.status[step.event]):
                self.wrong += weight
        elif step.ready:
            self.stores += weight


@dataclass(frozen=True, slots=True)
class Serve:
    """One entry and the requests that it answers; indexes of events.

    Attributes:
        stored: the event whose answer is stored.
        ready, ends: when the entry is there, and when it runs out; ``time.time()``.
        hits: the events it answers.
    """

    stored: int
    ready: float
    ends: float
    hits: Sequence[int]


class Replay:
    """A route's requests under one policy, laid out to be replayed with any timeout.

    Args:
        columns: the route's events.
        policy: how it would be cached.
        shared: whether all workers have one cache; else each has its own.
        one_by_one: requests do not overlap, as in a test that makes one after the other.
        heads: let a HEAD take part too.
    """

    def __init__(
        self,
        columns: Columns,
        policy: Policy,
        *,
        shared: bool = True,
        one_by_one: bool = False,
        heads: bool = False,
    ) -> None:
        self.columns = columns
        self._what = what = keyed(columns, policy, heads=heads)
        self._one_by_one = one_by_one
        self._shared = shared
        #: What a hit saves of each event, in milliseconds.
        self.cost: Sequence[float] = columns.view_ms if policy.at_view else columns.total_ms
        tangled = _tangled(columns, what, heads)
        self._tangled = [
            at for at, url in enumerate(what.urls) if url in tangled and what.keys[at] != NO_PART
        ] if tangled else []  # fmt: skip
        names = what.keys if shared else _apart(what.keys, columns.worker)
        if tangled:
            names = array("Q", names)
            for at in self._tangled:
                names[at] = NO_PART
        plain = self._plainly = Layout(columns, names, one_by_one)
        self._costs = plain.running(self.cost, columns.weight)
        self._stored = bytes(map(what.stored.__getitem__, plain.order))
        self._all_stored = sum(compress(map(columns.weight.__getitem__, plain.order), self._stored))
        weights: Any = columns.weight
        if not heads and "HEAD" in columns.methods:
            weights = compress(weights, (method != "HEAD" for method in columns.methods))
        tangled_weight = sum(map(columns.weight.__getitem__, self._tangled))
        #: All requests of the route, and those that take part.
        self.sums = (sum(weights), plain.weights[-1] + tangled_weight)

    def changes(self) -> int:
        """Count the changes of what is answered, where keys do not hang on each other."""
        return self._plainly.changes()

    def outcome(self, timeout_s: float) -> Outcome:
        """Replay with a timeout, in seconds."""
        made = Outcome(timeout_s, *self.sums)
        plain, costs = self._plainly, self._costs
        weights, masked = plain.weights, plain.masked
        hits = saved = wrong = 0.0
        for latest, begin, end in self._plain(timeout_s, made):
            hits += weights[end] - weights[begin]
            saved += costs[end] - costs[begin]
            if (same := plain.same_until(latest)) < end:
                body = masked[latest]
                for place in range(max(same, begin), end):
                    if masked[place] != body:
                        wrong += weights[place + 1] - weights[place]
        made.hits, made.saved_ms, made.wrong = hits, saved, wrong
        made.stores += self._all_stored - self._stored_hits(timeout_s, hits)
        for step in self._steps(timeout_s):
            made.add(step, self.columns, self.cost)
        return made

    def _plain(self, timeout_s: float, made: Outcome) -> Iterator[tuple[int, int, int]]:
        """Yield (place stored, first hit, end of the hits) for each entry that has hits."""
        plain = self._plainly
        at, takes, ends, weights = plain.at, plain.takes, plain.ends, plain.weights
        stored = self._stored
        starts = [place for place, slack in enumerate(plain.slack) if slack < timeout_s]
        index, count = 0, len(starts)
        while index < count:
            latest = starts[index]
            if not stored[latest]:
                index += 1
                continue
            place, end = latest + 1, ends[latest]
            ready = first_ready = at[latest] + takes[latest]
            while place < end and at[place] < first_ready:
                # Made at the same time; who ends last is the one whose answer stays.
                made.at_once += weights[place + 1] - weights[place]
                if stored[place]:
                    own = at[place] + takes[place]
                    first_ready = min(first_ready, own)
                    if own >= ready:
                        latest, ready = place, own
                place += 1
            last = bisect_left(at, ready + timeout_s, place, end)
            if last > place:
                yield latest, place, last
                place = last
            index = bisect_left(starts, place, index + 1)

    def _stored_hits(self, timeout_s: float, hits: float) -> float:
        """Return how many of the hits would have been stored, had they been misses."""
        weights = self._plainly.weights
        if self._all_stored == weights[-1]:
            return hits
        return float(
            sum(
                weights[place + 1] - weights[place]
                for _, begin, end in self._plain(timeout_s, Outcome(timeout_s))
                for place in range(begin, end)
                if self._stored[place]
            )
        )

    def serves(self, timeout_s: float) -> Iterator[Serve]:
        """Yield every entry that answers a request, and which; for a closer look at one timeout."""
        plain = self._plainly
        for latest, begin, end in self._plain(timeout_s, Outcome(timeout_s)):
            ready = plain.at[latest] + plain.takes[latest]
            yield Serve(plain.order[latest], ready, ready + timeout_s, plain.order[begin:end])
        ready_at: dict[int, float] = {}
        answered: dict[int, list[int]] = defaultdict(list)
        for step in self._steps(timeout_s):
            if step.stored >= 0:
                answered[step.stored].append(step.event)
            else:
                ready_at[step.event] = step.ready
        for stored, events in answered.items():
            yield Serve(stored, ready_at[stored], ready_at[stored] + timeout_s, events)

    def stores(self, timeout_s: float) -> Iterator[tuple[float, int]]:
        """Yield (when it is ready, event) of every answer that is stored."""
        plain = self._plainly
        is_hit = bytearray(len(plain))
        for _, begin, end in self._plain(timeout_s, Outcome(timeout_s)):
            is_hit[begin:end] = b"\1" * (end - begin)
        for place, event in enumerate(plain.order):
            if self._stored[place] and not is_hit[place]:
                yield plain.at[place] + plain.takes[place], event
        yield from ((step.ready, step.event) for step in self._steps(timeout_s) if step.ready)

    def key_of(self, event: int) -> tuple[int, int]:
        """Return what tells an event's entry from all others: its cache and its key."""
        return (0 if self._shared else self.columns.worker[event], self._what.keys[event])

    def lane(self, timeout_s: float) -> Lane:
        """Return the route with all that takes part, to be replayed request by request."""
        events = sorted([*self._plainly.order, *self._tangled])
        return self._lane(timeout_s, events)

    def by_key(self, timeout_s: float) -> list[tuple[float, float]]:
        """Return (requests, hits) of each key: the units that an interval is drawn from."""
        ends, weights = self._plainly.ends, self._plainly.weights
        hits: dict[int, float] = defaultdict(float)
        for _, begin, end in self._plain(timeout_s, Outcome(timeout_s)):
            hits[ends[begin]] += weights[end] - weights[begin]
        found, begin = [], 0
        while begin < len(ends):
            end = ends[begin]
            found.append((weights[end] - weights[begin], hits.get(end, 0.0)))
            begin = end
        asked: dict[int, float] = defaultdict(float)
        answered: dict[int, float] = defaultdict(float)
        for step in self._steps(timeout_s):
            url, weight = self._what.urls[step.event], self.columns.weight[step.event]
            asked[url] += weight
            answered[url] += weight * (step.stored >= 0)
        return found + [(total, answered[url]) for url, total in asked.items()]

    def _steps(self, timeout_s: float) -> Iterator[Step]:
        return steps([self._lane(timeout_s, self._tangled)]) if self._tangled else iter(())

    def _lane(self, timeout_s: float, events: Sequence[int]) -> Lane:
        return Lane(self.columns, self._what, timeout_s, events, self._shared, self._one_by_one)


def _tangled(columns: Columns, what: Keyed, heads: bool) -> set[int]:
    """Return the addresses whose keys hang on each other."""
    found: set[int] = set()
    if heads and "HEAD" in columns.methods:
        found.update(
            url for url, method in zip(what.urls, columns.methods, strict=True) if method == "HEAD"
        )
    if len(columns.varies) > 1:
        first: dict[int, int] = {}
        for url, key, stored, varies in zip(
            what.urls, what.keys, what.stored, what.varies, strict=True
        ):
            if stored and key != NO_PART and first.setdefault(url, varies) != varies:
                found.add(url)
    return found


def _apart(keys: Any, workers: Any) -> array[int]:
    """Make keys that differ between workers too."""
    apart = mixed(keys, workers)
    return array("Q", (key and new for key, new in zip(keys, apart, strict=True)))
