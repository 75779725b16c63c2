"""A report as frozen data: the rows, sorted and cut to what is shown, that every form is made of.

Fields of the rows bear the names of the JSON report. Times are milliseconds, points in time Unix
seconds. A figure that only recorded statements tell is None where none were recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.caching.advice import CacheAdvice
from perfkit.metrics.sample import Sample
from perfkit.record import Part, Site
from perfkit.report.baseline import Entry
from perfkit.report.compare.model import Comparison
from perfkit.report.options import Options
from perfkit.report.series import Series

if TYPE_CHECKING:
    # It is made of rows of this module.
    from perfkit.report.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the routes chosen, before the limit; ``dropped`` is of the whole window.

    The percentiles are of all their requests together, None without any.
    """

    requests: int
    errors: int
    recorded: int
    statements: int
    duplicates: int
    total_ms: float
    db_ms: float
    workers: int
    dropped: dict[str, int]
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    apdex: float | None = None


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route and method."""

    route: str
    method: str
    requests: int
    errors: int
    status: dict[str, int]
    total_ms: float
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    ttfb_ms: float
    cpu_ms: float | None
    db_ms: float | None
    db_share: float | None
    cache_ms: float | None
    queue_ms: float | None
    statements_per_request: float | None
    duplicates_per_request: float | None
    transactions_per_request: float | None
    cache_hits: int
    cache_misses: int
    response_bytes: float
    apdex: float | None = None


@dataclass(frozen=True, slots=True)
class SeenIn:
    """A route in which a finding was seen, and in how many requests."""

    route: str
    method: str
    requests: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding; ``count``, ``saved`` and ``cost_ms`` are means of the requests that had it.

    ``sample`` is for what only many requests together tell: how many of them were looked at.
    """

    kind: str
    severity: str
    model: str
    path: str
    count: float
    saved: float
    cost_ms: float
    fix: str
    message: str
    access: Site | None
    origin: Site | None
    shape: str
    alias: str
    fingerprint: str
    routes: tuple[SeenIn, ...]
    requests: int
    total_saved: int
    total_cost_ms: float
    first_seen: float
    last_seen: float
    sample: int | None = None
    loop: Site | None = None
    callers: tuple[Site, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportModel:
    """Everything a report shows.

    Attributes:
        options: what was asked for.
        first_data: start of the oldest data in it; None when there is none.
        last_data: end of the newest data in it, to the minute; None where nobody asked.
        totals: sums over the routes chosen.
        db_share: share of all their time spent in the database, 0 to 1; None where not known.
        routes: the rows shown, as sorted.
        findings: the findings shown, by what fixing them saves; those of a baseline are not.
        present: all findings, those of a baseline and those beyond the limit too.
        gone: entries of the baseline that did not occur in the window, in whatever route.
        more_routes: rows beyond the limit.
        more_findings: findings beyond the limit.
        found: how many findings there are, shown or not, by kind, by severity and ``any``; those of
            a baseline are not counted.
        quantile_error: relative error of the percentiles at most, such as 0.011.
        path: where the store is; "" when there is none.
        bytes: its size.
        notes: what is not known, one sentence each.
        known: findings left out because the baseline has them.
        accepted: keys of the rules and comments that hid a finding in the window.
        readable: false when there is a store that could not be read.
        series: the figures over time, where the form plots them; else None.
        samples: single requests worth keeping, of the routes chosen, those that rank highest first.
        marks: deploys in the window: Unix seconds and name, oldest first.
        comparison: two windows compared, with ``--compare``; the rest is then of the second one.
        explanation: all that is known of one finding, with ``--explain``.
        cache: what to cache, of the routes chosen, what saves most first.
    """

    options: Options
    first_data: float | None
    totals: Totals
    db_share: float | None
    routes: tuple[RouteRow, ...]
    findings: tuple[FindingRow, ...]
    more_routes: int
    more_findings: int
    found: dict[str, int]
    quantile_error: float
    path: str
    bytes: int
    notes: tuple[str, ...]
    readable: bool = True
    present: tuple[FindingRow, ...] = ()
    gone: tuple[Entry, ...] = ()
    known: int = 0
    accepted: frozenset[str] = frozenset()
    series: Series | None = None
    samples: tuple[Sample, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    last_data: float | None = None
    comparison: Comparison | None = None
    explanation: Explanation | None = None
    cache: tuple[CacheAdvice, ...] = ()
