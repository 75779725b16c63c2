"""The rules that share an answer: with all, by an attribute, among the anonymous, or with oneself."""

from __future__ import annotations

from typing import Final

from perfkit.caching.decision import (
    ENOUGH_TO_SAY_FEW,
    LEAST_RATIO,
    MOST,
    SOME,
    Case,
    Decision,
    not_shared,
    ratio,
    restless,
    saved,
    to_mind,
    unproven,
    worth,
)
from perfkit.caching.edge import for_cdn
from perfkit.caching.explain import Explanation, explain
from perfkit.caching.interval import FEWEST_COMPARISONS, FEWEST_KEYS
from perfkit.caching.pairs import Comparisons, compare
from perfkit.caching.policy import (
    ANONYMOUS_ONLY,
    CACHE_PAGE,
    STRIPPED,
    VARY_ON_COOKIE,
    VARY_ON_HEADERS,
    Policy,
    keys_without,
    mixed,
)
from perfkit.caching.proof import is_proven, may_be_shared, unseen
from perfkit.caching.tracking import is_tracking

#: Answers to one principal in a row from which on it can be told that he gets another each time.
_FEWEST_REPEATS: Final = 10

#: A share of them from which on that is so.
_OFTEN: Final = 0.3

#: A CDN is advised in place of a cache that saves so much less, as where the middlewares take the time.
_MUCH_MORE: Final = 1.5

#: A share of all comparisons.
_FAST: Final = 0.1

#: By these headers a principal is known.
_WHO: Final = ("header:cookie", "header:authorization")

#: Comparisons between visitors that send the same of them, unless there is none.
_FEWEST_ALIKE: Final = 30


def different_parameters(case: Case) -> Decision | None:
    """Share between parameters that make no difference, where leaving them out is worth it."""
    facts = case.facts
    if not any(name.startswith("query:") for name in facts.columns.attributes):
        return None
    without = _irrelevant(case)
    keys = keys_without(facts.columns, without)
    comparisons = compare(facts.columns, facts.good, dict(enumerate(keys)))
    if comparisons.mismatches or comparisons.all_keys > 0.9 * facts.keys:
        return None
    if facts.refusals.mismatches or not may_be_shared(facts, comparisons):
        return None
    plain, stripped = (
        case.saving(Policy(CACHE_PAGE)),
        case.saving(Policy(STRIPPED, without=without)),
    )
    gain = ratio(stripped) - ratio(plain)
    if gain < 0.1 or stripped.chosen is None or worth(case, stripped) is not None:
        return None
    columns = facts.columns
    names = [name[6:] for name in columns.attributes if name.startswith("query:")]
    left_out = tuple(sorted({*without, *filter(is_tracking, names)}))
    slug = "tracking_parameters" if left_out else "parameter_order"
    reasons = ("same_for_all", slug, *to_mind(case, stripped))
    return Decision("cache_page", reasons, stripped, comparisons=comparisons, without=left_out)


def _irrelevant(case: Case) -> tuple[str, ...]:
    """Return the parameters whose value makes no difference, each tried alone."""
    facts = case.facts
    columns = facts.columns
    found = []
    for name in [name[6:] for name in columns.attributes if name.startswith("query:")]:
        values = columns.attribute(f"query:{name}")
        if len({values[at] for at in facts.good}) < FEWEST_KEYS:
            continue
        keys = dict(enumerate(keys_without(columns, (name,))))
        comparisons = compare(columns, facts.good, keys)
        if comparisons.total >= FEWEST_COMPARISONS and comparisons.is_clean:
            found.append(name)
    return tuple(found)


def same_for_all(case: Case) -> Decision | None:
    """Share with everybody what everybody got the same of."""
    facts = case.facts
    comparisons = facts.comparisons
    if facts.refusals.mismatches or not may_be_shared(facts, comparisons):
        return None
    run, outside = case.saving(Policy(CACHE_PAGE)), for_cdn(case)
    reasons = ["same_for_all"]
    if not facts.session_read:
        reasons.append("session_never_read")
    decision = worth(case, run)
    if outside is not None and (decision or saved(outside) >= _MUCH_MORE * saved(run)):
        return Decision("cdn", (*reasons, "public"), outside, comparisons=comparisons)
    if decision:
        return decision
    if outside is not None:
        reasons.append("public")
    if facts.revalidates >= MOST:
        return Decision("conditional", (*reasons, "revalidates"), run, comparisons=comparisons)
    reasons += to_mind(case, run)
    return Decision("cache_page", tuple(reasons), run, comparisons=comparisons)


def by_attribute(case: Case) -> Decision | None:
    """Share within the values of one attribute, where answers are the same within them."""
    facts = case.facts
    if not facts.comparisons.mismatches or facts.refusals.mismatches:
        return None
    found = explain(facts, case.session_cookie)
    if found is None:
        return None
    run = case.saving(Policy(VARY_ON_HEADERS, found.attributes))
    if decision := worth(case, run):
        return decision
    reasons = ["varies_by_attribute"]
    headers = [name for name in found.attributes if name.startswith("header:")]
    if not all(_is_named(case, name) for name in headers):
        reasons.append("missing_vary")
    reasons += to_mind(case, run)
    return Decision("cache_page_vary", tuple(reasons), run, found, found.comparisons)


