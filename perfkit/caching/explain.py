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
from perfkit.caching.proof import has_keys, is_proven, unseen

#: Never an explanation: who somebody is tells apart whatever there is, and the time zone is in the key.
_NEVER: Final = (
    "header:cookie", "header:authorization", "header:user-agent", "time_zone", "network", "headers",
)  # fmt: skip

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

#: Attributes besides the first that a key may be made of.
_MOST_ALSO: Final = 2

#: What the view itself asks of its user, so that nobody can claim it: (comparisons, principals) within
#: each of the two values. Staff are few on most sites; 5 % of them who differ would be seen with 95 %
#: certainty.
_OF_USER: Final = {"logged_in": (150, 10), "staff": (60, 3), "superuser": (60, 3)}

#: The same within each value of anything else that a request brings along: 10 % would be seen.
_OF_REQUEST: Final = (30, 5)


@dataclass(frozen=True, slots=True)
class Explanation:
    """An attribute that explains why answers differ.

    Attributes:
        attribute: its name, as in ``Event.attributes``.
        also: others that told the same visitors apart, so that nobody knows on which of them it hangs: the
            key is made of all.
        values: how many it has.
        comparisons: of answers within equal values: all of them are the same.
    """

    attribute: str
    values: int
    comparisons: Comparisons
    also: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """All that the key is made of."""
        return (self.attribute, *self.also)


def explain(facts: Facts, session_cookie: str) -> Explanation | None:
    """Return what a route's answers hang on, None when no single attribute tells, or none is proven.

    Args:
        facts: the route.
        session_cookie: name of the cookie by which a principal is known.
    """
    columns = facts.columns
    candidates = _candidates(columns, facts.good, session_cookie)
    for name in candidates:
        by_value: dict[int, list[int]] = defaultdict(list)
        values = columns.attribute(name)
        for event in facts.good:
            by_value[values[event]].append(event)
        if not 2 <= len(by_value) <= _MOST_VALUES:
            continue
        comparisons = _within(columns, by_value, _OF_USER.get(name, _OF_REQUEST))
        if comparisons is None or not is_proven(comparisons):
            continue
        if name in _OF_USER:
            missing = unseen(facts, comparisons, _OF_USER[name])
        else:
            missing = unseen(facts, comparisons)
        if missing:
            continue
        if facts.looks and name not in _OF_USER and not _is_public(columns, by_value):
            continue
        also = _confounded(columns, facts.good, name, candidates)
        if len(also) > _MOST_ALSO:
            return None
        return Explanation(name, len(by_value), comparisons, also)
    return None


def _confounded(
    columns: Columns, events: Sequence[int], name: str, candidates: Sequence[str]
) -> tuple[str, ...]:
    """Return the other attributes that part the requests exactly as one does."""
    values = columns.attribute(name)
    count = len({values[event] for event in events})
    found = []
    for other in candidates:
        others = columns.attribute(other)
        if other == name or len({others[event] for event in events}) != count:
            continue
        if len({(values[event], others[event]) for event in events}) == count:
            found.append(other)
    return tuple(found)


def _within(
    columns: Columns, by_value: dict[int, list[int]], fewest: tuple[int, int]
) -> Comparisons | None:
    """Compare within each value; None when answers differ, or a value is too seldom to tell.

    Every value is proven at as many addresses as the route would have to be: what is the same for one
    value at all of them says nothing of another one.
    """
    found = Comparisons()
    for events in by_value.values():
        made = compare(columns, events)
        if not (made.is_clean and has_keys(made)):
            return None
        if made.total < fewest[0] or len(made.principals) < fewest[1]:
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
