"""speedscope's own format: https://www.speedscope.app/file-format-schema.json."""

from __future__ import annotations

import json
from typing import Any, Final

from perfkit.profiling.capture import Capture, Frame, StackSample
from perfkit.profiling.export.stacks import name_of, plain, stack_of

_SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"

#: Shorter stretches in which nothing was sampled are the clock's, not the request's.
_LEAST_GAP_MS: Final = 0.01


def speedscope(capture: Capture) -> bytes:
    """Write the samples in the order of time; while nothing was seen, the stack is empty."""
    profile = capture.profile
    stacks: dict[int, list[int]] = {}
    samples: list[list[int]] = []
    weights: list[float] = []
    at_ms = 0.0
    for each in profile.samples:
        if each.at_ms - at_ms > _LEAST_GAP_MS:
            samples.append([])
            weights.append(round(each.at_ms - at_ms, 6))
        if each.node not in stacks:
            stacks[each.node] = [profile.nodes[at].frame for at in stack_of(profile, each.node)]
        samples.append(stacks[each.node])
        weights.append(round(each.duration_ms, 6))
        at_ms = each.at_ms + each.duration_ms
    name = plain(f"{capture.method} {capture.name}".strip())
    document = {
        "$schema": _SCHEMA,
        "name": name,
        "exporter": "perfkit",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(frame) for frame in profile.frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "milliseconds",
                "startValue": 0,
                "endValue": _end_ms(capture.duration_ms, profile.samples),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")


def _frame(frame: Frame) -> dict[str, Any]:
    written: dict[str, Any] = {"name": name_of(frame)}
    if frame.file:
        written["file"] = plain(frame.file)
    if frame.line:
        written["line"] = frame.line
    return written


def _end_ms(duration_ms: float, samples: tuple[StackSample, ...]) -> float:
    last_ms = samples[-1].at_ms + samples[-1].duration_ms if samples else 0.0
    return round(max(duration_ms, last_ms), 6)
