"""Findings that are in one of two windows only, and whether chance could have hidden them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfkit.metrics.aggregate import Window
from perfkit.report.compare.distribution import none_of
from perfkit.report.compare.model import FindingChange
from perfkit.report.compare.routes import Key, Steps
from perfkit.report.finding_title import title
from perfkit.report.model import FindingRow

#: A finding as frequent as it is where it was seen would be missed so rarely where it was not.
_LEVEL: Final = 0.05


def only_in(
    rows: Iterable[FindingRow], others: Iterable[FindingRow], here: Steps, there: Steps
) -> list[FindingChange]:
    """Return the findings of one window that the other one could show but does not, costliest first.

    Args:
        rows: the findings of the one window.
        others: those of the other.
        here: the one window's spans.
        there: the other's.
    """
    known = {row.fingerprint for row in others}
    visited = {key for _, window in there for key in window.routes}
    alone = [
        row
        for row in rows
        # A route that nobody asked for cannot have shown it.
        if row.fingerprint not in known and not visited.isdisjoint(_routes(row))
    ]
    return [
        FindingChange(
            fingerprint=row.fingerprint,
            kind=row.kind,
            severity=row.severity,
            title=title(row),
            requests=row.requests,
            certain=_chance(row, here, there) <= _LEVEL,
        )
        for row in alone
    ]


def _chance(row: FindingRow, here: Steps, there: Steps) -> float:
    """Return how often a finding as frequent in both windows is seen in this one only.

    Counted in spans of time with requests of its routes, since one slow minute shows it many times.
    """
    routes = _routes(row)
    seen = sum(_has(window, row.fingerprint) for _, window in here)
    ones, others = (
        sum(not routes.isdisjoint(window.routes) for _, window in steps) for steps in (here, there)
    )
    return none_of(seen, max(ones, seen), others) if seen else 1.0


def _routes(row: FindingRow) -> set[Key]:
    return {(seen.route, seen.method) for seen in row.routes}


def _has(window: Window, fingerprint: str) -> bool:
    stats = window.findings.get(fingerprint)
    return stats is not None and stats.requests > 0
