"""Requests that hang, let go whatever happens to their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perfkit.observation import RUNNING
from tests.seen import Seen
from tests.server.conftest import serve as serve  # a fixture for these tests too
from tests.watchdog.hanging import Hanging

Hang = Callable[..., Hanging]


@pytest.fixture
def hanging_site(seen: Seen, settings: Any) -> Any:
    """Serve the hanging site in this process, without a watchdog of its own."""
    seen.configure(WATCHDOG_SECONDS=None)
    settings.ROOT_URLCONF = "tests.watchdog.site_urls"
    settings.MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
    return settings


@pytest.fixture
def hang(hanging_site: Any, db: None) -> Iterator[Hang]:
    """Make sites whose requests hang."""
    made: list[Hanging] = []

    def make(**options: Any) -> Hanging:
        made.append(Hanging(**options))
        return made[-1]

    yield make
    for hanging in made:
        hanging.release()
    assert not RUNNING


@pytest.fixture
def hanging(hang: Hang) -> Hanging:
    """Make a site with a limit of 10 seconds."""
    return hang()
