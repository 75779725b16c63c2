"""What samples add up to: the time of each node of the tree, and of each frame wherever it was called from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from perfkit.profiling.capture import Profile


class Weight(NamedTuple):
    """Samples that ended in one node.

    Attributes:
        ms: their time together.
        samples: their number.
        squares: the sum of their squared times, for what so many samples can tell.
    """

    ms: float = 0.0
    samples: int = 0
    squares: float = 0.0

    def plus(self, other: Weight) -> Weight:
        """Return both together."""
        return Weight(
            self.ms + other.ms, self.samples + other.samples, self.squares + other.squares
        )


_NONE: Final = Weight()


@dataclass(slots=True)
class FrameTime:
    """One frame over all places it was called from.

    Attributes:
        own: samples in which it was innermost.
        total: samples in which it was anywhere, each once, however often it calls itself.
        lines: line -> the same for samples in which it stood there.
    """

    own: Weight = _NONE
    total: Weight = _NONE
    lines: dict[int, Weight] = field(default_factory=dict)


def node_weights(profile: Profile) -> list[Weight]:
    """Return what ended in each node, in the order of ``profile.nodes``."""
    sums = [[0.0, 0, 0.0] for _ in profile.nodes]
    for _, duration_ms, node in profile.samples:
        each = sums[node]
        each[0] += duration_ms
        each[1] += 1
        each[2] += duration_ms * duration_ms
    return [Weight(ms, int(samples), squares) for ms, samples, squares in sums]


def frame_times(profile: Profile) -> dict[int, FrameTime]:
    """Add the samples up by frame.

    Args:
        profile: with samples; from cProfile's counts nothing comes.

    Returns:
        Index of the frame -> its time; frames that no sample saw are left out.
    """
    own = node_weights(profile)
    whole = list(own)
    for at in range(len(whole) - 1, -1, -1):
        if (parent := profile.nodes[at].parent) >= 0:
            whole[parent] = whole[parent].plus(whole[at])
    times: dict[int, FrameTime] = {}
    for at in _outermost(profile):
        if whole[at].samples:
            _, frame, line = profile.nodes[at]
            time = times.setdefault(frame, FrameTime())
            time.total = time.total.plus(whole[at])
            time.lines[line] = time.lines.get(line, _NONE).plus(whole[at])
    for node, weight in zip(profile.nodes, own, strict=True):
        if weight.samples:
            times[node.frame].own = times[node.frame].own.plus(weight)
    return times


def _outermost(profile: Profile) -> Iterator[int]:
    """Yield the nodes that are not below another one of their frame, as in a recursion."""
    below: list[list[int]] = [[] for _ in profile.nodes]
    roots: list[int] = []
    for at, node in enumerate(profile.nodes):
        (below[node.parent] if node.parent >= 0 else roots).append(at)
    open_frames: Counter[int] = Counter()
    todo = roots
    while todo:
        at = todo.pop()
        if at < 0:  # back out of a node
            open_frames[profile.nodes[~at].frame] -= 1
            continue
        frame = profile.nodes[at].frame
        if not open_frames[frame]:
            yield at
        open_frames[frame] += 1
        todo.append(~at)
        todo.extend(below[at])
