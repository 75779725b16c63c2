"""Requests that hung, as a page shows them: how long, in which statement, and where they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from perfkit.metrics.sample import STALL, Sample
from perfkit.report.html.kept import MOST_OF_A_KIND, number
from perfkit.report.wording import counted, duration, figure, moment, percent, printable

MOST_FRAMES: Final = 200
#: Forks that are set in; there is a rule for each in report.css.
MOST_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of a stack, the share of the looks that found it, and how many forks lie above it."""

    where: str
    share: str
    depth: int


@dataclass(frozen=True, slots=True)
class StallView:
    """A request that ran too long, looked into while it ran."""

    at: str
    age: str
    facts: tuple[str, ...]
    statement: str
    statement_age: str
    frames: tuple[Frame, ...]


def stalls_of(samples: Iterable[Sample]) -> tuple[StallView, ...]:
    """Lay out what hung of one route.

    Args:
        samples: of the route, those of the highest rank first.
    """
    stalls = [sample for sample in samples if sample.kind == STALL]
    return tuple(map(_stall, stalls[:MOST_OF_A_KIND]))


def _stall(sample: Sample) -> StallView:
    data = sample.data
    looks = int(number(data.get("samples")))
    statement = data.get("statement")
    statement = statement if isinstance(statement, dict) else {}
    age_s = number(statement.get("age_s"))
    return StallView(
        at=moment(sample.at, zone=""),
        age=duration(number(data.get("age_s")) * 1000),
        facts=tuple(_circumstances(data, looks)),
        statement=printable(str(statement.get("text", ""))),
        statement_age=duration(age_s * 1000) if age_s else "",
        frames=tuple(_frames(data.get("tree"), looks)),
    )


def _circumstances(data: Mapping[str, Any], looks: int) -> Iterator[str]:
    if (requests := number(data.get("requests"))) > 1:
        yield f"{counted(requests, 'request')}, the longest of them"
    yield counted(looks, "look")
    if data.get("streaming"):
        yield "its answer had begun"
    if data.get("blocked_loop"):
        yield "its event loop stood still, and with it the worker"


def _frames(tree: Any, looks: int) -> Iterator[Frame]:
    """Lay the tree out from the outermost line on; only where stacks part, what follows is set in."""
    waiting = _nodes(tree, 0)
    for _ in range(MOST_FRAMES):
        if not waiting:
            return
        (where, count, *inner), depth = waiting.pop()
        seen = int(number(count))
        share = percent(seen / looks) if looks else figure(seen)
        yield Frame(printable(str(where)), share, min(depth, MOST_DEPTH))
        waiting += _nodes(inner[0] if inner else (), depth)


def _nodes(tree: Any, depth: int) -> list[tuple[list[Any], int]]:
    """Return what can be read as nodes, the first one last."""
    nodes = tree if isinstance(tree, list) else ()
    found = [node for node in nodes if isinstance(node, list) and len(node) > 1]
    return [(node, depth + (len(found) > 1)) for node in reversed(found)]
