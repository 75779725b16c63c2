"""Finds what an answer hangs on: the attribute within whose values all answers are the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perfkit.caching.columns import Columns
from perfkit.caching.event import ANONYMOUS
from perfkit.caching.facts import Facts
from perfkit.caching.pairs import Comparisons, compare
from perfkit.caching.proof import is_proven, unseen

#: Never an explanation: who somebody is tells apart whatever there is, and the time zone is in the key.
_NEVER: Final = ("header:cookie", "header:authorization", "header:user-agent", "time_zone")

#: What is looked at first: what costs the fewest variants and the least code.
_KINDS: Final = (
    "logged_in",
    "staff",
    "superuser",
    "language",
    "mobile",
    "header",
    "cookie",
    "host",
)

#: Values from which on an attribute is no group of visitors any more.
_MOST_VALUES: Final = 50

#: What the view itself asks of its user, so that nobody can claim it: (comparisons, principals) within
#: each of the two values, of which the rarer one may be rare.
_OF_USER: Final = {"logged_in": (100, 10), "staff": (20, 3), "superuser": (20, 3)}

#: The same within each value of anything else that a request brings along.
_OF_REQUEST: Final = (5, 2)


@dataclass(frozen=True, slots=True)
class Explanation:
    """An attribute that explains why answers differ.

    Attributes:
        attribute: its name, as in ``Event.attributes``.
        values: how many it has.
        comparisons: of answers within equal values: all of them are the same.
    """

    attribute: str
    values: int
    comparisons: Comparisons


def explain(facts: Facts, session_cookie: str) -> Explanation | None:
    """Return what a route's answers hang on, None when no single attribute tells, or none is proven.

    Args:
        facts: the route.
        session_cookie: name of the cookie by which a principal is known.
    """
    columns = facts.columns
    for name in _candidates(columns, facts.good, session_cookie):
        by_value: dict[int, list[int]] = defaultdict(list)
        values = columns.attribute(name)
        for event in facts.good:
            by_value[values[event]].append(event)
        if not 2 <= len(by_value) <= _MOST_VALUES:
            continue
        comparisons = _within(columns, by_value, _OF_USER.get(name, _OF_REQUEST))
        if comparisons is None or not is_proven(comparisons, facts.keys):
            continue
        if name in _OF_USER:
            missing = unseen(facts, comparisons, _OF_USER[name][0])
        else:
            missing = unseen(facts, comparisons)
        if missing:
            continue
        if facts.looks and name not in _OF_USER and not _is_public(columns, by_value):
            continue
        return Explanation(name, len(by_value), comparisons)
    return None


def _within(
    columns: Columns, by_value: dict[int, list[int]], fewest: tuple[int, int]
) -> Comparisons | None:
    """Compare within each value; None when answers differ, or a value is too seldom to tell."""
    found = Comparisons()
    for events in by_value.values():
        made = compare(columns, events)
        if not made.is_clean or made.total < fewest[0] or len(made.principals) < fewest[1]:
            return None
        found.add(made)
    return found


def _is_public(columns: Columns, by_value: dict[int, list[int]]) -> bool:
    """Tell whether somebody without a login got an answer of each value.

    What a request brings along anybody can claim: nobody may come to a member's page by that.
    """
    return all(
        any(
            columns.audience[event] == ANONYMOUS and not columns.has_session[event]
            for event in events
        )
        for events in by_value.values()
    )


def _candidates(columns: Columns, events: Sequence[int], session_cookie: str) -> list[str]:
    """Return the attributes that may differ between answers of one address, the simplest first."""
    known = [
        name
        for name in columns.attributes
        if name not in _NEVER
        and name != f"cookie:{session_cookie}"
        and not name.startswith("query:")
    ]

    def order(name: str) -> tuple[int, int, str]:
        kind = name.partition(":")[0]
        values = columns.attribute(name)
        rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
        return rank, len({values[event] for event in events}), name

    return sorted(known, key=order)
