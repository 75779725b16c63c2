"""The rows that every case of the corpus reads, and clocks that a busy machine cannot upset."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nplusone.fill import fill


@pytest.fixture
def rows() -> None:
    """Fill the tables; the database itself is asked for by the mark ``django_db``."""
    fill()


@pytest.fixture(autouse=True)
def by_count(settings: Any) -> None:
    """Judge by the count of statements: four of them take 5 ms when the machine is busy."""
    settings.PERFKIT = {**settings.PERFKIT, "N_PLUS_ONE_MS": 1_000_000.0}
