"""Real views behind Django's own handler with the probe on, and a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_settings

from perfkit import observation, pipeline
from perfkit.caching.event import Event
from perfkit.capture import answer
from perfkit.observation import Observation

PERFKIT = "perfkit.middleware.PerfkitMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
#: What ``startproject`` puts into a site's settings, as far as caching hangs on it.
USUAL = (SESSIONS, CSRF, AUTH, MESSAGES)

#: A Monday at noon, UTC.
NOON = 1_800_273_600.0


class Site:
    """A site under observation.

    Attributes:
        now: what ``time.time()`` says.
    """

    def __init__(self) -> None:
        self.now = NOON
        self._spent_s = 0.0

    def spend(self, milliseconds: float) -> None:
        """Let time go by inside a view, as if it had worked so long."""
        self._spent_s += milliseconds / 1000

    def perf_counter(self) -> float:
        """Count seconds, those that were spent too."""
        return perf_counter() + self._spent_s

    def submit(self, observation: Observation) -> None:
        """Stand in for the flusher: what its thread would do, at once."""
        pipeline.sinks().handle(observation)

    def client(self, **headers: str) -> Client:
        """Make a visitor with a browser of his own."""
        return Client(raise_request_exception=False, **headers)

    def get(self, client: Client, url: str, at: float | None = None, **extra: Any) -> Any:
        """Ask for a page at a time; seconds since noon."""
        if at is not None:
            self.now = NOON + at
        return client.get(url, **extra)

    def events(self) -> list[Event]:
        """Return what was noted so far, in the order of time."""
        windows = pipeline.sinks().aggregate.take().values()
        return sorted((event for window in windows for event in window.events), key=lambda e: e.at)


@contextmanager
def site(
    urls: Any,
    patch: pytest.MonkeyPatch,
    store: Mapping[str, Any],
    *middleware: str,
    **settings: Any,
) -> Iterator[Site]:
    """Serve views.

    Args:
        urls: a module or object with ``urlpatterns``.
        patch: puts the clock and the stand-in of the flusher in their places.
        store: a store, which is not written to.
        middleware: below perfkit's.
        settings: further settings of the site; PERFKIT's keys go on top of the store.
    """
    perfkit = {"STORE": dict(store), "WATCHDOG_SECONDS": None, **settings.pop("PERFKIT", {})}
    made = Site()
    with override_settings(
        ROOT_URLCONF=urls, MIDDLEWARE=[PERFKIT, *middleware], PERFKIT=perfkit, **settings
    ):
        pipeline.sinks.cache_clear()
        patch.setattr(pipeline, "flusher", lambda: made)
        patch.setattr(time, "time", lambda: made.now)
        for module in (answer, observation):
            patch.setattr(module, "perf_counter", made.perf_counter)
        try:
            yield made
        finally:
            patch.undo()
            pipeline.sinks.cache_clear()
