"""What every test must leave as it found it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connections

from perfkit.capture.current import current
from perfkit.observation import RUNNING
from perfkit.profiling.running import CAPTURING
from perfkit.profiling.sampler import sampler
from perfkit.watchdog import guard
from tests.seen import seen as seen  # a fixture for every test

THREADS = ("perfkit-flusher", "perfkit-sampler", "perfkit-watchdog")


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name in THREADS}


def _hooks() -> dict[str, list[object]]:
    """Return perfkit's hooks on the connections that are open in this thread, by alias."""
    return {
        connection.alias: [
            hook
            for hook in connection.execute_wrappers
            if getattr(hook, "__module__", type(hook).__module__).startswith("perfkit")
        ]
        for connection in connections.all(initialized_only=True)
    }


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that leaves a recording open, a hook twice on a connection, or a thread alive."""
    threads = _threads()
    yield
    RUNNING.clear()  # a test may begin a request and look at its beginning only
    assert not CAPTURING, "the test left a capture that is being made"
    sampler().wait_for_end(5)  # it ends by itself, a moment after the last capture
    guard.end()  # it lives as long as its process; a test that only begins a request has begun it
    left = current.get()
    current.set(None)  # so that the next test is judged by what it does itself
    assert left is None, "the test left a recording open: perfkit.capture.current.current is set"
    doubled = {alias: hooks for alias, hooks in _hooks().items() if len(hooks) > 1}
    assert doubled == {}, "the test left more than one hook of perfkit on a connection"
    left_alive = sorted(thread.name for thread in _threads() - threads)
    assert left_alive == [], "the test left a thread alive"
