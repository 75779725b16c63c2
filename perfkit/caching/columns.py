"""The events of one route column by column, in the order of time: a million of them fit into memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from perfkit.caching.event import Event, Seen, Write

#: Name of a column, type code of its array, and where an event has it. ``B`` also stands for flags.
_PLAIN: Final = (
    ("at", "d"),
    ("status", "H"),
    ("worker", "H"),
    ("url", "Q"),
    ("bare_url", "Q"),
    ("address", "Q"),
    ("path", "Q"),
    ("principal", "Q"),
    ("audience", "B"),
    ("body", "Q"),
    ("masked", "Q"),
    ("headers", "Q"),
    ("size", "L"),
    ("same_body", "B"),
    ("awaited", "B"),
    ("shared", "B"),
    ("streamed", "B"),
    ("has_session", "B"),
    ("session_read", "B"),
    ("session_written", "B"),
    ("session_saved", "B"),
    ("user_read", "B"),
    ("csrf_used", "B"),
    ("messages_read", "B"),
    ("revalidates", "B"),
    ("view_ms", "f"),
    ("total_ms", "f"),
    ("cpu_ms", "f"),
    ("db_ms", "f"),
    ("statements", "L"),
    ("session_selects", "L"),
    ("session_ms", "f"),
    ("top_shape", "Q"),
    ("top_identity", "Q"),
    ("top_ms", "f"),
    ("weight", "f"),
)
#: The same of ``Seen``, once for each of the two places: ``inner_key``, ``outer_key``.
_SEEN: Final = (
    ("stored", "B"),
    ("max_age", "q"),
    ("key", "Q"),
    ("sets_cookie", "B"),
    ("no_store", "B"),
    ("public", "B"),
    ("s_maxage", "q"),
)
PLACES: Final = ("inner", "outer")

#: How ``hit`` is written: not asked, asked in vain, answered.
NOT_ASKED, MISS, HIT = 0, 1, 2

#: Stands for an answer that did not come by.
_NO_ANSWER: Final = Seen(stored=False, max_age=-1, varies_on=(), key=0)


class Columns:
    """Events of one route, in parallel arrays.

    Attributes:
        route: its label.
        methods: each event's method.
        varies: lists of names that keys are made of; ``inner_varies`` and ``outer_varies`` point here.
        attributes: name -> hash of each event's value, 0 where it has none.
        writes: index of an event -> what it changed.
        top_tables: index of an event -> the tables that its costliest SELECT read.
        layout: how a replay has laid the events out last, None once there are others.

    Every other column is an array named as in ``Event``; those of ``Seen`` begin with ``inner_`` or
    ``outer_``.
    """

    def __init__(self, route: str) -> None:
        self.route = route
        self.methods: list[str] = []
        self.varies: list[tuple[str, ...]] = [()]
        self.attributes: dict[str, array[int]] = {}
        self.writes: dict[int, tuple[Write, ...]] = {}
        self.top_tables: dict[int, tuple[str, ...]] = {}
        self.layout: Any = None
        self._varies: dict[tuple[str, ...], int] = {(): 0}
        self._columns: dict[str, array[Any]] = {name: array(code) for name, code in _PLAIN}
        for place in PLACES:
            for name, code in (*_SEEN, ("varies", "H"), ("hit", "B")):
                self._columns[f"{place}_{name}"] = array(code)

    def __len__(self) -> int:
        return len(self.methods)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_columns"][name]
        except KeyError:
            raise AttributeError(name) from None

    def add(self, event: Event) -> None:
        """Append an event; the caller adds them in the order of time."""
        self.layout = None
        at = len(self.methods)
        self.methods.append(event.method)
        columns = self._columns
        for (name, _), value in zip(_PLAIN, _plain_of(event), strict=True):
            columns[name].append(value)
        for place, seen in (("inner", event.inner), ("outer", event.outer)):
            self._add_seen(place, seen or _NO_ANSWER)
        for name, value in event.attributes:
            column = self.attributes.get(name)
            if column is None:
                column = self.attributes[name] = array("Q")
            column.extend([0] * (at - len(column)))
            column.append(value)
        if event.writes:
            self.writes[at] = event.writes
        if event.top_tables:
            self.top_tables[at] = event.top_tables

    def arrays(self) -> dict[str, array[Any]]:
        """Return every column but the attributes, by name."""
        return dict(self._columns)

    def extend(
        self,
        methods: Sequence[str],
        columns: Mapping[str, Iterable[Any]],
        varies: Sequence[Sequence[str]],
        attributes: Mapping[str, Iterable[int]],
    ) -> None:
        """Append many events, column by column, in whatever order of time; see ``sort``.

        Args:
            methods: of each.
            columns: every column by name; those of ``varies`` point into ``varies``.
            varies: lists of names.
            attributes: by name.
        """
        self.layout = None
        before = len(self)
        places = [self._place_of(tuple(names)) for names in varies]
        for name, column in self._columns.items():
            values = columns[name]
            if name.endswith("_varies"):
                values = map(places.__getitem__, values)
            column.extend(values)
        for name, values in attributes.items():
            attribute = self.attributes.setdefault(name, array("Q"))
            attribute.extend([0] * (before - len(attribute)))
            attribute.extend(values)
        self.methods.extend(methods)

    def sort(self) -> None:
        """Put the events into the order of time."""
        self.layout = None
        at = self._columns["at"]
        order = sorted(range(len(self)), key=at.__getitem__)
        if order == list(range(len(self))):
            return
        self.methods = [self.methods[place] for place in order]
        for name, column in self._columns.items():
            self._columns[name] = array(column.typecode, map(column.__getitem__, order))
        for name in self.attributes:
            column = self.attribute(name)
            self.attributes[name] = array("Q", map(column.__getitem__, order))
        new = {old: place for place, old in enumerate(order)}
        self.writes = {new[at]: each for at, each in self.writes.items()}
        self.top_tables = {new[at]: each for at, each in self.top_tables.items()}

    def _place_of(self, names: tuple[str, ...]) -> int:
        index = self._varies.get(names)
        if index is None:
            index = self._varies[names] = len(self.varies)
            self.varies.append(names)
        return index

    def attribute(self, name: str) -> array[int]:
        """Return a column of attributes as long as the others; zeros where there is none."""
        column = self.attributes.setdefault(name, array("Q"))
        column.extend([0] * (len(self) - len(column)))
        return column

    def _add_seen(self, place: str, seen: Seen) -> None:
        columns = self._columns
        for (name, _), value in zip(_SEEN, _seen_of(seen), strict=True):
            columns[f"{place}_{name}"].append(value)
        columns[f"{place}_varies"].append(self._place_of(seen.varies_on))
        hit = NOT_ASKED if seen.hit is None else HIT if seen.hit else MISS
        columns[f"{place}_hit"].append(hit)


_plain_of = attrgetter(*(name for name, _ in _PLAIN))
_seen_of = attrgetter(*(name for name, _ in _SEEN))


def by_route(events: Iterable[Event]) -> dict[str, Columns]:
    """Sort events by time, and put those of each route into columns."""
    found: dict[str, Columns] = {}
    for event in sorted(events, key=attrgetter("at")):
        columns = found.get(event.route)
        if columns is None:
            columns = found[event.route] = Columns(event.route)
        columns.add(event)
    return found
