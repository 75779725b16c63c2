"""A report judged by thresholds: the status, the line that says it, and performance data.

As the Monitoring Plugins' guidelines have it: https://www.monitoring-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from perfkit.report.finding_title import title
from perfkit.report.model import ReportModel
from perfkit.report.nagios.thresholds import FIGURES, MEASURES, Range
from perfkit.report.wording import counted, duration, figure, percent, printable

OK: Final = 0
WARNING: Final = 1
CRITICAL: Final = 2
UNKNOWN: Final = 3
_WORDS: Final = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}

#: Figures that are always in the performance data; others where a threshold names them.
_ALWAYS: Final = ("requests", "errors", "p50", "p95", "p99", "statements", "findings")
#: Monitoring systems cut what is longer, and a line that is cut in its figures cannot be read.
_MOST_CHARACTERS: Final = 3_000
_MOST_FINDINGS: Final = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plugin prints, and the status that it ends with."""

    status: int
    text: str


def to_nagios(model: ReportModel) -> Answer:
    """Judge a report by the thresholds of its options."""
    if not model.readable or not model.path:
        return unknown(model.notes[-1])
    if model.first_data is None and not model.totals.requests:
        note = next((each for each in model.notes if each.startswith("No data yet")), "")
        if note:
            return unknown(note)
    values = dict(_values(model))
    thresholds = model.options.thresholds
    raised = {
        CRITICAL: _raised(thresholds.critical, values),
        WARNING: _raised(thresholds.warning, values),
    }
    status = next((status for status, names in raised.items() if names), OK)
    shown = [*raised[CRITICAL], *(name for name in raised[WARNING] if name not in raised[CRITICAL])]
    ranges = {**thresholds.warning, **thresholds.critical}
    met = {**ranges, **{name: thresholds.warning[name] for name in raised[WARNING]}}
    met |= {name: thresholds.critical[name] for name in raised[CRITICAL]}
    told = [f"{_told(name, values[name])} ({_limit(met[name])})" for name in shown]
    summary = ", ".join(told) or _summary(model)
    figures = [*_ALWAYS, *(name for name in FIGURES if name in ranges and name not in _ALWAYS)]
    data = " ".join(
        _perfdata(name, values[name], thresholds.warning, thresholds.critical) for name in figures
    )
    first = f"{_line(status, summary)} | {data}"
    return Answer(status, "\n".join([first, *_further(model)]))


def is_asked(argv: Iterable[str]) -> bool:
    """Tell from a command line, which may be a bad one, whether a monitoring system asks."""
    return any(each.rpartition("=")[2] == "nagios" for each in argv)


def unknown(reason: str) -> Answer:
    """Answer that nothing can be said."""
    return Answer(UNKNOWN, _line(UNKNOWN, reason))


def _line(status: int, text: str) -> str:
    return f"PERFKIT {_WORDS[status]}: {_plain(text)}"


def _plain(text: str) -> str:
    """Make one line of a text, without the sign that begins performance data."""
    return printable(" ".join(text.split())).replace("|", "/")[:_MOST_CHARACTERS]


def _values(model: ReportModel) -> Iterator[tuple[str, float | None]]:
    totals = model.totals
    requests, recorded = totals.requests, totals.recorded
    yield "requests", requests
    yield "errors", 100 * totals.errors / requests if requests else None
    yield "mean", totals.total_ms / requests if requests else None
    yield "p50", totals.p50_ms
    yield "p95", totals.p95_ms
    yield "p99", totals.p99_ms
    yield "db", None if model.db_share is None else 100 * model.db_share
    yield "statements", totals.statements / recorded if recorded else None
    yield "duplicates", totals.duplicates / recorded if recorded else None
    yield "apdex", totals.apdex
    yield "age", _age(model)
    yield "findings", model.found.get("any", 0)
    for kind in FIGURES:
        if kind not in MEASURES:
            yield kind, model.found.get(kind, 0)


def _age(model: ReportModel) -> float | None:
    """Return the seconds since the newest data; of an empty window those since its start, at least."""
    newest = model.options.since if model.first_data is None else model.last_data
    return None if newest is None else max(model.options.now - newest, 0.0)


def _raised(ranges: Mapping[str, Range], values: Mapping[str, float | None]) -> list[str]:
    found = []
    for name, each in ranges.items():
        value = values[name]
        # Without requests there is no p95; how many requests there have to be is a range of its own.
        if value is not None and each.alarms(value):
            found.append(name)
    return found


def _told(name: str, value: float | None) -> str:
    if value is None:
        return f"{name} unknown"
    unit = FIGURES[name]
    if unit == "ms":
        return f"{name} {duration(value)}"
    if unit == "%":
        return f"{name} {percent(value / 100, digits=1)}"
    return f"{name} {value:.2f}" if name == "apdex" else f"{name} {figure(value)}{unit and ' s'}"


def _limit(each: Range) -> str:
    return f"{'inside' if each.inside else 'outside'} {each.text}"


def _summary(model: ReportModel) -> str:
    totals = model.totals
    if not totals.requests:
        return "no requests"
    parts = [
        counted(totals.requests, "request"),
        f"p95 {duration(totals.p95_ms or 0.0)}",
        f"errors {percent(totals.errors / totals.requests, digits=1)}",
        counted(model.found.get("any", 0), "finding"),
    ]
    return ", ".join(parts)


def _perfdata(
    name: str, value: float | None, warning: Mapping[str, Range], critical: Mapping[str, Range]
) -> str:
    unit = FIGURES[name]
    told = "U" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") + unit
    limits = [ranges[name].text if name in ranges else "" for ranges in (warning, critical)]
    least_and_most = ["0", "100"] if unit == "%" else ["0", "1"] if name == "apdex" else ["0", ""]
    return ";".join([f"{name}={told}", *limits, *least_and_most]).rstrip(";")


def _further(model: ReportModel) -> Iterator[str]:
    """Yield lines that a monitoring system shows when asked for more."""
    for row in model.findings[:_MOST_FINDINGS]:
        yield _plain(f"{row.kind}: {title(row)}")
    for note in model.notes:
        yield _plain(note)