def _is_named(case: Case, attribute: str) -> bool:
    header = attribute.removeprefix("header:")
    return any(header in names for names in case.facts.columns.varies)


def for_anonymous(case: Case) -> Decision | None:
    """Share among those who bring no session and no Authorization, whoever they are otherwise."""
    facts = case.facts
    columns = facts.columns
    nobody = [at for at in facts.good if not columns.has_session[at]]
    comparisons = compare(columns, nobody)
    if not is_proven(comparisons):
        return None
    run = case.saving(Policy(ANONYMOUS_ONLY))
    if decision := worth(case, run):
        return decision
    why = ["personalized"] if facts.comparisons.mismatches else unseen(facts, facts.comparisons)
    if facts.refusals.mismatches:
        why = ["permission_dependent"]
    reasons = ("anonymous_same", *why, *to_mind(case, run))
    return Decision("anonymous_only", reasons, run, comparisons=comparisons)


def for_each(case: Case) -> Decision | None:
    """Give each their own answer again, by the headers that tell who they are."""
    facts = case.facts
    comparisons = facts.comparisons
    if not comparisons.mismatches or comparisons.total < FEWEST_COMPARISONS:
        return None
    headers = _headers_of_who(case)
    own = _alike(case, headers)
    if comparisons.is_open:
        return None
    if own.same >= _FEWEST_REPEATS and own.same_personal + own.same_open > _OFTEN * own.same:
        return restless(case, "differs_each_time")
    # Visitors who send the same of those headers have one entry: too few of them prove nothing.
    # So it is for those who send neither, of whom the next one would get what the first one got.
    fewest = _FEWEST_ALIKE if own.total or _some_send_nothing(case) else 0
    is_own = headers and own.is_clean and own.total >= fewest
    if not is_own or own.same < FEWEST_COMPARISONS or facts.refusals.mismatches:
        return not_shared(case, "personalized")
    plain = headers == _WHO[:1]
    run = case.saving(Policy(VARY_ON_COOKIE) if plain else Policy(VARY_ON_HEADERS, headers))
    if run.chosen is None or run.chosen.outcome.hit_ratio < LEAST_RATIO:
        return not_shared(case, "personalized")
    if decision := worth(case, run):
        return decision
    found = None if plain else Explanation(headers[-1], facts.principals, comparisons)
    reasons = ("personalized", "repeats_per_visitor")
    return Decision("cache_page_vary", reasons, run, found, comparisons=comparisons)


def _headers_of_who(case: Case) -> tuple[str, ...]:
    columns, good = case.facts.columns, case.facts.good
    return tuple(
        name
        for name in _WHO
        if name in columns.attributes and len({columns.attribute(name)[at] for at in good}) > 1
    )


def _some_send_nothing(case: Case) -> bool:
    columns = case.facts.columns
    cookies = [columns.attribute(name) for name in columns.attributes if name[:7] == "cookie:"]
    return any(
        not columns.has_session[at] and not any(column[at] for column in cookies)
        for at in case.facts.good
    )


def _alike(case: Case, headers: tuple[str, ...]) -> Comparisons:
    """Compare what those get who send the same headers of who they are."""
    columns = case.facts.columns
    keys = columns.url
    for name in headers:
        keys = mixed(keys, columns.attribute(name))
    return compare(columns, case.facts.good, dict(enumerate(keys)))


def _differing(case: Case, comparisons: Comparisons) -> Decision:
    """Say why answers differ, as far as that can be told."""
    unsure = comparisons.same_open + comparisons.same_personal
    often = comparisons.same >= _FEWEST_REPEATS and unsure > _OFTEN * comparisons.same
    # Where nearly no two answers are alike it need not be known whose they are.
    if often or (comparisons.is_open and _is_restless(comparisons)):
        return restless(case, "differs_each_time")
    if comparisons.is_open:
        if comparisons.mismatches > _FAST * comparisons.total >= _FAST * ENOUGH_TO_SAY_FEW:
            # Whatever it is, the page as a whole is of no use for long.
            found = not_shared(case, "changes_fast")
            if found.verdict in ("fragment", "low_level"):
                return found
        return unproven(case, comparisons, "changes_not_witnessed")
    if comparisons.total < FEWEST_COMPARISONS:
        return unproven(case, comparisons, "personalized")
    noise = comparisons.same_personal > SOME * max(comparisons.same, 1)
    if noise:
        return restless(case, "differs_each_time")
    return not_shared(case, "personalized")


def _is_restless(comparisons: Comparisons) -> bool:
    differ = comparisons.mismatches
    return comparisons.total >= ENOUGH_TO_SAY_FEW and differ > MOST * comparisons.total


def undecided(case: Case) -> Decision:
    """Say what is missing, or that it is personal, where no rule applies."""
    facts = case.facts
    comparisons = facts.comparisons
    if not comparisons.is_clean:
        return _differing(case, comparisons)
    if facts.refusals.mismatches:
        return Decision("do_not_cache", ("permission_dependent",), comparisons=facts.refusals)
    if facts.revalidates >= MOST and not facts.looks:
        # However few read it: each client asks for its own copy again, and nothing is shared by answering
        # 304. A view that looks who asks is left out: who logs in would be told to keep a stranger's page.
        return Decision("conditional", ("revalidates",), comparisons=comparisons)
    return unproven(case, comparisons)
