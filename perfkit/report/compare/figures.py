"""The figures of a route that are compared, each from the sums and histograms of spans of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import exp
from typing import Final

from perfkit.metrics.aggregate import RouteStats
from perfkit.report.compare.difference import Difference, exact_chance
from perfkit.report.compare.scales import Sums, above, mean, merged, quantile
from perfkit.report.compare.spans import Swings, swings

#: start of a span -> a route's sums in it
Spans = Mapping[int, RouteStats]

#: Fewer requests than this in a window say nothing; of a p95 the slowest 5 % have to be a few.
FEWEST_REQUESTS: Final = 30
FEWEST_REQUESTS_P95: Final = 100
#: From fewer spans with requests nobody can tell how much a figure swings.
FEWEST_SPANS: Final = 6

_LARGEST_EXPONENT: Final = 50.0


@dataclass(frozen=True, slots=True)
class Kind:
    """How one figure is taken and compared.

    Attributes:
        name: as in the JSON report.
        of: name of the sum that its requests are counted by.
        fewest: requests that each window needs.
        is_time: compared as a logarithm, so that a change is a ratio.
        value: the figure of a whole window, None where there is none.
        swings: the figure over the spans of a window.
        exact: another chance that has to be small too, from both windows.
    """

    name: str
    of: str
    fewest: int
    is_time: bool
    value: Callable[[RouteStats], float | None]
    swings: Callable[[Spans], Swings]
    exact: Callable[[Spans, Spans], float] = lambda before, after: 0.0

    def lacks(self, *windows: Spans) -> str:
        """Say what is missing for a comparison, "" when nothing."""
        for spans in windows:
            counts = [stats[self.of] for stats in spans.values() if stats[self.of]]
            if sum(counts) < self.fewest:
                return f"fewer than {self.fewest} requests in a window"
            if len(counts) < FEWEST_SPANS:
                return f"requests in fewer than {FEWEST_SPANS} spans of a window"
        return ""

    def in_unit(self, found: Difference) -> tuple[float, float, float, float, float]:
        """Return before, after, drift, low and high in the figure's own unit."""
        if not self.is_time:
            return found.before, found.after, found.drift, found.low, found.high
        before, after = exp(found.before), exp(found.after)
        drift = before * (exp(min(found.drift, _LARGEST_EXPONENT)) - 1)
        # A ratio is one to what would have been without the change.
        low, high = (
            (before + drift) * (exp(min(end, _LARGEST_EXPONENT)) - 1)
            for end in (found.low, found.high)
        )
        return before, after, drift, low, high


def _sums(total: str, of: str) -> Callable[[Spans], Sums]:
    return lambda spans: {at: (stats[total], stats[of]) for at, stats in spans.items() if stats[of]}


def _durations(share: float) -> Callable[[Spans], Swings]:
    return lambda spans: quantile({at: stats.duration for at, stats in spans.items()}, share)


def _quotient(total: str, of: str) -> Callable[[RouteStats], float | None]:
    return lambda stats: stats[total] / stats[of] if stats[of] else None


def _exact_errors(before: Spans, after: Spans) -> float:
    errors = _sums("errors", "requests")
    return exact_chance(errors(before), errors(after))


def _exact_p95(before: Spans, after: Spans) -> float:
    one, other = ({at: stats.duration for at, stats in spans.items()} for spans in (before, after))
    limit = merged([*one.values(), *other.values()]).quantile(0.95)
    return exact_chance(above(one, limit), above(other, limit))


def _time(share: float, name: str, fewest: int) -> Kind:
    return Kind(
        name,
        "requests",
        fewest,
        is_time=True,
        value=lambda stats: stats.duration.quantile(share),
        swings=_durations(share),
    )


#: Every figure that is compared, the mean first.
KINDS: Final = (
    Kind(
        "mean_ms",
        "requests",
        FEWEST_REQUESTS,
        is_time=True,
        value=_quotient("total_ms", "requests"),
        swings=lambda spans: mean(_sums("total_ms", "requests")(spans)),
    ),
    _time(0.5, "p50_ms", FEWEST_REQUESTS),
    replace(_time(0.95, "p95_ms", FEWEST_REQUESTS_P95), exact=_exact_p95),
    Kind(
        "error_share",
        "requests",
        FEWEST_REQUESTS,
        is_time=False,
        value=_quotient("errors", "requests"),
        swings=lambda spans: swings(_sums("errors", "requests")(spans)),
        exact=_exact_errors,
    ),
    Kind(
        "statements_per_request",
        "recorded",
        FEWEST_REQUESTS,
        is_time=False,
        value=_quotient("statements", "recorded"),
        swings=lambda spans: swings(_sums("statements", "recorded")(spans)),
    ),
)
