"""Traces that the tests of the hot path record into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from perfkit import hooks
from perfkit.capture.current import Trace, current


@contextmanager
def _recording(slow_s: float) -> Iterator[Trace]:
    hooks.install()
    made = Trace(limit=1_000, slow_s=slow_s)
    token = current.set(made)
    yield made
    current.reset(token)
    assert made.failures == [], "a hook failed; a test that means it to clears the list"


@pytest.fixture
def trace() -> Iterator[Trace]:
    """Record the test into a trace of its own."""
    with _recording(slow_s=60.0) as made:
        yield made


@pytest.fixture
def watchful() -> Iterator[Trace]:
    """The same, with the call path of every statement: all of them count as slow."""
    with _recording(slow_s=0.0) as made:
        yield made
