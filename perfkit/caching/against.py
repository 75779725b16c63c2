"""The rules that speak against a cache: what it cannot hold, what it would break, whom it would betray."""

from __future__ import annotations

from typing import Final

from perfkit.caching.adopted import adopted
from perfkit.caching.decision import (
    ENOUGH_HOURS,
    ENOUGH_TO_SAY_FEW,
    LEAST_RATIO,
    LEAST_SAVED_S,
    MOST,
    SLOW_MS,
    SOME,
    Case,
    Decision,
    ratio_within,
    unproven,
    worth,
)
from perfkit.caching.facts import Facts
from perfkit.caching.interval import FEWEST_KEYS
from perfkit.caching.pairs import NOBODY
from perfkit.caching.policy import CACHE_PAGE, Policy
from perfkit.caching.proof import is_proven

#: Mismatches of who is refused that are a question of the login only.
_BY_LOGIN: Final = frozenset(("AX", "AT", "AU"))

#: Share of a route's visitors that an address must have had, to be taken for one that all members may see.
_OPEN: Final = 0.5

#: With no longer a timeout than this a rarely asked view must be hit so often, to wait for more evidence.
_USUAL_TIMEOUT_S: Final = 900
_LEAST_RATIO_OF_RARE: Final = 1 / 3

_NEARLY_ALL: Final = 0.95


def no_candidate(case: Case) -> Decision | None:
    """Refuse what no cache of Django's answers."""
    facts = case.facts
    if not facts.gets:
        return Decision("do_not_cache", ("unsafe_method",))
    if facts.streamed > MOST:
        return Decision("do_not_cache", ("streaming",))
    if facts.forbidden > 0:
        return Decision("do_not_cache", ("forbidden_by_view",))
    if facts.statuses[200] <= SOME * facts.statuses.total():
        most = facts.statuses.most_common(1)[0][0]
        slug = "not_found" if most == 404 else "errors" if most >= 500 else "redirect"
        return Decision("do_not_cache", (slug,))
    return None


def already_cached(case: Case) -> Decision | None:
    """Tell how a cache that is there does, and whether it mixes up its visitors today.

    Of what it answers the first visitor's body is all that is seen, so that comparing tells nothing;
    what the misses did tells.
    """
    facts = case.facts
    if facts.hit_share is None:
        return None
    wrong = [slug for slug, share in _broken(facts) if share > 0]
    columns = facts.columns
    varied = {columns.varies[columns.inner_varies[at]] for at in facts.good}
    if facts.looks and not any({"cookie", "authorization"} & {*names} for names in varied):
        wrong.append("first_visitors_page")
    if wrong:
        return Decision("do_not_cache", ("already_cached", *wrong), case.saving(Policy(CACHE_PAGE)))
    return adopted(case)


def staff_only(case: Case) -> Decision | None:
    """Leave what is for staff alone."""
    facts = case.facts
    if facts.answered >= FEWEST_KEYS and facts.staff_share > _NEARLY_ALL:
        return Decision("do_not_cache", ("staff_only",))
    return None


def side_effects(case: Case) -> Decision | None:
    """Refuse what a hit would leave out, or give to the wrong one."""
    facts = case.facts
    found = [slug for slug, share in _broken(facts) if share > 0 and slug != "csrf_token"]
    return Decision("do_not_cache", tuple(found)) if found else None


def _broken(facts: Facts) -> tuple[tuple[str, float], ...]:
    return (
        *facts.effects.items(),
        ("session_written", facts.session_written),
        ("messages_shown", facts.messages),
        ("sets_cookie", facts.sets_cookie),
        ("csrf_token", facts.csrf),
    )


def permission(case: Case) -> Decision | None:
    """Keep a cache inside the check where an address is granted to some and refused to others."""
    facts = case.facts
    refusals = facts.refusals
    if not refusals.mismatches and not refusals.same_personal:
        return None
    if refusals.same_personal or set(refusals.personal) - _BY_LOGIN:
        return Decision("do_not_cache", ("permission_dependent",), comparisons=refusals)
    if not facts.members:
        # Who is logged in is sent elsewhere: the others may share, when they get the same.
        return None
    return _inside(case, "permission_dependent", "login_required")


