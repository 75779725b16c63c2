"""What the plots of a page are drawn from: plain lists, rounded, with every text of a site printable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext

from perfkit.report.finding_title import subject
from perfkit.report.heat import Heat
from perfkit.report.html.cache import cache_curves
from perfkit.report.html.comparison import change_bars
from perfkit.report.html.kept import RequestView
from perfkit.report.model import FindingRow, ReportModel, RouteRow
from perfkit.report.series import RouteSeries, Series
from perfkit.report.wording import moment, printable

MOST_MARKS: Final = 50
_LONGEST_NAME: Final = 80


def plot_data(model: ReportModel, requests: Iterable[RequestView]) -> dict[str, Any]:
    """Return the data of every plot.

    Args:
        model: the report.
        requests: kept requests, each with a timeline to plot.
    """
    data: dict[str, Any] = {
        "words": _words(),
        "routes": [_bars(row) for row in model.routes],
        "findings": [_finding(row) for row in model.findings],
        "requests": {view.id: _timeline(view) for view in requests},
        "changes": change_bars(model.comparison) if model.comparison else [],
        "cache": cache_curves(model),
        "series": None,
        "marks": [],
    }
    if model.series is not None:
        data["series"] = _series(model.series, model)
        data["marks"] = marks_in(model.series, model.marks, _shift_s(model.options.end))
    return data


def parts_ms(row: RouteRow) -> tuple[float, float, float, float]:
    """Split a route's time: the site's code, the database, the cache, the queue; milliseconds."""
    db_ms = min((row.db_ms or 0.0) * row.requests, row.total_ms)
    cache_ms = min((row.cache_ms or 0.0) * row.requests, row.total_ms - db_ms)
    queue_ms = (row.queue_ms or 0.0) * row.requests
    return row.total_ms - db_ms - cache_ms, db_ms, cache_ms, queue_ms


def marks_in(
    series: Series, marks: Iterable[tuple[float, str]], shift_s: float
) -> list[tuple[int, str]]:
    """Return the deploys between the first step and the end of the last, the latest if there are many.

    Args:
        series: whose time it is.
        marks: when, Unix seconds, and the name.
        shift_s: added to show the site's own time.
    """
    end = series.start + series.step_s * series.steps
    inside = sorted((at, name) for at, name in marks if series.start <= at < end)
    return [
        (round((at + shift_s) * 1000), printable(name)[:_LONGEST_NAME])
        for at, name in inside[-MOST_MARKS:]
    ]


def _shift_s(end: float) -> float:
    """Return what to add to a time so that read as UTC it shows the site's own, as of the report.

    One number for all of it: an axis on which an hour is missing or twice there would mislead more
    than one that is an hour off before the clocks changed.
    """
    offset = datetime.fromtimestamp(end, UTC).astimezone().utcoffset()
    return offset.total_seconds() if offset else 0.0


def _series(series: Series, model: ReportModel) -> dict[str, Any]:
    shift_s = _shift_s(model.options.end)
    told = {(each.route, each.method): each for each in series.routes}
    routes = [told.get((row.route, row.method)) for row in model.routes]
    starts = [series.start + step * series.step_s for step in range(series.steps)]
    return {
        "start": round((series.start + shift_s) * 1000),
        "step": series.step_s * 1000,
        "steps": series.steps,
        "labels": [moment(start, zone="") for start in starts],
        "whole": _line(series.whole),
        "routes": [_line(each) if each else None for each in routes],
    }


def _line(line: RouteSeries) -> dict[str, Any]:
    return {
        "requests": line.requests,
        "errors": line.errors,
        "p50": _rounded(line.p50_ms),
        "p95": _rounded(line.p95_ms),
        "p99": _rounded(line.p99_ms),
        "parts": [
            _rounded(each) for each in (line.app_ms, line.db_ms, line.cache_ms, line.queue_ms)
        ],
        "statements": _rounded(line.statements_per_request),
        "duplicates": _rounded(line.duplicates_per_request),
        "heat": _heat(line.heat),
    }


def _heat(heat: Heat) -> dict[str, Any]:
    return {"bounds": _rounded(heat.bounds, 4), "counts": heat.counts}


def _rounded(values: Sequence[float | None], digits: int = 2) -> list[float | None]:
    return [None if value is None else round(value, digits) for value in values]


def _bars(row: RouteRow) -> dict[str, Any]:
    return {
        "label": printable(f"{row.method} {row.route}"),
        "parts": _rounded(parts_ms(row)),
        "statements": row.statements_per_request,
        "duplicates": row.duplicates_per_request,
    }


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        "label": printable(subject(row)),
        "kind": printable(row.kind),
        "cost": row.total_cost_ms,
    }


def _timeline(view: RequestView) -> dict[str, Any]:
    return {
        "end": round(view.duration_ms, 2),
        "entries": [
            [round(each.start_ms, 2), round(each.duration_ms, 2), each.part, each.text, each.times]
            for each in view.entries
        ],
    }


def _words() -> dict[str, str]:
    """Return the words that scripts write, in the language of the report."""
    return {
        "app": gettext("Code"),
        "db": gettext("Database"),
        "cache": gettext("Cache"),
        "queue": gettext("Queue"),
        "template": gettext("Template"),
        "time": gettext("From"),
        "deploys": gettext("Deploys"),
        "requests": gettext("Requests"),
        "errors": gettext("Errors"),
        "each": gettext("a request"),
        "all": gettext("In all"),
        "p50": gettext("p50"),
        "p95": gettext("p95"),
        "p99": gettext("p99"),
        "statements": gettext("Statements"),
        "distinct": gettext("Different"),
        "duplicates": gettext("Duplicates"),
        "saves": gettext("Saves"),
        "hits": gettext("Requests that would be hits"),
        "stale": gettext("Hits that would be out of date"),
        "advised": gettext("Advised timeout"),
        "upTo": gettext("Up to"),
        "copied": gettext("Copied"),
        "notCopied": gettext("Not copied: press Ctrl+C"),
    }
