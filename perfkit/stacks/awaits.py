"""What a coroutine waits for: its frames down to the innermost, and the future that ends the wait.

Read from another thread while the loop may go on: what is found may be gone a moment later, so that
every step takes whatever is there and stops at what is not.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of

#: Coroutines followed on the way in, and futures looked at behind one.
_DEEPEST = 100
_MOST_FUTURES = 20

#: Awaitables of the language's own that tell nobody what is in them; the collector knows.
_WRAPPERS = frozenset(
    (
        "FutureIter",
        "anext_awaitable",
        "async_generator_asend",
        "async_generator_athrow",
        "coroutine_wrapper",
    )
)
_STEPS = (CoroutineType, GeneratorType, AsyncGeneratorType)

#: Where tasks are waited for through a future that does not know them -> the local name to read.
_GATHERING = {
    code_of("asyncio.tasks:_wait", "fs"): "fs",
    code_of("asyncio.taskgroups:TaskGroup.__aexit__", "self"): "self",
    code_of("asyncio.taskgroups:TaskGroup._aexit", "self"): "self",
}
#: The same by identity: to hash a code object takes longer than all else that is done with a frame.
_GATHERS = {id(code): name for code, name in _GATHERING.items()}


@dataclass(slots=True)
class Wait:
    """How far a coroutine has come.

    Attributes:
        frames: of the coroutine and those it awaits, outermost first.
        running: whether the last of them runs now, in some thread.
        on: the asyncio future or task that it waits for, if it is known.
    """

    frames: list[FrameType]
    running: bool
    on: Any


def wait_of(coroutine: Any) -> Wait:
    """Follow a coroutine inwards to what it waits for."""
    frames: list[FrameType] = []
    awaited = coroutine
    for _ in range(_DEEPEST):
        frame, running, inner = _step(awaited)
        if frame is not None:
            frames.append(frame)
        if running and frame is not None:
            return Wait(frames, True, None)
        if inner is None:
            break
        awaited = inner if isinstance(inner, _STEPS) else _unwrapped(inner)
        if not isinstance(awaited, _STEPS):
            break
    future = awaited if asyncio.isfuture(awaited) else None
    return Wait(frames, False, _gathered(frames) or future)


def _step(awaited: Any) -> tuple[FrameType | None, bool, Any]:
    """Return an awaitable's own frame, whether it runs now, and what it awaits itself."""
    match awaited:
        case CoroutineType():
            return awaited.cr_frame, awaited.cr_running, awaited.cr_await
        case GeneratorType():
            return awaited.gi_frame, awaited.gi_running, awaited.gi_yieldfrom
        case AsyncGeneratorType():
            # ``ag_running`` is true while somebody awaits it too; whoever does has been asked.
            return awaited.ag_frame, False, awaited.ag_await
    return None, False, None


def _unwrapped(awaited: Any) -> Any:
    """Return what is inside of an awaitable of the language's own."""
    for _ in range(len(_WRAPPERS)):
        if isinstance(awaited, _STEPS) or asyncio.isfuture(awaited):
            return awaited
        if type(awaited).__name__ not in _WRAPPERS:
            return None
        inner = gc.get_referents(awaited)
        awaited = next((each for each in inner if _leads_on(each)), None)
    return None


def _leads_on(inner: Any) -> bool:
    return isinstance(inner, _STEPS) or type(inner).__name__ in _WRAPPERS or asyncio.isfuture(inner)


def _gathered(frames: list[FrameType]) -> asyncio.Task[Any] | None:
    """Return a task that a group or ``asyncio.wait()`` waits for: one that runs, else the first."""
    for frame in reversed(frames):
        name = _GATHERS.get(id(frame.f_code))
        if name is not None:
            held = names_of(frame).get(name)
            return _pending(getattr(held, "_tasks", held))
    return None


def _pending(tasks: Any) -> asyncio.Task[Any] | None:
    if not isinstance(tasks, Iterable):
        return None
    left = [each for each in list(tasks) if isinstance(each, asyncio.Task) and not each.done()]
    return next(filter(is_current, left), left[0] if left else None)


def is_current(future: Any) -> bool:
    """Tell whether this is the task that its event loop runs just now."""
    return isinstance(future, asyncio.Task) and asyncio.current_task(future.get_loop()) is future


def behind(future: Any) -> Iterator[Any]:
    """Yield the tasks and the pools' futures that an asyncio future waits for, nearest first.

    A future tells by its callbacks what it will pass an end on to, or a cancellation: that of
    ``wrap_future()`` knows the pool's future, that of ``shield()`` the shielded one.
    """
    waiting, seen = [future], {id(future)}
    while waiting and len(seen) < _MOST_FUTURES:
        found = waiting.pop(0)
        if isinstance(found, asyncio.Task | concurrent.futures.Future):
            yield found
            continue
        inner = [*(getattr(found, "_children", None) or ()), *_held_by_callbacks(found)]
        for each in inner:
            if id(each) not in seen and not each.done():
                seen.add(id(each))
                waiting.append(each)


def _held_by_callbacks(future: Any) -> Iterator[Any]:
    for callback, *_ in getattr(future, "_callbacks", None) or ():
        for cell in getattr(callback, "__closure__", None) or ():
            try:
                held = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            if asyncio.isfuture(held) or isinstance(held, concurrent.futures.Future):
                yield held
