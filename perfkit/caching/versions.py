"""Tells a change of the content from what is personal, in the answers of one key.

The answers are cut into runs of one version. From one run to the next the content has *changed* only
when all of this holds; anything else is personal, or noise:

* the old version never comes back, the new one was never there before;
* each of them was seen by more than one principal;
* somebody was there both before and after, or at least two visitors of whom a view could hardly tell
  one from the other: else two groups that never met would look like a change;
* no attribute of the visitors changed with it for good, such as a cookie that all of them got (a
  *split*; a few of many changes may coincide with one by chance).

A version that only one principal has seen, between two others, is *doubtful*: it may be one that was
replaced soon, or his own; ``pairs`` decides by what else he has got.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from perfkit.caching.columns import Columns

CHANGE: Final = "change"
DOUBT: Final = "doubt"
SPLIT: Final = "split"
PERSONAL: Final = "personal"

#: Values of an attribute from which on only its being there counts.
_MOST_VALUES: Final = 50


class Run(NamedTuple):
    """Answers of one version in a row; ``who`` are the principals, ``end`` is the place after it."""

    version: int
    start: int
    end: int
    who: frozenset[int]


class Traits:
    """What can be told of visitors by their requests, for one route.

    Args:
        columns: the route.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._coarse: list[Sequence[int]] | None = None

    def splits(self, events: Sequence[int]) -> set[int]:
        """Return the places at which some attribute changes for good: no value is on both sides."""
        found: set[int] = set()
        for column in self._attributes():
            last = {column[event]: place for place, event in enumerate(events)}
            if len(last) < 2:
                continue
            end = -1
            for place, event in enumerate(events):
                if place and end < place:
                    found.add(place)
                end = max(end, last[column[event]])
        return found

    def twins(self, before: Sequence[int], after: Sequence[int]) -> bool:
        """Tell whether two visitors, one of each side, had the same attributes, and no session."""
        return not self._kinds(before).isdisjoint(self._kinds(after))

    def _kinds(self, events: Sequence[int]) -> set[tuple[int, ...]]:
        columns = self.columns
        names = list(columns.attributes)
        every = [columns.attribute(name) for name in names]
        return {
            tuple(column[event] for column in every)
            for event in events
            if not (
                columns.has_session[event]
                or columns.session_read[event]
                or columns.user_read[event]
            )
        }

    def _attributes(self) -> list[Sequence[int]]:
        if self._coarse is None:
            self._coarse = []
            for name in list(self.columns.attributes):
                column = self.columns.attribute(name)
                values = set(column)
                if len(values) > _MOST_VALUES:
                    column = [value != 0 for value in column]  # type: ignore[assignment]  # flags are numbers
                    values = set(column)
                if len(values) > 1:
                    self._coarse.append(column)
        return self._coarse


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
    seen_by = [len(run.who) if times[run.version] == 1 else 0 for run in runs]
    judge = _Judge(traits, events, runs)
    steps = [PERSONAL] * (len(runs) - 1)
    for index in range(len(steps)):
        if seen_by[index] > 1 and seen_by[index + 1] > 1:
            steps[index] = judge.step(index, index + 1)
    for index, principals in enumerate(seen_by):
        if principals != 1:
            continue
        sides = [side for side in (index - 1, index + 1) if 0 <= side < len(runs)]
        if any(seen_by[side] < 2 for side in sides):
            continue
        if len(sides) == 2 and judge.step(*sides) != CHANGE:
            continue
        steps[max(index - 1, 0) : index + 1] = [DOUBT] * len(steps[max(index - 1, 0) : index + 1])
    return steps


class _Judge:
    """Tells of two versions, one after the other, whether the content has changed."""

    def __init__(self, traits: Traits, events: Sequence[int], runs: Sequence[Run]) -> None:
        self._traits, self._events, self._runs = traits, events, runs
        self._first: dict[int, int] = {}
        self._last: dict[int, int] = {}
        for index, run in enumerate(runs):
            for who in run.who:
                self._first.setdefault(who, index)
                self._last[who] = index
        self._splits: set[int] | None = None

    def step(self, old: int, new: int) -> str:
        """Judge the step between two runs that were each seen by several."""
        runs, events = self._runs, self._events
        met = any(self._first[who] <= old for who in runs[new].who) or any(
            self._last[who] >= new for who in runs[old].who
        )
        if not met and not self._traits.twins(_part(events, runs[old]), _part(events, runs[new])):
            return PERSONAL
        if self._splits is None:
            self._splits = self._traits.splits(events)
        places = range(runs[old].end, runs[new].start + 1)
        return CHANGE if self._splits.isdisjoint(places) else SPLIT


def _part(events: Sequence[int], run: Run) -> Sequence[int]:
    return events[run.start : run.end]
