"""Compares what different people get under one key: the same, a newer version, or something of their own.

Of each key the answers are walked in the order of time; two neighbors for different principals are one
comparison. Only such of one version speak for sharing: where the content changes between two of them,
nothing was compared. Where it differs, ``versions`` tells whether it was seen to change. Anything else is
*personal*, noise, or *open*, and counts against sharing: nobody may get it from a cache who is not its
principal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from perfkit.caching.columns import Columns
from perfkit.caching.event import ANONYMOUS, STAFF, SUPERUSER, UNKNOWN
from perfkit.caching.versions import CHANGE, OPEN, PERSONAL, Run, Traits, kinds_of_steps, runs_of

#: Classes of an audience.
NOBODY, MEMBER, CREW, UNTOLD = "A", "X", "T", "U"

#: Two classes that were compared, in the order of the alphabet: ``"AA"``, ``"AX"``, ...
Pair = str

#: Comparisons of a key from which on its first and its last visitor may each have got a version that nobody
#: else did: what was there before and afterwards was not seen.
_ENOUGH_OF_A_KEY: Final = 100


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
        open: mismatches of which nobody can tell, by pair: they count as personal ones do.
        tokens: answers in a row, to whomever, in which only tokens differ.
        changes: mismatches that are a change of the content.
        same: comparisons of one principal's answers among themselves, and ``same_personal`` those of
            them that differ though it is no change: noise, whoever asks. ``same_open`` are those of
            which nobody can tell.
        ends: first and last visitors of a key whose version nobody else got, which are left out.
        keys: keys compared, and ``all_keys`` that were seen.
        principals: who was compared, and ``of_class`` who of each class.
    """

    made: Counter[Pair] = field(default_factory=Counter)
    personal: Counter[Pair] = field(default_factory=Counter)
    open: Counter[Pair] = field(default_factory=Counter)
    tokens: int = 0
    changes: int = 0
    same: int = 0
    same_personal: int = 0
    same_open: int = 0
    ends: int = 0
    keys: int = 0
    all_keys: int = 0
    principals: set[int] = field(default_factory=set)
    of_class: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    @property
    def total(self) -> int:
        """Comparisons between different principals."""
        return self.made.total()

    @property
    def mismatches(self) -> int:
        """Comparisons that speak against sharing."""
        return self.personal.total() + self.open.total()

    @property
    def is_open(self) -> bool:
        """Whether all that speaks against sharing may be changes that too few have seen."""
        return not (self.personal or self.same_personal) and bool(self.open or self.same_open)

    @property
    def is_clean(self) -> bool:
        """Whether nothing that was compared speaks against sharing."""
        return not (self.mismatches or self.same_personal or self.same_open or self.tokens)

    def made_with(self, *classes: str) -> int:
        """Return the comparisons in which one of some classes took part."""
        return sum(number for pair, number in self.made.items() if set(pair) & {*classes})

    def has_seen(self, wanted: tuple[int, int], *classes: str) -> bool:
        """Tell whether so many comparisons were made with so many visitors of some classes."""
        comparisons, principals = wanted
        of_all = set().union(*(self.of_class[name] for name in classes))
        return self.made_with(*classes) >= comparisons and len(of_all) >= principals

    def add(self, other: Comparisons) -> None:
        """Take in those of other keys."""
        self.made += other.made
        self.personal += other.personal
        self.open += other.open
        self.tokens += other.tokens
        self.changes += other.changes
        self.same += other.same
        self.same_personal += other.same_personal
        self.same_open += other.same_open
        self.ends += other.ends
        self.keys += other.keys
        self.all_keys += other.all_keys
        self.principals |= other.principals
        for name, who in other.of_class.items():
            self.of_class[name] |= who


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
    for each in by_key.values():
        before = made.total
        _compare_key(traits, each, [version(columns, event) for event in each], made)
        made.keys += made.total > before
    return made


def _compare_key(traits: Traits, events: list[int], versions: list[int], made: Comparisons) -> None:
    columns = traits.columns
    principal, audience, body = columns.principal, columns.audience, columns.body
    # Place of an event that begins another version -> what the step to it is.
    steps: dict[int, str] = {}
    if versions.count(versions[0]) < len(versions):
        runs = runs_of(columns, events, versions)
        if len(events) > _ENOUGH_OF_A_KEY:
            cut = _without_ends(runs)
            made.ends += len(runs) - len(cut)
            runs = cut
            events = events[: runs[-1].end]
        kinds = kinds_of_steps(traits, events, runs)
        steps = {run.start: kind for run, kind in zip(runs[1:], kinds, strict=True)}
        first = runs[0].start
    else:
        first = 0
    for place in range(first + 1, len(events)):
        event, earlier = events[place], events[place - 1]
        kind = steps.get(place)
        if kind is None and body[event] != body[earlier]:
            made.tokens += 1
        if kind == CHANGE:
            made.changes += 1
        elif principal[event] == principal[earlier]:
            made.same += 1
            made.same_personal += kind == PERSONAL
            made.same_open += kind == OPEN
        else:
            _count(
                made, kind, *((principal[at], class_of(audience[at])) for at in (earlier, event))
            )


def _without_ends(runs: list[Run]) -> list[Run]:
    """Leave out the first and the last run where each is one visit, of a version of its own."""
    versions = Counter(run.version for run in runs)
    is_end = [run.end - run.start == 1 and versions[run.version] == 1 for run in runs]
    begin, end = int(is_end[0]), len(runs) - is_end[-1]
    return runs[begin:end] if end > begin else runs


def _count(made: Comparisons, kind: str | None, *sides: tuple[int, str]) -> None:
    """Count a comparison of two principals; only one within a version speaks for them."""
    pair = "".join(sorted(name for _, name in sides))
    if kind == PERSONAL:
        made.personal[pair] += 1
    elif kind == OPEN:
        made.open[pair] += 1
    made.made[pair] += 1
    for who, name in sides:
        made.principals.add(who)
        made.of_class[name].add(who)
