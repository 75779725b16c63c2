"""The one table of the metrics that are sent: name, type, unit, what each says and where it comes from.

All but two are counters, because counters stay exact when they are added up over workers, hosts and
time: a mean or a share is the quotient of two of them, taken at the end. Times are whole microseconds,
since counters are whole numbers and milliseconds would round a fast route's time away.

How a name is spelled around its route, method or host is said in ``spelling.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

#: statsd's own letters: a counter, and a timer, of which the server keeps percentiles.
Kind = Literal["c", "ms"]

#: What the shipped statsd configuration keeps of a timer, a series each.
TIMER_SERIES: Final = ("median", "upper_95", "upper_99")


@dataclass(frozen=True, slots=True)
class Metric:
    """One name below a route and method, a host, or perfkit itself.

    Attributes:
        name: last node of the path.
        kind: statsd's type.
        unit: of one unit of the value.
        help: what it says.
        source: the sum or field that it is taken from.
        times: how many of its units make one of the source's.
        recorded: only requests whose statements were recorded tell it.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    source: str
    times: int = 1
    recorded: bool = False


#: Of each route and method; a sum of zero is not sent. ``requests`` is the total of Apdex and SLO.
ROUTE: Final = (
    Metric("requests", "c", "requests", "Requests that ended, however they did.", "requests"),
    Metric("status_4xx", "c", "requests", "Answered with a status from 400 to 499.", "4xx"),
    Metric("status_5xx", "c", "requests", "Answered with a status from 500.", "5xx"),
    Metric("le_t", "c", "requests", "Good: no 5xx, not cut short, within APDEX_MS.", "le_t"),
    Metric("le_4t", "c", "requests", "As le_t, within four times APDEX_MS.", "le_4t"),
    Metric("duration", "ms", "ms", "Until the last byte: percentiles.", "duration"),
    Metric("duration_us", "c", "µs", "Until the last byte: the sum.", "total_ms", 1000),
    Metric("ttfb_us", "c", "µs", "Until the first byte.", "ttfb_ms", 1000),
    Metric("db_us", "c", "µs", "In the database.", "db_ms", 1000, True),
    Metric("cache_us", "c", "µs", "In the cache.", "cache_ms", 1000, True),
    Metric("queue_us", "c", "µs", "Waited between proxy and worker.", "queue_ms", 1000),
    Metric("cpu_us", "c", "µs", "On the CPU; not known under ASGI.", "cpu_ms", 1000),
    Metric("statements", "c", "statements", "Database statements.", "statements", 1, True),
    Metric("duplicates", "c", "statements", "Reads that repeat one.", "duplicates", 1, True),
    Metric("n_plus_one", "c", "statements", "Statements of N+1 loops.", "n_plus_one", 1, True),
    Metric("cache_hits", "c", "reads", "Cache reads that found a value.", "cache_hits", 1, True),
    Metric("cache_misses", "c", "reads", "Cache reads that did not.", "cache_misses", 1, True),
    Metric("response_bytes", "c", "bytes", "Bytes of bodies sent.", "response_bytes"),
)

#: Of the workers of each host; the source is a field of ``ProcessStats``.
PROCESS: Final = (
    Metric("elapsed_us", "c", "µs", "Time that workers lived.", "elapsed_s", 1_000_000),
    Metric("busy_us", "c", "µs", "Time with a request at work.", "busy_s", 1_000_000),
    Metric("request_us", "c", "µs", "Time of all requests together.", "request_s", 1_000_000),
    Metric("cpu_us", "c", "µs", "CPU time of the workers.", "cpu_s", 1_000_000),
    Metric("saturated_us", "c", "µs", "Time with no room for more.", "saturated_s", 1_000_000),
    Metric("in_flight", "c", "requests", "Running as the worker flushed.", "in_flight"),
    Metric("in_flight_peak", "ms", "requests", "Most at once in a worker.", "in_flight_peak"),
)

#: Of perfkit in all workers together; sent when zero too. The source is a field of ``SelfStats``.
SELF: Final = (
    Metric("flushes", "c", "flushes", "Flushes begun: one a worker and interval.", "flushes"),
    Metric("flush_us", "c", "µs", "Time that flushes took, in the background.", "flush_us"),
    Metric("overhead_us", "c", "µs", "CPU time of perfkit's own thread.", "overhead_us"),
    Metric("dropped", "c", "requests", "Requests that were not counted.", "dropped"),
    Metric("unsent", "c", "requests", "Requests whose metrics were lost.", "unsent"),
    Metric("failures", "c", "failures", "perfkit's own failures, isolated.", "failures"),
)


def series_of(metrics: tuple[Metric, ...]) -> int:
    """Count the series that Graphite keeps of some metrics with the shipped configuration."""
    return sum(len(TIMER_SERIES) if metric.kind == "ms" else 1 for metric in metrics)
