"""Reports that are shown again and again: in place in a terminal, one after the other in a pipe."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest

from perfkit.report.watch import watch


class Terminal(StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def reports(*texts: str) -> tuple[Callable[[], str], Callable[[], None]]:
    """Return what makes these reports, and what waits: Ctrl-C comes after the last."""
    left: Iterator[str] = iter(texts)
    waits = iter([*[False] * (len(texts) - 1), True])

    def wait() -> None:
        if next(waits):
            raise KeyboardInterrupt

    return lambda: next(left), wait


def test_a_pipe_gets_one_after_the_other() -> None:
    """Without a control code, and Ctrl-C is no error."""
    out = StringIO()
    watch(*flip(reports("one\n", "two\n"), out))
    assert out.getvalue() == "one\n\ntwo\n\n"


def flip(
    made: tuple[Callable[[], str], Callable[[], None]], out: Any
) -> tuple[Callable[[], str], Any, Callable[[], None]]:
    """Put the arguments in order."""
    report, wait = made
    return report, out, wait


def test_a_terminal_is_written_over_and_keeps_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen of its own, never cleared between two reports: nothing flickers."""
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    watch(*flip(reports("one\n", "two\n", "three\n"), out))
    told = out.getvalue()
    enters, leaves = "\x1b[?1049h", "\x1b[?1049l"
    assert (told.count(enters), told.count(leaves)) == (1, 1)
    inside, after = told.split(enters)[1].split(leaves)
    assert "one" in inside
    assert "three" in inside
    assert "\x1b[2J" not in inside.partition("one")[2], "cleared"
    assert after.endswith("three\n"), "the last one stays on the screen"
    assert "\x1b[?25h" in after or "\x1b[?25h" in inside, "the cursor is back"


def test_a_failure_gives_the_screen_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens, the reader's terminal is as it was."""
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()

    def fail() -> str:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError):
        watch(fail, out, lambda: None)
    assert "\x1b[?1049l" in out.getvalue()


def test_the_command_watches_until_ctrl_c(make: Any, write: Any, site: dict[str, str]) -> None:
    """In a pipe, as a process of its own; status 0."""
    write(make.request())
    command = [sys.executable, "-m", "perfkit", "perfreport", "--watch", "1"]
    with subprocess.Popen(command, env=plain(site), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        shown = 0
        for line in running.stdout:
            shown += "GET /products/" in line
            if shown == 2:
                running.send_signal(signal.SIGINT)
                break
        running.stdout.read()
    assert running.returncode == 0


def test_the_command_watches_in_a_terminal(make: Any, write: Any, site: dict[str, str]) -> None:
    """With the report in color, and the last one left behind."""
    write(make.request())
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "perfkit", "perfreport", "--watch", "1"]
    environment = {**plain(site), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(command, env=environment, stdout=theirs, stdin=theirs) as running:
        os.close(theirs)
        told = b""
        while told.count(b"GET /products/") < 2:
            told += read(ours)
        running.send_signal(signal.SIGINT)
        while chunk := read(ours):
            told += chunk
    os.close(ours)
    assert running.returncode == 0
    assert b"\x1b[?1049h" in told
    assert b"GET /products/" in told.rpartition(b"\x1b[?1049l")[2]


def plain(site: dict[str, str]) -> dict[str, str]:
    """Return the environment without coverage: Ctrl-C within its lock leaves the process hanging there."""
    return {name: value for name, value in site.items() if not name.startswith("COVERAGE_")}


def read(terminal: int) -> bytes:
    """Read what a terminal shows, b"" when its program has ended."""
    ready, _, _ = select.select([terminal], [], [], 30)
    assert ready, "nothing was shown for 30 s"
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when the last program has closed it
        return b""
