"""cProfile as an engine: exact counts of calls, for one request of the process at a time.

Before Python 3.12 it counts what its thread runs; from then on what the whole interpreter runs. Other
requests that run meanwhile are in it: the capture is refused then, or says so, as the site wants it.
"""

from __future__ import annotations

import os
import sys
import threading
from cProfile import Profile as Profiler
from functools import cache
from pathlib import Path
from typing import Any, Final

from perfkit.errors import CaptureRefused
from perfkit.isolation import isolated
from perfkit.observation import RUNNING
from perfkit.profiling.capture import CallCount, Caller, Frame, Profile
from perfkit.profiling.naming import Names

SEES_ALL_THREADS: Final = sys.version_info >= (3, 12)

SHARED: Final = "other requests ran in the process at the same time: their calls are counted too"
ALL_THREADS: Final = "from Python 3.12 on cProfile counts the calls of every thread: those of background threads are in it"
OWN_THREAD: Final = (
    "before Python 3.12 cProfile counts the calls of one thread: what other threads did for the request "
    "is not in it"
)
_OURS: Final = str(Path(__file__).parent) + os.sep
_DISABLE: Final = "'_lsprof.Profiler'"


class CallCounter:
    """The calls of one request or block.

    Args:
        shares_thread: whether other requests run in the thread at the same time.
        refuses: whether to be refused rather than to count other requests' calls.
        own: how many of the running requests are the one that is captured, or around the block.

    Attributes:
        shared: whether another request ran meanwhile.
    """

    def __init__(self, shares_thread: bool, refuses: bool, own: int = 1) -> None:
        self._sees_others = SEES_ALL_THREADS or shares_thread
        self._refuses = refuses
        self._own = own
        self._profiler: Profiler | None = None
        self._entries: list[Any] = []
        self.shared = False
        self._ended = False

    def begin(self) -> None:
        """Take the process's one place.

        Raises:
            CaptureRefused: it is taken, by another capture or another profiler; or other requests run.
        """
        if not _place().acquire(blocking=False):
            raise CaptureRefused("cProfile is busy with another capture")
        try:
            self._profiler = Profiler()
            self._check()
        except BaseException:
            _place().release()
            raise
        counting.append(self)

    def _check(self) -> None:
        if sys.version_info >= (3, 12) and (tool := sys.monitoring.get_tool(2)) is not None:
            raise CaptureRefused(f"another profiler is at work in the process: {tool[:80]}")
        if sys.getprofile() is not None:
            raise CaptureRefused("another profiler is at work in this thread")
        if len(RUNNING) > self._own:
            self.joined()
        self.check_alone()

    def joined(self) -> None:
        """Note that another request runs in this process."""
        self.shared = self.shared or self._sees_others

    def check_alone(self) -> None:
        """Refuse where another request has run meanwhile, unless the site wants such captures.

        Raises:
            CaptureRefused: one has.
        """
        if self.shared and self._refuses:
            raise CaptureRefused(
                "other requests run in the process, and cProfile would count them too: see "
                "CAPTURE_SHARED"
            )

    def resume(self) -> None:
        """Count from now on.

        Raises:
            CaptureRefused: another profiler was faster.
        """
        if self._ended or self._profiler is None:
            return
        if sys.getprofile() is not None:
            raise CaptureRefused("another profiler is at work in this thread")
        try:
            self._profiler.enable()
        except ValueError as error:
            raise CaptureRefused("another profiler is at work in the process") from error

    def pause(self) -> None:
        """Count no more, until ``resume``."""
        if self._profiler is not None:
            self._profiler.disable()

    def end(self) -> None:
        """Keep the counts, and give the place free; only the first call counts."""
        if self._ended or self._profiler is None:
            return
        self._ended = True
        if SEES_ALL_THREADS:
            with isolated("cprofile"):  # a request without end slows all others down until then
                self._profiler.disable()
        if self in counting:
            counting.remove(self)
        _place().release()
        self._entries = list(self._profiler.getstats())

    def profile(self) -> tuple[Profile, Names]:
        """Return what was counted, named."""
        names = Names({})
        frames: dict[Frame, int] = {}
        calls: dict[int, CallCount] = {}
        callers: dict[int, dict[int, Caller]] = {}

        def number(code: Any) -> int:
            return frames.setdefault(names.of_code(code), len(frames))

        entries = [entry for entry in self._entries if not _is_ours(entry.code)]
        for entry in entries:
            at = number(entry.code)
            count = CallCount(at, *_figures(entry), ())
            calls[at] = _summed(calls[at], count) if at in calls else count
            for callee in entry.calls or ():
                if not _is_ours(callee.code):
                    by = callers.setdefault(number(callee.code), {})
                    caller = Caller(at, *_figures(callee))
                    by[at] = _summed(by[at], caller) if at in by else caller
        counted = tuple(
            each._replace(callers=tuple(callers.get(at, {}).values())) for at, each in calls.items()
        )
        notes = [ALL_THREADS if SEES_ALL_THREADS else OWN_THREAD]
        if self.shared:
            notes.insert(0, SHARED)
        return Profile(tuple(frames), calls=counted, notes=tuple(notes)), names


def _figures(entry: Any) -> tuple[int, int, float, float]:
    """Return calls, primitive calls, and milliseconds of its own and together."""
    calls = entry.callcount
    return calls, calls - entry.reccallcount, entry.inlinetime * 1000, entry.totaltime * 1000


def _summed(one: Any, other: Any) -> Any:
    """Add up functions of one name: each lambda of a line, or a function that was made twice."""
    return one._replace(
        calls=one.calls + other.calls,
        primitive_calls=one.primitive_calls + other.primitive_calls,
        own_ms=one.own_ms + other.own_ms,
        total_ms=one.total_ms + other.total_ms,
    )


def _is_ours(code: Any) -> bool:
    if isinstance(code, str):
        return _DISABLE in code
    return str(code.co_filename).startswith(_OURS)


#: The captures that count: one, or none. Each request that begins looks whether there is one.
counting: list[CallCounter] = []


@cache
def _place() -> threading.Lock:
    os.register_at_fork(after_in_child=_after_fork)
    return threading.Lock()


def _after_fork() -> None:
    """Give the place free in a child: whoever had it is the parent's."""
    counting.clear()
    with isolated("cprofile"):
        lock = _place()
        if lock.locked():
            lock.release()
