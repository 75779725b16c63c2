"""What perfkit itself costs a process and what it lost: the figures below ``perfkit.self``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time

from perfkit.isolation import failures


@dataclass(frozen=True, slots=True)
class SelfStats:
    """What perfkit tells of itself for one flush; times in microseconds.

    Attributes:
        flushes: 1.
        flush_us: how long the flush before took.
        overhead_us: CPU time of perfkit's own thread since then.
        dropped: requests that were not counted.
        unsent: requests whose metrics an earlier flush could not send.
        failures: of perfkit's own, isolated.
    """

    flushes: int = 0
    flush_us: float = 0.0
    overhead_us: float = 0.0
    dropped: int = 0
    unsent: int = 0
    failures: int = 0

    def __add__(self, other: SelfStats) -> SelfStats:
        return SelfStats(
            self.flushes + other.flushes,
            self.flush_us + other.flush_us,
            self.overhead_us + other.overhead_us,
            self.dropped + other.dropped,
            self.unsent + other.unsent,
            self.failures + other.failures,
        )


class OwnMeter:
    """Adds up what the background thread takes.

    Args:
        cpu_clock: CPU seconds of the thread that asks.
    """

    def __init__(self, cpu_clock: Callable[[], float] = thread_time) -> None:
        self._cpu_clock = cpu_clock
        self._handled_s = self._flushed_s = 0.0
        self._thread = 0
        self._cpu_told = 0.0
        self._failures_told = failures.total()

    def handled(self, seconds: float) -> None:
        """Count the time that a finished request took in the background."""
        self._handled_s += seconds

    def flushed(self, seconds: float) -> None:
        """Count the time that a flush took."""
        self._flushed_s += seconds

    def take(self, dropped: int) -> SelfStats:
        """Return what was since the last call.

        Args:
            dropped: requests that the queue had no room for.
        """
        handled_s, self._handled_s = self._handled_s, 0.0
        flushed_s, self._flushed_s = self._flushed_s, 0.0
        overhead_s = self._cpu_s(handled_s + flushed_s)
        told, self._failures_told = self._failures_told, failures.total()
        failed = max(self._failures_told - told, 0)
        return SelfStats(1, flushed_s * 1e6, overhead_s * 1e6, dropped, 0, failed)

    def _cpu_s(self, elapsed_s: float) -> float:
        """Return the thread's CPU seconds since the last call."""
        thread = threading.get_native_id()
        if thread == threading.main_thread().native_id:
            # The process ends, or its threads are greenlets: what the thread took is not ours alone.
            return elapsed_s
        cpu_s = self._cpu_clock()
        before, self._cpu_told = self._cpu_told if thread == self._thread else 0.0, cpu_s
        self._thread = thread
        return max(cpu_s - before, 0.0)
