"""When the phases of a request ran, as bars, and what each of them took by itself."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import inf
from typing import Final, NamedTuple

from perfkit.observation import Observation
from perfkit.record import RequestRecord
from perfkit_panels.phases import Phases

#: Bars of one lane at most; nearer ones are drawn as one.
MOST_BARS: Final = 300

#: Milliseconds from the start of the request: begin and end, in order, apart from each other.
Spans = list[tuple[float, float]]


class Marks(NamedTuple):
    """The points in time between the phases; milliseconds from the start of the request.

    Attributes:
        view: begin and end of the view, None where none ran.
        renderings: begin and end of each outermost template.
        first_byte: when the response was there.
        ended: when its body had been sent, or when the panel looked.
    """

    view: tuple[float, float] | None
    renderings: Spans
    first_byte: float
    ended: float


def marks_of(
    observation: Observation, phases: Phases, record: RequestRecord, *, is_streamed: bool
) -> Marks:
    """Count everything from the start of the request.

    Args:
        observation: its clock began with the request.
        phases: its view and templates.
        record: made of the observation.
        is_streamed: whether the body came after the response; else both are there at once.
    """

    def since(at: float) -> float:
        return max((at - observation.started) * 1000, 0.0)

    view = (since(phases.view[0]), since(phases.view[1])) if phases.view else None
    renderings = [(since(begun), since(ended)) for begun, ended, _ in phases.renderings]
    ended = max(record.duration_ms, record.ttfb_ms) if is_streamed else record.ttfb_ms
    return Marks(view, renderings, record.ttfb_ms, ended)


class Split(NamedTuple):
    """A request by its phases; milliseconds.

    Attributes:
        lanes: phase -> begin and length of each of its bars.
        shares: phase -> what it took by itself; together that is the whole without the queue.
    """

    lanes: dict[str, list[tuple[float, float]]]
    shares: dict[str, float]


def split(record: RequestRecord, marks: Marks) -> Split:
    """Tell when each phase ran, and split the time until the body had been sent.

    What a phase waited for the database or the cache counts there, statements at the same time
    once; what a template takes counts as rendering, whoever called it.
    """
    database = _merged(
        [(each.start_ms, each.start_ms + each.duration_ms) for each in record.queries]
    )
    cache = _merged(
        [(each.start_ms, each.start_ms + each.duration_ms) for each in record.cache_calls]
    )
    rendering = _merged(marks.renderings)
    # A cache in the database: what its statements took is told there.
    waits = Covered(_merged([*database, *cache]) if cache else database)
    inner = Covered(_merged([*waits.spans, *rendering]) if rendering else waits.spans)
    begun, ended = marks.view or (marks.first_byte, marks.first_byte)
    in_view = inner.within(begun, ended)
    queried = Covered(database).within(0.0, marks.ended)
    shares = {
        "view": ended - begun - in_view,
        "middleware": marks.first_byte
        - (ended - begun)
        - (inner.within(0.0, marks.first_byte) - in_view),
        "rendering": sum(end - begin - waits.within(begin, end) for begin, end in rendering),
        "statements": queried,
        "cache": waits.within(0.0, marks.ended) - queried,
        "streaming": marks.ended - marks.first_byte - inner.within(marks.first_byte, marks.ended),
    }
    around = [(0.0, begun), (ended, marks.first_byte)]
    spans: dict[str, Spans] = {
        "queue": [(-record.queue_ms, 0.0)] if record.queue_ms else [],
        "middleware": [span for span in around if span[1] > span[0]],
        "view": [marks.view] if marks.view else [],
        "rendering": rendering,
        "statements": database,
        "cache": cache,
        "streaming": [(marks.first_byte, marks.ended)] if marks.ended > marks.first_byte else [],
    }
    gap = (marks.ended + (record.queue_ms or 0.0)) / MOST_BARS
    lanes = {name: _bars(each, gap) for name, each in spans.items()}
    return Split(lanes, {name: round(own, 3) for name, own in shares.items()})


class Covered:
    """Merged spans that tell quickly how much of a stretch of time they cover.

    Attributes:
        spans: in order, apart from each other.
    """

    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        self._begins = [begin for begin, _ in spans]
        self._before = [0.0, *accumulate(end - begin for begin, end in spans)]

    def within(self, begin: float, end: float) -> float:
        """Return the milliseconds covered between two points in time."""
        return max(self._until(end) - self._until(begin), 0.0)

    def _until(self, at: float) -> float:
        number = bisect_right(self._begins, at)
        if not number:
            return 0.0
        # Of the last span that began, what lies behind the point does not count.
        return self._before[number] - max(self.spans[number - 1][1] - at, 0.0)


def _merged(spans: Spans) -> Spans:
    """Return spans in order, those that overlap as one."""
    found: Spans = []
    last = -inf
    for begin, end in sorted(spans):
        if begin > last:
            found.append((begin, end))
            last = end
        elif end > last:
            found[-1] = found[-1][0], end
            last = end
    return found


def _bars(spans: Spans, gap: float) -> list[tuple[float, float]]:
    """Join spans that no eye could tell apart."""
    bars: Spans = []
    last = -inf
    for begin, end in spans:
        if begin - last < gap:
            bars[-1] = bars[-1][0], end
        else:
            bars.append((begin, end))
        last = end
    return [(round(begin, 3), round(end - begin, 3)) for begin, end in bars]
