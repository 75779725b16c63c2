"""Where a statement was asked for: the call path, taken from a statement's second run on.

A path is a tuple of (code object, instruction) pairs, innermost first, of the frames that are not
the framework's, plus the template node being rendered. The same whole path twice in one request
means that one of its frames is looping; the leaf line alone would also blame a function that is
called from three places. It becomes text only when a report needs it.

Walking a stack costs about 0.1 µs a frame. ``sys._getframe(depth)`` reaches a known depth in one
step, so a repeat is compared with the paths seen before, frame by frame, and walked only when
none of them fits.
"""

from __future__ import annotations

from sys import _getframe
from types import CodeType, FrameType
from typing import Any

from perfkit.capture import boundary
from perfkit.capture.coroutine import IN_THREAD, awaiting
from perfkit.capture.current import Repeats, current
from perfkit.capture.frames import names_of
from perfkit.capture.holders import Holder, holder_of, is_serializer_step
from perfkit.capture.nearby import rows_in, rows_of
from perfkit.capture.places import Owner, Place, is_host, owner_of
from perfkit.capture.relation import Relation, relation_at
from perfkit.capture.roles import DESCRIPTORS, READS_WHOLE, Role, internals, roles
from perfkit.capture.templates import (
    RENDER,
    is_loop,
    lookups_of,
    node_of,
    template_place,
)
from perfkit.capture.templates import rows_of as rows_of_context

#: Frames looked at, and kept, at most: a recursion of thousands must not cost thousands.
DEEPEST_WALK = 300
MOST_FRAMES = 12
#: Paths remembered for one statement; further ones are walked afresh each time.
MOST_PATHS = 8
#: Frames of the site's own whose local names are looked at for rows.
_MOST_NEAR = 3

Check = tuple[int, CodeType, int, Any]


class CallPath:
    """One call path of one statement.

    Attributes:
        places: innermost first; what analyzers compare and reports turn into lines.
        relation: which relation of which row asked, when the ORM's frames tell.
        asked: the relation's name where it was known beforehand; paths differ by it.
        loop: index of the template's ``{% for %}`` among the places, or None.
    """

    __slots__ = ("asked", "awaiting", "checks", "loop", "places", "relation")

    def __init__(
        self,
        places: tuple[Place, ...],
        checks: tuple[Check, ...],
        relation: Relation | None,
        loop: int | None = None,
    ) -> None:
        self.places = places
        self.checks = checks
        self.relation = relation
        self.loop = loop
        self.asked = ""
        waiting = awaiting.get()
        self.awaiting = waiting and waiting.places


def locate(  # noqa: C901  # one function: a call for each path would cost a repeat 0.1 µs
    repeats: Repeats, asked: str
) -> CallPath:
    """Return the path of the statement being noted; must be called by ``sql.observe``.

    Depths count from this function's own frame, so nothing may be put between the two.

    Args:
        repeats: the paths of that statement so far.
        asked: the relation that it loads, where that is known.
    """
    for path in repeats.paths:
        if path.asked != asked:
            continue
        try:
            for depth, code, instruction, node in path.checks:
                frame = _getframe(depth)
                if frame.f_code is not code or frame.f_lasti != instruction:
                    break
                if node is not None and names_of(frame).get("self") is not node:
                    break
            else:
                waiting = awaiting.get()
                if path.awaiting == (waiting and waiting.places):
                    relation = path.relation
                    if relation is not None and relation.matched:
                        _settle(relation, _getframe(0))
                    return path
        except ValueError:  # the stack is less deep than it was
            continue
    try:
        path = walk(_getframe(0))
    except Exception as error:  # the statement counts for all that
        path = CallPath((), (), None)
        trace = current.get()
        if trace is not None:
            trace.fail("call path hook", error)
    path.asked = asked
    if len(repeats.paths) < MOST_PATHS:
        repeats.paths.append(path)
    return path


def _settle(relation: Relation, frame: FrameType) -> None:
    try:
        relation.settle(walk(frame).relation)
    except Exception as error:  # the statement counts for all that
        relation.give_up()
        trace = current.get()
        if trace is not None:
            trace.fail("call path hook", error)


