"""What cProfile counted, as ``pstats.Stats`` reads it from a file."""

from __future__ import annotations

import marshal

from perfkit.profiling.capture import Capture, Frame
from perfkit.profiling.export.stacks import plain

_Key = tuple[str, int, str]
_Count = tuple[int, int, float, float]

#: Builtins have no file; cProfile writes this for them.
_BUILTIN = "~"


def pstats(capture: Capture) -> bytes:
    """Write the counts; two frames of one file, line and name are one there."""
    frames = capture.profile.frames
    totals: dict[_Key, _Count] = {}
    callers: dict[_Key, dict[_Key, _Count]] = {}
    for each in capture.profile.calls:
        key = _key(frames[each.frame])
        count = (each.primitive_calls, each.calls, each.own_ms / 1_000, each.total_ms / 1_000)
        totals[key] = _sum(totals.get(key), count)
        of = callers.setdefault(key, {})
        for caller in each.callers:
            # Here the module has them the other way round: all calls first.
            count = (
                caller.calls,
                caller.primitive_calls,
                caller.own_ms / 1_000,
                caller.total_ms / 1_000,
            )
            by = _key(frames[caller.frame])
            of[by] = _sum(of.get(by), count)
    return marshal.dumps({key: (*count, callers[key]) for key, count in totals.items()})


def _key(frame: Frame) -> _Key:
    if not frame.file:
        return _BUILTIN, 0, plain(frame.function)
    return plain(frame.file), frame.line, plain(frame.function)


def _sum(one: _Count | None, other: _Count) -> _Count:
    if one is None:
        return other
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]
