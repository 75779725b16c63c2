"""pyinstrument as an engine: its sampler, in the request's own thread or task; the package is optional.

Its stacks go into our tree as they come, so that a request without end costs bounded memory.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from time import perf_counter, thread_time
from types import FrameType
from typing import Any, Final

from perfkit.errors import CaptureRefused
from perfkit.isolation import isolated
from perfkit.observation import Body
from perfkit.profiling.capture import Profile
from perfkit.profiling.naming import WAITING_PLACE, Names
from perfkit.profiling.stack_tree import Place, Tree

INTERVAL_S: Final = 0.001

NOT_FOLLOWED: Final = (
    "pyinstrument sees the request's own thread or task: what workers of sync_to_async, other threads "
    "and other tasks did for it is not in the stacks"
)
_MIDDLEWARE: Final = "/perfkit/middleware.py"
_OWN: Final = ("/perfkit/observation.py", "/perfkit/pipeline.py")
#: Frames of a stack that is kept, at either end.
_KEPT: Final = 250


class Pyinstrument:
    """The samples that pyinstrument took of one request or block.

    Args:
        in_task: whether other requests run in the thread at the same time, each in its task.
        entrance: the frame in which a block was entered; None for a request.
        inclusive: whether that frame is the site's own.

    Raises:
        CaptureRefused: it is of a version that does not fit, or not installed.
    """

    def __init__(
        self, in_task: bool, entrance: FrameType | None = None, inclusive: bool = True
    ) -> None:
        try:
            from pyinstrument.stack_sampler import StackSampler, build_call_stack, get_stack_sampler
        except ImportError as error:
            raise CaptureRefused("this version of pyinstrument does not fit") from error
        self._sampler_of: Any = get_stack_sampler
        self._not_found = StackSampler.SubscriberNotFound
        self._in_task = in_task
        self._entrance = build_call_stack(entrance, "initial", None)[-1] if entrance else ""
        self._entrance = self._entrance.partition("\x01")[0]
        self._inclusive = inclusive
        self._tree = Tree()
        self._at = self._started = perf_counter()
        self._spent_s = 0.0
        self._ended = self._failed = self._found = False
        self._entered: dict[str, bool] = {}

    def begin(self) -> None:
        """Start the clock."""
        self._at = self._started = perf_counter()

    def resume(self) -> None:
        """Sample this thread or task from now on.

        Raises:
            CaptureRefused: another profiler is at work in it.
        """
        if self._ended:
            return
        if sys.getprofile() is not None:
            raise CaptureRefused("another profiler is at work in this thread")
        self._at = perf_counter()
        try:
            self._sampler_of().subscribe(
                self._saw,
                desired_interval=INTERVAL_S,
                use_timing_thread=False,
                use_async_context=self._in_task,
            )
        except (RuntimeError, ValueError) as error:
            raise CaptureRefused("another profiler is at work in this context") from error
        except TypeError as error:
            raise CaptureRefused("this version of pyinstrument does not fit") from error

    def pause(self) -> None:
        """Sample no more, until ``resume``."""
        with isolated("pyinstrument"), suppress(self._not_found):
            self._sampler_of().unsubscribe(self._saw)
        if self._found and not self._ended:
            self._tree.lengthen((perf_counter() - self._started) * 1000)
        self._found = False

    def end(self) -> None:
        """Keep what comes no more."""
        self._ended = True

    def profile(self) -> tuple[Profile, Names]:
        """Return what was seen, named."""
        names = Names({})
        frames, nodes, samples = self._tree.named(_naming(names))
        notes = [NOT_FOLLOWED, *self._tree.notes()]
        if not samples:
            notes.append("it ended before a sample was taken")
        if self._failed:
            notes.append("a stack could not be read: samples are missing")
        return Profile(frames, nodes, samples, (), self._spent_s * 1000, tuple(notes)), names

    def _saw(self, stack: list[str], seconds: float, state: Any) -> None:
        """Take a sample; pyinstrument calls this in the request's thread, from within its code."""
        if self._ended:
            return
        used = thread_time()
        try:
            waits = state is not None and state.state != "in_context"
            places = self._places(list(state.info or ()) if waits else stack)
            now = perf_counter()
            self._found = bool(places)
            if places:
                if waits:
                    places.append(WAITING_PLACE)
                start = (self._at - self._started) * 1000
                self._tree.add(places, start, (now - self._at) * 1000)
            self._at = now
        except Exception:  # noqa: BLE001  # it would surface in the midst of the site's own code
            self._failed = True
        self._spent_s += thread_time() - used

    def _places(self, stack: list[str]) -> list[Place]:
        """Return what is inside of our own frame; nothing where that is not on the stack."""
        for index in range(len(stack) - 1, -1, -1):
            entered = self._entered.get(stack[index])
            if entered is None:
                entered = self._entered[stack[index]] = self._is_entrance(stack[index])
            if entered:
                inside = stack[index if self._entrance and self._inclusive else index + 1 :]
                if inside and not self._entrance and _is_own(inside[0]):
                    return []  # our middleware is at something of its own
                if len(inside) > 2 * _KEPT:
                    inside = [*inside[:_KEPT], *inside[-_KEPT:]]
                return [(text, 0) for text in inside]
        return []

    def _is_entrance(self, text: str) -> bool:
        identifier = text.partition("\x01")[0]
        if self._entrance:
            return identifier == self._entrance
        function, file, *_ = (*identifier.split("\x00"), "")
        return (function, file) in _BODIES or file.endswith(_MIDDLEWARE)


def _is_own(text: str) -> bool:
    """Tell whether a frame is one of what our middleware calls besides the site."""
    _, file, *_ = (*text.split("\x00"), "")
    return file.endswith(_OWN)


def _naming(names: Names) -> Any:
    def named(what: int | str, at: int) -> Any:
        return names.of_text(str(what), at)

    return named


_BODIES = frozenset(
    (function.__name__, function.__code__.co_filename)
    for function in (Body.chunks, Body.async_chunks)
)
