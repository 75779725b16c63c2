"""The trace that the running request, task or block is recording into."""

from __future__ import annotations

from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any

from perfkit.capture.origin import Origin

if TYPE_CHECKING:
    from perfkit.capture.answer import Candidate
    from perfkit.capture.callpath import CallPath
    from perfkit.capture.noting import Load
    from perfkit.capture.origin import Facts

#: Bits of an event's ``flags``.
MANY = 1
FAILED = 2

#: Longer statements are cut in the trace, with their hash as the tail: a trace stays small
#: whatever an application sends, and two long statements still differ.
LONGEST_SQL = 4_000
#: Once a trace holds so many letters, new texts are cut this short.
MOST_TEXT = 200_000
SHORTEST_SQL = 60

_MOST_FAILURES = 5

_serials = count(1)

#: (text, alias, started, ended, parameters' key, call path or None, flags, origin of the row that
#: asked or None); clocks in seconds. Equal texts of a trace are one object. Keys of equal parameters
#: are equal; None is equal to nothing.
Event = tuple[str, str, float, float, Any, "CallPath | None", int, Origin | None]

#: (alias, operation, started, ended, hits, misses); clocks in seconds.
CacheEvent = tuple[str, str, float, float, int, int]


class Repeats:
    """One statement text of a trace that ran again, and the call paths that repeated it."""

    __slots__ = ("paths", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.paths: list[CallPath] = []


class Detail:
    """What a toolbar's panels want to know beyond what findings are made of.

    Attributes:
        paths: statement text -> the call path of its first run, which is not taken otherwise.
        keys: index into ``cache_events`` -> the keys that the call was about.
    """

    __slots__ = ("keys", "paths")

    def __init__(self) -> None:
        self.paths: dict[str, CallPath] = {}
        self.keys: dict[int, tuple[Any, ...]] = {}


#: Whether what is recorded from here on is shown to a developer, who waits for it.
wants_detail: ContextVar[bool] = ContextVar("perfkit_wants_detail", default=False)


class Trace:
    """What one recording has seen so far: lists of tuples, nothing formatted.

    Args:
        limit: statements kept in detail; later ones are only counted.
        slow_s: seconds from which a statement's call site is kept even when it ran once.
    """

    __slots__ = (
        "asked",
        "asker",
        "beginnings",
        "boundaries",
        "cache_events",
        "candidate",
        "closed",
        "detail",
        "dropped",
        "dropped_s",
        "eager_loads",
        "events",
        "failures",
        "limit",
        "longest_sql",
        "of_request",
        "roots",
        "serial",
        "slow",
        "slow_s",
        "statements",
        "text_left",
    )

    def __init__(self, limit: int, slow_s: float) -> None:
        self.limit = limit
        self.slow_s = slow_s
        #: Whether a statement took that long.
        self.slow = False
        self.events: list[Event] = []
        self.cache_events: list[CacheEvent] = []
        self.serial = next(_serials)
        self.longest_sql = LONGEST_SQL
        self.text_left = MOST_TEXT
        #: text -> itself after its first run, its repeats from the second on.
        self.statements: dict[str, str | Repeats] = {}
        #: The origin of the row whose relation the next statement loads, and that relation's name
        #: where it is known already; set around the statement only.
        self.asker: Origin | None = None
        self.asked = ""
        #: first letters of texts that ran once -> themselves, and the paths from the third text on.
        self.beginnings: dict[str, str | Repeats] = {}
        #: what was evaluated and where -> its origin.
        self.roots: dict[Any, Origin] = {}
        #: Notes of ``capture.usage``.
        self.eager_loads: list[Load] = []
        #: Indexes of events at which another request begins: what a test's client does is no loop.
        self.boundaries: list[int] = []
        self.dropped = 0
        self.dropped_s = 0.0
        #: (part, exception) of the first failures of ours; capture itself logs nothing.
        self.failures: list[tuple[str, Exception]] = []
        #: Whether a request is what is being recorded.
        self.of_request = False
        #: What is noted of the answer for the cache advisor, None where it cannot be cached.
        self.candidate: Candidate | None = None
        #: Tasks and threads that outlive the request keep the trace in their context.
        self.closed = False
        #: Filled where ``wants_detail`` says so.
        self.detail: Detail | None = None

    def root(self, model: str, place: Any, facts: Facts, owner: tuple[type, str] | None) -> Origin:
        """Return the origin of a queryset that no row led to: one for each line and way to build it."""
        key = (model, place, facts, owner)
        origin = self.roots.get(key)
        if origin is None:
            origin = self.roots[key] = Origin(model, place, facts=facts, owner=owner)
        else:
            origin.times += 1
        return origin

    def fail(self, part: str, error: Exception) -> None:
        """Keep a failure of ours for the pipeline to report; the first few tell it all."""
        if len(self.failures) < _MOST_FAILURES:
            self.failures.append((part, error))

    @property
    def is_running_request(self) -> bool:
        """Whether a request that has not ended runs here, recorded or timed only."""
        return self.of_request and (not self.closed or self is UNRECORDED)

    def part(self) -> None:
        """Begin another unit of work: nothing in it repeats what came before."""
        self.statements.clear()
        self.beginnings.clear()
        if self.events and self.boundaries[-1:] != [len(self.events)]:
            self.boundaries.append(len(self.events))

    def absorb(self, inner: Trace, apart: bool = False) -> None:
        """Take over what a recording inside this one has seen.

        Args:
            inner: the other trace.
            apart: it was a request of its own, which repeats nothing that came before it.
        """
        if apart:
            self.part()
        room = max(self.limit - len(self.events), 0)
        left_out = inner.events[room:]
        before = len(self.events)
        self.events.extend(inner.events[:room])
        self.boundaries += [before + at for at in inner.boundaries if at < room]
        for sql in inner.statements:
            self.statements.setdefault(sql, sql)
        self.cache_events.extend(inner.cache_events[: self.limit])
        self.eager_loads.extend(inner.eager_loads)
        self.dropped += inner.dropped + len(left_out)
        self.dropped_s += inner.dropped_s + sum(event[3] - event[2] for event in left_out)
        self.slow = self.slow or inner.slow
        if apart:
            self.part()


#: Stands in the context of a request that is timed only: closed, so that the hooks stay idle.
UNRECORDED = Trace(0, 0.0)
UNRECORDED.closed = UNRECORDED.of_request = True

current: ContextVar[Trace | None] = ContextVar("perfkit_trace", default=None)
