"""The watchdog's thread: one in each process that answers requests, begun with the first of them.

It does not use ``threading`` where that means greenlets: one that computes would hold up the watchdog
too, just when it is needed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from time import monotonic, thread_time
from typing import Any

from perfkit import observation
from perfkit.host import gevent_monkey, threads_run
from perfkit.isolation import isolated
from perfkit.metrics.sample import Sample
from perfkit.watchdog.watchdog import Watchdog

THREAD_NAME = "perfkit-watchdog"

#: CPU seconds that the thread may use in each second, and what it may have saved up.
SHARE = 0.001
MOST_SAVED_S = 0.02
#: Seconds that a stopping process waits for it.
_STOP_S = 1.0


class Allowance:
    """CPU time that adds up while nothing is done and is taken by what is done.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._saved_s = MOST_SAVED_S
        self._at = clock()

    def spend(self, cost_s: float) -> float:
        """Take what was used; return for how many seconds nothing more may be."""
        now = self._clock()
        self._saved_s = min(self._saved_s + (now - self._at) * SHARE, MOST_SAVED_S) - cost_s
        self._at = now
        return max(-self._saved_s / SHARE, 0.0)


class Guard:
    """A thread that calls the watchdog when it wants to be called, and not more than it may.

    Args:
        watchdog: what it calls; None when there is nothing to watch for.
    """

    def __init__(self, watchdog: Watchdog | None) -> None:
        self.watchdog = watchdog
        self._monkey = gevent_monkey()
        self._stopping = False
        #: Both are held while the thread runs: one ends its wait, the other ends with it.
        self._bell: Any = None
        self._alive: Any = None

    def start(self) -> bool:
        """Start the thread, where one may run; tell whether it was started."""
        if self.watchdog is None or not threads_run():
            return False
        self._bell, self._alive = self._new_lock(), self._new_lock()
        self._bell.acquire()
        self._alive.acquire()
        if self._monkey is not None:
            observation.whereabouts = _current_greenlet()
            self._monkey.get_original("_thread", "start_new_thread")(self._run, ())
        else:
            threading.Thread(target=self._run, name=THREAD_NAME, daemon=True).start()
        return True

    def stop(self) -> None:
        """End the thread; what was seen so far can be taken afterwards."""
        if self._alive is None or self._stopping:
            return
        self._stopping = True
        self._bell.release()
        if self._alive.acquire(timeout=_STOP_S) and self.watchdog is not None:
            self.watchdog.finish()

    def _new_lock(self) -> Any:
        """Return a lock that holds up a thread of the system's, not a greenlet."""
        if self._monkey is None:
            return threading.Lock()
        return self._monkey.get_original("_thread", "allocate_lock")()

    def _run(self) -> None:
        allowance = Allowance()
        wait_s = 0.0
        while not self._bell.acquire(timeout=wait_s):
            used = thread_time()
            wait_s = 1.0
            with isolated("watchdog"):
                wait_s = self.watchdog.scan() if self.watchdog else wait_s
            wait_s = max(wait_s, allowance.spend(thread_time() - used))
        self._alive.release()


def _current_greenlet() -> Any:
    return import_module("greenlet").getcurrent  # there where gevent is


#: The guard of this process: empty before the first request, after a fork, and when it is stopped.
guards: list[Guard] = []

_beginning = threading.Lock()


def begin(make: Callable[[], Guard]) -> bool:
    """Have a guard in this process; a request that finds none calls this.

    Returns:
        Whether a thread was started: there is a guard already, or none may run.
    """
    _forget_in_children()
    with _beginning:  # the first requests of a threaded worker come at once
        if guards:
            return False
        guard = make()
        guards.append(guard)  # one that cannot start is not tried with each request
        return guard.start()


def take() -> tuple[list[Sample], int]:
    """Return the samples made since the last call, and how many were dropped."""
    watchdog = guards[0].watchdog if guards else None
    return ([], 0) if watchdog is None else watchdog.take()


def end() -> tuple[list[Sample], int]:
    """Stop the guard and return what was not taken; a later request begins anew."""
    for guard in guards:
        guard.stop()
    left = take()
    guards.clear()
    return left


@cache
def _forget_in_children() -> None:
    os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    """Begin anew: a child has none of the threads, and none of the requests that ran in them."""
    global _beginning
    _beginning = threading.Lock()  # a thread that is gone may have held it
    guards.clear()
    observation.RUNNING.clear()
