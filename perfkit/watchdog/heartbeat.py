"""Whether an event loop still turns: it is asked to answer, and has or has not by the next look."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress

#: An answer is due after so many seconds; a loop that is merely busy takes milliseconds.
DUE_S = 0.2


class _Beat:
    """One question to one loop."""

    __slots__ = ("answered", "asked_at", "loop")

    def __init__(self, loop: AbstractEventLoop, asked_at: float) -> None:
        self.loop = loop
        self.asked_at = asked_at
        self.answered = False
        with suppress(RuntimeError):  # the loop is closed, and will never answer
            loop.call_soon_threadsafe(self.answer)

    def answer(self) -> None:
        self.answered = True


class Heartbeats:
    """The questions that are open, one for each loop.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._beats: dict[int, _Beat] = {}

    def is_blocked(self, loop: AbstractEventLoop) -> bool:
        """Tell whether a loop has stood still since it was asked last, and ask it again if not.

        The first call tells nothing yet.
        """
        now = self._clock()
        beat = self._beats.get(id(loop))
        if beat is None or beat.answered or beat.loop is not loop:
            self._beats[id(loop)] = _Beat(loop, now)
            return False
        return now - beat.asked_at >= DUE_S and not loop.is_closed()

    def forget(self) -> None:
        """Drop the questions; nobody is looked at."""
        self._beats.clear()
