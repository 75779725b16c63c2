"""Tells a change of the content from what is personal, in the answers of one key.

The answers are cut into runs of one version. A version that comes back after another one is *personal*, or
noise: content does not go back and forth. From one run to the next the content has *changed* only where
visitors have witnessed it: a fair share of those who could got both versions, and several of them by
requests that were alike in all that shows - network, browser, headers, cookies. Two groups that never meet
have no such witnesses, whatever tells them apart.

Anything else is *open*: it may be a change that too few have seen, or somebody's own. It never speaks for
sharing. No window of time has to be chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from perfkit.caching.columns import Columns

CHANGE: Final = "change"
OPEN: Final = "open"
PERSONAL: Final = "personal"

#: Visitors who must have got both versions, and the share of those of the smaller side. One alone may have
#: been promoted, and the heads of two shifts come in both; so a few are no proof where many did not return.
_FEWEST_WITNESSES: Final = 3
_WITNESSES: Final = 0.2

#: Values of an attribute from which on only its being there counts: analytics count on in their cookies.
_MOST_VALUES: Final = 50

#: What is told of the whole request at once, and is compared whatever values it has.
_WHOLE: Final = ("network", "headers")

#: New with every request by its nature, or as good as the principal.
_PASSED_OVER: Final = ("header:cookie", "header:authorization")


class Run(NamedTuple):
    """Answers of one version in a row; ``who`` are the principals, ``end`` is the place after it."""

    version: int
    start: int
    end: int
    who: frozenset[int]


class Traits:
    """What shows of visitors by their requests, for one route.

    Args:
        columns: the route.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._told: list[Sequence[int]] | None = None

    def of(self, events: Sequence[int]) -> dict[int, set[tuple[int, ...]]]:
        """Return principal -> what his requests were like."""
        columns, told = self.columns, self._attributes()
        found: dict[int, set[tuple[int, ...]]] = {}
        for event in events:
            like = tuple(column[event] for column in told)
            found.setdefault(columns.principal[event], set()).add(like)
        return found

    def _attributes(self) -> list[Sequence[int]]:
        if self._told is None:
            self._told = []
            for name in list(self.columns.attributes):
                column = self.columns.attribute(name)
                values = set(column)
                if len(values) < 2 or name in _PASSED_OVER:
                    continue
                if len(values) > _MOST_VALUES and name not in _WHOLE:
                    column = [value != 0 for value in column]  # type: ignore[assignment]  # flags are numbers
                self._told.append(column)
        return self._told


def runs_of(columns: Columns, events: Sequence[int], versions: Sequence[int]) -> list[Run]:
    """Cut answers, in the order of time, into runs of one version."""
    principal = columns.principal
    found, start = [], 0
    for place in range(1, len(events) + 1):
        if place == len(events) or versions[place] != versions[start]:
            who = frozenset(principal[events[at]] for at in range(start, place))
            found.append(Run(versions[start], start, place, who))
            start = place
    return found


def kinds_of_steps(traits: Traits, events: Sequence[int], runs: Sequence[Run]) -> list[str]:
    """Return what each step from a run to the next one is; one less than there are runs."""
    times = Counter(run.version for run in runs)
    found = []
    for index in range(len(runs) - 1):
        old, new = runs[index], runs[index + 1]
        if times[old.version] > 1 or times[new.version] > 1:
            found.append(PERSONAL)
        else:
            found.append(CHANGE if _is_witnessed(traits, events, old, new) else OPEN)
    return found


def _is_witnessed(traits: Traits, events: Sequence[int], old: Run, new: Run) -> bool:
    """Tell whether enough visitors got both versions, and several of them by requests that were alike.

    Who did not change anything about his request got what the others got: had it changed for those only
    who did, he would have got the old version again.
    """
    both = old.who & new.who
    wanted = max(_FEWEST_WITNESSES, _WITNESSES * min(len(old.who), len(new.who)))
    if len(both) < wanted:
        return False
    principal = traits.columns.principal

    def told(run: Run) -> dict[int, set[tuple[int, ...]]]:
        part = events[run.start : run.end]
        return traits.of([event for event in part if principal[event] in both])

    before, after = told(old), told(new)
    alike = sum(not before[who].isdisjoint(after[who]) for who in both)
    return alike >= _FEWEST_WITNESSES
