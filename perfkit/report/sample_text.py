"""One kept request as plain lines: what it was, where its time went, and its timeline."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from perfkit.metrics.sample import ERRORED, N_PLUS_ONE, SLOWEST, Sample
from perfkit.report.wording import counted, duration, moment, printable

#: Columns of the widest line, where its words allow it.
WIDTH = 100

_WHY = {
    SLOWEST: "among the slowest of its hour",
    ERRORED: "failed",
    N_PLUS_ONE: "worst loops of its hour",
}
#: Columns of the two figures before an entry's text.
_FIGURES = 22


def lines(sample: Sample) -> list[str]:
    """Write a request of ``perfkit.samples`` for people: printable, without color.

    Args:
        sample: of kind slowest, errored or n_plus_one; keys that it lacks are passed over.
    """
    data = sample.data
    told = f"{sample.method} {data.get('route') or sample.route}"
    why = _WHY.get(sample.kind, sample.kind)
    text = [
        f"{printable(told)}: {why}, {moment(sample.at)}",
        f"  {_outcome(data)}",
        *wrap(_where(data), WIDTH, initial_indent="  ", subsequent_indent="  "),
    ]
    entries = data.get("timeline") or []
    if entries:
        text.append(f"  {'at':>9}  {'took':>9}  ")
    for entry in entries:
        text += _entry(*entry)
    if left_out := data.get("left_out"):
        text.append(f"  and {left_out[0]:,} more that took less ({counted(left_out[1], 'run')})")
    return [line.rstrip() for line in text]


def _outcome(data: dict[str, Any]) -> str:
    took, first = data.get("duration_ms", 0.0), data.get("ttfb_ms", 0.0)
    parts = [f"status {data.get('status', '–')} after {duration(took)}"]
    if took - first > max(1.0, took / 100):
        parts.append(f"first byte after {duration(first)}")
    if data.get("aborted"):
        parts.append("cut short")
    if data.get("error"):
        parts.append(printable(str(data["error"])))
    return ", ".join(parts)


def _where(data: dict[str, Any]) -> str:
    db, cache = data.get("db_ms", 0.0), data.get("cache_ms", 0.0)
    statements = counted(data.get("statements", 0), "statement")
    if loops := data.get("in_loops"):
        statements += f", {loops:,} of them in loops"
    parts = [f"database {duration(db)} ({statements})"]
    if cache:
        parts.append(f"cache {duration(cache)}")
    parts.append(f"the rest {duration(max(data.get('duration_ms', 0.0) - db - cache, 0.0))}")
    if data.get("cpu_ms") is not None:
        parts.append(f"on the CPU {duration(data['cpu_ms'])}")
    if data.get("queue_ms"):
        parts.append(f"before that in the queue {duration(data['queue_ms'])}")
    return "; ".join(parts)


def _entry(
    start_ms: float, took_ms: float, kind: str, text: str, times: int, site: str | None
) -> Iterator[str]:
    figures = f"  {duration(start_ms):>9}  {duration(took_ms):>9}  "
    told = printable(f"cache {text}" if kind == "cache" else text)
    if times > 1:
        told = f"{times:,} x {told}"
    first, *further = wrap(told, WIDTH - _FIGURES - 2, break_long_words=False) or [""]
    yield figures + first
    for line in further:
        yield " " * (_FIGURES + 2) + line
    if site:
        yield " " * (_FIGURES + 2) + printable(site)
