"""A report as Markdown: the parts in their order."""

from __future__ import annotations

from collections.abc import Iterator

from perfkit.report.markdown.cache import cache
from perfkit.report.markdown.comparison import comparison
from perfkit.report.markdown.escaping import block, cell, code, folded, table, text
from perfkit.report.markdown.findings import explanation, finding
from perfkit.report.model import ReportModel, RouteRow
from perfkit.report.options import SORTS
from perfkit.report.sample_lines import sample_lines
from perfkit.report.sample_section import samples_of, stalls_of
from perfkit.report.wording import counted, duration, figure, milliseconds, moment, percent

_MOST_STALLS = 3


def to_markdown(model: ReportModel, version: str) -> str:
    """Write a report for a pull request or an issue.

    Args:
        model: the report.
        version: perfkit's own, which no module in it may import.
    """
    return "\n\n".join(_parts(model, version)) + "\n"


def _parts(model: ReportModel, version: str) -> Iterator[str]:
    own = model.comparison.notes if model.comparison else ()
    if model.explanation is not None:
        yield from explanation(model.explanation)
    elif model.comparison is not None:
        yield f"## perfkit: {code(model.comparison.asked)}"
        yield from comparison(model.comparison, model.options.limit)
    else:
        yield from _report(model)
    notes = [f"- {text(note)}" for note in (*own, *model.notes)]
    if notes:
        yield "**What this report does not know**" if model.routes else "**Nothing to report**"
        yield "\n".join(notes)
    since = "the beginning" if model.options.since is None else moment(model.options.since, zone="")
    yield f"<sub>perfkit {text(version)}, {since} to {moment(model.options.end)}</sub>"


def _report(model: ReportModel) -> Iterator[str]:
    totals = model.totals
    yield "## perfkit"
    if totals.requests:
        share = percent(totals.errors / totals.requests, digits=1)
        database = "" if model.db_share is None else f", {percent(model.db_share)} in the database"
        yield (
            f"**{counted(totals.requests, 'request')}**, {counted(totals.errors, 'error')} ({share}), "
            f"{duration(totals.total_ms)} in all{database}, "
            f"p95 {duration(totals.p95_ms or 0.0)}, Apdex {_apdex(totals.apdex)}"
        )
    if model.options.routes:
        yield f"Only routes with {' or '.join(map(code, model.options.routes))}."
    if model.marks:
        yield "\n".join(f"- deploy {code(name)} at {moment(at)}" for at, name in model.marks)
    if model.routes:
        yield f"### Routes by {SORTS[model.options.sort]}"
        yield _routes(model)
        yield from _findings(model)
        yield from cache(model.cache, model.options.limit)
        yield from _kept(model)


def _routes(model: ReportModel) -> str:
    heads = (
        *("route", "requests", "errors", "total", "p50 ms", "p95 ms", "p99 ms"),
        *("Apdex", "stmts/req", "dups/req", "in db"),
    )
    return table(heads, map(_route, model.routes), "l" + "r" * (len(heads) - 1))


def _route(row: RouteRow) -> tuple[str, ...]:
    return (
        cell(f"{row.method} {row.route}"),
        f"{row.requests:,}",
        f"{row.errors:,}",
        duration(row.total_ms),
        *map(milliseconds, (row.p50_ms, row.p95_ms, row.p99_ms)),
        _apdex(row.apdex),
        figure(row.statements_per_request),
        figure(row.duplicates_per_request),
        percent(row.db_share),
    )


def _apdex(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _findings(model: ReportModel) -> Iterator[str]:
    if model.findings:
        yield "### Findings, by what fixing them saves"
        yield "\n".join(finding(row) for row in model.findings)
    elif model.known:
        yield f"No new findings; {counted(model.known, 'known one')} left out."
    else:
        yield "No findings: no loop of statements, no repeats, nothing slow was seen."


def _kept(model: ReportModel) -> Iterator[str]:
    limit = model.options.limit
    if hung := stalls_of(model):
        yield f"### Requests that hung: {len(hung):,}"
        for sample in hung[: limit if model.options.samples else _MOST_STALLS]:
            first, *rest = sample_lines(sample)
            yield folded(first, block(rest), is_code=True)
    if model.options.samples and (kept := samples_of(model)):
        yield f"### Requests kept in detail: {len(kept):,}"
        for sample in kept[:limit]:
            first, *rest = sample_lines(sample)
            yield folded(first, block(rest), is_code=True)
