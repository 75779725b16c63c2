"""Keeps forks apart from what perfkit's thread does: a child inherits every lock that is held just then.

No thread is left in the child that would release it. SQLite's mutexes are such locks, and so are
Django's: the child hangs in its next statement, in the midst of a request of the site's. A file that
was open in SQLite may even be damaged by the child. So a fork waits for what the thread is at, a
millisecond as a rule, the write of the store at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import get_ident
from typing import Any

from perfkit.host import new_lock

#: Seconds that a fork waits at most: longer than a write waits for another process's lock.
LONGEST_WAIT_S = 1.0


class _Gate:
    """A lock that a thread of ours holds at its work, and another's fork while it happens."""

    def __init__(self) -> None:
        self.lock: Any = new_lock()
        self._forking: set[int] = set()  # threads that hold it for their fork
        os.register_at_fork(before=self._close, after_in_parent=self._open, after_in_child=renew)

    def _close(self) -> None:
        if self.lock.acquire(timeout=LONGEST_WAIT_S):
            self._forking.add(get_ident())

    def _open(self) -> None:
        if get_ident() in self._forking:
            self._forking.remove(get_ident())
            self.lock.release()

    def renew(self) -> None:
        self._forking.clear()
        self.lock = new_lock()


@cache
def _gate() -> _Gate:
    return _Gate()


def prepare() -> None:
    """Have forks wait from now on."""
    _gate()


def renew() -> None:
    """Begin anew in a forked child, where nobody is left to release what the parent held."""
    _gate().renew()


@contextmanager
def no_fork() -> Iterator[None]:
    """Keep the forks of other threads waiting while the block runs; blocks of two threads take turns."""
    with _gate().lock:
        yield
