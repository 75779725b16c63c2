"""The one background thread of a process: takes finished requests, and flushes them in intervals.

It starts with the first request and again after a fork: a thread does not survive one, and what
the parent had not sent is the parent's to send. Where threads stand still between requests (uWSGI
without threads) it does its work at the end of a response that was sent.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Any

from django.core.signals import request_finished

from perfkit import forking
from perfkit.forking import no_fork
from perfkit.host import at_child_exit, gevent_monkey, threads_run
from perfkit.isolation import isolated

THREAD_NAME = "perfkit-flusher"

#: Seconds between two looks at the queue.
_POLL_S = 0.5
#: A worker that has nothing to do flushes after so many seconds instead of waiting out the interval:
#: a developer sees the page just loaded, and a server that ends by killing itself loses less.
_QUIET_S = 2.0
#: Seconds of work after which the interpreter's lock is offered to the requests.
_SLICE_S = 0.001
#: The same where many items are left: what any thread gets, or a busy process would never catch up.
_LONG_SLICE_S = 0.005
_MANY_LEFT = 200
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
        look: called in the thread each time that it looks at the queue.

    Attributes:
        dropped: items that there was no room for, since somebody set it to 0.
        hangs: the process ends, and a call that the thread made has not come back.
    """

    def __init__(
        self,
        handle: Callable[[Any], None],
        flush: Callable[[], None],
        finish: Callable[[], None],
        interval_s: float,
        reset: Callable[[], None],
        look: Callable[[], None] | None = None,
    ) -> None:
        self._handle = handle
        self._flush = flush
        self._finish = finish
        self._reset = reset
        self._look = look
        self.interval_s = interval_s
        self.dropped = 0
        forking.prepare()
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
        self._without_thread = False
        self._flushed = monotonic()
        self.hangs = False

    def _after_fork(self) -> None:
        self.dropped = 0
        forking.renew()
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

    def hurry(self) -> None:
        """Have the thread handle what is queued at once: somebody waits for it."""
        self._wake.set()

    def start(self) -> None:
        """Start the thread where none runs: something waits for a flush that is not queued."""
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None or self._without_thread or self._stopping.is_set():
                return
            at_child_exit(self.stop)
            if not threads_run():
                self._without_thread = True
                request_finished.connect(self._after_response)
            else:
                thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        stopping = self._stopping
        self._flushed = monotonic()
        unsent = False
        while not stopping.is_set():
            since = monotonic() - self._flushed
            self._wake.wait(min(_POLL_S, max(0.0, self.interval_s - since)))
            self._wake.clear()
            waiting = len(self._queue)
            self.drain(stopping)
            if self._look is not None:
                with isolated("orders"):
                    self._look()
            unsent = unsent or waiting > 0
            since = monotonic() - self._flushed
            if since >= self.interval_s or (unsent and not waiting and since >= _QUIET_S):
                self._flush_now()
                unsent = False

    def _after_response(self, **told: Any) -> None:
        # The client has its answer; what this takes, only the next request of this worker waits for.
        self.drain()
        if monotonic() - self._flushed >= self.interval_s:
            self._flush_now()

    def _flush_now(self) -> None:
        self._flushed = monotonic()  # as it begins: what comes meanwhile waits for the next
        with isolated("flush"):
            self._flush()

    def drain(self, ending: threading.Event | None = None) -> None:
        """Handle what is queued now.

        Args:
            ending: given by the thread, which lets requests run after each slice of a millisecond;
                set when it is to leave the rest to the one that ends the process.
        """
        left = len(self._queue)
        if ending is None:
            while left:
                left = self._handle_some(left, None)
        while left:
            with self._unforked():
                left = self._handle_some(left, ending)
            # Looked up now: gevent may have put a function of its own here since the import.
            time.sleep(0)

    def _handle_some(self, left: int, ending: threading.Event | None) -> int:
        """Handle so many items, for a slice at most; return how many are left."""
        slice_ends = monotonic() + (_SLICE_S if left < _MANY_LEFT else _LONG_SLICE_S)
        guard = isolated("flusher")
        while left:
            if ending is not None and ending.is_set():
                return 0
            try:
                item = self._queue.popleft()
            except IndexError:  # another greenlet drains too
                return 0
            with guard:
                self._handle(item)
            left -= 1
            if monotonic() >= slice_ends:
                break
        return left

    def _unforked(self) -> AbstractContextManager[None]:
        """Keep forks away while we work: a child inherits every lock that is held just then.

        Greenlets take turns only where we let them, and one that held a fork up would never get on.
        """
        return no_fork() if gevent_monkey() is None else nullcontext()

    def pause(self, seconds: float) -> bool:
        """Wait within a flush; return True, at once, where somebody waits for its end.

        That is the end of the process, and the next request of a worker without threads.
        """
        return self._without_thread or self._stopping.wait(seconds)

    def stop(self) -> None:
        """End the thread and flush what is left; a later ``submit`` starts anew."""
        thread, self._thread = self._thread, None
        ran = thread is not None or self._without_thread
        self._stopping.set()
        self._wake.set()
        self.hangs = False
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_S)
            self.hangs = thread.is_alive()
        if ran or self._queue:
            self.drain()
            with isolated("flush"):
                self._finish()
        if self._without_thread:
            request_finished.disconnect(self._after_response)
            self._without_thread = False
        self._stopping = threading.Event()
