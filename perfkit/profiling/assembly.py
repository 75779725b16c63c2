"""Joins what an engine saw with what the request's trace tells into the capture that is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

from perfkit.profiling.capture import SAMPLER, Capture, Span
from perfkit.profiling.running import RunningCapture
from perfkit.profiling.settling import settled
from perfkit.profiling.source import source_of
from perfkit.record import RequestRecord

#: Statements and cache calls that are kept one by one, shapes, and letters of a text.
MOST_SPANS: Final = 1_000
MOST_SHAPES: Final = 200
LONGEST_TEXT: Final = 1_000

#: Of a record, what spans and shapes tell shorter.
_LEFT_OUT: Final = ("queries", "paths", "cache_calls")


def assembled(
    running: RunningCapture, record: RequestRecord, started: float, name: str = ""
) -> Capture:
    """Return a capture that has ended, ready for the store; nothing here runs in a request's time.

    Args:
        running: the capture.
        record: what the request or block did, with its queries and findings.
        started: ``perf_counter()`` seconds at which the record's times begin.
        name: of a block or command; ``""`` for the record's route.
    """
    profile, names = running.profile()
    every = _every_span(record, (running.started - started) * 1000)
    if running.engine == SAMPLER:
        profile = settled(profile, every)
    spans, note = _longest(every)
    if note:
        profile = replace(profile, notes=(*profile.notes, note))
    plain: dict[str, Any] = record.to_dict()
    return Capture(
        id=running.id,
        engine=running.engine,
        reason=running.reason,
        owner=running.owner,
        name=name or record.route,
        method="" if name else record.method,
        status=record.status,
        path=running.path,
        started_at=running.started_at,
        duration_ms=round(record.duration_ms, 3),
        profile=profile,
        spans=spans,
        record={key: value for key, value in plain.items() if key not in _LEFT_OUT},
        shapes=_shapes(record),
        source=source_of(profile, names.files),
    )


def _every_span(record: RequestRecord, offset_ms: float) -> list[Span]:
    """Return what ran when, from the capture's start on."""
    spans = [
        Span(
            "db",
            each.start_ms,
            each.duration_ms,
            _text(each.alias, each.shape),
            str(each.site) if each.site else None,
        )
        for each in record.queries
    ]
    spans += [
        Span("cache", each.start_ms, each.duration_ms, f"{each.alias} {each.operation}", None)
        for each in record.cache_calls
    ]
    spans.sort(key=lambda span: span.start_ms)
    return [
        each._replace(
            start_ms=round(max(each.start_ms - offset_ms, 0.0), 3),
            duration_ms=round(each.duration_ms, 3),
        )
        for each in spans
    ]


def _longest(spans: list[Span]) -> tuple[tuple[Span, ...], str]:
    """Return the spans that are kept, and what to say where some are left out."""
    if len(spans) <= MOST_SPANS:
        return tuple(spans), ""
    kept = sorted(spans, key=lambda span: span.duration_ms, reverse=True)[:MOST_SPANS]
    note = (
        f"of {len(spans)} statements and cache calls the {MOST_SPANS} longest are on the time line"
    )
    return tuple(sorted(kept, key=lambda span: span.start_ms)), note


def _shapes(record: RequestRecord) -> tuple[tuple[str, int, float], ...]:
    runs: Counter[str] = Counter()
    took: Counter[str] = Counter()
    for each in record.queries:
        text = _text(each.alias, each.shape)
        runs[text] += 1
        took[text] += each.duration_ms  # type: ignore[assignment]  # a Counter of milliseconds
    costliest = sorted(runs, key=lambda text: (-took[text], text))[:MOST_SHAPES]
    return tuple((text, runs[text], round(took[text], 3)) for text in costliest)


def _text(alias: str, shape: str) -> str:
    text = shape if alias == "default" else f"{alias}: {shape}"
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 4]} ..."
