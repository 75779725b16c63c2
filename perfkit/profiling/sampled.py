"""The samples of one request or block: where it was, from when on and for how long."""

from __future__ import annotations

import threading
from time import perf_counter
from types import FrameType

from perfkit.profiling.capture import Profile
from perfkit.profiling.naming import Names
from perfkit.profiling.sampler import sampler
from perfkit.profiling.stack_tree import Tree
from perfkit.profiling.whereabouts import Finder
from perfkit.stacks.locate import Subject
from perfkit.stacks.threads import Threads


class Sampled:
    """The samples of one request or block.

    Args:
        subject: the request; for a block what stands for one.
        entrance: the frame in which a block was entered; None for a request.
        inclusive: whether that frame is the site's own.
    """

    def __init__(
        self, subject: Subject, entrance: FrameType | None = None, inclusive: bool = True
    ) -> None:
        self._finder = Finder(subject, entrance, inclusive)
        self._tree = Tree()
        self._started = self._at = perf_counter()
        self._found = False
        self._spent_s = 0.0
        self._ended = False

    @property
    def hints(self) -> tuple[int | None, ...]:
        """Threads that it is likely to be in."""
        return self._finder.hints

    @property
    def slower(self) -> int:
        """How many times as long the pause between two looks is, once there are many."""
        return 1 << self._tree.halved

    def look(self, threads: Threads, now: float, late_s: float = 0.0) -> None:
        """Take one sample; what was seen after the end is not the request's any more.

        Args:
            threads: all stacks of this moment.
            now: ``perf_counter()`` seconds.
            late_s: seconds by which it is later than was meant.
        """
        places = self._finder.find(threads)
        if self._ended:
            return
        # Two samples share the time between them; but one that held the interpreter for so long that
        # this one is late was there all that while.
        begins = self._at
        if self._found:
            begins += max(now - self._at - late_s, 0.0) / 2
            self._tree.lengthen((begins - self._started) * 1000)
        if places:
            start = (begins - self._started) * 1000
            self._tree.add(places, start, (now - begins) * 1000)
        self._found = bool(places)
        self._at = now

    def begin(self) -> None:
        """Have the thread look at it from now on."""
        self._spent_s = sampler().spent_s
        self._started = self._at = perf_counter()
        sampler().add(self)

    def resume(self) -> None:
        """Note the thread: a streamed body may be made in another one than its answer was."""
        self._finder.thread = threading.get_ident()

    def pause(self) -> None:
        """Nothing to do: where the request is not, the thread sees."""

    def end(self) -> None:
        """Take no more samples; only the first call counts."""
        if self._ended:
            return
        self._ended = True
        self._finder.forget()
        sampler().remove(self)
        self._spent_s = sampler().spent_s - self._spent_s
        if self._found:
            self._tree.lengthen((perf_counter() - self._started) * 1000)

    def profile(self) -> tuple[Profile, Names]:
        """Return what was seen, named."""
        names = Names(self._finder.codes)
        frames, nodes, samples = self._tree.named(names.of_place)
        notes = self._tree.notes()
        if self._finder.is_deep:
            notes.append("some stacks were too deep: frames in their middle are left out")
        if not samples:
            notes.append("it ended before a sample was taken")
        return Profile(frames, nodes, samples, (), self._spent_s * 1000, tuple(notes)), names
