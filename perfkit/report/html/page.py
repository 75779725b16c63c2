"""A report as a page shows it: what stands in the head, a row for each route, everything in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from perfkit.metrics.sample import Sample
from perfkit.report.html.findings import FindingView, finding_view
from perfkit.report.html.kept import RequestView, requests_of
from perfkit.report.html.plots import parts_ms
from perfkit.report.html.stalls import StallView, stalls_of
from perfkit.report.model import ReportModel, RouteRow
from perfkit.report.options import SORTS
from perfkit.report.wording import (
    age,
    counted,
    duration,
    figure,
    moment,
    percent,
    printable,
    size,
)


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the few numbers that come first: what it is, the number, what to know with it."""

    label: str
    value: str
    note: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class RouteView:
    """One route and method: its row, and what the row opens into.

    Attributes:
        place: from 1; the plots know it by that.
        share: of the time of all routes, percent, for the bar beside its name.
        parts: the time in all, split: code, database, cache, queue.
    """

    place: int
    method: str
    route: str
    requests: str
    errors: str
    has_errors: bool
    status: str
    total: str
    share: float
    share_told: str
    parts: tuple[str, str, str, str]
    mean: str
    p50: str
    p95: str
    p99: str
    longest: str
    statements: str
    duplicates: str
    has_duplicates: bool
    db_share: str
    cache: str
    kilobytes: str
    has_series: bool
    requests_kept: tuple[RequestView, ...]
    stalls: tuple[StallView, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template shows of a report, every text of it printable."""

    version: str
    since: str
    until: str
    span: str
    data_from: str
    store: str
    only: str
    sorted_by: str
    quantile_error: str
    figures: tuple[KeyFigure, ...]
    findings: tuple[FindingView, ...]
    known: str
    routes: tuple[RouteView, ...]
    has_series: bool
    summed: str
    notes: tuple[str, ...]


def page_of(model: ReportModel, version: str) -> Page:
    """Put a report into words.

    Args:
        model: the report.
        version: perfkit's own.
    """
    options = model.options
    kept: dict[tuple[str, str], list[Sample]] = {}
    for sample in model.samples:
        kept.setdefault((sample.route, sample.method), []).append(sample)
    told = {(each.route, each.method) for each in model.series.routes} if model.series else set()
    since = options.since if options.since is not None else model.first_data
    return Page(
        version=version,
        since="" if since is None else moment(since, zone=""),
        until=moment(options.end),
        span="" if since is None else age(options.end - since),
        data_from="" if model.first_data is None else moment(model.first_data, zone=""),
        store=printable(f"{model.path} ({size(model.bytes)})") if model.path else "",
        only=printable(" or ".join(options.routes)),
        sorted_by=SORTS[options.sort],
        quantile_error=percent(model.quantile_error, digits=1),
        figures=tuple(_figures(model, since)) if model.totals.requests else (),
        findings=tuple(
            finding_view(row, rank, options.now) for rank, row in enumerate(model.findings, 1)
        ),
        known=counted(model.known, "known finding") if model.known else "",
        routes=tuple(
            _route(row, place, model, (row.route, row.method) in told, kept)
            for place, row in enumerate(model.routes, 1)
        ),
        has_series=model.series is not None,
        summed="" if model.series is None else counted(model.series.summed, "route"),
        notes=tuple(f"{printable(note)}." for note in model.notes),
    )


def requests_kept(page: Page) -> Iterable[RequestView]:
    """Return every kept request of a page."""
    return (view for route in page.routes for view in route.requests_kept)


def _figures(model: ReportModel, since: float | None) -> Iterator[KeyFigure]:
    totals = model.totals
    minutes = max((model.options.end - (since or model.options.end)) / 60, 1)
    rate = totals.requests / minutes
    yield KeyFigure(
        "Requests",
        f"{totals.requests:,}",
        f"{figure(rate)} a minute" if rate >= 0.1 else f"{figure(rate * 60)} an hour",
    )
    share = percent(totals.errors / totals.requests) if totals.errors else "none"
    yield KeyFigure("Errors", f"{totals.errors:,}", share, is_bad=totals.errors > 0)
    if totals.p95_ms is not None:
        yield KeyFigure(
            "95 % took at most",
            duration(totals.p95_ms),
            f"half {duration(totals.p50_ms or 0.0)}, 99 % {duration(totals.p99_ms or 0.0)}",
        )
    database = "" if model.db_share is None else f"{percent(model.db_share)} in the database"
    yield KeyFigure("Time in all", duration(totals.total_ms), database)
    found = len(model.findings) + model.more_findings
    saves_ms = sum(row.total_cost_ms for row in model.findings)
    # Two findings may cover the same statements.
    saves = f"fixing them saves up to {duration(saves_ms)}" if saves_ms else ""
    yield KeyFigure("Findings", f"{found:,}", saves or ("" if found else "nothing slow was seen"))


def _route(
    row: RouteRow,
    place: int,
    model: ReportModel,
    has_series: bool,
    kept: Mapping[tuple[str, str], list[Sample]],
) -> RouteView:
    samples = kept.get((row.route, row.method), [])
    all_ms = model.totals.total_ms
    share = row.total_ms / all_ms if all_ms else 0.0
    code, db, cache, queue = map(duration, parts_ms(row))
    reads = row.cache_hits + row.cache_misses
    return RouteView(
        place=place,
        method=printable(row.method),
        route=printable(row.route),
        requests=f"{row.requests:,}",
        errors=f"{row.errors:,}",
        has_errors=row.errors > 0,
        status=", ".join(f"{number:,} × {name}" for name, number in row.status.items()),
        total=duration(row.total_ms),
        share=round(share * 100, 2),
        share_told=percent(share),
        parts=(code, db, cache, queue if row.queue_ms is not None else "–"),
        mean=duration(row.mean_ms),
        p50=duration(row.p50_ms),
        p95=duration(row.p95_ms),
        p99=duration(row.p99_ms),
        longest=duration(row.max_ms),
        statements=figure(row.statements_per_request),
        duplicates=figure(row.duplicates_per_request),
        has_duplicates=bool(row.duplicates_per_request),
        db_share=percent(row.db_share),
        cache=percent(row.cache_hits / reads) if reads else "–",
        kilobytes=size(round(row.response_bytes)),
        has_series=has_series,
        requests_kept=requests_of(samples, place),
        stalls=stalls_of(samples),
    )
