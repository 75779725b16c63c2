"""A session of pyinstrument's, as ``pyinstrument --load`` and ``Session.load`` read it."""

from __future__ import annotations

import json
from typing import Final

from perfkit.profiling.capture import Capture, Frame
from perfkit.profiling.export.stacks import name_of, plain, stack_of

#: Between function, file and line of a frame, and before the line that it was at.
_PART, _ATTRIBUTE, _AT_LINE = "\x00", "\x01", "l"

#: A frame without a file is told by one in angle brackets there.
_NO_FILE: Final = "<perfkit>"


def pyinstrument(capture: Capture) -> bytes:
    """Write the samples as records of stacks, in seconds."""
    profile = capture.profile
    names = [_identifier(frame) for frame in profile.frames]
    stacks: dict[int, list[str]] = {}
    records: list[tuple[list[str], float]] = []
    for each in profile.samples:
        if each.node not in stacks:
            nodes = (profile.nodes[at] for at in stack_of(profile, each.node))
            stacks[each.node] = [
                f"{names[node.frame]}{_ATTRIBUTE}{_AT_LINE}{node.line}" for node in nodes
            ]
        records.append((stacks[each.node], each.duration_ms / 1_000))
    durations = [duration_s for _, duration_s in records]
    session = {
        "start_time": capture.started_at,
        "duration": capture.duration_ms / 1_000,
        "min_interval": min(durations, default=0.001),
        "max_interval": max(durations, default=0.001),
        "sample_count": len(records),
        # It trims the stem of the tree down to here; the root is where a capture begins.
        "start_call_stack": [names[profile.nodes[0].frame]] if profile.nodes else [_NO_FILE],
        "target_description": plain(f"{capture.method} {capture.name}".strip()),
        "cpu_time": float(capture.record.get("cpu_ms") or 0.0) / 1_000,
        "sys_path": [],
        "sys_prefixes": [],
        "frame_records": records,
    }
    return json.dumps(session, separators=(",", ":"), allow_nan=False).encode("ascii")


def _identifier(frame: Frame) -> str:
    return _PART.join((name_of(frame), plain(frame.file) or _NO_FILE, str(frame.line)))
