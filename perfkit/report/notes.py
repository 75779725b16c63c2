"""Says in plain sentences what a report does not know."""

from __future__ import annotations

from collections.abc import Iterator

from perfkit.report.model import ReportModel
from perfkit.report.wording import counted, percent

#: Reason of each counter of lost data.
_REASONS = {
    "requests": "{} are missing: they came faster than they could be handled, or the store could "
    "not be written for an hour",
    "queries": "{} ran beyond PERFKIT['MAX_QUERIES'] in a request: counted and timed, not analyzed",
    "routes": "{} are shown as the route _other, beyond PERFKIT['MAX_ROUTES']",
    "findings": "{} were seen beyond the 500 kept apart in a minute, and are left out",
    "buckets": "{} of stored data are missing: deleted to keep the store within "
    "PERFKIT['STORE_MAX_BYTES'], or not readable",
}
_NOUNS = {
    "requests": "request",
    "queries": "statement",
    "routes": "request",
    "findings": "finding",
    "buckets": "row",
}


def notes_on(model: ReportModel, untold: int) -> Iterator[str]:
    """Yield one sentence for each thing that the figures leave out.

    Args:
        model: the report.
        untold: findings whose text is missing.
    """
    totals = model.totals
    if totals.recorded < totals.requests:
        share = percent(totals.recorded / totals.requests)
        yield (
            f"Statements were recorded in {totals.recorded:,} of {counted(totals.requests, 'request')} "
            f"({share}): figures on statements, databases, caches and findings are of those only"
        )
    for name, number in totals.dropped.items():
        if number:
            yield _REASONS[name].format(counted(number, _NOUNS[name]))
    if untold:
        yield f"{counted(untold, 'finding')} cannot be shown: the stored text is missing"
    if model.more_routes or model.more_findings:
        yield (
            f"{counted(model.more_routes, 'more route')} and "
            f"{counted(model.more_findings, 'more finding')} are beyond --limit "
            f"{model.options.limit}"
        )
