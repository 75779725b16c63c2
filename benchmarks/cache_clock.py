"""Virtual time: requests overlap as they did, hours go by in seconds, and nothing is left to chance.

Each request runs in a thread of its own, one thread at a time. A view that works for two seconds hands
over until the clock is two seconds on; meanwhile the requests run that came in between. So Django's real
cache sees what it would have seen, down to those who come while a page is being made.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Any


class Clock:
    """What ``time.time()`` says while it is in force, and who waits for which second.

    Attributes:
        now: Unix seconds.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self._real = time.time
        self._waiting: list[tuple[float, int, _Runner]] = []
        self._number = 0
        self._idle: list[_Runner] = []
        self._back: SimpleQueue[BaseException | None] = SimpleQueue()

    def time(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        """Let so much time go by in a request, in which others run."""
        runner = current_thread()
        assert isinstance(runner, _Runner)
        self._number += 1
        heapq.heappush(self._waiting, (self.now + seconds, self._number, runner))
        self._back.put(None)
        runner.go.get()

    def run(self, jobs: Iterable[tuple[float, Callable[[], None]]]) -> None:
        """Run jobs at their times, which come in order."""
        time.time = self.time
        try:
            for at, job in jobs:
                self._wake(at)
                self.now = at
                runner = self._idle.pop() if self._idle else _Runner(self._idle, self._back)
                self._hand_over(runner, job)
            self._wake(float("inf"))
        finally:
            time.time = self._real
            for runner in self._idle:
                runner.go.put(None)
            self._idle.clear()

    def _wake(self, until: float) -> None:
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, runner = heapq.heappop(self._waiting)
            self._hand_over(runner, None)

    def _hand_over(self, runner: _Runner, job: Any) -> None:
        """Let a runner go on until it is done or waits again."""
        runner.go.put(job)
        error = self._back.get()
        if error is not None:
            raise error


class _Runner(Thread):
    """Runs one job after the other when it is told to."""

    def __init__(self, idle: list[_Runner], back: SimpleQueue[BaseException | None]) -> None:
        super().__init__(daemon=True)
        self.go: SimpleQueue[Any] = SimpleQueue()
        self._free = idle
        self._answer = back
        self.start()

    def run(self) -> None:
        while (job := self.go.get()) is not None:
            error: BaseException | None = None
            try:
                job()
            except BaseException as raised:  # noqa: BLE001  # it is raised again where it can be seen
                error = raised
            self._free.append(self)
            self._answer.put(error)
