"""Collapsed stacks, a line each: what flamegraph.pl, inferno, speedscope and others read."""

from __future__ import annotations

from collections import Counter

from perfkit.profiling.capture import Capture, Frame
from perfkit.profiling.export.stacks import name_of, plain, stack_of


def collapsed(capture: Capture) -> bytes:
    """Write each stack once, outermost first, with its time in whole microseconds."""
    profile = capture.profile
    spent_us: Counter[int] = Counter()
    for each in profile.samples:
        spent_us[each.node] += round(each.duration_ms * 1_000)
    names = [_name(frame) for frame in profile.frames]
    # Nodes of one function at two lines are one stack here.
    lines: Counter[str] = Counter()
    for node, microseconds in spent_us.items():
        stack = (names[profile.nodes[at].frame] for at in stack_of(profile, node))
        lines[";".join(stack)] += microseconds
    return "".join(f"{stack} {count}\n" for stack, count in lines.items()).encode("utf-8")


def _name(frame: Frame) -> str:
    # A semicolon would begin another frame.
    where = f" ({plain(frame.file)}:{frame.line})" if frame.file and frame.line else ""
    return f"{name_of(frame)}{where}".replace(";", ":")
