"""Marks: written once, read by their time."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.errors import StoreError
from perfkit.store.marks import add_mark, marks
from perfkit.store.read import read
from perfkit.store.schema import DAY
from tests.store.writing import MINUTE, folded


def test_marks_come_back_in_their_order(database: dict[str, Any]) -> None:
    """From a moment on; the same one twice is one."""
    for at, name in ((2, "v2"), (1, "v1"), (2, "v2"), (2.5, "v3")):
        add_mark(database, name, MINUTE + at)
    assert marks(database, MINUTE + 2) == [(MINUTE + 2, "v2"), (MINUTE + 2.5, "v3")]
    assert read(database, MINUTE, MINUTE + 2).marks == ((MINUTE + 1, "v1"),)


def test_a_long_or_strange_name_is_no_error(database: dict[str, Any]) -> None:
    """It is cut, and what a database refuses is spelled out."""
    add_mark(database, "v\x00" + "x" * 5_000, MINUTE)
    ((_, name),) = marks(database, 0)
    assert name == "v\\x00" + "x" * 198


def test_marks_grow_old_with_the_rest(database: dict[str, Any]) -> None:
    """STORE_MAX_AGE_DAYS bounds them too."""
    add_mark(database, "old", MINUTE)
    add_mark(database, "young", MINUTE + 2 * DAY)
    folded(database, MINUTE + 11 * DAY, store_max_age_days=10)
    assert [name for _, name in marks(database, 0)] == ["young"]


def test_asking_for_marks_makes_no_store(database: dict[str, Any]) -> None:
    """Where there is none the caller is told."""
    with pytest.raises(StoreError):
        marks(database, 0)
