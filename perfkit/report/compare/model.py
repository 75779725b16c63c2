"""Two windows compared, as frozen data that every form is made of; fields bear the JSON names.

Times are milliseconds, points in time Unix seconds, shares go from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: What a figure, or a route, did.
WORSE: Final = "worse"
BETTER: Final = "better"
SAME: Final = "no difference shown"
UNKNOWN: Final = "not enough data"

#: How the two windows are compared.
SAME_TIME: Final = "same time of day"
DRIFT_REMOVED: Final = "drift removed"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two windows.

    Attributes:
        start, end: Unix seconds; ``end`` is not part of it.
        requests: of the routes chosen.
        spans: into how many it was cut, those with requests.
    """

    start: float
    end: float
    requests: int = 0
    spans: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a route in both windows.

    Attributes:
        name: ``mean_ms``, ``p50_ms``, ``p95_ms``, ``error_share`` or ``statements_per_request``.
        before, after: its values; None where there is none.
        low, high: 95 % range of ``after - before - drift``, of this figure by itself; None without
            one.
        p: Holm's adjusted p-value, over all figures of all routes; None when it was not tested.
        verdict: ``worse``, ``better``, ``no difference shown`` or ``not enough data``.
        drift: by how much it would have changed anyway, as the drift within the windows shows; 0.0
            where spans of the same time of day are compared.
    """

    name: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    verdict: str = UNKNOWN
    drift: float = 0.0

    @property
    def change(self) -> float:
        """The difference beyond the drift; 0.0 where a value is missing."""
        if self.before is None or self.after is None:
            return 0.0
        return self.after - self.before - self.drift


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A route and method in both windows.

    Attributes:
        requests_before, requests_after: how many it answered.
        cost_ms: what the change of its mean adds to all its requests of the second window; less
            than 0 when it got faster. 0.0 where the mean shows no difference.
        verdict: ``worse`` when any figure is, else ``better`` when any is, else as they are.
        why: why nothing can be said; "" where something can.
    """

    route: str
    method: str
    requests_before: int
    requests_after: int
    cost_ms: float
    verdict: str
    why: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that is in one of the windows only.

    Attributes:
        fingerprint, kind, severity, title: of the finding.
        requests: that had it, in the window that has it.
        certain: chance hardly hides it in the other window by itself.
    """

    fingerprint: str
    kind: str
    severity: str
    title: str
    requests: int
    certain: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two windows.

    Attributes:
        asked: as given to ``--compare``.
        mark, mark_at: name and time of the deploy between them, None without one.
        before, after: the windows.
        step_s: length of a span of time, seconds.
        method: ``same time of day`` or ``drift removed``.
        routes: those in both windows, worst first.
        new_routes, gone_routes: (method, route) of those in one window only.
        new_findings, gone_findings: those in one window only, costliest first.
        tested: figures that the p-values are adjusted for.
        notes: what limits what is said, a sentence each.
    """

    asked: str
    mark: str | None
    before: Side
    after: Side
    step_s: int
    method: str
    routes: tuple[RouteChange, ...] = ()
    new_routes: tuple[tuple[str, str], ...] = ()
    gone_routes: tuple[tuple[str, str], ...] = ()
    new_findings: tuple[FindingChange, ...] = ()
    gone_findings: tuple[FindingChange, ...] = ()
    tested: int = 0
    notes: tuple[str, ...] = ()
    mark_at: float | None = None

    def of(self, verdict: str) -> tuple[RouteChange, ...]:
        """Return the routes with a verdict."""
        return tuple(each for each in self.routes if each.verdict == verdict)
