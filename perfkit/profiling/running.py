"""A capture while it is being made: from its admission to its end, whatever happens to the request."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from time import perf_counter, time
from types import FrameType
from typing import Final

from perfkit.errors import CaptureRefused
from perfkit.host import threads_run
from perfkit.isolation import report_failure
from perfkit.profiling.capture import Order, Profile
from perfkit.profiling.cprofile_engine import CallCounter
from perfkit.profiling.engines import Engine, made
from perfkit.profiling.fitness import why_not
from perfkit.profiling.naming import Names
from perfkit.profiling.sampler import sampler
from perfkit.profiling.token import new_id
from perfkit.stacks.locate import Subject

#: Captures of a process at one time.
MOST_AT_ONCE: Final = 4

#: Seconds after which a capture is kept as it is, though its request goes on.
LONGEST_S: Final = 300.0

#: The captures that are being made in this process, by the capture's own number.
CAPTURING: dict[int, RunningCapture] = {}


class RunningCapture:
    """One capture that is being made; nothing here raises but ``begin``.

    Args:
        engine: one of ``ENGINES``.
        reason: one of ``REASONS``.
        owner: key of the user who asked for it, as text.
        path: of the request, where it is the owner's own.
        order: what it is made for, None where no order is.

    Attributes:
        id: its name in URLs.
        refused: why it came to nothing, ``""`` while it may still come to something.
        started: ``perf_counter()`` seconds; ``started_at`` Unix seconds.
        expired: whether it was ended because its request did not.
        saved: whether it was handed to the store, or is not worth it.
    """

    def __init__(
        self, engine: str, reason: str, owner: str = "", path: str = "", order: Order | None = None
    ) -> None:
        self.id = new_id()
        self.engine = engine
        self.reason = reason
        self.owner = owner
        self.path = path
        self.order = order
        self.refused = ""
        self.started = perf_counter()
        self.started_at = time()
        self.expired = self.saved = False
        self._pid = os.getpid()
        self._on_expiry: Callable[[], None] = _nothing
        self._is_on = False
        self._engine: Engine | None = None

    def begin(
        self,
        subject: Subject,
        *,
        shares_thread: bool = False,
        refuses_others: bool = True,
        entrance: FrameType | None = None,
        inclusive: bool = True,
        on_expiry: Callable[[], None] | None = None,
    ) -> None:
        """Begin to capture.

        Args:
            subject: the request, or what stands for a block.
            shares_thread: whether other requests run in its thread at the same time.
            refuses_others: whether cProfile is refused rather than to count other requests too.
            entrance: the frame in which a block was entered; None for a request.
            inclusive: whether that frame is the site's own.
            on_expiry: called, in another thread, when the request does not end.

        Raises:
            CaptureRefused: too many are made already, or the engine cannot.
        """
        _forget_in_children()
        if reason := why_not(self.engine):
            raise CaptureRefused(reason)
        if len(CAPTURING) >= MOST_AT_ONCE:
            raise CaptureRefused(f"{MOST_AT_ONCE} captures are being made already")
        self._engine = made(
            self.engine,
            subject,
            shares_thread=shares_thread,
            refuses_others=refuses_others,
            entrance=entrance,
            inclusive=inclusive,
        )
        self.started, self.started_at = perf_counter(), time()
        self._engine.begin()
        CAPTURING[id(self)] = self
        if on_expiry is not None and threads_run():
            self._on_expiry = on_expiry
            sampler().time(self._look_at_the_clock)

    def resume(self) -> None:
        """Go on: the site's own code runs in this thread from here on."""
        if self._engine is not None and id(self) in CAPTURING:
            try:
                self._engine.resume()
                self._is_on = True
            except CaptureRefused as reason:
                self.refuse(str(reason))
            except Exception as error:  # noqa: BLE001  # the request goes on, whatever a profiler does
                report_failure(f"{self.engine} engine", error)
                self._is_on = True  # whatever it has done by now
                self.pause()
                self.refuse("the engine failed: see the log")

    def pause(self) -> None:
        """Stop for a while; in the thread that has called ``resume``."""
        if self._engine is not None and self._is_on:
            self._is_on = False
            try:
                self._engine.pause()
            except Exception as error:  # noqa: BLE001  # as above
                report_failure(f"{self.engine} engine", error)

    def refuse(self, reason: str) -> None:
        """Give it up."""
        self.refused = self.refused or reason
        self.end()

    def check(self) -> None:
        """Give it up where it has become wrong: cProfile has counted another request's calls."""
        if isinstance(self._engine, CallCounter):
            try:
                self._engine.check_alone()
            except CaptureRefused as reason:
                self.refuse(str(reason))

    def end(self) -> bool:
        """Capture no more; True for the first call only, from whichever thread."""
        if CAPTURING.pop(id(self), None) is None or self._engine is None:
            return False
        sampler().untime(self._look_at_the_clock)
        try:
            self._engine.end()
        except Exception as error:  # noqa: BLE001  # as above
            report_failure(f"{self.engine} engine", error)
            self.refused = self.refused or "the engine failed: see the log"
        return True

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be kept: not refused, not kept already, and not another process's."""
        return not (self.refused or self.saved) and self._pid == os.getpid()

    def profile(self) -> tuple[Profile, Names]:
        """Return what was seen, once it has ended."""
        if self._engine is None:
            return Profile(notes=(self.refused,)), Names({})
        profile, names = self._engine.profile()
        if self.expired:
            note = (
                f"the request had not ended after {LONGEST_S:g} s: this is what was seen until then"
            )
            profile = Profile(
                profile.frames, profile.nodes, profile.samples, profile.calls, profile.own_ms,
                (note, *profile.notes),
            )  # fmt: skip
        return profile, names

    def _look_at_the_clock(self, now: float) -> None:
        if now - self.started > LONGEST_S and self.end():
            self.expired = True
            self._on_expiry()


def _nothing() -> None:
    """Do nothing."""


@cache
def _forget_in_children() -> None:
    """Have a forked child begin without captures: none of the threads that make them is there."""
    os.register_at_fork(after_in_child=CAPTURING.clear)
