"""What a capture holds, frozen, and its plain JSON form: stacks over time, call counts, spans, source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

#: The engines, the default first.
SAMPLER: Final = "sampler"
PYINSTRUMENT: Final = "pyinstrument"
CPROFILE: Final = "cprofile"
ENGINES: Final = (SAMPLER, PYINSTRUMENT, CPROFILE)

#: Why a capture was made: this page, the next of a route, one slower than, by code, by the command.
PAGE: Final = "page"
ROUTE: Final = "route"
SLOWER: Final = "slower"
CODE: Final = "code"
COMMAND: Final = "command"
REASONS: Final = (PAGE, ROUTE, SLOWER, CODE, COMMAND)

#: Whose a frame is. A template's line is ``site`` or ``package`` like any other.
SITE: Final = "site"
PACKAGE: Final = "package"
FRAMEWORK: Final = "framework"

#: Function of the frame that stands innermost while a coroutine waits; its file is ``""``.
WAITING: Final = "(waiting)"


class Frame(NamedTuple):
    """A function or a template, wherever it was called from.

    Attributes:
        file: from its import root; ``""`` for a frame that is no code.
        line: its first line, 0 where unknown.
        function: qualified name; ``"template"`` for a template.
        owner: ``SITE``, ``PACKAGE`` or ``FRAMEWORK``.
    """

    file: str
    line: int
    function: str
    owner: str


class Node(NamedTuple):
    """One place in the tree of calls: a real stack is the way from a node to its root.

    Attributes:
        parent: index of the caller's node, -1 for a root. A parent has the lower index.
        frame: index into ``Profile.frames``.
        line: the line it was at.
    """

    parent: int
    frame: int
    line: int


class StackSample(NamedTuple):
    """One stack that was seen: from ``at_ms`` on for ``duration_ms``; ``node`` is its innermost."""

    at_ms: float
    duration_ms: float
    node: int


class Caller(NamedTuple):
    """Calls from one caller: counts as ``pstats`` has them, milliseconds."""

    frame: int
    calls: int
    primitive_calls: int
    own_ms: float
    total_ms: float


class CallCount(NamedTuple):
    """What cProfile counted for one function."""

    frame: int
    calls: int
    primitive_calls: int
    own_ms: float
    total_ms: float
    callers: tuple[Caller, ...]


class Span(NamedTuple):
    """A statement or a cache call beside the stacks; times from the start of the capture.

    Attributes:
        kind: ``"db"`` or ``"cache"``.
        text: the statement's shape, values masked; for a cache its alias and operation.
        site: ``"file:line in function"`` where known.
    """

    kind: str
    start_ms: float
    duration_ms: float
    text: str
    site: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What an engine has seen; without ``samples`` for cProfile, without ``calls`` for the others.

    Attributes:
        frames: each once.
        nodes: the tree of calls.
        samples: in the order of time, not overlapping.
        calls: what cProfile counted.
        own_ms: CPU that the engine itself took.
        notes: what a reader must know: that other requests may be in it, what was cut off.
    """

    frames: tuple[Frame, ...] = ()
    nodes: tuple[Node, ...] = ()
    samples: tuple[StackSample, ...] = ()
    calls: tuple[CallCount, ...] = ()
    own_ms: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A wish for captures of other people's requests: the next of a route, or the next slow one.

    Attributes:
        id: unguessable, from a URL's alphabet.
        owner: key of the user who made it, as text.
        reason: ``ROUTE`` or ``SLOWER``.
        route: label of the route; ``""`` for any.
        method: ``""`` for any.
        engine: ``SAMPLER`` or ``PYINSTRUMENT``.
        slower_ms: only requests that took longer; 0.0 for all.
        count: captures wanted.
        taken: captures made so far, by all workers.
        expires: Unix seconds.
    """

    id: str
    owner: str
    reason: str
    route: str
    method: str
    engine: str
    slower_ms: float
    count: int
    taken: int
    expires: float


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture as it is stored.

    Attributes:
        id: unguessable, from a URL's alphabet.
        engine: one of ``ENGINES``.
        reason: one of ``REASONS``.
        owner: key of the user who asked for it as text; ``""`` where nobody did: code and commands.
        name: the route's label, or the name given to a block or command.
        method, status: of the request; ``""`` and 0 without one.
        path: of a request that its owner made; ``""`` for other people's. Never a query string.
        started_at: Unix seconds.
        duration_ms: of the request or block.
        profile: what the engine saw.
        spans: statements and cache calls, folded or cut off where there are many.
        record: the request's numbers and findings, as of ``RequestRecord.to_dict()`` without its
            ``queries``, ``paths`` and ``cache_calls``.
        shapes: statement shape -> runs and milliseconds together, the costliest first.
        source: file -> line as text -> its text: what stood there as the capture was made.
    """

    id: str
    engine: str
    reason: str
    owner: str
    name: str
    method: str
    status: int
    path: str
    started_at: float
    duration_ms: float
    profile: Profile
    spans: tuple[Span, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    shapes: tuple[tuple[str, int, float], ...] = ()
    source: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON: named tuples as lists, in the order of their fields."""
        plain = _fields_of(self)
        plain["profile"] = _fields_of(self.profile)
        plain["record"], plain["source"] = dict(self.record), {**self.source}
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Capture:
        """Rebuild what ``to_dict`` gave, through JSON too; unknown keys are ignored.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        plain = data["profile"]
        known["profile"] = Profile(
            frames=tuple(Frame(*each) for each in plain["frames"]),
            nodes=tuple(Node(*each) for each in plain["nodes"]),
            samples=tuple(StackSample(*each) for each in plain["samples"]),
            calls=tuple(_call_count(each) for each in plain["calls"]),
            own_ms=plain["own_ms"],
            notes=tuple(plain["notes"]),
        )
        known["spans"] = tuple(Span(*each) for each in data["spans"])
        known["shapes"] = tuple((shape, runs, ms) for shape, runs, ms in data["shapes"])
        return cls(**known)


def _fields_of(data: Capture | Profile) -> dict[str, Any]:
    """Return the fields as they are: ``asdict()`` would copy each of ten thousand samples."""
    return {each.name: getattr(data, each.name) for each in fields(data)}


def _call_count(plain: list[Any]) -> CallCount:
    count = CallCount(*plain)
    return count._replace(callers=tuple(Caller(*each) for each in count.callers))
