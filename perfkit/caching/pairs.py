"""Compares what different people get under one key: the same, a newer version, or something of their own.

Of each key the answers are walked in the order of time; two neighbors for different principals are one
comparison. When their bodies differ, ``versions`` tells whether that is a change of the content. Anything
else is *personal* or noise: nobody may get it from a cache who is not its principal. So no window of time
has to be chosen, and whatever is not confirmed counts against sharing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from perfkit.caching.columns import Columns
from perfkit.caching.event import ANONYMOUS, STAFF, SUPERUSER, UNKNOWN
from perfkit.caching.versions import CHANGE, DOUBT, SPLIT, Traits, kinds_of_steps, runs_of

#: Classes of an audience.
NOBODY, MEMBER, CREW, UNTOLD = "A", "X", "T", "U"

#: Two classes that were compared, in the order of the alphabet: ``"AA"``, ``"AX"``, ...
Pair = str

#: Versions that one principal alone has seen are taken for replaced soon when they are so few of all
#: changes, and he got the same as others so many times for each of them.
_DOUBTS_OF_CHANGES: Final = 0.05
_VOUCHED_BY: Final = 4

#: So few of all changes may coincide by chance with one of an attribute of the visitors.
_SPLITS_OF_CHANGES: Final = 0.1


def class_of(audience: int) -> str:
    """Return the class of an audience: anonymous, member, staff, not known."""
    if audience == ANONYMOUS:
        return NOBODY
    if audience == UNKNOWN:
        return UNTOLD
    return CREW if audience in (STAFF, SUPERUSER) else MEMBER


@dataclass(slots=True)
class Comparisons:
    """What comparing the answers of a route came to.

    Attributes:
        made: comparisons by pair of classes.
        personal: mismatches that are no change of the content, by pair.
        tokens: answers in a row, to whomever, in which only tokens differ.
        changes: mismatches that are a change of the content.
        same: comparisons of one principal's answers among themselves, and ``same_personal`` those of
            them that differ though it is no change: noise, whoever asks.
        keys: keys compared, and ``all_keys`` that were seen.
        principals: who was compared.
    """

    made: Counter[Pair] = field(default_factory=Counter)
    personal: Counter[Pair] = field(default_factory=Counter)
    tokens: int = 0
    changes: int = 0
    same: int = 0
    same_personal: int = 0
    keys: int = 0
    all_keys: int = 0
    principals: set[int] = field(default_factory=set)

    @property
    def total(self) -> int:
        """Comparisons between different principals."""
        return self.made.total()

    @property
    def mismatches(self) -> int:
        """Comparisons that speak against sharing."""
        return self.personal.total()

    @property
    def is_clean(self) -> bool:
        """Whether nothing that was compared speaks against sharing."""
        return not (self.mismatches or self.same_personal or self.tokens)

    def share(self, *pairs: Pair) -> float | None:
        """Return the share of personal mismatches among some pairs, None without a comparison."""
        made = sum(self.made[pair] for pair in pairs)
        return sum(self.personal[pair] for pair in pairs) / made if made else None

    def made_with(self, *classes: str) -> int:
        """Return the comparisons in which one of some classes took part."""
        return sum(number for pair, number in self.made.items() if set(pair) & {*classes})

    def add(self, other: Comparisons) -> None:
        """Take in those of other keys."""
        self.made += other.made
        self.personal += other.personal
        self.tokens += other.tokens
        self.changes += other.changes
        self.same += other.same
        self.same_personal += other.same_personal
        self.keys += other.keys
        self.all_keys += other.all_keys
        self.principals |= other.principals


class _Doubt(NamedTuple):
    """A mismatch with a version that one principal alone has seen; no pair where both were his."""

    principal: int
    run: tuple[int, int]
    pair: Pair | None


@dataclass(slots=True)
class _Open:
    """What can be settled only when all keys have been walked; of splits the pairs."""

    doubts: list[_Doubt] = field(default_factory=list)
    splits: list[Pair | None] = field(default_factory=list)


def body_version(columns: Columns, event: int) -> int:
    """Return what an answer says: its body, tokens masked, and what its headers tell."""
    return int(columns.masked[event]) ^ (int(columns.headers[event]) << 1)


def status_version(columns: Columns, event: int) -> int:
    """Return whether an answer is granted: all refusals are one."""
    return 200 if columns.status[event] == 200 else 403


def compare(
    columns: Columns,
    events: Iterable[int],
    keys: Mapping[int, int] | None = None,
    version: Callable[[Columns, int], int] = body_version,
) -> Comparisons:
    """Compare the answers of a route.

    Args:
        columns: the route.
        events: indexes of the events that count, in the order of time.
        keys: event -> key; without it the address as sent, with the language in force.
        version: what is compared of each.
    """
    by_key: dict[int, list[int]] = defaultdict(list)
    for event in events:
        by_key[columns.url[event] if keys is None else keys[event]].append(event)
    made = Comparisons(all_keys=len(by_key))
    traits = Traits(columns)
    left = _Open()
    for each in by_key.values():
        before = made.total
        _compare_key(traits, each, [version(columns, event) for event in each], made, left)
        made.keys += made.total > before
    _settle_splits(left.splits, made)
    if left.doubts:
        _settle_doubts(columns, by_key.values(), version, left.doubts, made)
    return made


def _compare_key(
    traits: Traits, events: list[int], versions: list[int], made: Comparisons, left: _Open
) -> None:
    columns = traits.columns
    principal, audience, body = columns.principal, columns.audience, columns.body
    # Place of an event that begins another version -> what the step to it is, and whose it is.
    steps: dict[int, str] = {}
    owners: dict[int, tuple[int, tuple[int, int]]] = {}
    if versions.count(versions[0]) < len(versions):
        runs = runs_of(columns, events, versions)
        kinds = kinds_of_steps(traits, events, runs)
        for index, kind in enumerate(kinds):
            place = runs[index + 1].start
            steps[place] = kind
            if kind == DOUBT:
                lone = runs[index] if len(runs[index].who) == 1 else runs[index + 1]
                owners[place] = next(iter(lone.who)), (events[lone.start], events[lone.end - 1])
    for place in range(1, len(events)):
        event, earlier = events[place], events[place - 1]
        kind = steps.get(place, "")
        made.changes += kind == CHANGE
        pair = None
        if principal[event] != principal[earlier]:
            pair = "".join(sorted((class_of(audience[event]), class_of(audience[earlier]))))
        if kind == DOUBT:
            left.doubts.append(_Doubt(*owners[place], pair))
        elif kind == SPLIT:
            left.splits.append(pair)
        else:
            _count(made, pair, bool(kind) and kind != CHANGE)
            if pair is not None:
                made.principals.update((principal[event], principal[earlier]))
        if not kind and body[event] != body[earlier]:
            made.tokens += 1


def _count(made: Comparisons, pair: Pair | None, is_personal: bool) -> None:
    if pair is None:
        made.same += 1
        made.same_personal += is_personal
        return
    made.made[pair] += 1
    if is_personal:
        made.personal[pair] += 1


def _settle_splits(pairs: list[Pair | None], made: Comparisons) -> None:
    """Count changes that coincide with one of the visitors: as such when they are few of all."""
    few = len(pairs) <= _SPLITS_OF_CHANGES * (made.changes + len(pairs))
    for pair in pairs:
        made.changes += few
        _count(made, pair, not few)


def _settle_doubts(
    columns: Columns,
    keys: Iterable[Sequence[int]],
    version: Callable[[Columns, int], int],
    doubts: list[_Doubt],
    made: Comparisons,
) -> None:
    """Leave out what is doubtful when it is little and its principals mostly got what others got."""
    lone = Counter(principal for principal, _ in {each[:2] for each in doubts})
    vouched = lone.total() <= _DOUBTS_OF_CHANGES * made.changes
    if vouched:
        shared = _shared_answers(columns, keys, version, lone)
        vouched = all(shared[who] >= _VOUCHED_BY * number for who, number in lone.items())
    if not vouched:
        for doubt in doubts:
            _count(made, doubt.pair, True)


def _shared_answers(
    columns: Columns,
    keys: Iterable[Sequence[int]],
    version: Callable[[Columns, int], int],
    whose: Iterable[int],
) -> Counter[int]:
    """Count the answers of some principals that somebody else got too."""
    principal, wanted = columns.principal, set(whose)
    found: Counter[int] = Counter()
    for events in keys:
        if wanted.isdisjoint(principal[event] for event in events):
            continue
        got_by: dict[int, Counter[int]] = defaultdict(Counter)
        for event in events:
            got_by[version(columns, event)][principal[event]] += 1
        for who in got_by.values():
            if len(who) > 1:
                found.update({each: number for each, number in who.items() if each in wanted})
    return found
