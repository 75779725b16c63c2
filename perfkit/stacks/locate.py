"""Where a request is: its stack, wherever its parts run.

A request may be in its thread, in a task of an event loop, in a pool's thread that its task waits
for (a sync view under ASGI), in a coroutine that its thread waits for (an async view under WSGI), in
both by turns (a sync middleware between async ones), or in a greenlet. Each part tells where the
next one is; together they are one stack.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from django.http import HttpRequest

from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of
from perfkit.stacks.awaits import behind, is_current, wait_of
from perfkit.stacks.sending import sending_task
from perfkit.stacks.statement import Running, running_in
from perfkit.stacks.threads import Stack, Threads, is_idle, stack_from

#: Handovers from a thread to a coroutine or back that are followed.
_MOST_HANDOVERS = 12

#: Waits in a thread for a coroutine, which its local ``awaitable`` is.
_ASYNC_TO_SYNC = code_of("asgiref.sync:AsyncToSync.__call__", "awaitable")
#: What an event loop does in one turn is called from here.
_TURN = code_of("asyncio.events:Handle._run")
_MIDDLEWARE = "perfkit.middleware"
#: The module of our streamed body, and its generators.
_OBSERVATION = "perfkit.observation"
_CHUNKS = frozenset(("async_chunks", "chunks"))

NO_THREAD = "(waits for a free thread)"
BLOCKED_BY = "(the event loop is blocked by)"


class Subject(Protocol):
    """What can be found: a request, a task of Celery's, a block of code; as ``Observation`` says."""

    first_byte: float
    request: HttpRequest | None
    running_task: asyncio.Task[Any] | None
    task: str
    thread_id: Any


@dataclass(slots=True)
class Whereabouts:
    """Where a request is.

    Attributes:
        stack: its frames, outermost first, and our own words between them.
        running: whether it runs on its event loop, or as the current greenlet, right now.
        statement: what its database is busy with.
        waits: whether a coroutine of it waits, and nothing was found that works for it.
    """

    stack: list[FrameType | str] = field(default_factory=list)
    running: bool = False
    statement: Running | None = None
    waits: bool = False


def locate(observation: Subject, threads: Threads, left_thread: bool = False) -> Whereabouts | None:
    """Find a running request; None when it is nowhere to be seen.

    Args:
        observation: the request.
        threads: all stacks of this moment.
        left_thread: whether the thread in which it began answers another one by now.
    """
    found = Whereabouts()
    task = observation.running_task
    if task is not None:
        if task.done():
            return None
        _follow_coroutine(found, task.get_coro(), threads)
        return found
    stack = None if left_thread else _own_stack(found, observation, threads)
    # In its view a request has our middleware on its stack, or its thread is at something else.
    if stack and not is_idle(stack):
        if observation.first_byte or observation.task or _is_observed(stack):
            _follow_thread(found, stack, threads)
            return found
    elif observation.first_byte and (task := sending_task(observation.request, threads)):
        _follow_coroutine(found, task.get_coro(), threads)
        found.running = False  # which loop that is, nobody asks
        return found
    return None


def blocker(observation: Subject, threads: Threads) -> Stack:
    """Return what runs on a request's event loop, from the loop's turn inwards."""
    stack = threads.stack(observation.thread_id) or []
    for index in range(len(stack) - 1, -1, -1):
        if stack[index].f_code is _TURN:
            return stack[index + 1 :]
    return []


def entrance(stack: list[FrameType | str]) -> int:
    """Return where in a stack the site's part begins: behind our middleware or our streamed body."""
    for index in range(len(stack) - 1, -1, -1):
        frame = stack[index]
        if isinstance(frame, FrameType) and _is_body(frame):
            return index + 1
    for index, frame in enumerate(stack):
        if isinstance(frame, FrameType) and _is_middleware(frame):
            return index + 1
    return 0


def _own_stack(found: Whereabouts, observation: Subject, threads: Threads) -> Stack | None:
    greenlet: Any = observation.thread_id
    if isinstance(greenlet, int):
        return threads.stack(greenlet)
    if greenlet.dead:
        return None
    if greenlet.gr_frame is not None:
        return stack_from(greenlet.gr_frame)
    # It is the one that runs: in the thread of its hub, on whose stack nothing but it can be.
    found.running = True
    return next(filter(_is_observed, threads.all()), None)


def _is_observed(stack: Stack) -> bool:
    return any(_is_middleware(frame) for frame in stack)


def _is_body(frame: FrameType) -> bool:
    is_ours = frame.f_globals.get("__name__") == _OBSERVATION
    return is_ours and frame.f_code.co_name in _CHUNKS


def _is_middleware(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") == _MIDDLEWARE


def _follow_coroutine(
    found: Whereabouts, coroutine: Any, threads: Threads, handovers: int = 0
) -> None:
    """Add the frames of a coroutine and of what it waits for."""
    wait = wait_of(coroutine)
    if wait.running:
        found.stack += wait.frames[:-1]
        found.running = found.running or not handovers
        _follow_thread(found, threads.inside(wait.frames[-1]), threads, handovers)
        return
    found.stack += wait.frames
    future = None
    if wait.on is not None and handovers <= _MOST_HANDOVERS:
        future = _first_to_run(list(behind(wait.on)))
    if isinstance(future, asyncio.Task):
        _follow_coroutine(found, future.get_coro(), threads, handovers + 1)
    elif future is not None and (stack := threads.working_for(future)):
        _follow_thread(found, stack, threads, handovers + 1)
    else:
        found.waits = True
        if future is not None and not future.running() and not future.done():
            found.stack.append(NO_THREAD)


def _first_to_run(futures: list[Any]) -> Any:
    """Return the task that runs on its loop, else the nearest of what is waited for."""
    return next((each for each in futures if is_current(each)), futures[0] if futures else None)


def _follow_thread(found: Whereabouts, stack: Stack, threads: Threads, handovers: int = 0) -> None:
    """Add the frames of a thread, and of the coroutine that it waits for."""
    for index, frame in enumerate(stack):
        if frame.f_code is _ASYNC_TO_SYNC and handovers <= _MOST_HANDOVERS:
            # What the coroutine has handed back to this thread is found again from there.
            found.stack += stack[: index + 1]
            coroutine = names_of(frame).get("awaitable")
            _follow_coroutine(found, coroutine, threads, handovers + 1)
            return
    found.stack += stack
    found.statement = running_in(stack)
