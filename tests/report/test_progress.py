"""Progress: in a terminal only, and only when it takes long."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from perfkit.conf import get_settings
from perfkit.report.load import load
from perfkit.report.options import parse
from perfkit.report.progress import progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pipe_gets_nothing() -> None:
    """Not even the calls."""
    out = StringIO()
    with progress(out, "Reading") as told:
        assert told is None
    assert out.getvalue() == ""


def test_what_is_quick_shows_nothing() -> None:
    """Half a second is no time to read what for."""
    out, clock = Terminal(), Clock()
    with progress(out, "Reading", clock) as told:
        assert told is not None
        clock.now = 0.4
        told(5, 10)
    assert out.getvalue() == ""


def test_what_takes_long_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes it away again."""
    monkeypatch.setenv("TERM", "xterm")
    out, clock = Terminal(), Clock()
    with progress(out, "Reading the store", clock) as told:
        assert told is not None
        told(1, 10)
        clock.now = 0.6
        told(5, 10)
        told(9, 10)
    shown = out.getvalue()
    assert "Reading the store" in shown
    assert shown.rstrip().endswith("\x1b[2K"), "the line is erased"


def test_the_store_says_how_far_it_was_read(make: Any, write: Any) -> None:
    """Rows read, and rows that there are."""
    for _ in range(3):
        write(make.request())
    seen: list[tuple[int, int]] = []
    load(get_settings(), parse({}, make.time(), False), lambda *each: seen.append(each))
    assert seen == [(1, 3), (2, 3), (3, 3)]
