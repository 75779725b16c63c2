"""What a cache has to hold: how many entries, how many bytes, and what becomes of hits when it is full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfkit.caching.backend import ENTRIES_OF_A_PAGE, BackendFacts, page_bytes
from perfkit.caching.replay import Outcome, Replay
from perfkit.caching.stepwise import Meter, steps


@dataclass(frozen=True, slots=True)
class Holding:
    """What routes that share a cache make of it.

    Attributes:
        outcomes: of each route, within what the cache can hold.
        entries: of the fullest cache when most is held, were there no limit.
        bytes: of all caches together when most is held, within the limit.
        is_full: whether the limit is reached.
    """

    outcomes: tuple[Outcome, ...]
    entries: float
    bytes: float
    is_full: bool


def holding(routes: Sequence[tuple[Replay, float]], facts: BackendFacts) -> Holding:
    """Tell what becomes of routes that share a cache, or of one that has it for itself.

    Args:
        routes: each under its policy, with its timeout in seconds.
        facts: the cache.
    """
    entries, held = _held(routes, facts)
    if facts.max_entries is None or entries <= facts.max_entries:
        outcomes = tuple(run.outcome(timeout_s) for run, timeout_s in routes)
        return Holding(outcomes, entries, held, False)
    outcomes = tuple(Outcome(timeout_s, *run.sums) for run, timeout_s in routes)
    meter = Meter()
    for step in steps([run.lane(timeout_s) for run, timeout_s in routes], facts, meter):
        run = routes[step.lane][0]
        if run.counts(step.event):
            outcomes[step.lane].add(step, run.columns, run.cost)
    return Holding(outcomes, entries, meter.most, True)


def _held(routes: Sequence[tuple[Replay, float]], facts: BackendFacts) -> tuple[float, float]:
    """Return the most entries of any one cache, and the most bytes of all together."""
    stores = sorted(
        (ready, ready + timeout_s, index, event)
        for index, (run, timeout_s) in enumerate(routes)
        for ready, event in run.stores(timeout_s)
    )
    ending = sorted((ends, index, event) for _, ends, index, event in stores)
    # By (route, cache, key): the event whose answer is there, its weight and its bytes.
    now: dict[tuple[int, int, int], tuple[int, float, float]] = {}
    entries: dict[int, float] = {}
    most_entries = held = most_held = 0.0
    oldest = 0

    def drop(key: tuple[int, int, int]) -> float:
        _, weight, size = now.pop(key)
        entries[key[1]] -= weight
        return size

    for ready, _, index, event in stores:
        while not facts.keeps_expired and ending[oldest][0] <= ready:
            _, which, gone = ending[oldest]
            key = (which, *routes[which][0].key_of(gone))
            if key in now and now[key][0] == gone:
                held -= drop(key)
            oldest += 1
        columns = routes[index][0].columns
        key = (index, *routes[index][0].key_of(event))
        if key in now:
            held -= drop(key)
        weight = columns.weight[event]
        size = weight * page_bytes(columns.size[event], facts)
        now[key] = (event, weight, size)
        entries[key[1]] = entries.get(key[1], 0.0) + weight
        held += size
        most_entries, most_held = max(most_entries, entries[key[1]]), max(most_held, held)
    return most_entries * ENTRIES_OF_A_PAGE, most_held
