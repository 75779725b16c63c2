"""Finds the task that sends an answer which another thread has begun.

Under ASGI a middleware that knows no async puts all that is further out into a thread, ours too. When
its answer is streamed, that thread is done with the request; the task that sends it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of
from perfkit.stacks.awaits import wait_of
from perfkit.stacks.threads import Threads

#: What runs an event loop -> how its frame leads to the loop.
_RUNS_LOOP = {
    code_of("asyncio.base_events:BaseEventLoop.run_forever", "self"): "",
    code_of("asyncio.runners:Runner.run", "self"): "_loop",
}
#: Django's coroutines around all that is done for one request are in this module: another one in each
#: version, which holds it as its local ``request``.
_HANDLER = "django.core.handlers.asgi"


def sending_task(request: HttpRequest | None, threads: Threads) -> asyncio.Task[Any] | None:
    """Return the task that sends a request's answer; None when there is none to be found."""
    if request is None:
        return None
    tasks = [task for loop in _loops(threads) for task in asyncio.all_tasks(loop)]
    # One of several began the others and waits for them: the request is its own deeper within.
    found = [(depth, task) for task in tasks if (depth := _depth_of(request, task)) is not None]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _depth_of(request: HttpRequest, task: asyncio.Task[Any]) -> int | None:
    """Tell how deep within a task its request is; None when it is at something else."""
    for depth, frame in enumerate(wait_of(task.get_coro()).frames):
        is_handler = frame.f_globals.get("__name__") == _HANDLER
        if is_handler and names_of(frame).get("request") is request:
            return depth
    return None


def _loops(threads: Threads) -> Iterator[asyncio.AbstractEventLoop]:
    seen = set()
    for stack in threads.all():
        for frame in stack:
            name = _RUNS_LOOP.get(frame.f_code)
            if name is None:
                continue
            held = names_of(frame).get("self")
            loop = getattr(held, name, None) if name else held
            if isinstance(loop, asyncio.AbstractEventLoop) and id(loop) not in seen:
                seen.add(id(loop))
                yield loop
