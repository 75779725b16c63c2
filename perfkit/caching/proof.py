"""Whether enough was seen, of enough people, to let one get what was made for another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from perfkit.caching.facts import Facts
from perfkit.caching.interval import FEWEST_COMPARISONS, FEWEST_KEYS, FEWEST_PRINCIPALS
from perfkit.caching.pairs import CREW, MEMBER, NOBODY, Comparisons

#: (comparisons, visitors) with a class of visitors that the view could tell apart. Of members as many as
#: of all: what is shown to one of them is the commonest leak. Of the others so many that 5 % of what is
#: theirs alone would be seen with 95 % certainty; staff are few on most sites.
_WITH_MEMBERS: Final = (FEWEST_COMPARISONS, 10)
_WITH_NOBODY: Final = (60, 5)
_WITH_CREW: Final = (60, 3)


def is_proven(comparisons: Comparisons) -> bool:
    """Tell whether enough answers to enough people were the same, and none was not.

    Args:
        comparisons: under the keys that a cache would have.
    """
    return (
        comparisons.is_clean
        and comparisons.total >= FEWEST_COMPARISONS
        and len(comparisons.principals) >= FEWEST_PRINCIPALS
        and has_keys(comparisons)
    )


def has_keys(comparisons: Comparisons) -> bool:
    """Tell whether enough addresses were compared: twenty, or each of a route that has fewer."""
    return comparisons.keys >= min(FEWEST_KEYS, comparisons.all_keys)


def unseen(
    facts: Facts, comparisons: Comparisons, members: tuple[int, int] = _WITH_MEMBERS
) -> list[str]:
    """Return what is not known of whom the view could tell apart; empty when it never looks who asks.

    A view that looks may show staff a button, members their own page, and strangers the door. That
    everybody got the same so far proves nothing for a class of visitors that did not come by, nor
    that an address is for all when nobody without a login ever got it.

    Args:
        facts: the route.
        comparisons: under the keys that a cache would have.
        members: comparisons with somebody who is logged in that are enough, and how many of them.

    Returns:
        slugs of ``reasons.REASONS``.
    """
    return list(_unseen(facts, comparisons, members)) if facts.looks else []


def _unseen(facts: Facts, comparisons: Comparisons, members: tuple[int, int]) -> Iterator[str]:
    if not comparisons.has_seen(members, MEMBER, CREW):
        yield "members_not_seen"
    if facts.crew and not comparisons.has_seen(_WITH_CREW, CREW):
        yield "staff_not_seen"
    if facts.closed == facts.keys or not comparisons.has_seen(_WITH_NOBODY, NOBODY):
        yield "anonymous_not_seen"
    elif facts.closed:
        yield "members_only_addresses"


def may_be_shared(facts: Facts, comparisons: Comparisons) -> bool:
    """Tell whether everybody may get the same answer of one key."""
    return is_proven(comparisons) and not unseen(facts, comparisons)
