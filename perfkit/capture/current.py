"""The trace that the running request, task or block is recording into."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perfkit.capture.callpath import CallPath

#: Bits of an event's ``flags``.
MANY = 1
FAILED = 2

#: Longer statements are cut in the trace, with their hash as the tail: a trace stays small
#: whatever an application sends, and two long statements still differ.
LONGEST_SQL = 4_000

_MOST_FAILURES = 5

#: (text, alias, started, ended, parameters' key, call path or None, flags); clocks in seconds. Equal
#: texts of a trace are one object. Keys of equal parameters are equal; None is equal to nothing.
Event = tuple[str, str, float, float, Any, "CallPath | None", int]

#: (alias, operation, started, ended, hits, misses); clocks in seconds.
CacheEvent = tuple[str, str, float, float, int, int]


class Repeats:
    """One statement text of a trace that ran again, and the call paths that repeated it."""

    __slots__ = ("paths", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.paths: list[CallPath] = []


class Trace:
    """What one recording has seen so far: lists of tuples, nothing formatted.

    Args:
        limit: statements kept in detail; later ones are only counted.
        slow_s: seconds from which a statement's call site is kept even when it ran once.
    """

    __slots__ = (
        "cache_events",
        "closed",
        "dropped",
        "dropped_s",
        "events",
        "failures",
        "limit",
        "of_request",
        "slow",
        "slow_s",
        "statements",
    )

    def __init__(self, limit: int, slow_s: float) -> None:
        self.limit = limit
        self.slow_s = slow_s
        #: Whether a statement took that long.
        self.slow = False
        self.events: list[Event] = []
        self.cache_events: list[CacheEvent] = []
        #: text -> itself after its first run, its repeats from the second on.
        self.statements: dict[str, str | Repeats] = {}
        self.dropped = 0
        self.dropped_s = 0.0
        #: (part, exception) of the first failures of ours; capture itself logs nothing.
        self.failures: list[tuple[str, Exception]] = []
        #: Whether a request is what is being recorded.
        self.of_request = False
        #: Tasks and threads that outlive the request keep the trace in their context.
        self.closed = False

    def fail(self, part: str, error: Exception) -> None:
        """Keep a failure of ours for the pipeline to report; the first few tell it all."""
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append((part, error))

    @property
    def is_running_request(self) -> bool:
        """Whether a request that has not ended runs here, recorded or timed only."""
        return self.of_request and (not self.closed or self is UNRECORDED)

    def absorb(self, inner: Trace) -> None:
        """Take over what a recording inside this one has seen."""
        room = max(self.limit - len(self.events), 0)
        left_out = inner.events[room:]
        self.events.extend(inner.events[:room])
        for sql in inner.statements:
            self.statements.setdefault(sql, sql)
        self.cache_events.extend(inner.cache_events[: self.limit])
        self.dropped += inner.dropped + len(left_out)
        self.dropped_s += inner.dropped_s + sum(event[3] - event[2] for event in left_out)
        self.slow = self.slow or inner.slow


#: Stands in the context of a request that is timed only: closed, so that the hooks stay idle.
UNRECORDED = Trace(0, 0.0)
UNRECORDED.closed = UNRECORDED.of_request = True

current: ContextVar[Trace | None] = ContextVar("perfkit_trace", default=None)
