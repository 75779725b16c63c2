"""Sends one flush's sums to statsd over UDP, in few full packets.

What is sent is in ``names.py``, how it is spelled in ``spelling.py``. The protocol:
https://github.com/statsd/statsd/blob/master/docs/metric_types.md. Of it only ``c`` and ``ms`` are
used, and no sign, no exponent, no tag but those of the form: statsd takes every type that it does not
know for a counter, and reads ``@1e-05`` as 1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from socket import gethostname
from time import monotonic, sleep
from typing import Final

from perfkit.metrics import names
from perfkit.metrics.backlog import Backlog
from perfkit.metrics.datagrams import Batch, Client, Pause, resolve
from perfkit.metrics.names import Metric
from perfkit.metrics.node import host_label
from perfkit.metrics.own import SelfStats
from perfkit.metrics.process import ProcessStats
from perfkit.metrics.quantiles import timer_values
from perfkit.metrics.rows import RouteRow, process_counts
from perfkit.metrics.spelling import PLAIN, Scope, process_scope, route_scope, self_scope

#: A name is looked up again after so long, and at most so long after a failure.
RESOLVE_S: Final = 60.0

#: Durations sent of one route, and of all routes, in one flush.
ROUTE_VALUES: Final = 100
FLUSH_VALUES: Final = 5000

#: Rows sent before the next are formatted, which bounds the memory of a flush.
_ROWS_AT_ONCE: Final = 20
#: With it the longest line still fits a packet.
_PREFIX_LIMIT: Final = 100
_NOTHING: Final = SelfStats()
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class MetricsWindow:
    """What one process counted since its last flush.

    Attributes:
        rows: one for each route and method.
        process: the use of the worker; None where nobody measured it.
        own: perfkit's own figures.
    """

    rows: Sequence[RouteRow]
    process: ProcessStats | None = None
    own: SelfStats = _NOTHING


class StatsdSink:
    """A statsd server, reached from the flusher's thread only.

    Making one touches no network. The name is looked up when there is something to send, again
    every 60 s, and after an error; while it fails, the last address that worked is kept.

    Args:
        host: name or address.
        port: UDP port.
        prefix: first node or nodes of every name; what is not ``[A-Za-z0-9_.-]`` becomes ``_``.
        form: how the route is told: ``plain``, ``tags`` or ``dogstatsd``.
        own_host: this machine's name; None asks the system.
        clock: seconds, monotonic.
        pause: waits that many seconds; returns whether somebody waits for the rest, which then hurries.
    """

    def __init__(
        self,
        host: str,
        port: int,
        prefix: str,
        form: str = PLAIN,
        *,
        own_host: str | None = None,
        clock: Callable[[], float] = monotonic,
        pause: Pause = sleep,
    ) -> None:
        self._host = host
        self._port = port
        nodes = (_UNSAFE.sub("_", node) for node in prefix.split(".") if node)
        self._prefix = ".".join(nodes)[:_PREFIX_LIMIT].rstrip(".")
        self._form = form
        self._own_host = own_host
        self._clock = clock
        self._pause = pause
        self._client: Client | None = None
        self._pid = 0
        self._resolve_at = 0.0
        self._retry_at = 0.0
        #: What flushes that failed had to tell of perfkit, and what the last one told: whether it
        #: found anybody is known late.
        self._untold = SelfStats()
        self._last = SelfStats()
        self._backlog = Backlog()

    def emit(self, window: MetricsWindow, *, hurry: bool = False) -> None:
        """Send a flush.

        Args:
            window: what was counted.
            hurry: the process ends: send all at once instead of a little at a time.

        Raises:
            OSError: the name does not resolve, or nobody listens; what was not sent is lost and
                counted, and the next call begins anew. Where only the flush before this one found
                nobody, this one was sent.
        """
        self._untold += window.own
        self._backlog.add(window.rows, self._clock())
        requests = self._backlog.requests
        try:
            refused = self._send(window, hurry)
        except OSError:
            self._untold += SelfStats(unsent=requests)
            self._backlog.clear()
            self.close()
            raise
        sent = SelfStats(unsent=requests - self._backlog.requests)
        self._last, self._untold = self._untold + sent, SelfStats()
        if refused:
            raise ConnectionRefusedError(
                f"Nobody listened at statsd host {self._host!r}, port {self._port!r}."
            )

    def close(self) -> None:
        """Give the socket back; the next flush opens another."""
        self._last = SelfStats()
        if self._client is not None:
            self._client.close()
            self._client = None

    def _send(self, window: MetricsWindow, hurry: bool) -> bool:
        """Send, and return whether the flush before found nobody."""
        client = self._connected()
        if refused := client.refused():
            self._untold += self._last
        self._last = SelfStats()
        batch = client.pipeline(hurry=hurry)
        _add(batch, self_scope(), names.SELF, asdict(self._untold), zeros=True)
        if window.process is not None:
            host = host_label(self._own_host or gethostname())
            scope = process_scope(self._form, host)
            _add(batch, scope, names.PROCESS, process_counts(window.process))
        room = self._backlog.room(window.rows, client.packet_bytes)
        values = max(1, min(ROUTE_VALUES, FLUSH_VALUES // max(1, len(window.rows))))
        for place, (row, must) in enumerate(self._backlog.ranked(self._clock()), start=1):
            if batch.bytes > room and not (must or hurry):
                break
            scope = route_scope(self._form, row.label, row.method)
            _add(batch, scope, names.ROUTE, row.counts)
            batch.timings(scope, "duration", timer_values(row.duration, values))
            self._backlog.forget(row)
            if not place % _ROWS_AT_ONCE:
                batch.send()
        batch.send()
        self._backlog.filled(client.packets * client.packet_bytes)
        return refused

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
            self._client = Client(
                family, address, self._port, self._prefix, self._form, pause=self._pause
            )
        return self._client


def _add(
    batch: Batch,
    scope: Scope,
    metrics: Iterable[Metric],
    values: Mapping[str, float],
    *,
    zeros: bool = False,
) -> None:
    """Add what is known of some metrics."""
    for metric in metrics:
        value = _whole(values.get(metric.name, 0))
        if metric.kind == "c" and (value or zeros):
            batch.count(scope, metric.name, value)
        elif metric.kind == "ms" and metric.name in values:
            batch.timings(scope, metric.name, [(value, 1)])


def _whole(value: float) -> int:
    """Round a sum; what is no sum (negative, NaN, infinite) is 0."""
    return int(value + 0.5) if 0 < value < 1e18 else 0
