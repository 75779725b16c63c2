"""Turns what the store holds of a window into a report: chooses, divides, sorts, cuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from perfkit.acceptance.accepted import Rule, matched
from perfkit.metrics.aggregate import FindingStats
from perfkit.record import Finding, finding_from
from perfkit.report.eager_loads import seen_in, unused_rows
from perfkit.report.figures import db_share, route_row, totals
from perfkit.report.model import FindingRow, ReportModel, RouteRow
from perfkit.report.options import ANY, Options
from perfkit.store.read import Stored


def build(stored: Stored, options: Options, ignore: Sequence[Rule] = ()) -> ReportModel:
    """Turn what was stored into a report, without its notes.

    Args:
        stored: what the store holds of the window.
        options: what to show.
        ignore: ``settings.ignore``, for what is told of many requests only; the rest went by it
            when it was recorded.
    """
    window = stored.window
    chosen = choose(window.routes, options.routes)
    shown = set(chosen)
    stats = [window.routes[key] for key in chosen]
    rows = sorted((route_row(*key, window.routes[key]) for key in chosen), key=_order(options.sort))
    idle = _unused(stored, ignore)
    present = _findings(stored, {f"{method} {route}" for route, method in chosen}, idle)
    baseline = options.baseline
    findings = [row for row in present if baseline is None or not baseline.knows(row)]
    found = Counter({ANY: len(findings)} if findings else {})
    for finding in findings:
        found.update((finding.kind, finding.severity))
    scale = min((each.duration.scale for each in stats), default=5)
    growth = 2.0 ** (2.0**-scale)
    return ReportModel(
        options=options,
        first_data=stored.first_bucket,
        totals=totals(stored, stats),
        db_share=db_share(stats),
        routes=tuple(rows[: options.limit]),
        findings=tuple(findings[: options.limit]),
        more_routes=max(len(rows) - options.limit, 0),
        more_findings=max(len(findings) - options.limit, 0),
        found=dict(found),
        quantile_error=(growth - 1) / (growth + 1),
        path=stored.path,
        bytes=stored.bytes,
        notes=(),
        present=tuple(present),
        gone=tuple(
            baseline.gone(_occurred(stored, idle)) if baseline and stored.window.routes else ()
        ),
        known=len(present) - len(findings),
        # What is told of many requests only was accepted just now, in this process.
        accepted=frozenset({*stored.window.accepted, *matched()}),
        samples=tuple(each for each in stored.samples if (each.route, each.method) in shown),
        marks=stored.marks,
    )


def choose(labels: Iterable[tuple[str, str]], wanted: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the (route, method) pairs that ``--route`` names, all without one.

    A text that is a whole label, with or without its method, names that one only; any other names
    every label it is part of.
    """
    known = list(labels)
    if not wanted:
        return known
    chosen: set[tuple[str, str]] = set()
    for text in wanted:
        exact = {key for key in known if text in (key[0], f"{key[1]} {key[0]}")}
        chosen |= exact or {key for key in known if text in f"{key[1]} {key[0]}"}
    return [key for key in known if key in chosen]


def _order(sort: str) -> Callable[[RouteRow], tuple[float, float, str, str]]:
    def key(row: RouteRow) -> tuple[float, float, str, str]:
        values = {
            "total": row.total_ms,
            "requests": row.requests,
            "mean": row.mean_ms,
            "p95": row.p95_ms,
            "statements": row.statements_per_request or 0,
            "errors": row.errors,
            "db": (row.db_ms or 0) * row.requests,
        }
        return -values[sort], -row.total_ms, row.route, row.method

    return key


def _unused(stored: Stored, ignore: Sequence[Rule]) -> list[FindingRow]:
    texts = (finding_text(stored, fingerprint) for fingerprint in stored.window.findings)
    findings = [text for text in texts if text is not None]
    return unused_rows(stored.window.eager_loads, findings, ignore)


def _findings(stored: Stored, chosen: set[str], idle: list[FindingRow]) -> list[FindingRow]:
    rows = [
        row
        for row in idle
        if not chosen.isdisjoint(f"{seen.method} {seen.route}" for seen in row.routes)
    ]
    for fingerprint, stats in stored.window.findings.items():
        text = finding_text(stored, fingerprint)
        if text is not None and stats.requests and not chosen.isdisjoint(stats.routes):
            rows.append(_finding(text, fingerprint, stats))
    rows.sort(key=lambda row: (-row.total_cost_ms, -row.total_saved, row.fingerprint))
    return rows


def _occurred(stored: Stored, idle: list[FindingRow]) -> set[str]:
    found = {name for name, stats in stored.window.findings.items() if stats.requests}
    return found | {row.fingerprint for row in idle}


def finding_text(stored: Stored, fingerprint: str) -> Finding | None:
    """Return the stored text of a finding, None where it is missing or cannot be read."""
    try:
        return finding_from(stored.texts[fingerprint])
    except (KeyError, TypeError, AttributeError):
        return None


def _finding(text: Finding, fingerprint: str, stats: FindingStats) -> FindingRow:
    return FindingRow(
        kind=text.kind,
        severity=text.severity,
        model=text.model,
        path=text.path,
        count=stats.count / stats.requests,
        saved=stats.saved / stats.requests,
        cost_ms=stats.cost_ms / stats.requests,
        fix=text.fix,
        message=text.message,
        access=text.access,
        origin=text.origin,
        shape=text.shape,
        alias=text.alias,
        fingerprint=fingerprint,
        routes=seen_in(stats.routes),
        requests=stats.requests,
        total_saved=stats.saved,
        total_cost_ms=stats.cost_ms,
        first_seen=stats.first,
        last_seen=stats.last,
        loop=text.loop,
        callers=text.callers,
        parts=text.parts,
    )
