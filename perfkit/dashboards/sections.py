"""Everything that the dashboards show, in order."""

from __future__ import annotations

from perfkit.dashboards.names import Names
from perfkit.dashboards.overview import overview, slo
from perfkit.dashboards.panel import Section
from perfkit.dashboards.routes import causes, routes
from perfkit.dashboards.workers import own, saturation


def sections(names: Names, apdex_ms: float, slo_target: float) -> tuple[Section, ...]:
    """Return the sections.

    Args:
        names: where the series are.
        apdex_ms: milliseconds that satisfy.
        slo_target: share of requests that ought to be good.
    """
    return (
        overview(names, apdex_ms),
        slo(names, apdex_ms, slo_target),
        routes(names, apdex_ms),
        causes(names),
        saturation(names),
        own(names),
    )
