"""What a request did besides answering, that a hit would leave out: statements that write, calls of a cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from perfkit.caching.event import Write
from perfkit.capture.current import Trace
from perfkit.statement import WRITE_VERBS, parse

#: Calls of a cache that keep something, and those that change what is there: a counter, a flag taken away.
_KEEPING: Final = frozenset(("add", "set", "set_many"))
_CHANGING: Final = frozenset(("clear", "delete", "delete_many", "incr", "touch"))


def writes_in(trace: Trace, session_table: str) -> tuple[Write, ...]:
    """Return what a request changed in the database, its session aside."""
    return tuple(each for each in statements(trace) if each.table != session_table)


def statements(trace: Trace) -> tuple[Write, ...]:
    """Return the statements that changed a table, by verb and table."""
    found: Counter[tuple[str, str]] = Counter()
    for event in trace.events:
        statement = parse(event[0])
        if statement.verb in WRITE_VERBS:
            found.update((statement.verb, table) for table in statement.tables[:1])
    return tuple(Write(verb, table, times) for (verb, table), times in sorted(found.items()))


def cache_writes(trace: Trace, begin: int, end: int) -> Iterator[Write]:
    """Yield what a view did to a cache besides keeping there what it did not find.

    What is set after it was asked for in vain a hit does not leave out: it was kept for the view itself.
    """
    done: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    for alias, operation, _, _, _, misses in trace.cache_events[begin:end]:
        missed[alias] += misses
        if operation in _KEEPING:
            done["SET", alias] += 1
        elif operation in _CHANGING:
            done[operation.upper(), alias] += 1
    for (verb, alias), times in sorted(done.items()):
        left = times - missed[alias] if verb == "SET" else times
        if left > 0:
            yield Write(verb, f"cache {alias}", left)
