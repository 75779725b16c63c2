"""Profiling by hand: ``with perfkit.profile()``, ``@perfkit.profile``, in code, shells and commands."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from time import monotonic
from types import FrameType
from typing import Any, Self, TypeVar, cast, overload

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from perfkit import observation, pipeline
from perfkit.capture.sql import hook_open_connections
from perfkit.conf import get_settings
from perfkit.errors import CaptureRefused
from perfkit.profiling.assembly import assembled
from perfkit.profiling.capture import CODE, SAMPLER, Capture
from perfkit.profiling.running import RunningCapture
from perfkit.recording import record

Function = TypeVar("Function", bound=Callable[..., Any])

logger = logging.getLogger("perfkit.capture")

#: Captures by code that one process makes in a minute: a function that runs all the time is not slowed
#: down all the time.
MOST_A_MINUTE = 10
_made: deque[float] = deque(maxlen=MOST_A_MINUTE)


@dataclass(slots=True)
class _Block:
    """Stands for a request where there is none."""

    thread_id: Any
    running_task: asyncio.Task[Any] | None
    request: HttpRequest | None = None
    first_byte: float = 0.0
    task: str = "block"


class profiled:  # noqa: N801  # reads as a word: what perfkit.profile() gives
    """A block that is profiled, sync or async; as a decorator, each call of a function.

    Where it cannot be profiled just now the block runs all the same, and ``refused`` says why.

    Args:
        name: of the capture; ``""`` for the function's.
        engine: ``"sampler"``, ``"pyinstrument"`` or ``"cprofile"``.
        reason: one of ``REASONS``.
        entrance: the frame from which on stacks are of interest, None for that of the ``with``.

    Attributes:
        refused: why it was not profiled, ``""`` where it was.
    """

    def __init__(
        self,
        name: str = "",
        engine: str = SAMPLER,
        reason: str = CODE,
        entrance: FrameType | None = None,
    ) -> None:
        self.refused = ""
        self._name = name
        self._engine = engine
        self._reason = reason
        self._entrance = entrance
        self._record: record | None = None
        self._running: RunningCapture | None = None
        self._capture: Capture | None = None

    def __enter__(self) -> Self:
        return self._enter(sys._getframe(1))

    def _enter(self, caller: FrameType) -> Self:
        frame, self._entrance = self._entrance or caller, None
        inclusive = frame.f_code.co_filename != __file__
        self._name = self._name or frame.f_code.co_qualname
        self._running = RunningCapture(self._engine, self._reason)
        task = _current_task()
        self._record = record()
        self._record.__enter__()
        try:
            if self._reason == CODE:
                _count()
            self._running.begin(
                _Block(observation.whereabouts(), task),
                shares_thread=task is not None or pipeline.on_greenlets(),
                refuses_others=get_settings().capture_shared == "refuse",
                entrance=frame,
                inclusive=inclusive,
            )
        except CaptureRefused as reason:
            self._running.refused = str(reason)
        self._running.resume()
        return self

    def __exit__(self, *exception: object) -> None:
        running, recorded = self._running, self._record
        if running is None or recorded is None:
            raise RuntimeError("perfkit.profile() was left without having been entered")
        running.pause()
        running.check()
        running.end()
        recorded.__exit__(*exception)
        self.refused = running.refused
        if self.refused:
            logger.info("%s was not profiled: %s", self._name, self.refused)
        elif self._reason == CODE and (settings := get_settings()).store and settings.captures:
            pipeline.keep(lambda: cast(Capture, self.capture))

    async def __aenter__(self) -> Self:
        caller = sys._getframe(1)
        # The ORM runs in another thread, where a connection may be open since before the hooks.
        await sync_to_async(hook_open_connections)()
        return self._enter(caller)

    async def __aexit__(self, *exception: object) -> None:
        self.__exit__(*exception)

    def __call__(self, function: Function) -> Function:
        """Profile each call of a function or coroutine function, each by itself."""
        name = self._name or f"{function.__module__}.{function.__qualname__}"
        if iscoroutinefunction(function):

            @wraps(function)
            async def profiled_async(*args: Any, **kwargs: Any) -> Any:
                async with profiled(name, self._engine, entrance=sys._getframe()):
                    return await function(*args, **kwargs)

            return cast(Function, profiled_async)

        @wraps(function)
        def profiled_call(*args: Any, **kwargs: Any) -> Any:
            with profiled(name, self._engine, entrance=sys._getframe()):
                return function(*args, **kwargs)

        return cast(Function, profiled_call)

    @property
    def capture(self) -> Capture | None:
        """What was captured; None where it was refused.

        Raises:
            RuntimeError: the block has not ended yet.
        """
        running, recorded = self._running, self._record
        if running is None or recorded is None:
            raise RuntimeError("this perfkit.profile() block was not entered")
        if self._capture is None and not running.refused:
            self._capture = assembled(running, recorded.result, running.started, self._name)
        return self._capture


@overload
def profile(function: Function) -> Function: ...
@overload
def profile(*, name: str = "", engine: str = SAMPLER) -> profiled: ...
def profile(
    function: Function | None = None, *, name: str = "", engine: str = SAMPLER
) -> Function | profiled:
    """Profile a block, or each call of a function: ``with perfkit.profile() as p``, ``@perfkit.profile``.

    The capture is stored where there is a store, and then is ``p.capture``. It works whether or not the
    middleware is installed. Where it cannot be made just now, the code runs all the same.

    Args:
        function: when used as a decorator without arguments.
        name: of the capture; ``""`` for the function's.
        engine: ``"sampler"``, ``"pyinstrument"`` or ``"cprofile"``.
    """
    block = profiled(name, engine)
    return block if function is None else block(function)


def _count() -> None:
    """Count one capture by code.

    Raises:
        CaptureRefused: there were enough in the last minute.
    """
    now = monotonic()
    if len(_made) == MOST_A_MINUTE and now - _made[0] < 60:
        raise CaptureRefused(f"{MOST_A_MINUTE} captures by code a minute are enough")
    _made.append(now)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        return None
