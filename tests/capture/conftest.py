"""A trace that the tests of the hot path record into."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perfkit import hooks
from perfkit.capture.current import Trace, current


@pytest.fixture
def trace() -> Iterator[Trace]:
    """Record the test into a trace of its own."""
    hooks.install()
    made = Trace(limit=1_000, slow_s=60.0)
    token = current.set(made)
    yield made
    current.reset(token)
