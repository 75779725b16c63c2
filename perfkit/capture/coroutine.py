"""Which coroutine asked for what a worker thread runs: its lines, noted where it leaves for it.

``await Book.objects.aget()`` runs its statement in a thread on whose stack no line of the site's
stands. asgiref copies the context into that thread, so a context variable carries the lines over.
"""

from __future__ import annotations

from asyncio import Handle
from contextlib import suppress
from contextvars import ContextVar
from sys import _getframe
from types import FrameType
from typing import Any, NamedTuple
from weakref import ref

from asgiref.sync import markcoroutinefunction

from perfkit.capture import boundary
from perfkit.capture.current import current
from perfkit.capture.nearby import rows_of
from perfkit.capture.parts import code_of, find
from perfkit.capture.places import Owner, Place, owner_of

#: Lines kept of a coroutine, and frames looked at for them.
_MOST_PLACES = 6
_DEEPEST_WALK = 60


class Awaiting(NamedTuple):
    """Who waits for a worker thread: the site's own lines, innermost first, and rows they hold."""

    places: tuple[Place, ...]
    rows: tuple[ref[Any], ...]


#: Who waits for the running thread; None outside of one.
awaiting: ContextVar[Awaiting | None] = ContextVar("perfkit_awaiting", default=None)

#: The function that runs what a coroutine waits for, outermost in the worker thread's part.
IN_THREAD = code_of("asgiref.sync:SyncToAsync.thread_handler")

#: What runs each step of a task.
_LOOP = Handle._run.__code__

_SyncToAsync: Any = find("asgiref.sync:SyncToAsync")
_original_call: Any = find("asgiref.sync:SyncToAsync.__call__")


@markcoroutinefunction
def call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Stand in for ``SyncToAsync.__call__``: note who calls it while somebody records."""
    trace = current.get()
    if trace is None or trace.closed:
        return _original_call(self, *args, **kwargs)
    waiting = None
    try:
        waiting = waiting_from(_getframe(1))
    except Exception as error:  # the site's call must go on for all that
        trace.fail("coroutine hook", error)
    return _call_for(waiting, self, args, kwargs)


async def _call_for(
    waiting: Awaiting | None, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    token = awaiting.set(waiting)
    try:
        return await _original_call(function, *args, **kwargs)
    finally:
        with suppress(ValueError):  # closed from elsewhere, as when the loop shuts down
            awaiting.reset(token)


def waiting_from(frame: FrameType | None) -> Awaiting | None:
    """Return the site's own lines from a frame outwards; None when there is none.

    Outside of a task's coroutine stands what runs the loop: that waits for nothing of it.
    """
    places: list[Place] = []
    rows: list[Any] = []
    for _ in range(_DEEPEST_WALK):
        if frame is None or len(places) >= _MOST_PLACES:
            break
        code = frame.f_code
        if code is _LOOP or id(code) in boundary.VIEW:
            break
        if owner_of(code.co_filename) is Owner.SITE:
            if not places:
                rows = rows_of(frame)
            places.append((code, frame.f_lasti))
        frame = frame.f_back
    return Awaiting(tuple(places), tuple(map(ref, rows))) if places else None


def install() -> None:
    """Start noting."""
    _SyncToAsync.__call__ = call


def uninstall() -> None:
    """Leave asgiref as it was."""
    if _SyncToAsync.__call__ is call:
        _SyncToAsync.__call__ = _original_call
