"""Where a request or block is at one moment, as plain places: its own, or none.

A thread's stack counts from our own frame for that request on, known by what that frame holds: what is
called from there is the request's, whatever the thread does a moment later.
"""

from __future__ import annotations

from types import CodeType, FrameType

from perfkit.capture.frames import names_of
from perfkit.capture.parts import code_of
from perfkit.capture.templates import RENDER, node_of, template_place
from perfkit.observation import Body
from perfkit.profiling.naming import WAITING_PLACE, WORD
from perfkit.profiling.stack_tree import Place
from perfkit.stacks.locate import Subject, locate
from perfkit.stacks.threads import Threads

#: Frames walked from the innermost outwards, and kept of them at either end.
DEEPEST_WALK = 5_000
_KEPT = 250

_MIDDLEWARE = "perfkit.middleware"
#: What that calls besides the site.
_OWN = frozenset(("perfkit.observation", "perfkit.pipeline"))
_BODY = frozenset(map(id, (Body.chunks.__code__, Body.async_chunks.__code__)))
_RENDER = id(RENDER)
_HANDOVER = id(code_of("asgiref.sync:AsyncToSync.__call__", "awaitable"))
LEFT_OUT = (WORD + "(frames left out)", 0)


class Finder:
    """Follows one request or block.

    Args:
        subject: the request; for a block what stands for one.
        entrance: the frame in which a block was entered; None for a request.
        inclusive: whether that frame is the site's own.

    Attributes:
        codes: number of each code object that was seen -> itself.
        is_deep: whether a stack was too deep to be kept whole.
        thread: the thread in which the site's code went on last, by ``get_ident()``.
    """

    def __init__(
        self, subject: Subject, entrance: FrameType | None = None, inclusive: bool = True
    ) -> None:
        self.codes: dict[int, CodeType] = {}
        self.is_deep = False
        self.thread: int | None = None
        self._subject = subject
        self._entrance = entrance
        self._inclusive = inclusive
        self._worker: int | None = None
        #: Whether each code object is one of our own that a request enters by.
        self._ours: dict[int, bool] = {}
        self._own: set[int | str] = set()

    @property
    def hints(self) -> tuple[int | None, ...]:
        """Threads that it is likely to be in."""
        return (self._likely, self._worker)

    @property
    def _likely(self) -> int | None:
        if self.thread is not None:
            return self.thread
        ident = self._subject.thread_id
        return ident if isinstance(ident, int) else None

    def forget(self) -> None:
        """Let go of the frame in which a block was entered."""
        self._entrance = None

    def find(self, threads: Threads) -> list[Place] | None:
        """Return where it is, outermost first; None when it is nowhere to be seen.

        Args:
            threads: all stacks of this moment.
        """
        ident = self._likely
        top = None if ident is None else threads.top(ident)
        if top is not None:
            places, handed_over = self._inside(top)
            if places is not None and not handed_over:
                return places
            if places is None and self._entrance is not None and not self._subject.running_task:
                return None  # a block of a thread's is nowhere else
        return self._searched(threads)

    def _inside(self, top: FrameType) -> tuple[list[Place] | None, bool]:
        """Walk outwards to our own frame; also tell whether the thread waits for a coroutine."""
        places: list[Place] = []
        frame = top
        handed_over = False
        for _ in range(DEEPEST_WALK):
            code = frame.f_code
            key = id(code)
            if key not in self._ours:
                self._know(key, frame)
            if frame is self._entrance:
                if self._inclusive:
                    places.append((key, frame.f_lasti))
                return self._in_order(places), handed_over
            if self._ours[key] and self._is_entered_by(frame):
                return self._in_order(places), handed_over
            if key == _HANDOVER:
                handed_over = True
            places.append(self._template(frame) if key == _RENDER else (key, frame.f_lasti))
            if frame.f_back is None:
                break
            frame = frame.f_back
        return None, False

    def _searched(self, threads: Threads) -> list[Place] | None:
        """Find it across tasks, pools and greenlets; of that what is inside of our own frame."""
        threads.forget()
        where = locate(self._subject, threads)
        if where is None:
            return None
        if threads.found_in is not None:
            self._worker = threads.found_in
        for index in range(len(where.stack) - 1, -1, -1):
            frame = where.stack[index]
            if isinstance(frame, str):
                continue
            key = id(frame.f_code)
            if key not in self._ours:
                self._know(key, frame)
            is_entrance = frame is self._entrance
            if is_entrance or (self._ours[key] and self._is_entered_by(frame)):
                inside = where.stack[index if is_entrance and self._inclusive else index + 1 :]
                places = [self._place(each) for each in inside]
                if where.waits:
                    places.append(WAITING_PLACE)
                return self._in_order(places[::-1])
        return None

    def _know(self, key: int, frame: FrameType) -> None:
        self.codes[key] = frame.f_code  # so that its number stays its own
        name = frame.f_globals.get("__name__")
        self._ours[key] = self._entrance is None and (key in _BODY or name == _MIDDLEWARE)
        if name in _OWN:
            self._own.add(key)

    def _is_entered_by(self, frame: FrameType) -> bool:
        return names_of(frame).get("observation") is self._subject

    def _place(self, frame: FrameType | str) -> Place:
        if isinstance(frame, str):
            return (WORD + frame, 0)
        key = id(frame.f_code)
        self.codes[key] = frame.f_code
        return self._template(frame) if key == _RENDER else (key, frame.f_lasti)

    def _template(self, frame: FrameType) -> Place:
        place = template_place(node_of(frame))
        return place if place is not None else (_RENDER, frame.f_lasti)

    def _in_order(self, places: list[Place]) -> list[Place]:
        """Turn a stack around; empty where our middleware is at something of its own."""
        if places and self._entrance is None and places[-1][0] in self._own:
            return []
        if len(places) > 2 * _KEPT:
            self.is_deep = True
            places = [*places[:_KEPT], LEFT_OUT, *places[-_KEPT:]]
        places.reverse()
        return places
