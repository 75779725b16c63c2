"""Makes the engine of a capture."""

from __future__ import annotations

from types import FrameType
from typing import Protocol

from perfkit.observation import RUNNING
from perfkit.profiling.capture import CPROFILE, PYINSTRUMENT, Profile
from perfkit.profiling.cprofile_engine import CallCounter
from perfkit.profiling.naming import Names
from perfkit.profiling.pyinstrument_engine import Pyinstrument
from perfkit.profiling.sampled import Sampled
from perfkit.stacks.locate import Subject


class Engine(Protocol):
    """What captures one request or block."""

    def begin(self) -> None:
        """Begin; raise ``CaptureRefused`` where that cannot be."""

    def resume(self) -> None:
        """Go on: the site's own code runs in this thread from here on."""

    def pause(self) -> None:
        """Stop for a while; in the thread that has called ``resume``."""

    def end(self) -> None:
        """Capture no more; from any thread, and more than once."""

    def profile(self) -> tuple[Profile, Names]:
        """Return what was seen, once it has ended."""


def made(
    engine: str,
    subject: Subject,
    *,
    shares_thread: bool,
    refuses_others: bool,
    entrance: FrameType | None = None,
    inclusive: bool = True,
) -> Engine:
    """Make the engine for one request or block; it has not begun.

    Args:
        engine: one of ``ENGINES``.
        subject: what to capture.
        shares_thread: whether other requests run in its thread at the same time.
        refuses_others: whether cProfile is refused rather than to count other requests too.
        entrance: the frame in which a block was entered; None for a request.
        inclusive: whether that frame is the site's own.
    """
    if engine == CPROFILE:
        around = [
            each
            for each in RUNNING.copy().values()
            if each is subject
            or (each.thread_id, each.running_task) == (subject.thread_id, subject.running_task)
        ]
        return CallCounter(shares_thread, refuses_others, len(around))
    if engine == PYINSTRUMENT:
        return Pyinstrument(subject.running_task is not None, entrance, inclusive)
    return Sampled(subject, entrance, inclusive)
