"""The sampler: one thread that looks where captured requests are, and lives while there are any.

It paces itself by the CPU that it has used, all of it, so that it never takes more than its share.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from time import perf_counter, thread_time
from typing import Any, Final, Protocol

from perfkit.host import gevent_monkey
from perfkit.isolation import isolated
from perfkit.profiling.switching import Switching
from perfkit.stacks.threads import Threads

THREAD_NAME: Final = "perfkit-sampler"

#: Seconds between two looks at least.
INTERVAL_S: Final = 0.001
#: The share of one CPU that the thread may use, over its whole life, and what it may use ahead.
SHARE: Final = 0.015
AHEAD_S: Final = 0.0003
#: Seconds between two looks at the clock where nothing is sampled.
_IDLE_S: Final = 1.0
#: Seconds between two looks at most, where they cost what they usually do: one that was costly, as by
#: a garbage collection in its midst, is paid off by several.
_LONGEST_S: Final = 0.03
#: Pauses up to which the thread sleeps, which costs less than to wait for a bell.
_SHORT_S: Final = 0.02


class Watched(Protocol):
    """What the thread looks at."""

    @property
    def hints(self) -> tuple[int | None, ...]:
        """Threads that it is likely to be in."""

    @property
    def slower(self) -> int:
        """How many times as long the pause between two looks is."""

    def look(self, threads: Threads, now: float, late_s: float) -> None:
        """Take one sample."""


class Sampler:
    """The thread, and what it looks at.

    Attributes:
        spent_s: CPU seconds that the thread has used in this process.
    """

    def __init__(self) -> None:
        self.spent_s = 0.0
        self._watched: list[Watched] = []
        self._timed: list[Callable[[float], None]] = []
        self._monkey = gevent_monkey()
        self._lock: Any = self._new_lock()
        self._is_running = False
        self._switching = Switching()
        #: CPU seconds of a look, without those that stand out.
        self._usual_s = 0.0001
        #: Held while the thread waits; released to end its wait.
        self._bell: Any = self._new_lock()
        self._bell.acquire()
        #: Held while the thread lives.
        self._alive: Any = self._new_lock()

    def add(self, watched: Watched) -> None:
        """Look at a request from now on."""
        with self._lock:
            self._watched.append(watched)
            self._start()

    def remove(self, watched: Watched) -> None:
        """Look at it no more."""
        with self._lock:
            if watched in self._watched:
                self._watched.remove(watched)
            self._ring()

    def time(self, call: Callable[[float], None]) -> None:
        """Have a call made at least once a second, with ``perf_counter()``, until ``untime``."""
        with self._lock:
            self._timed.append(call)
            self._start()

    def untime(self, call: Callable[[float], None]) -> None:
        """Make the call no more."""
        with self._lock:
            if call in self._timed:
                self._timed.remove(call)
            self._ring()

    def wait_for_end(self, seconds: float) -> bool:
        """Wait until the thread has ended, as it does when nothing is captured; tell whether it did."""
        if not self._alive.acquire(timeout=seconds):
            return False
        self._alive.release()
        return True

    def _new_lock(self) -> Any:
        """Return a lock between threads of the system: greenlets may not hold the thread up."""
        if self._monkey is None:
            return threading.Lock()
        return self._monkey.get_original("_thread", "allocate_lock")()

    def _start(self) -> None:
        if self._is_running:
            return
        self._is_running = True
        self._alive.acquire()
        if self._monkey is not None:
            self._monkey.get_original("_thread", "start_new_thread")(self._run, ())
        else:
            threading.Thread(target=self._run, name=THREAD_NAME, daemon=True).start()

    def _ring(self) -> None:
        if not (self._watched or self._timed) and self._bell.locked():
            self._bell.release()

    def _run(self) -> None:
        try:
            used, due = thread_time(), perf_counter()
            wait_s = INTERVAL_S
            planned = due + wait_s
            self._switching.adapt(len(self._watched))
            sleep = (
                time.sleep if self._monkey is None else self._monkey.get_original("time", "sleep")
            )
            while True:
                if wait_s <= _SHORT_S:
                    sleep(wait_s)
                else:
                    self._bell.acquire(timeout=wait_s)
                with self._lock:
                    if not self._watched:
                        self._switching.restore()
                    if not (self._watched or self._timed):
                        self._is_running = False
                        return
                with isolated("sampler"):
                    self._look(planned)
                spent = thread_time() - used
                used += spent
                self.spent_s += spent
                due, wait_s = self._pause(due, spent)
                planned = perf_counter() + wait_s
        finally:
            self._switching.restore()
            self._alive.release()

    def _look(self, planned: float) -> None:
        watched = list(self._watched)
        if watched:
            threads = Threads(first=[ident for each in watched for ident in each.hints])
            now = perf_counter()
            # Where requests compete for the interpreter, the sampled one has moved on meanwhile.
            late_s = max(now - planned, 0.0) if self._switching.is_short else 0.0
            for each in watched:
                with isolated("sampler"):
                    each.look(threads, now, late_s)
            self._switching.adapt(len(watched))
        now = perf_counter()
        for call in list(self._timed):
            call(now)

    def _pause(self, due: float, spent: float) -> tuple[float, float]:
        """Return when what was used so far is earned, and for how long to wait.

        Args:
            due: ``perf_counter()`` at which all that was used before is earned.
            spent: CPU seconds used since.
        """
        now = perf_counter()
        if not self._watched:
            return now, _IDLE_S
        slower = min((each.slower for each in list(self._watched)), default=1)
        # What was not used is not saved up, but for a little.
        due = max(due, now - AHEAD_S / SHARE) + spent / SHARE
        self._usual_s += (min(spent, 4 * self._usual_s) - self._usual_s) / 8
        longest = max(_LONGEST_S, 2 * self._usual_s / SHARE)
        return due, max(INTERVAL_S * slower, min(due - now, longest))


@cache
def sampler() -> Sampler:
    """Return this process's sampler."""
    _forget_in_children()
    return Sampler()


@cache
def _forget_in_children() -> None:
    os.register_at_fork(after_in_child=sampler.cache_clear)
