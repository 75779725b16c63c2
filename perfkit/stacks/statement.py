"""The statement that a stack is in the middle of, read from the frame that runs it.

The database hook notes a statement when it has ended. While it runs, its text and its start stand in
the hook's own frame: reading them there, from the watchdog's thread, costs the request nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple

from perfkit.capture.current import LONGEST_SQL
from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of
from perfkit.capture.sql import observe
from perfkit.statement import parse

#: Letters of the masked text that are kept.
LONGEST_TEXT = 400
#: Frames looked at: a driver written in Python has a few of its own.
_DEEPEST_DRIVER = 40

_HOOK = observe.__code__
#: Django's own, where the hook is off.
_DJANGO = frozenset(
    code_of(f"django.db.backends.utils:CursorWrapper.{name}", "sql")
    for name in ("_execute", "_executemany")
)


class Running(NamedTuple):
    """A statement in flight.

    Attributes:
        sql: its text as given, with its values: it must be masked before it goes anywhere.
        started: ``perf_counter()`` seconds, None where that is not known.
    """

    sql: str
    started: float | None


def running_in(stack: Sequence[FrameType]) -> Running | None:
    """Return the statement that a stack runs; None when it runs none.

    Args:
        stack: outermost frame first.
    """
    plain: FrameType | None = None
    for frame in stack[: -_DEEPEST_DRIVER - 1 : -1]:
        if frame.f_code is _HOOK:
            names = names_of(frame)
            return _running(names.get("sql"), names.get("started"))
        if plain is None and frame.f_code in _DJANGO:
            plain = frame
    return None if plain is None else _running(names_of(plain).get("sql"), None)


def _running(sql: Any, started: float | None) -> Running:
    # Whatever composes a text may belong to the connection, which another thread is using.
    text = str.__str__(sql) if isinstance(sql, str) else f"<{type(sql).__name__}>"
    return Running(text[:LONGEST_SQL], started)


def masked(sql: str) -> str:
    """Return a statement's text without its values, cut to a length."""
    shape = parse(sql).shape
    return shape if len(shape) <= LONGEST_TEXT else f"{shape[: LONGEST_TEXT - 4]} ..."
