"""The one background thread of a process: takes finished requests, and flushes them in intervals.

It starts with the first request and again after a fork: a thread does not survive one, and what
the parent had not sent is the parent's to send.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from perfkit.isolation import isolated

THREAD_NAME = "perfkit-flusher"

#: Seconds between two looks at the queue.
_POLL_S = 0.5
#: A worker that has nothing to do flushes after so many seconds instead of waiting out the interval:
#: a developer sees the page just loaded, and a server that ends by killing itself loses less.
_QUIET_S = 2.0
#: Seconds of work after which the interpreter's lock is offered to the requests.
_SLICE_S = 0.001
#: Items waiting that wake the thread before its time: what they hold is memory.
_MANY_WAITING = 1_000
#: Items waiting at most; beyond, the newest is dropped and counted.
_MOST_WAITING = 2_000
#: Seconds that a stopping process waits for the thread.
_STOP_S = 2.0


class Flusher:
    """A queue, a thread that empties it, and a call at each interval.

    What a call raises is reported, and the thread goes on: without it nothing would be sent again.

    Args:
        handle: called with each item, in the thread.
        flush: called every ``interval_s`` seconds.
        finish: called once at the end, instead of ``flush``.
        interval_s: seconds between two flushes.
        reset: called in a forked child, before anything is queued there.
    """

    def __init__(
        self,
        handle: Callable[[Any], None],
        flush: Callable[[], None],
        finish: Callable[[], None],
        interval_s: float,
        reset: Callable[[], None],
    ) -> None:
        self._handle = handle
        self._flush = flush
        self._finish = finish
        self._reset = reset
        self.interval_s = interval_s
        self.dropped = 0
        self._begin()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.stop)

    def _begin(self) -> None:
        self._queue: deque[Any] = deque()
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def _after_fork(self) -> None:
        self.dropped = 0
        self._begin()
        self._reset()

    def submit(self, item: Any) -> None:
        """Queue one item; the request's side of the flusher: a length, an append, a pid."""
        if self._pid != os.getpid():  # a server that forks behind Python's back (uWSGI)
            self._after_fork()
        if len(self._queue) >= _MOST_WAITING:
            self.dropped += 1
            return
        self._queue.append(item)
        if self._thread is None:
            self._start()
        elif len(self._queue) == _MANY_WAITING:
            self._wake.set()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        flushed = monotonic()
        unsent = False
        while not self._stopping.is_set():
            self._wake.wait(min(_POLL_S, self.interval_s))
            self._wake.clear()
            waiting = len(self._queue)
            self.drain()
            unsent = unsent or waiting > 0
            since = monotonic() - flushed
            if since >= self.interval_s or (unsent and not waiting and since >= _QUIET_S):
                with isolated("flush"):
                    self._flush()
                flushed, unsent = monotonic(), False

    def drain(self) -> None:
        """Handle what is queued now, letting requests run after each slice of a millisecond."""
        slice_ends = monotonic() + _SLICE_S
        guard = isolated("flusher")
        for _ in range(len(self._queue)):
            try:
                item = self._queue.popleft()
            except IndexError:  # another thread drains too, as the process ends
                return
            with guard:
                self._handle(item)
            if monotonic() >= slice_ends:
                sleep(0)
                slice_ends = monotonic() + _SLICE_S

    def stop(self) -> None:
        """End the thread and flush what is left; a later ``submit`` starts anew."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_S)
        if thread is not None or self._queue:
            self.drain()
            with isolated("flush"):
                self._finish()
        self._stopping = threading.Event()
