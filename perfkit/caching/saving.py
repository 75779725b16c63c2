"""What each way to cache a route would save, and the timeout to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.caching.backend import BackendFacts
from perfkit.caching.columns import Columns
from perfkit.caching.holding import holding
from perfkit.caching.interval import bound, ratio_interval
from perfkit.caching.policy import CDN, TIMEOUTS, Policy
from perfkit.caching.replay import Outcome, Replay
from perfkit.caching.staleness import stale_share

#: Chances to change, of which few are taken: by these a bound on a count is one on a share.
_OFTEN: Final = 1_000_000

#: The smallest timeout that saves so much of what the best one does is taken.
_NEARLY_ALL: Final = 0.9


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy with one timeout.

    Attributes:
        timeout_s: seconds.
        outcome: what would have happened.
        saved_s_per_hour: seconds of work saved in an hour, the cache's own cost taken off.
        stale_upper: upper end of the share of hits that are out of date.
    """

    timeout_s: int
    outcome: Outcome
    saved_s_per_hour: float
    stale_upper: float


@dataclass(frozen=True, slots=True)
class Saving:
    """A policy over all timeouts, and the one to take; None where none will do.

    Attributes:
        policy: the policy.
        cells: by timeout.
        chosen: the cell to take.
        best: the cell that saves most, whatever it serves.
        interval: 95 % interval of the chosen cell's hit ratio.
        memory_bytes: what its entries take at the same time at most, in all processes.
        peak_entries: how many entries that are in the fullest cache, were there no limit.
        full: the shown timeout's cell in a cache that cannot hold all of them; None where it can.
    """

    policy: Policy
    cells: tuple[Cell, ...]
    chosen: Cell | None
    best: Cell
    interval: tuple[float, float]
    memory_bytes: float
    peak_entries: float
    full: Cell | None = None

    @property
    def changes_fast(self) -> bool:
        """Whether something would be saved, were it not out of date so soon."""
        return self.chosen is None and self.best.saved_s_per_hour > 0


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how long was observed: what figures an hour hang on.

    Attributes:
        backend: the cache.
        hours: observed.
        max_stale: share of hits that may be out of date.
        one_by_one: requests do not overlap, as in a test.
    """

    backend: BackendFacts
    hours: float
    max_stale: float
    one_by_one: bool = False


def saving(columns: Columns, policy: Policy, setting: Setting) -> Saving:
    """Replay a route under a policy with every timeout, and choose."""
    backend = BackendFacts() if policy.name == CDN else setting.backend
    run = Replay(columns, policy, shared=backend.is_shared, one_by_one=setting.one_by_one)
    changes = run.changes()
    cells = tuple(_cell(run.outcome(each), changes, policy, setting) for each in TIMEOUTS)
    best = max(cells, key=lambda cell: cell.saved_s_per_hour)
    chosen = _choice(cells, changes[0], setting.max_stale)
    shown = chosen or best
    held = holding([(run, shown.timeout_s)], backend)
    return Saving(
        policy,
        cells,
        chosen,
        best,
        ratio_interval(run.by_key(shown.timeout_s)),
        held.bytes,
        held.entries,
        _cell(held.outcomes[0], changes, policy, setting) if held.is_full else None,
    )


def _cell(outcome: Outcome, changes: tuple[int, float], policy: Policy, setting: Setting) -> Cell:
    facts = setting.backend
    own_ms = 0.0
    if policy.name != CDN:
        own_ms = outcome.hits * facts.hit_ms + outcome.stores * facts.store_ms
    saved_s = (outcome.saved_ms - own_ms) / 1000 / setting.hours
    return Cell(int(outcome.timeout_s), outcome, saved_s, _stale_upper(outcome, changes))


def _stale_upper(outcome: Outcome, changes: tuple[int, float]) -> float:
    """Return the upper end of the stale share.

    Wrong hits come in runs, one for each change, so that it is the changes that are independent, not
    the hits; and how many are wrong after one is a matter of when in an entry's life it comes. So the
    bound is one on how often the content changes.
    """
    number, seen_s = changes
    if not number or not seen_s:
        return bound(round(outcome.wrong), round(outcome.hits))
    most = bound(number, _OFTEN) * _OFTEN
    expected = stale_share(most / seen_s, outcome.timeout_s)
    return min(max(outcome.stale_share, expected), 1.0)


def _choice(cells: Sequence[Cell], changes: int, max_stale: float) -> Cell | None:
    fresh = [
        cell for cell in cells if _is_fresh(cell, changes, max_stale) and cell.saved_s_per_hour > 0
    ]
    if not fresh:
        return None
    most = max(cell.saved_s_per_hour for cell in fresh)
    return next(cell for cell in fresh if cell.saved_s_per_hour >= _NEARLY_ALL * most)


def _is_fresh(cell: Cell, changes: int, max_stale: float) -> bool:
    """Tell whether few enough hits are out of date; without a change, the bound is one of evidence only."""
    outcome = cell.outcome
    if not changes:
        return outcome.hits > 0
    return outcome.hits > 0 and cell.stale_upper <= max_stale
