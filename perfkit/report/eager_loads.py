"""The rows of a report on relations that are loaded along and never read: of all requests together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from perfkit.acceptance.accepted import Acceptance, Rule
from perfkit.analyzers.eager_loading import Uses, unused
from perfkit.metrics.eager_loads import EagerLoads, EagerLoadStats, Loaded
from perfkit.record import EagerLoad, Finding
from perfkit.report.model import FindingRow, SeenIn


def unused_rows(
    loads: EagerLoads, findings: Iterable[Finding], ignore: Sequence[Rule]
) -> list[FindingRow]:
    """Return one row for each relation that was looked at often enough and never read.

    Whether it is read is a matter of its line, so every route counts, shown or not.

    Args:
        loads: the window's.
        findings: the window's other findings.
        ignore: ``settings.ignore``.
    """
    uses = [
        Uses(
            EagerLoad(key.model, key.path, key.method, key.site, rows=stats.requests, used=False),
            stats.requests,
            stats.used,
        )
        for key, stats in loads
    ]
    rows = (_row(finding, _seen(finding, loads)) for finding in unused(uses, findings))
    return [row for row in rows if not _is_accepted(row, ignore)]


def _seen(finding: Finding, loads: EagerLoads) -> EagerLoadStats:
    """Add up the lines that the finding is about: it may have moved within its function."""
    told = [stats for key, stats in loads if not stats.used and _is_about(finding, key)]
    seen = EagerLoadStats(told[0].first)
    for stats in told:
        seen.merge(stats)
    return seen


def _is_about(finding: Finding, key: Loaded) -> bool:
    here, there = finding.origin, key.site
    return (finding.model, finding.path, here and (here.file, here.function)) == (
        key.model,
        key.path,
        there and (there.file, there.function),
    )


def _row(finding: Finding, seen: EagerLoadStats) -> FindingRow:
    statements = finding.saved / finding.count
    return FindingRow(
        kind=finding.kind,
        severity=finding.severity,
        model=finding.model,
        path=finding.path,
        count=statements,
        saved=statements,
        cost_ms=finding.cost_ms,
        fix=finding.fix,
        message=finding.message,
        access=finding.access,
        origin=finding.origin,
        shape=finding.shape,
        alias=finding.alias,
        fingerprint=finding.fingerprint,
        routes=seen_in(seen.routes),
        requests=finding.count,
        total_saved=finding.saved,
        total_cost_ms=finding.cost_ms,
        first_seen=seen.first,
        last_seen=seen.last,
        sample=finding.count,
    )


def seen_in(routes: Counter[str]) -> tuple[SeenIn, ...]:
    """Return the routes, most requests first."""
    found = []
    for where, requests in sorted(routes.items(), key=lambda item: (-item[1], item[0])):
        method, _, route = where.partition(" ")
        found.append(SeenIn(route, method, requests))
    return tuple(found)


def _is_accepted(row: FindingRow, ignore: Sequence[Rule]) -> bool:
    # One route that is not accepted is enough to tell of it; the rules for the others did match.
    accepted = [
        Acceptance(ignore, seen.route, seen.method).accepts(
            row.kind, row.model, row.path, (row.origin,)
        )
        for seen in row.routes
    ]
    return all(accepted)
