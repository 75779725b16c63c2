"""A profile of the site's own code alone: frames of packages and of the framework fold into their caller."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from perfkit.profiling.capture import FRAMEWORK, SITE, WAITING, Frame, Node, Profile

#: Stands for stacks without a line of the site's own: middleware, the handler, a package's view.
OUTSIDE: Final = Frame("", 0, "(framework and packages)", FRAMEWORK)


def own_code(profile: Profile) -> Profile:
    """Return the profile with the site's frames only, all time still in it.

    A sample that ended in a foreign frame counts for the site's line that called it; one without
    any line of the site's counts for ``OUTSIDE``. That a coroutine waited stays to be seen.

    Args:
        profile: with samples; cProfile's counts cannot be folded and stay as they are.
    """
    if not profile.samples:
        return profile
    frames: dict[Frame, int] = {}
    nodes: dict[Node, int] = {}

    def put(parent: int, frame: Frame, line: int) -> int:
        node = Node(parent, frames.setdefault(frame, len(frames)), line)
        return nodes.setdefault(node, len(nodes))

    # Of each node: where it went, -1 for none of the site's on the way to its root.
    place: list[int] = []
    for parent, at, line in profile.nodes:
        frame = profile.frames[at]
        above = place[parent] if parent >= 0 else -1
        stays = frame.owner == SITE or frame.function == WAITING
        place.append(put(above, frame, line) if stays else above)
    samples = tuple(
        each._replace(node=place[each.node] if place[each.node] >= 0 else put(-1, OUTSIDE, 0))
        for each in profile.samples
    )
    return replace(profile, frames=tuple(frames), nodes=tuple(nodes), samples=samples)
