"""Sends one flush's sums to statsd over UDP, in few full packets.

Every name begins ``<prefix>.route.<metric_name(label)>.<METHOD>.``; a sum of zero is not sent.

==================  =====  =====================================================================
name                type   value
==================  =====  =====================================================================
requests            c      requests answered
duration            ms     up to 100 quantiles that stand for all requests, with their rate
status_1xx .. 5xx   c      requests by class of status (anything else: ``status_other``)
db_us               c      microseconds in the database: counters are whole numbers, and
cache_us            c      milliseconds would round a fast route's time away; in the cache
queue_us            c      microseconds waited before the worker, of ``queued`` requests
queued              c      requests that told when they began to wait
statements          c      database statements
duplicates          c      statements that had run before in the same request
n_plus_one          c      statements of N+1 loops
cache_hits          c      cache reads that found something
cache_misses        c      cache reads that found nothing
response_bytes      c      bytes of bodies sent
==================  =====  =====================================================================

Of the process, below ``<prefix>.self.``: ``dropped`` (c, so that workers add up, and sent as 0 too),
``flush_ms`` and ``overhead_us`` (g: the worker that flushed last).

The protocol: https://github.com/statsd/statsd/blob/master/docs/metric_types.md. One value a line,
because not every server reads more. The server takes percentiles from the lines it gets and counts
from their rate, so each line stands for the same number of requests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final

from perfkit.metrics.datagrams import Batch, Client, resolve
from perfkit.metrics.histogram import Histogram
from perfkit.metrics.route import method_label, metric_name

#: Lines that tell the durations of one route, and of all routes, in one flush.
ROUTE_SAMPLES: Final = 100
FLUSH_SAMPLES: Final = 5000

#: A name is looked up again after so long, and at most so long after a failure.
RESOLVE_S: Final = 60.0

#: Rows sent before the next are formatted, which bounds the memory of a flush.
_ROWS_AT_ONCE: Final = 20
#: With it the longest line still fits a packet.
_PREFIX_LIMIT: Final = 100
_STATUS_CLASSES: Final = frozenset(("1xx", "2xx", "3xx", "4xx", "5xx"))
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route and method in one flush: sums over its requests, times in milliseconds."""

    label: str
    method: str
    requests: int
    status: Mapping[str, int]
    duration: Histogram
    db_ms: float = 0.0
    cache_ms: float = 0.0
    statements: int = 0
    duplicates: int = 0
    n_plus_one: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    response_bytes: int = 0
    queue_ms: float = 0.0
    queue_requests: int = 0


@dataclass(frozen=True, slots=True)
class MetricsWindow:
    """What one process counted since its last flush.

    Attributes:
        rows: one for each route and method.
        dropped: what was seen and not counted.
        flush_ms: how long the last flush took, in milliseconds.
        overhead_us: perfkit's own work a request, mean, in microseconds.
    """

    rows: Sequence[RouteRow]
    dropped: int = 0
    flush_ms: float = 0.0
    overhead_us: float = 0.0


class StatsdSink:
    """A statsd server, reached from the flusher's thread only.

    Making one touches no network. The name is looked up when there is something to send, again
    every 60 s, and after an error; while it fails, the last address that worked is kept.

    Args:
        host: name or address.
        port: UDP port.
        prefix: first node or nodes of every name; what is not ``[A-Za-z0-9_.-]`` becomes ``_``.
        clock: seconds, monotonic.
        pause: waits that many seconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        prefix: str,
        *,
        clock: Callable[[], float] = monotonic,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._host = host
        self._port = port
        nodes = (_UNSAFE.sub("_", node) for node in prefix.split(".") if node)
        self._prefix = ".".join(nodes)[:_PREFIX_LIMIT].rstrip(".")
        self._clock = clock
        self._pause = pause
        self._client: Client | None = None
        self._pid = 0
        self._resolve_at = 0.0
        self._retry_at = 0.0

    def emit(self, window: MetricsWindow) -> None:
        """Send a flush.

        Raises:
            OSError: the name does not resolve, or nobody listens; what was not sent is lost, and
                the next call begins anew.
        """
        batch = self._connected().pipeline()
        samples = max(1, min(ROUTE_SAMPLES, FLUSH_SAMPLES // max(1, len(window.rows))))
        try:
            batch.incr("self.dropped", _whole(window.dropped))
            batch.gauge("self.flush_ms", _whole(window.flush_ms))
            batch.gauge("self.overhead_us", _whole(window.overhead_us))
            for place, row in enumerate(window.rows, start=1):
                _add_route(batch, row, samples)
                if not place % _ROWS_AT_ONCE:
                    batch.send()
            batch.send()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Give the socket back; the next flush opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Client:
        """Return a client for the address that the name has now."""
        if self._pid != os.getpid():  # a forked child has a socket of its own
            self.close()
            self._pid, self._retry_at = os.getpid(), 0.0
        now = self._clock()
        if self._client is not None and now < self._resolve_at:
            return self._client
        if self._client is None and now < self._retry_at:
            seconds = self._retry_at - now
            raise OSError(f"statsd host {self._host!r}: the next lookup is in {seconds:.0f} s.")
        self._resolve_at = now + RESOLVE_S
        try:
            family, address = resolve(self._host, self._port)
        except OSError:
            if self._client is not None:
                return self._client
            # A lookup may hang for many seconds, and the thread has other work.
            after = self._clock()
            self._retry_at = after + min(RESOLVE_S, 10 * (after - now))
            raise
        if self._client is None or self._client.address != address:
            self.close()
            self._client = Client(family, address, self._port, self._prefix, self._pause)
        return self._client


def _add_route(batch: Batch, row: RouteRow, samples: int) -> None:
    name = f"route.{metric_name(row.label)}.{method_label(row.method)}"
    counts: dict[str, float] = {"requests": row.requests}
    for status, times in row.status.items():
        key = f"status_{status if status in _STATUS_CLASSES else 'other'}"
        counts[key] = counts.get(key, 0) + times
    counts |= {
        "db_us": row.db_ms * 1000,
        "cache_us": row.cache_ms * 1000,
        "queue_us": row.queue_ms * 1000,
        "queued": row.queue_requests,
        "statements": row.statements,
        "duplicates": row.duplicates,
        "n_plus_one": row.n_plus_one,
        "cache_hits": row.cache_hits,
        "cache_misses": row.cache_misses,
        "response_bytes": row.response_bytes,
    }
    for key, value in counts.items():
        if whole := _whole(value):
            batch.incr(f"{name}.{key}", whole)
    if count := row.duration.count:
        lines = min(samples, count)
        for duration_ms in row.duration.sample(lines):
            batch.timing(f"{name}.duration", duration_ms, lines / count)


def _whole(value: float) -> int:
    """Round a sum; what is no sum (negative, NaN, infinite) is 0."""
    return int(value + 0.5) if 0 < value < 1e18 else 0
