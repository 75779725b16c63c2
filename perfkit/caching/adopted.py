"""How a cache does that is there already: what it answers, and whether its timeout is right.

Of what it answers the first visitor's body is all that is seen. So the content is looked at only where the
view ran: those looks tell how often it changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from perfkit.caching.columns import MISS
from perfkit.caching.decision import LEAST_RATIO, LEAST_SAVED_S, Case, Decision
from perfkit.caching.interval import bound
from perfkit.caching.policy import CACHE_PAGE, TIMEOUTS, Policy
from perfkit.caching.saving import Cell, Saving
from perfkit.caching.staleness import change_rate_of, looks, stale_share

#: Looks at the content from which on its rate of change is known.
_FEWEST_LOOKS: Final = 20

#: A longer timeout has to bring so much more.
_WORTH_CHANGING: Final = 0.05

#: Chances to change, of which few are taken: by these a bound on a count is one on a share.
_OFTEN: Final = 1_000_000


def adopted(case: Case) -> Decision:
    """Say whether a cache that is there should stay, and for how long it should keep its pages."""
    facts = case.facts
    columns, good = facts.columns, facts.good
    run = case.saving(Policy(CACHE_PAGE))
    misses = [at for at in good if columns.inner_hit[at] == MISS]
    now_s = max((columns.inner_max_age[at] for at in misses), default=-1)
    seen = looks(columns, misses)
    if now_s <= 0 or len(seen) < _FEWEST_LOOKS:
        return Decision("cache_page", ("already_cached",), run)
    if _is_of_no_use(case, misses):
        return Decision("cache_page", ("already_cached", "remove_cache"), run)
    # Several changes between two looks count once, so that the estimate and its bound are of the rate.
    changed = sum(is_new for _, is_new in seen)
    rate = change_rate_of(seen)
    most = (
        rate * bound(changed, _OFTEN) * _OFTEN / changed
        if changed
        else bound(0, _OFTEN) * _OFTEN / sum(apart for apart, _ in seen)
    )
    fresh = [each for each in TIMEOUTS if stale_share(most, each) <= case.setting.max_stale]
    longest = max(fresh, default=TIMEOUTS[0])
    if stale_share(rate, now_s) > case.setting.max_stale and longest < now_s:
        return Decision("cache_page", ("already_cached", "shorten_timeout"), _at(run, longest))
    better = _cell(run, longest).outcome.hit_ratio - _cell(run, now_s).outcome.hit_ratio
    if longest > now_s and better >= _WORTH_CHANGING:
        return Decision("cache_page", ("already_cached", "lengthen_timeout"), _at(run, longest))
    return Decision("cache_page", ("already_cached",), _at(run, now_s))


def _is_of_no_use(case: Case, misses: list[int]) -> bool:
    """Tell whether it answers too little: few requests, or such as take no time."""
    facts = case.facts
    columns = facts.columns
    share = facts.hit_share or 0.0
    mean_ms = sum(columns.view_ms[at] for at in misses) / max(len(misses), 1)
    saved_s = share * facts.answered * (mean_ms - case.setting.backend.hit_ms) / 1000
    return share < LEAST_RATIO or saved_s / case.setting.hours < LEAST_SAVED_S


def _cell(run: Saving, timeout_s: int) -> Cell:
    """Return the cell of the longest timeout that is no longer."""
    return max(
        (cell for cell in run.cells if cell.timeout_s <= timeout_s),
        key=lambda cell: cell.timeout_s,
        default=run.cells[0],
    )


def _at(run: Saving, timeout_s: int) -> Saving:
    return replace(run, chosen=_cell(run, timeout_s), full=None)
