"""Cuts a capture down to the bytes that the store takes for one, and says so in its notes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from perfkit.profiling.capture import Capture, Node, Profile, StackSample

#: Bytes of one capture as JSON, before it is compressed.
MOST_BYTES: Final = 2_000_000

#: Letters of a name or path that are kept.
LONGEST_NAME: Final = 400

_KEPT_SPANS, _KEPT_SHAPES, _KEPT_CALLS = 200, 50, 500


def plain_within(capture: Capture, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return a capture's plain JSON, cut where it is too large: what is least missed goes first.

    Args:
        capture: the capture.
        most_bytes: of its JSON text.
    """
    plain = capture.to_dict()
    if _size(plain) <= most_bytes:
        return plain
    for cut, note in _cuts():
        capture = cut(capture)
        notes = (*capture.profile.notes, note)
        capture = replace(capture, profile=replace(capture.profile, notes=notes))
        plain = capture.to_dict()
        if _size(plain) <= most_bytes:
            break
    return plain


def _size(plain: dict[str, Any]) -> int:
    return len(json.dumps(plain, separators=(",", ":")))


def _cuts() -> Iterator[tuple[Callable[[Capture], Capture], str]]:
    yield _without_spans, f"cut to fit the store: {_KEPT_SPANS} statements and cache calls are left"
    yield _without_source, "cut to fit the store: the lines of source are left out"
    for nth in (2, 8, 32):
        yield (
            lambda capture, nth=nth: _thinned(capture, nth),  # type: ignore[misc]  # a default
            f"cut to fit the store: each {nth} samples in a row count as the first of them",
        )
    yield _without_calls, f"cut to fit the store: the {_KEPT_CALLS} costliest functions are left"
    yield _bare, "cut to fit the store: the stacks are left out"


def _without_spans(capture: Capture) -> Capture:
    longest = sorted(capture.spans, key=lambda span: span.duration_ms, reverse=True)[:_KEPT_SPANS]
    spans = tuple(sorted(longest, key=lambda span: span.start_ms))
    return replace(capture, spans=spans, shapes=capture.shapes[:_KEPT_SHAPES])


def _without_source(capture: Capture) -> Capture:
    return replace(capture, source={})


def _thinned(capture: Capture, nth: int) -> Capture:
    samples = capture.profile.samples
    kept = [
        first._replace(duration_ms=sum(each.duration_ms for each in samples[at : at + nth]))
        for at, first in enumerate(samples)
        if at % nth == 0
    ]
    return replace(capture, profile=_with_samples(capture.profile, kept))


def _with_samples(profile: Profile, samples: list[StackSample]) -> Profile:
    """Keep the nodes and frames that the samples need, numbered anew."""
    used = set()
    for sample in samples:
        at = sample.node
        while at >= 0 and at not in used:
            used.add(at)
            at = profile.nodes[at].parent
    nodes = {old: new for new, old in enumerate(sorted(used))}
    called = {
        *(count.frame for count in profile.calls),
        *(caller.frame for count in profile.calls for caller in count.callers),
    }
    frames = {
        old: new
        for new, old in enumerate(sorted({profile.nodes[at].frame for at in used} | called))
    }
    return replace(
        profile,
        frames=tuple(profile.frames[old] for old in frames),
        nodes=tuple(
            Node(nodes.get(each.parent, -1), frames[each.frame], each.line)
            for each in (profile.nodes[old] for old in nodes)
        ),
        samples=tuple(each._replace(node=nodes[each.node]) for each in samples),
        calls=tuple(
            each._replace(
                frame=frames[each.frame],
                callers=tuple(by._replace(frame=frames[by.frame]) for by in each.callers),
            )
            for each in profile.calls
        ),
    )


def _without_calls(capture: Capture) -> Capture:
    costliest = sorted(capture.profile.calls, key=lambda each: each.own_ms, reverse=True)
    calls = tuple(costliest[:_KEPT_CALLS])
    kept = {each.frame for each in calls}
    calls = tuple(
        each._replace(callers=tuple(by for by in each.callers if by.frame in kept))
        for each in calls
    )
    profile = replace(capture.profile, calls=calls)
    return replace(capture, profile=_with_samples(profile, list(profile.samples)))


def _bare(capture: Capture) -> Capture:
    profile = Profile(own_ms=capture.profile.own_ms, notes=capture.profile.notes)
    return replace(capture, profile=profile, record={}, shapes=(), spans=())
