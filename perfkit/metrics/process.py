"""How much of a worker is in use: busy seconds, request seconds, CPU seconds, requests in flight.

Computed in the flusher's thread, from the requests that ended since the last flush and from those
that still run; a request pays nothing for it. What tells that a worker is full depends on its kind:

* One request at a time (gunicorn sync, a Celery prefork child): ``busy_s / elapsed_s``. While it is
  busy the next request waits.
* Threads: ``request_s / elapsed_s`` is how many requests ran at once on average; over the number of
  threads it is the share of them in use. One interpreter runs Python in one thread at a time, so
  that ``cpu_s / elapsed_s`` near 1 is full too, however many threads are free.
* An event loop: ``cpu_s / elapsed_s``. Requests in flight are no limit of it, and it is nearly always
  busy with at least one.

All are seconds, so that sums over workers, hosts and time stay exact; divide the sums.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter, process_time

from perfkit.observation import RUNNING, Observation

#: Ended requests kept apart before they are folded: bounds the memory of a busy worker.
MOST_ENDED = 2_000

#: From when to when, ``perf_counter()`` seconds.
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ProcessStats:
    """The use of one worker between two flushes.

    A request that ended while a flush ran is counted by the next one, in full, so that the sums over
    time are exact though one interval may tell some milliseconds too little or too much.

    Attributes:
        busy_s: seconds in which at least one request ran.
        elapsed_s: seconds since the last flush.
        in_flight: requests running now.
        in_flight_peak: most requests that ran at the same time.
        request_s: seconds of all requests together; two at a time for a second are two.
        cpu_s: CPU seconds of the process.
        one_at_a_time: every request so far ran in the main thread of the process, outside of an
            event loop, none beside another: a worker that must end one before it takes the next.
    """

    busy_s: float
    elapsed_s: float
    in_flight: int
    in_flight_peak: int
    request_s: float = 0.0
    cpu_s: float = 0.0
    one_at_a_time: bool = False

    @property
    def saturated_s(self) -> float:
        """Seconds in which the worker could not have done more, as far as it knows itself.

        Busy seconds where requests run one at a time, else CPU seconds. How many threads a threaded
        worker may use is not known here: see ``request_s``.
        """
        return self.busy_s if self.one_at_a_time else min(self.cpu_s, self.elapsed_s)


class ProcessMeter:
    """Adds up what the requests of this process take.

    Args:
        clock: as the observations' ``started`` and ``ended``; seconds.
        cpu_clock: CPU seconds of the process.
    """

    def __init__(
        self,
        clock: Callable[[], float] = perf_counter,
        cpu_clock: Callable[[], float] = process_time,
    ) -> None:
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._taken = self._folded = self._before = clock()
        self._cpu_taken = cpu_clock()
        self._main = threading.main_thread().ident
        self._one_at_a_time = True
        self._ended: list[Span] = []
        #: The covered time since ``_before``: no two overlap, earliest first.
        self._covered: list[Span] = []
        self._busy_before = self._busy_told = 0.0
        self._ended_s = self._request_told = 0.0
        self._peak = 0

    def add(self, observation: Observation) -> None:
        """Count a request that has ended."""
        self._ended.append((observation.started, observation.ended))
        self._ended_s += observation.ended - observation.started
        # CPU seconds are not told where requests share a thread.
        if observation.thread_id != self._main or observation.cpu_s is None:
            self._one_at_a_time = False
        if len(self._ended) >= MOST_ENDED:
            self._fold(self._clock())

    def take(self) -> ProcessStats:
        """Return what was used since the last call."""
        now = self._clock()
        running = self._fold(now)
        elapsed_s, self._taken = now - self._taken, now
        busy = self._busy_before + _length(self._covered)
        busy_s, self._busy_told = busy - self._busy_told, max(busy, self._busy_told)
        # A request that has ended and waits in the queue is missing now, and made up for later.
        requests_s = self._ended_s + sum(end - start for start, end in running)
        request_s = max(requests_s - self._request_told, 0.0)
        self._request_told = max(requests_s, self._request_told)
        cpu = self._cpu_clock()
        cpu_s, self._cpu_taken = cpu - self._cpu_taken, cpu
        peak, self._peak = self._peak, len(running)
        return ProcessStats(
            max(busy_s, 0.0),
            elapsed_s,
            len(running),
            peak,
            request_s,
            cpu_s,
            self._one_at_a_time,
        )

    def _fold(self, now: float) -> list[Span]:
        """Add the ended requests, and the running ones as far as they are; return these."""
        # A copy is made in one step; the requests' threads come and go meanwhile.
        current = RUNNING.copy().values()
        if any(each.thread_id != self._main or each.running_task for each in current):
            self._one_at_a_time = False
        running = [(min(each.started, now), now) for each in current if not each.ended]
        spans = self._ended + running
        self._peak = max(self._peak, _most_at_once(spans, self._folded))
        if self._peak > 1:
            self._one_at_a_time = False
        # What lay before the last fold is known by now, but for what waited in the queue then.
        covered = _union(sorted(self._covered + [_since(span, self._before) for span in spans]))
        old = [(start, min(end, self._folded)) for start, end in covered if start < self._folded]
        self._busy_before += _length(old)
        self._covered = [_since(span, self._folded) for span in covered if span[1] > self._folded]
        self._before, self._folded = self._folded, now
        self._ended.clear()
        return running


def _since(span: Span, start: float) -> Span:
    return (max(span[0], start), max(span[1], start))


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


def _union(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap or touch; given earliest first."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _most_at_once(spans: Iterable[Span], since: float) -> int:
    """Return how many spans overlap at most; one that begins where another ends does not."""
    steps = [
        step for start, end in spans if end > since for step in ((max(start, since), 1), (end, -1))
    ]
    most = now = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most
