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
from types import FrameType
from typing import Any, Final

from perfkit.host import gevent_monkey
from perfkit.isolation import isolated
from perfkit.profiling.capture import Profile
from perfkit.profiling.naming import Names
from perfkit.profiling.stack_tree import Tree
from perfkit.profiling.switching import Switching
from perfkit.profiling.whereabouts import Finder
from perfkit.stacks.locate import Subject
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


class Sampled:
    """The samples of one request or block.

    Args:
        subject: the request; for a block what stands for one.
        entrance: the frame in which a block was entered; None for a request.
        inclusive: whether that frame is the site's own.
    """

    def __init__(
        self, subject: Subject, entrance: FrameType | None = None, inclusive: bool = True
    ) -> None:
        self._finder = Finder(subject, entrance, inclusive)
        self._tree = Tree()
        self._started = self._at = perf_counter()
        self._found = False
        self._spent_s = 0.0
        self._ended = False

    @property
    def hints(self) -> tuple[int | None, ...]:
        """Threads that it is likely to be in."""
        return self._finder.hints

    @property
    def slower(self) -> int:
        """How many times as long the pause between two looks is, once there are many."""
        return 1 << self._tree.halved

    def look(self, threads: Threads, now: float, late_s: float = 0.0) -> None:
        """Take one sample; what was seen after the end is not the request's any more.

        Args:
            threads: all stacks of this moment.
            now: ``perf_counter()`` seconds.
            late_s: seconds by which it is later than was meant.
        """
        places = self._finder.find(threads)
        if self._ended:
            return
        # Two samples share the time between them; but one that held the interpreter for so long that
        # this one is late was there all that while.
        begins = self._at
        if self._found:
            begins += max(now - self._at - late_s, 0.0) / 2
            self._tree.lengthen((begins - self._started) * 1000)
        if places:
            start = (begins - self._started) * 1000
            self._tree.add(places, start, (now - begins) * 1000)
        self._found = bool(places)
        self._at = now

    def begin(self) -> None:
        """Have the thread look at it from now on."""
        self._spent_s = sampler().spent_s
        self._started = self._at = perf_counter()
        sampler().add(self)

    def resume(self) -> None:
        """Note the thread: a streamed body may be made in another one than its answer was."""
        self._finder.thread = threading.get_ident()

    def pause(self) -> None:
        """Nothing to do: where the request is not, the thread sees."""

    def end(self) -> None:
        """Take no more samples; only the first call counts."""
        if self._ended:
            return
        self._ended = True
        self._finder.forget()
        sampler().remove(self)
        self._spent_s = sampler().spent_s - self._spent_s
        if self._found:
            self._tree.lengthen((perf_counter() - self._started) * 1000)

    def profile(self) -> tuple[Profile, Names]:
        """Return what was seen, named."""
        names = Names(self._finder.codes)
        frames, nodes, samples = self._tree.named(names.of_place)
        notes = self._tree.notes()
        if self._finder.is_deep:
            notes.append("some stacks were too deep: frames in their middle are left out")
        if not samples:
            notes.append("it ended before a sample was taken")
        return Profile(frames, nodes, samples, (), self._spent_s * 1000, tuple(notes)), names


class Sampler:
    """The thread, and what it looks at.

    Attributes:
        spent_s: CPU seconds that the thread has used in this process.
    """

    def __init__(self) -> None:
        self.spent_s = 0.0
        self._watched: list[Sampled] = []
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

    def add(self, sampled: Sampled) -> None:
        """Look at a request from now on."""
        with self._lock:
            self._watched.append(sampled)
            self._start()

    def remove(self, sampled: Sampled) -> None:
        """Look at it no more."""
        with self._lock:
            if sampled in self._watched:
                self._watched.remove(sampled)
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
