"""What is decided about a route, and whether it is worth it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.caching.explain import Explanation
from perfkit.caching.facts import Facts
from perfkit.caching.interval import FEWEST_COMPARISONS, FEWEST_PRINCIPALS
from perfkit.caching.pairs import Comparisons
from perfkit.caching.policy import Policy
from perfkit.caching.proof import has_keys, unseen
from perfkit.caching.saving import Saving, Setting, saving

VERDICTS: Final = (
    "cache_page",
    "cache_page_vary",
    "anonymous_only",
    "fragment",
    "conditional",
    "low_level",
    "cached_sessions",
    "cdn",
    "do_not_cache",
    "not_worth_it",
    "not_enough_evidence",
)

#: A share from which on something is no exception any more, and one from which on it is the rule.
SOME: Final = 0.02
MOST: Final = 0.5

#: A share of a page from which on its other parts are worth keeping.
MOST_SHARED: Final = 0.8

#: Under these a cache is not worth its code.
LEAST_RATIO: Final = 0.2
LEAST_SAVED_S: Final = 1.0

#: Requests from which on "seldom asked for" can be said, or hours.
ENOUGH_TO_SAY_FEW: Final = 100
ENOUGH_HOURS: Final = 6.0

#: Milliseconds from which on a view is slow, however seldom it is asked for.
SLOW_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a route.

    Attributes:
        verdict: one of ``VERDICTS``.
        reasons: slugs of ``reasons.REASONS``, the weightiest first.
        saving: what it would save, None where nothing was replayed.
        explanation: what answers hang on, where one attribute tells.
        comparisons: of answers to different people, within what the key would be.
        without: query parameters to leave out of the key.
    """

    verdict: str
    reasons: tuple[str, ...]
    saving: Saving | None = None
    explanation: Explanation | None = None
    comparisons: Comparisons | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A route under judgment."""

    facts: Facts
    setting: Setting
    session_cookie: str

    def saving(self, policy: Policy) -> Saving:
        """Replay the route under a policy."""
        return saving(self.facts.columns, policy, self.setting)


def _changing(case: Case, run: Saving) -> Decision:
    """Return what is left where a page changes too fast: its query, or the parts that stay."""
    if found := query(case):
        return found
    facts = case.facts
    if facts.shared is not None and facts.shared >= MOST_SHARED:
        return Decision("fragment", ("changes_fast", "shared_parts"), comparisons=facts.comparisons)
    return Decision("do_not_cache", ("changes_fast",), run)


Rule = Callable[[Case], Decision | None]


def worth(case: Case, run: Saving) -> Decision | None:
    """Say why a cache would not be worth it; None when it is."""
    if run.chosen is None:
        if run.changes_fast and run.best.outcome.hit_ratio >= LEAST_RATIO:
            return _changing(case, run)
        return Decision("not_worth_it", ("small_saving",), run)
    if run.chosen.outcome.hit_ratio < LEAST_RATIO and run.best.outcome.hit_ratio < LEAST_RATIO:
        slow = case.facts.view_ms / max(case.facts.answered, 1) >= SLOW_MS
        reasons = ("low_hit_ratio", "slow_and_rare") if slow else ("low_hit_ratio",)
        return query(case) or Decision("not_worth_it", reasons, run)
    if run.chosen.saved_s_per_hour < LEAST_SAVED_S:
        return Decision("not_worth_it", ("small_saving",), run)
    return None


def query(case: Case) -> Decision | None:
    """Advise on one SELECT that repeats with the same parameters and takes most of the time.

    It counts where nothing wrote to its tables since it ran last, as far as the writes were seen.
    """
    facts = case.facts
    columns = facts.columns
    ran: dict[int, float] = {}
    repeated_ms = 0.0
    for at in facts.good:
        identity = columns.top_identity[at]
        if not identity:
            continue
        before, now = ran.get(identity), columns.at[at]
        ran[identity] = now
        if before is None:
            continue
        tables = columns.top_tables.get(at, ())
        if not any(_is_between(facts.written.get(table, ()), before, now) for table in tables):
            repeated_ms += columns.top_ms[at] * columns.weight[at]
    if repeated_ms < MOST * facts.view_ms or not facts.view_ms:
        return None
    if repeated_ms / 1000 / case.setting.hours < LEAST_SAVED_S:
        return None
    return Decision("low_level", ("query_repeats",), comparisons=facts.comparisons)


def _is_between(times: Sequence[float], begin: float, end: float) -> bool:
    return bisect_right(times, end) > bisect_right(times, begin)


def sessions(case: Case, reason: str) -> Decision | None:
    """Advise to keep sessions in the cache too, where reading them from the database takes long enough.

    Args:
        case: the route.
        reason: why it cannot be cached itself, or is not worth it.
    """
    facts, backend = case.facts, case.setting.backend
    if facts.session_selects < MOST * facts.answered:
        return None
    saved_ms = facts.session_ms - facts.session_selects * backend.hit_ms
    if saved_ms / 1000 / case.setting.hours < LEAST_SAVED_S:
        return None
    return Decision(
        "cached_sessions", ("session_in_database", reason), comparisons=facts.comparisons
    )


def not_shared(case: Case, reason: str) -> Decision:
    """Return what is left where nobody may get another one's answer: parts of it, its query, its session."""
    facts = case.facts
    if facts.shared is not None and facts.shared >= MOST_SHARED:
        return Decision("fragment", (reason, "shared_parts"), comparisons=facts.comparisons)
    return restless(case, reason)


def restless(case: Case, reason: str) -> Decision:
    """Return what is left where no part of a page stays: its query, its session."""
    found = query(case) or sessions(case, reason)
    return found or Decision("do_not_cache", (reason,), comparisons=case.facts.comparisons)


def ratio(run: Saving) -> float:
    """Return the hit ratio of what is chosen."""
    return (run.chosen or run.best).outcome.hit_ratio


def saved(run: Saving) -> float:
    """Return the seconds an hour that what is chosen saves."""
    return run.chosen.saved_s_per_hour if run.chosen is not None else 0.0


def ratio_within(run: Saving, most_s: float) -> float:
    """Return the best hit ratio of timeouts that are no longer."""
    return max(cell.outcome.hit_ratio for cell in run.cells if cell.timeout_s <= most_s)


def to_mind(case: Case, run: Saving) -> Iterator[str]:
    """Yield what to mind about the cache that is there."""
    backend, chosen = case.setting.backend, run.chosen or run.best
    if backend.kind == "dummy":
        yield "cache_is_dummy"
    if not backend.is_shared:
        yield "cache_per_process"
    if backend.max_entries is not None and run.peak_entries > backend.max_entries:
        yield "cache_too_small"
    sizes = case.facts.columns.size
    limit = backend.most_bytes
    if limit is not None and any(sizes[at] > limit for at in case.facts.good):
        yield "item_too_large"
    if case.facts.awaited:
        yield "async_view"
    if chosen.outcome.at_once > max(chosen.outcome.stores - chosen.outcome.at_once, 1.0):
        yield "dog_pile"


def unproven(case: Case, comparisons: Comparisons, *reasons: str) -> Decision:
    """Say what is missing to tell."""
    found = [
        slug
        for slug, missing in (
            ("few_requests", case.facts.gets < FEWEST_COMPARISONS),
            (
                "few_comparisons",
                comparisons.total < FEWEST_COMPARISONS or not has_keys(comparisons),
            ),
            ("few_visitors", len(comparisons.principals) < FEWEST_PRINCIPALS),
        )
        if missing
    ]
    found += unseen(case.facts, comparisons)
    return Decision("not_enough_evidence", (*reasons, *found), comparisons=comparisons)
