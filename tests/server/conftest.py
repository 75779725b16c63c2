"""Servers that are stopped whatever happens to their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Server

Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path, django_db_blocker: Any) -> Iterator[Serve]:
    """Start servers of one site."""
    started: list[Server] = []

    def serve(*arguments: str, **options: Any) -> Server:
        started.append(Server(tmp_path, *arguments, **options))
        return started[-1]

    with django_db_blocker.unblock():  # the store is a file of the test
        yield serve
        for server in started:
            server.stop()
