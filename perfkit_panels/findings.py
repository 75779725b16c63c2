"""Findings as the panel of advice stores them: what to write, where, what it saves, the code as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from time import time
from typing import Any, Final

from perfkit.record import Finding, RequestRecord
from perfkit.report.explanation import places
from perfkit.report.html.findings import finding_view
from perfkit.report.model import FindingRow, SeenIn
from perfkit.report.wording import duration
from perfkit_panels.bounded import cut
from perfkit_panels.code import excerpts

#: Lines of code that one finding is about, at most.
MOST_PLACES: Final = 6


def findings_of(record: RequestRecord) -> Iterator[dict[str, Any]]:
    """Yield what is stored of each finding: plain JSON, with its code as it is now."""
    now = time()
    for rank, finding in enumerate(record.findings, 1):
        row = _row(finding, record, now)
        view = finding_view(row, rank, now)
        before = record.statements
        yield {
            "rank": rank,
            "subject": cut(view.subject, 300),
            "kind": view.kind,
            "severity": view.severity,
            "edit": cut(view.edit, 1_000),
            "edit_place": cut(view.edit_place, 300),
            "advice": cut(view.advice, 1_000),
            "message": cut(finding.message, 1_000),
            "statement": cut(view.statement, 1_000),
            "database": view.database,
            "count": finding.count,
            "saved": finding.saved,
            "before": before,
            "after": max(before - finding.saved, 0),
            "cost": duration(finding.cost_ms),
            "fingerprint": finding.fingerprint,
            "code": list(excerpts(places(row)[:MOST_PLACES])),
        }


def _row(finding: Finding, record: RequestRecord, now: float) -> FindingRow:
    """Bring the finding of one request into the form of a report's."""
    known = {
        name: value
        for name, value in ((name, getattr(finding, name)) for name in asdict(finding))
        if name in FindingRow.__dataclass_fields__
    }
    return FindingRow(
        **known,
        routes=(SeenIn(record.route, record.method, 1),),
        requests=1,
        total_saved=finding.saved,
        total_cost_ms=finding.cost_ms,
        first_seen=now,
        last_seen=now,
    )
