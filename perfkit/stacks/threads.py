"""The stacks of all threads at one moment, and which of them runs what."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from threading import get_ident
from types import FrameType
from typing import Any

from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of

#: Frames walked of one stack: a recursion of thousands must not cost thousands.
DEEPEST_WALK = 500

#: What runs a piece of work in a pool's thread; its ``self.future`` is what the caller waits for.
_WORK_ITEMS = frozenset(
    (
        code_of("concurrent.futures.thread:_WorkItem.run", "self"),
        code_of("asgiref.current_thread_executor:_WorkItem.run", "self"),
    )
)

#: The same by identity: to hash a code object takes longer than to walk over its frame.
_IS_WORK = frozenset(map(id, _WORK_ITEMS))

#: A pool's thread without work waits here, in a queue written in C.
_IDLE = code_of("concurrent.futures.thread:_worker")

#: A stack, outermost frame first.
Stack = list[FrameType]


class Threads:
    """What every thread but this one is at, taken at once.

    It holds frames, and with them whatever their functions hold: it must not be kept.

    Args:
        tops: the innermost frame of each thread, as ``sys._current_frames`` returns them.
        first: threads to look at before the others.

    Attributes:
        found_in: the thread in which something was found last, None before.
    """

    def __init__(
        self,
        tops: Callable[[], dict[int, FrameType]] = sys._current_frames,
        first: Iterable[int | None] = (),
    ) -> None:
        self._tops = tops()
        self._tops.pop(get_ident(), None)
        self._stacks: dict[int, Stack] = {}
        self._first = [ident for ident in first if ident in self._tops]
        self.found_in: int | None = None

    def forget(self) -> None:
        """Forget in which thread something was found."""
        self.found_in = None

    def top(self, ident: int) -> FrameType | None:
        """Return a thread's innermost frame; None when there is no such thread."""
        return self._tops.get(ident)

    def stack(self, ident: int) -> Stack | None:
        """Return a thread's frames; None when there is no such thread."""
        found = self._stacks.get(ident)
        if found is None and ident in self._tops:
            found = self._stacks[ident] = stack_from(self._tops[ident])
        return found

    def all(self) -> Iterator[Stack]:
        """Yield the stack of each thread."""
        for ident in (*self._first, *(each for each in self._tops if each not in self._first)):
            if stack := self.stack(ident):
                self.found_in = ident
                yield stack

    def inside(self, frame: FrameType) -> Stack:
        """Return a running frame and what it has called; the frame alone where no thread runs it."""
        for stack in self.all():
            for index in range(len(stack) - 1, -1, -1):
                if stack[index] is frame:
                    return stack[index:]
        return [frame]

    def working_for(self, future: Any) -> Stack | None:
        """Return what a pool's thread runs for a future; None when no thread has begun with it."""
        for stack in self.all():
            for index in range(len(stack) - 1, -1, -1):
                if id(stack[index].f_code) in _IS_WORK and _serves(stack[index], future):
                    return stack[index + 1 :]
        return None


def stack_from(top: FrameType) -> Stack:
    """Return a frame and its callers, outermost first."""
    stack: Stack = []
    frame: FrameType | None = top
    while frame is not None and len(stack) < DEEPEST_WALK:
        stack.append(frame)
        frame = frame.f_back
    stack.reverse()
    return stack


def is_idle(stack: Stack) -> bool:
    """Tell whether a thread waits for work."""
    return stack[-1].f_code is _IDLE


def _serves(frame: FrameType, future: Any) -> bool:
    return getattr(names_of(frame).get("self"), "future", None) is future
