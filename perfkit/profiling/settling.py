"""Gives the time around short statements and cache calls back to the code that makes them.

A thread that samples gets the interpreter's lock when the sampled one lets go of it, which it does when
it waits: for the database above all. A loop of short statements is then seen in its statements alone,
though it computes most of the time. How long each statement took is known, so that a sample taken in
one counts for no more than the statements ran since the sample before; the rest is the caller's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from perfkit.profiling.capture import FRAMEWORK, Frame, Node, Profile, Span, StackSample

#: Stands for what Python does around a statement or a cache call.
AROUND: Final = Frame("", 0, "(around statements and cache calls)", FRAMEWORK)

#: The frames of our hooks, by which a sample in a call is known; and what leads there.
_HOOKS: Final = frozenset(("perfkit/capture/sql.py", "perfkit/capture/cache.py"))
_LEADING: Final = ("django/db/", "django/core/cache/", "perfkit/")
#: Milliseconds that are not worth a sample of their own.
_LEAST_MS: Final = 0.01


def settled(profile: Profile, spans: Sequence[Span]) -> Profile:
    """Return the profile with each sample in a call as long as the calls of its time.

    Args:
        profile: of the sampler.
        spans: every statement and cache call, times as in the profile.
    """
    callers = [_caller(profile, at) for at in range(len(profile.nodes))]
    if not spans or all(caller is None for caller in callers):
        return profile
    busy = _Busy(spans)
    nodes, frames = list(profile.nodes), list(profile.frames)
    around: dict[int, int] = {}
    samples: list[StackSample] = []
    for sample in profile.samples:
        caller = callers[sample.node]
        inside = busy.between(sample.at_ms, sample.at_ms + sample.duration_ms)
        outside = sample.duration_ms - inside
        if caller is None or outside < _LEAST_MS:
            samples.append(sample)
            continue
        if caller not in around:
            if not around:
                frames.append(AROUND)
            around[caller] = len(nodes)
            nodes.append(Node(caller, len(frames) - 1, 0))
        rest = round(outside, 3)
        samples.append(StackSample(sample.at_ms, rest, around[caller]))
        if inside >= _LEAST_MS:
            at = round(sample.at_ms + rest, 3)
            samples.append(StackSample(at, round(inside, 3), sample.node))
    return replace(profile, frames=tuple(frames), nodes=tuple(nodes), samples=tuple(samples))


def _caller(profile: Profile, at: int) -> int | None:
    """Return the node that makes the call in which a node is, -1 for none; None outside of calls."""
    while at >= 0 and profile.frames[profile.nodes[at].frame].file not in _HOOKS:
        at = profile.nodes[at].parent
    if at < 0:
        return None
    while at >= 0 and profile.frames[profile.nodes[at].frame].file.startswith(_LEADING):
        at = profile.nodes[at].parent
    return at


class _Busy:
    """The time that calls took together, asked for by stretches."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._starts: list[float] = []
        self._ends: list[float] = []
        for span in sorted(spans, key=lambda each: each.start_ms):
            end = span.start_ms + span.duration_ms
            if self._ends and span.start_ms <= self._ends[-1]:  # one within another, or beside it
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(span.start_ms)
                self._ends.append(end)
        lengths = (end - start for start, end in zip(self._starts, self._ends, strict=True))
        self._sums = [0.0, *accumulate(lengths)]

    def between(self, start: float, end: float) -> float:
        """Return the milliseconds of a stretch in which a call ran."""
        return max(0.0, self._until(end) - self._until(start))

    def _until(self, at: float) -> float:
        index = bisect_right(self._starts, at)
        if not index:
            return 0.0
        return self._sums[index] - max(0.0, self._ends[index - 1] - at)