class _Walk:
    """What has been found on the way outwards."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.checks: list[Check] = []
        self.wanted = Owner.PACKAGE
        self.asked: tuple[FrameType, Role] | None = None
        self.method = ""
        self.internal = ""
        self.whole = self.hosted = False
        self.near: list[Any] = []
        self.searched = 0
        self.loop: int | None = None
        self.lookups: tuple[str, ...] = ()
        self.held: set[type] = set()
        self.fields: list[str] = []
        self.fields_at = 0

    def framework(self, frame: FrameType, code: CodeType, inside: bool, depth: int) -> bool:
        """Take a frame of the framework's; tell whether a template is being rendered."""
        if code is RENDER:
            return self.node(frame, inside, depth)
        if code is IN_THREAD and (waiting := awaiting.get()):
            self.places += waiting.places
            self.near += [row for held in waiting.rows if (row := held()) is not None]
            self.wanted = Owner.SITE
        elif not self.places:
            self.orm(frame, code)
        return inside

    def orm(self, frame: FrameType, code: CodeType) -> None:
        """Take a frame of the ORM's, before any line worth naming."""
        self.whole = self.whole or code.co_name == READS_WHOLE
        self.hosted = self.hosted or is_host(code.co_filename)
        reason = internals.get(id(code))
        if reason:
            self.internal = self.internal or reason
        role = roles.get(id(code))
        if role is None:
            return
        # What the site called is the outermost; of what it asked, a descriptor tells most.
        if self.asked is None or self.asked[1].part not in DESCRIPTORS:
            if self.asked is None or self.asked[1].part != "prefetch" or role.part in DESCRIPTORS:
                self.asked = (frame, role)
        elif role.part == self.asked[1].part:
            self.asked = (frame, role)
        self.method = role.name

    def node(self, frame: FrameType, inside: bool, depth: int) -> bool:
        """Take a template's node; of nested ones the innermost, and the loop around it."""
        node = node_of(frame)
        loops = is_loop(node)
        if inside and not (loops and self.loop is None):
            return inside
        place = template_place(node)
        if place is None:
            return inside
        if not inside:
            self.lookups = self.lookups or lookups_of(node)
            self.checks.append((depth, frame.f_code, frame.f_lasti, node))
            self.near += rows_in(rows_of_context(names_of(frame).get("context")))
        else:
            self.loop = len(self.places)
        self.places.append(place)
        return True

    def holder(self, frame: FrameType) -> None:
        """Take the site's own class that a framework's frame works for; one place for each."""
        holder: Holder | None = holder_of(frame)
        if holder is None:
            return
        cls, label = holder
        if not label and any(_is_of(cls, place) for place in self.places):
            return
        if is_serializer_step(frame):
            if not self.fields:
                self.fields_at = len(self.places)
                self.places.append(holder)
            if label:
                self.fields.insert(0, label)
                self.places[self.fields_at] = (cls, ".".join(self.fields))
        elif cls not in self.held:
            self.held.add(cls)
            self.places.append(holder)

    def code(self, frame: FrameType, code: CodeType, depth: int, owner: Owner) -> None:
        """Take a line of a package's or of the site's own."""
        self.wanted = owner
        self.places.append((code, frame.f_lasti))
        self.checks.append((depth, code, frame.f_lasti, None))
        if owner is Owner.SITE and self.searched < _MOST_NEAR:
            self.searched += 1
            self.near += rows_of(frame)


def _is_of(cls: type, place: Place) -> bool:
    code = place[0]
    return isinstance(code, CodeType) and code.co_qualname.startswith(f"{cls.__qualname__}.")


def walk(frame: FrameType | None) -> CallPath:
    """Walk outwards from a frame to the view's caller and keep what is worth naming.

    Frames of installed packages count until the first frame of the site's own; a function that
    calls itself counts once; of nested template nodes the innermost counts, and the loop around
    it. Behind what a worker thread runs come the lines of the coroutine that waits for it.
    """
    found = _Walk()
    seen: set[int] = set()
    in_template = False
    depth = 0
    while frame is not None and depth < DEEPEST_WALK and len(found.checks) < MOST_FRAMES:
        code = frame.f_code
        owner = owner_of(code.co_filename)
        if owner is Owner.FRAMEWORK:
            if id(code) in boundary.HANDLER or (found.places and id(code) in boundary.VIEW):
                break
            in_template = found.framework(frame, code, in_template, depth)
        elif owner <= found.wanted and id(code) not in seen:
            in_template = False
            seen.add(id(code))
            found.code(frame, code, depth, owner)
        if owner is not Owner.SITE:
            found.holder(frame)
        frame = frame.f_back
        depth += 1
    return CallPath(tuple(found.places), tuple(found.checks), _relation(found), found.loop)


def _relation(found: _Walk) -> Relation | None:
    if found.asked is not None:
        try:
            relation = relation_at(
                *found.asked, found.method, found.internal, found.near, found.lookups
            )
            if relation is not None:
                relation.by_framework = found.hosted
            if relation is not None and found.whole:
                relation.plain, relation.refined = bool(relation.name), ()
            return relation
        except Exception as error:  # the statement counts for all that
            trace = current.get()
            if trace is not None:
                trace.fail("relation hook", error)
    return Relation("", found.method, found.internal) if found.internal else None
