"""Cuts the two windows of a comparison where the store can cut them, and into spans of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from perfkit.report.compare.asked import Asked
from perfkit.report.compare.model import Side
from perfkit.report.window import BadOption
from perfkit.store.fold import STEPS
from perfkit.store.schema import DAY, HOUR, MINUTE

#: So long after a deploy its window is compared with the same time of day before it: of yesterday
#: the store keeps hours, and a dozen of them can tell something.
_SAME_TIME_OF_DAY_FROM_S: Final = 12 * HOUR
_MOST_AFTER_S: Final = 7 * DAY
#: Else what came right before is compared with what came right after: near to the deploy, where a
#: daily cycle is nearly a straight line, but as many rows as can tell something.
NEAR_S: Final = 3 * HOUR
_FEWEST_ROWS: Final = 12
#: Before a deploy at least this much is looked at.
_LEAST_BEFORE_S: Final = HOUR

#: Into how many spans the shorter window is cut at most.
_SPANS: Final = 24
_STEPS_S: Final = (
    *(60, 120, 300, 600, 1_200, 1_800, 3_600),
    *(7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
)


@dataclass(frozen=True, slots=True)
class Windows:
    """Two windows, cut where the store can cut them.

    Attributes:
        before, after: the windows.
        step_s: into spans of how many seconds both are cut.
        shift: seconds from a span to its partner at the same time of day; None without partners.
        mark: the deploy between them, if it was asked for: Unix seconds and name.
        notes: what was left out, a sentence each.
    """

    before: Side
    after: Side
    step_s: int
    shift: int | None
    mark: tuple[float, str] | None = None
    notes: tuple[str, ...] = ()


def candidates(asked: Asked, marks: Sequence[tuple[float, str]]) -> Iterator[Windows]:
    """Yield the windows meant, best first: later ones are for when the store does not reach so far.

    Args:
        asked: what was asked for.
        marks: every deploy that is known, oldest first.

    Raises:
        BadOption: there is no such deploy.
    """
    if asked.sides is not None:
        yield _cut(*asked.sides, asked.now)
        return
    place = _place(asked, marks)
    at, name = marks[place]
    following = marks[place + 1][0] if place + 1 < len(marks) else asked.end
    previous = marks[place - 1][0] if place else 0.0
    after = Side(at, min(following, asked.end, at + _MOST_AFTER_S))
    length = after.end - after.start
    days = -(-length // DAY) * DAY
    if length >= _SAME_TIME_OF_DAY_FROM_S and at - days >= previous:
        before = Side(at - days, at - days + length)
        yield replace(_cut(before, after, asked.now), mark=(at, name))
    near = min(length, max(NEAR_S, _FEWEST_ROWS * _row_s(asked.now - at)))
    before = Side(max(at - max(near, _LEAST_BEFORE_S), previous, 0.0), at)
    yield replace(_cut(before, Side(at, at + near), asked.now), mark=(at, name))


def _place(asked: Asked, marks: Sequence[tuple[float, str]]) -> int:
    known = [place for place, (at, _) in enumerate(marks) if at < asked.end]
    if not known:
        raise BadOption(
            f"--compare {asked.text!r}: no deploy is marked: mark one with manage.py perfdash "
            'deploy "v1.2", or give two windows such as 2d..1d'
        )
    if not asked.mark:
        return known[-1]
    named = [place for place in known if marks[place][1] == asked.mark]
    if named:
        return named[-1]
    names = list(dict.fromkeys(marks[place][1] for place in reversed(known)))
    near = get_close_matches(asked.mark, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; the latest are {', '.join(names[:5])}"
    raise BadOption(f"--compare {asked.text!r}: no deploy has this name{hint}")


def _cut(before: Side, after: Side, now: float) -> Windows:
    """Move the ends to where the store's rows end: an older row covers up to a day."""
    offset = after.start - before.start
    equal = abs((after.end - after.start) - (before.end - before.start)) < 1
    partners = equal and abs(offset - round(offset / DAY) * DAY) < 1
    # Partners are cut alike, as the older ones have to be.
    alike = _row_s(now - before.start) if partners else 0
    ends = []
    for side in (before, after):
        rows = [alike or _row_s(now - end) for end in (side.start, side.end)]
        open_end = side.end >= now - 1 and not alike
        end = side.end if open_end else side.end // rows[1] * rows[1]
        ends.append(Side(-(-side.start // rows[0]) * rows[0], max(end, 0.0)))
    one, other = ends
    left_out = [
        row for row in (_row_s(now - before.end), _row_s(now - after.start)) if row > MINUTE
    ]
    notes: tuple[str, ...] = ()
    if left_out and one.end < other.start and before.end == after.start:
        note = "the one in which the second window begins is left out"
        notes = (f"Of that time the store keeps {_named(max(left_out))}: {note}",)
    length = max(min(one.end - one.start, other.end - other.start), 1.0)
    least = max(length / _SPANS, alike, _row_s(now - before.start))
    shift = round(other.start - one.start) if partners else None
    step = next((step for step in _STEPS_S if step >= least and not (shift and shift % step)), DAY)
    return Windows(one, other, step, shift, notes=notes)


def _row_s(age: float) -> int:
    """Return the seconds that a row of this age covers at most."""
    return max([MINUTE, *(target for _, target, older in STEPS if age > older)])


def _named(row_s: int) -> str:
    return {600: "ten minutes together", HOUR: "whole hours", DAY: "whole days"}.get(
        row_s, f"spans of {row_s} s"
    )