def members_only(case: Case) -> Decision | None:
    """Keep a cache inside the check where nobody without a login was seen, and the view looks."""
    facts = case.facts
    if not facts.looks or not facts.keys or facts.audiences[0]:
        return None
    if facts.comparisons.mismatches or not is_proven(facts.comparisons):
        return None
    return _inside(case, "anonymous_not_seen")


def _inside(case: Case, *reasons: str) -> Decision:
    facts = case.facts
    members = facts.comparisons
    if facts.csrf or (members.tokens and not members.mismatches):
        token = "csrf_token" if facts.csrf else "nonce"
        return Decision("fragment", (reasons[0], token), comparisons=members)
    if members.mismatches or members.same_personal:
        return Decision("do_not_cache", (reasons[0], "personalized"), comparisons=members)
    if facts.unread or facts.kept_below or not is_proven(members):
        return unproven(case, members, reasons[0])
    run = case.saving(Policy(CACHE_PAGE, granted_only=True))
    if NOBODY in "".join(members.made) or not _is_open(facts):
        reasons = (reasons[0], "check_each")
    return worth(case, run) or Decision("low_level", reasons, run, comparisons=members)


def _is_open(facts: Facts) -> bool:
    """Tell whether each address was seen by so many that no one is for a few only."""
    columns = facts.columns
    seen: dict[int, set[int]] = {}
    for at in facts.good:
        seen.setdefault(columns.url[at], set()).add(columns.principal[at])
    return all(len(who) >= _OPEN * facts.principals for who in seen.values())


def tokens(case: Case) -> Decision | None:
    """Have tokens leave the page first, where nothing but tokens differs."""
    facts = case.facts
    if facts.csrf > 0:
        return Decision("fragment", ("csrf_token",), comparisons=facts.comparisons)
    if facts.comparisons.tokens > 0:
        return Decision("fragment", ("nonce",), comparisons=facts.comparisons)
    return None


def unread(case: Case) -> Decision | None:
    """Refuse what could not be compared: bodies that were streamed or too long, now and then."""
    if case.facts.unread > 0:
        return Decision("not_enough_evidence", ("bodies_not_read",))
    return None


def kept_below(case: Case) -> Decision | None:
    """Refuse what is kept below for whoever came first: that all get the same is the fault itself."""
    if case.facts.kept_below:
        return Decision(
            "do_not_cache", ("first_visitors_page",), comparisons=case.facts.comparisons
        )
    return None


def one_time(case: Case) -> Decision | None:
    """Leave addresses alone that one visitor each asks for."""
    facts = case.facts
    if facts.keys >= FEWEST_KEYS and facts.lonely_paths > _NEARLY_ALL and facts.principals > 1:
        return Decision("do_not_cache", ("one_time_urls",))
    return None


def too_little(case: Case) -> Decision | None:
    """Tell what is known to be too little to matter; too little to know comes later."""
    facts = case.facts
    if not _is_long_enough(case):
        return None
    # What the middlewares take a cache in front of Django may save, unless somebody looks who asks.
    most_ms = facts.view_ms if facts.looks else facts.total_ms
    if most_ms / 1000 / case.setting.hours < LEAST_SAVED_S:
        return Decision("not_worth_it", ("small_saving",), case.saving(Policy(CACHE_PAGE)))
    return None


def hopeless(case: Case) -> Decision | None:
    """Tell what would find an entry so seldom that nothing else need be known."""
    if not _is_long_enough(case):
        return None
    run = case.saving(Policy(CACHE_PAGE))
    if max(cell.outcome.hit_ratio for cell in run.cells) < LEAST_RATIO:
        return worth(case, run) or Decision("not_worth_it", ("low_hit_ratio",), run)
    if is_proven(case.facts.comparisons) or case.setting.hours < ENOUGH_HOURS:
        return None
    if ratio_within(run, _USUAL_TIMEOUT_S) < _LEAST_RATIO_OF_RARE:
        # Only a timeout of hours would do, and it would take weeks to tell whether it is safe.
        slow = case.facts.view_ms / max(case.facts.answered, 1) >= SLOW_MS
        reasons = ("low_hit_ratio", "slow_and_rare") if slow else ("low_hit_ratio",)
        return Decision("not_worth_it", reasons, run)
    return None


def _is_long_enough(case: Case) -> bool:
    return case.facts.gets >= ENOUGH_TO_SAY_FEW or case.setting.hours >= ENOUGH_HOURS
