"""What the scripts of a capture's page draw, as plain JSON: bounded, and every text printable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from perfkit.profiling.capture import Capture, Frame, Profile, Span
from perfkit.profiling.own_code import own_code
from perfkit.profiling.shortened import shortened
from perfkit.report.wording import duration, printable
from perfkit.views.names import LONGEST, frame_name, short

MOST_NODES: Final = 5_000
MOST_SAMPLES: Final = 4_000
MOST_SPANS: Final = 300
MOST_CALLS: Final = 500
MOST_CALLERS: Final = 50
MOST_SOURCE_LINES: Final = 4_000


def stacks_data(capture: Capture) -> tuple[dict[str, Any], list[str]]:
    """Return a capture's stacks, the site's own code alone and all, and what to say of cuts.

    Args:
        capture: by an engine that keeps stacks.
    """
    whole, notes = _variant(capture.profile)
    mine, _notes = _variant(own_code(capture.profile))
    spans = spans_of(capture)
    return {
        "name": short(f"{capture.method} {capture.name}".strip()),
        "durationMs": round(capture.duration_ms, 3),
        "mine": mine,
        "all": whole,
        "spans": [
            [each.kind, round(each.start_ms, 3), round(each.duration_ms, 3), short(each.text)]
            for each in spans
        ],
        "source": dict(_source(capture.source)),
    }, notes


def calls_data(capture: Capture) -> dict[str, Any]:
    """Return what cProfile counted: functions, and who called whom, the costliest ``MOST_CALLS``."""
    calls = sorted(capture.profile.calls, key=lambda each: -each.total_ms)[:MOST_CALLS]
    place = {each.frame: at for at, each in enumerate(calls)}
    return {
        "frames": [_frame(capture.profile.frames[each.frame]) for each in calls],
        "calls": [
            [each.calls, each.primitive_calls, round(each.own_ms, 4), round(each.total_ms, 4)]
            for each in calls
        ],
        # From a frame that is shown to one that is; the largest first.
        "callers": [
            [
                [place[by.frame], by.calls, round(by.own_ms, 4), round(by.total_ms, 4)]
                for by in sorted(each.callers, key=lambda by: -by.total_ms)
                if by.frame in place
            ][:MOST_CALLERS]
            for each in calls
        ],
        "source": dict(_source(capture.source)),
    }


def spans_of(capture: Capture) -> list[Span]:
    """Return the spans that are shown, in the order of time: the longest ``MOST_SPANS``."""
    longest = sorted(capture.spans, key=lambda each: -each.duration_ms)[:MOST_SPANS]
    return sorted(longest, key=lambda each: each.start_ms)


def _variant(profile: Profile) -> tuple[dict[str, Any], list[str]]:
    small = shortened(profile, MOST_NODES, MOST_SAMPLES)
    used = sorted({node.frame for node in small.nodes})
    place = {frame: at for at, frame in enumerate(used)}
    notes = []
    if small.left_out:
        notes.append(
            ngettext(
                "The lightest place in the tree is not shown: its time counts for its caller.",
                "The %(count)s lightest places in the tree are not shown: their time counts for "
                "their callers.",
                small.left_out,
            )
            % {"count": f"{small.left_out:,}"}
        )
    if small.coarse_ms:
        notes.append(
            _("Over time, each stretch of %(span)s shows what took most of it.")
            % {"span": duration(small.coarse_ms)}
        )
    return {
        "frames": [_frame(profile.frames[at]) for at in used],
        "nodes": [
            [node.parent, place[node.frame], node.line, round(own.ms, 3), own.samples]
            for node, own in zip(small.nodes, small.own, strict=True)
        ],
        "samples": [
            [round(each.at_ms, 3), round(each.duration_ms, 3), each.node] for each in small.samples
        ],
    }, notes


def _frame(frame: Frame) -> list[Any]:
    return [
        frame_name(frame),
        short(frame.file),
        frame.line,
        frame.owner,
        # As the source is filed.
        frame.function == "template",
    ]


def _source(source: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    left = MOST_SOURCE_LINES
    for file, lines in source.items():
        if left <= 0:
            return
        some = dict(list(lines.items())[:left])
        left -= len(some)
        yield (
            short(file),
            {
                str(line): printable(str(text).replace("\t", "    "))[:LONGEST]
                for line, text in some.items()
            },
        )
