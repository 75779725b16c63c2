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
from perfkit.capture.current import Repeats
from perfkit.capture.places import Owner, Place, owner_of
from perfkit.capture.relation import Relation, relation_at, role_of
from perfkit.capture.templates import RENDER, node_of, template_place

#: Frames looked at, and kept, at most: a recursion of thousands must not cost thousands.
DEEPEST_WALK = 300
MOST_FRAMES = 12
#: Paths remembered for one statement; further ones are walked afresh each time.
MOST_PATHS = 8


class CallPath:
    """One call path of one statement.

    Attributes:
        places: innermost first; what analyzers compare and reports turn into lines.
        relation: which relation of which row asked, when the ORM's frames tell.
    """

    __slots__ = ("checks", "places", "relation")

    def __init__(
        self,
        places: tuple[Place, ...],
        checks: tuple[tuple[int, CodeType, int, Any], ...],
        relation: Relation | None,
    ) -> None:
        self.places = places
        self.checks = checks
        self.relation = relation


def locate(repeats: Repeats) -> CallPath:
    """Return the path of the statement being noted; must be called by ``sql.observe``.

    Depths count from this function's own frame, so nothing may be put between the two.
    """
    for path in repeats.paths:
        try:
            for depth, code, instruction, node in path.checks:
                frame = _getframe(depth)
                if frame.f_code is not code or frame.f_lasti != instruction:
                    break
                if node is not None and frame.f_locals.get("self") is not node:
                    break
            else:
                return path
        except ValueError:  # the stack is less deep than it was
            continue
    path = walk(_getframe(0))
    if len(repeats.paths) < MOST_PATHS:
        repeats.paths.append(path)
    return path


def walk(frame: FrameType | None) -> CallPath:
    """Walk outwards from a frame to the view's caller and keep what is worth naming.

    Frames of installed packages count until the first frame of the site's own; a function that
    calls itself counts once; of nested template nodes the innermost counts.
    """
    places: list[Place] = []
    checks: list[tuple[int, CodeType, int, Any]] = []
    asked: tuple[FrameType, str] | None = None
    seen: set[int] = set()
    wanted = Owner.PACKAGE
    in_template = False
    depth = 0
    while frame is not None and depth < DEEPEST_WALK and len(checks) < MOST_FRAMES:
        code = frame.f_code
        owner = owner_of(code.co_filename)
        if owner is Owner.FRAMEWORK:
            if code is RENDER and not in_template:
                node = node_of(frame)
                place = template_place(node)
                if place is not None:
                    in_template = True
                    places.append(place)
                    checks.append((depth, code, frame.f_lasti, node))
            elif id(code) in boundary.HANDLER or (places and id(code) in boundary.VIEW):
                break
            elif not places:
                # Reading a frame's names costs microseconds: only the last candidate's are read.
                role = role_of(frame)
                if role and (role != "queryset" or asked is None or asked[1] == "queryset"):
                    asked = (frame, role)
        elif owner <= wanted and id(code) not in seen:
            wanted = owner
            in_template = False
            seen.add(id(code))
            places.append((code, frame.f_lasti))
            checks.append((depth, code, frame.f_lasti, None))
        frame = frame.f_back
        depth += 1
    return CallPath(tuple(places), tuple(checks), relation_at(*asked) if asked else None)
