"""A comparison in words, for every form: figures with their signs, and what exactly is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from perfkit.report.compare.difference import CONFIDENCE
from perfkit.report.compare.model import (
    BETTER,
    SAME,
    SAME_TIME,
    WORSE,
    Comparison,
    Figure,
    RouteChange,
    Side,
)
from perfkit.report.compare.routes import LEAST_CHANGE, LEVEL
from perfkit.report.wording import counted, figure, milliseconds, moment, percent

_NAMES: Final = {
    "mean_ms": "mean ms",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "error_share": "errors",
    "statements_per_request": "stmts/req",
}
_UNKNOWN: Final = "–"
#: A drift by less explains nothing that a reader would wonder about.
_LEAST_DRIFT: Final = 0.01
#: A slowdown by more than this is what a reader wants to see ruled out.
_RULED_OUT: Final = 0.2


@dataclass(frozen=True, slots=True)
class Line:
    """A figure as cells of a table; ``drift`` is "" where there is hardly any."""

    name: str
    before: str
    after: str
    change: str
    range: str
    drift: str
    verdict: str


def line(given: Figure) -> Line:
    """Write one figure."""
    return Line(
        _NAMES.get(given.name, given.name),
        _value(given, given.before),
        _value(given, given.after),
        _change(given),
        _range(given),
        _drift(given),
        given.verdict,
    )


def told(route: RouteChange) -> list[Figure]:
    """Return the figures of a route that changed, both ways."""
    return [each for each in route.figures if each.verdict in (WORSE, BETTER)]


def _value(given: Figure, value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    if given.name.endswith("_ms"):
        return milliseconds(value)
    return percent(value, digits=1) if given.name.endswith("_share") else figure(value)


def _change(given: Figure) -> str:
    if given.before is None or given.after is None:
        return _UNKNOWN
    return _signed(given, given.change)


def _range(given: Figure) -> str:
    if given.low is None or given.high is None:
        return _UNKNOWN
    return f"{_signed(given, given.low)} to {_signed(given, given.high)}"


def _drift(given: Figure) -> str:
    if not given.before or abs(given.drift) < _LEAST_DRIFT * given.before:
        return ""
    return f"{given.drift / given.before * 100:+,.0f} %".replace("-", "−")


def _signed(given: Figure, change: float) -> str:
    """Write a change: of shares in points, of others as a share of what it was before."""
    if given.name.endswith("_share"):
        return f"{change * 100:+.1f} points".replace("-", "−")
    without = (given.before or 0.0) + given.drift
    if without <= 0.0:
        return f"{change:+.3g}".replace("-", "−")
    return f"{change / without * 100:+,.0f} %".replace("-", "−")


def side(given: Side, step_s: int) -> str:
    """Write a window: when, how many requests, in how many spans of time."""
    same_day = moment(given.start)[:10] == moment(given.end)[:10]
    end = moment(given.end)[11:] if same_day else moment(given.end)
    return (
        f"{moment(given.start, zone='')} to {end} · {counted(given.requests, 'request')} in "
        f"{counted(given.spans, 'span')} of {span(step_s)}"
    )


def span(step_s: int) -> str:
    """Write the length of a span of time."""
    for unit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if step_s % unit_s == 0:
            return f"{step_s // unit_s} {unit}"
    return f"{step_s} s"


def claims(made: Comparison) -> Iterator[str]:
    """Say what the verdicts claim and what not, a sentence each, without full stops."""
    if not made.tested:
        return
    yield (
        f"Told is what changed by {LEAST_CHANGE * 100:.0f} % or more and is no accident: when "
        "nothing has changed, the chance of even one such line in this report is at most "
        f"{LEVEL * 100:.0f} % (Holm's correction for the {counted(made.tested, 'figure')} compared)"
    )
    yield (
        f"The {CONFIDENCE * 100:.0f} % range is each line's own: it holds the true change in "
        f"{CONFIDENCE * 100:.0f} of 100 cases. It comes from how a figure swings between spans of "
        f"{span(made.step_s)}, since requests of one moment resemble each other"
    )
    if made.method == SAME_TIME:
        yield (
            "Each span stands against the one at the same time of day, so that a daily cycle "
            "cancels out"
        )
    else:
        yield (
            "The windows are of different times of day: the drift is what a figure would have "
            "changed by anyway, by how all routes rise or fall within both windows; the change is "
            "what lies beyond it"
        )
    yield "It says that the windows differ, not why: a deploy, other traffic, a slower disk"


def unchanged(made: Comparison) -> str:
    """Say how many routes show no difference, and of how many a slowdown is ruled out."""
    same = made.of(SAME)
    if not same:
        return ""
    ruled_out = sum(map(_is_ruled_out, same))
    text = f"{counted(len(same), 'route')} without a difference that can be told from chance"
    if not ruled_out:
        return text
    return f"{text}; of {ruled_out:,} a p95 or mean more than {_RULED_OUT * 100:.0f} % slower is ruled out"


def _is_ruled_out(route: RouteChange) -> bool:
    times = {each.name: each for each in route.figures}
    known = [times[name] for name in ("mean_ms", "p95_ms") if times[name].high is not None]
    return bool(known) and all(
        (each.high or 0.0) < _RULED_OUT * (each.before or 0.0) for each in known
    )
