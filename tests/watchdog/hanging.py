"""Requests of the hanging site in threads and on an event loop of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from django.core.asgi import get_asgi_application
from django.db import connections
from django.http import HttpRequest
from django.test import Client

from perfkit import pipeline
from perfkit.observation import RUNNING, Observation
from perfkit.watchdog.watchdog import Watchdog
from tests.watchdog import site_urls

#: Far more than any of this takes; reached only when something is broken.
PATIENCE_S = 30


class Hanging:
    """Requests that hang until ``release``, and a watchdog whose clock the test sets.

    Args:
        options: of ``Watchdog``.
    """

    def __init__(self, **options: Any) -> None:
        site_urls.free.clear()
        while site_urls.arrived.acquire(blocking=False):
            pass
        self.now = 0.0
        self._options = {"limit_s": 10.0, "per_hour": 5, "name_of": name_of, **options}
        self.watchdog = Watchdog(clock=lambda: self.now, **self._options)
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._application: Any = get_asgi_application()

    def ask(self, url: str, *, hangs: bool = True) -> Observation:
        """Ask for a page under WSGI, in a thread; return when it hangs."""
        before = set(RUNNING)
        self._start(lambda: _read(Client().get(url)))
        return self._arrived(before, hangs)

    def ask_async(self, url: str, *, hangs: bool = True) -> Observation:
        """Ask for a page under ASGI, on a loop in a thread of its own; return when it hangs."""
        before = set(RUNNING)
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._start(self._run_loop)
        asyncio.run_coroutine_threadsafe(self._get(url), self._loop)
        return self._arrived(before, hangs)

    def run(self, hang: Callable[[], Any]) -> Observation:
        """Run something in a thread as Celery runs a task; return when it hangs."""
        before = set(RUNNING)

        def observed() -> None:
            observation = pipeline.begin(HttpRequest(), shared=False)
            assert observation is not None
            hang()
            pipeline.abandon(observation, 200)

        self._start(observed)
        return self._arrived(before, hangs=True)

    def age(self, seconds: float) -> float:
        """Let the requests grow so old, and scan; return when the next scan is wanted."""
        self.now = self._first_started() + seconds
        return self.watchdog.scan()

    def release(self) -> None:
        """Let everything go and wait for it."""
        site_urls.free.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_when_done, self._loop)
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def sees(self, functions: list[str]) -> list[str]:
        """Look until the lines are those of these functions, and return the last that was seen.

        A page says that it has come to where it hangs a moment before it waits there.
        """
        gives_up = monotonic() + PATIENCE_S
        while True:
            seen = [line.split()[-1] for line in self.lines()]
            if seen == functions or monotonic() > gives_up:
                return seen
            threading.Event().wait(0.01)

    def again(self) -> None:
        """Let requests hang again after a release."""
        site_urls.free.clear()

    def lines(self, age_s: float = 10.01) -> list[str]:
        """Look once into what runs, and return the lines of the one branch that there is."""
        self.watchdog = Watchdog(clock=lambda: self.now, **self._options)
        self.age(age_s)
        self.watchdog.finish()
        (sample,), _ = self.watchdog.take()
        lines = []
        tree = sample.data["tree"]
        while tree:
            ((line, _, tree),) = tree
            lines.append(line)
        return lines

    def _start(self, run: Callable[[], Any]) -> None:
        def close_after() -> None:
            try:
                run()
            finally:
                connections.close_all()

        thread = threading.Thread(target=close_after, daemon=True)
        self._threads.append(thread)
        thread.start()

    async def _get(self, url: str) -> None:
        """Do what an ASGI server does with a request."""
        asked = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if asked.is_set():
                await asyncio.Event().wait()  # the client stays
            asked.set()
            return {"type": "http.request"}

        async def send(message: dict[str, Any]) -> None:
            pass

        path, _, query = url.partition("?")
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode()}
        await self._application({**scope, "headers": []}, receive, send)

    def _run_loop(self) -> None:
        assert self._loop is not None
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _stop_when_done(self, loop: asyncio.AbstractEventLoop) -> None:
        if asyncio.all_tasks(loop):
            loop.call_later(0.01, self._stop_when_done, loop)
        else:
            loop.stop()

    def _arrived(self, before: set[int], hangs: bool) -> Observation:
        if hangs:
            assert site_urls.arrived.acquire(timeout=PATIENCE_S)
        gives_up = monotonic() + PATIENCE_S
        while not (new := [each for key, each in RUNNING.copy().items() if key not in before]):
            assert monotonic() < gives_up
            threading.Event().wait(0.01)
        return new[0]

    def _first_started(self) -> float:
        return min(each.started for each in RUNNING.copy().values())


def _read(response: Any) -> None:
    if response.streaming:
        b"".join(response.streaming_content)


def name_of(observation: Observation) -> tuple[str, str]:
    """Name a request by its function."""
    request = observation.request
    match = observation.match if request is None else request.resolver_match
    return match.func.__name__ if match else "nowhere", observation.method or ""
