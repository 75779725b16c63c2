"""Says in plain sentences what a report does not know."""

from __future__ import annotations

from collections.abc import Iterator

from perfkit.metrics.aggregate import MOST_FINDINGS
from perfkit.metrics.eager_loads import MOST_EAGER_LOADS
from perfkit.report.model import ReportModel
from perfkit.report.wording import counted, percent

#: What each counter of lost data counts.
_REASONS = {
    "requests": "{} not counted: too many at once, or the store could not be written for an hour",
    "queries": "{} beyond PERFKIT['MAX_QUERIES'] in one request: counted and timed, not analyzed",
    "routes": "{} shown as the route _other: beyond PERFKIT['MAX_ROUTES']",
    "findings": f"{{}} left out: beyond the {MOST_FINDINGS} kept apart in a minute",
    "eager_loads": f"{{}} not judged: beyond the {MOST_EAGER_LOADS:,} kept apart in a span of time",
    "samples": "{} not kept in detail: more than a worker or the store has room for",
    "explains": "{} not explained: the log says why",
    "events": "{} not noted for the cache advice: beyond what a worker notes in a minute",
    "buckets": "{} of stored data missing: deleted to keep the store within "
    "PERFKIT['STORE_MAX_BYTES'], or not readable",
    "too_old": "{} too old when they came: the clock of a worker is far behind",
}
_NOUNS = {
    "requests": "request",
    "queries": "statement",
    "routes": "request",
    "findings": "finding",
    "eager_loads": "eager load",
    "samples": "request",
    "explains": "slow statement",
    "events": "response",
    "buckets": "row",
    "too_old": "row",
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
        yield f"{counted(untold, 'finding')} not shown: the stored text is missing"
    yield from _on_baseline(model)
    hidden = [
        counted(number, noun)
        for number, noun in (
            (model.more_routes, "more route"),
            (model.more_findings, "more finding"),
        )
        if number
    ]
    is_cut = model.options.compare is None and not model.options.explain
    if hidden and is_cut:
        yield f"{' and '.join(hidden)} beyond --limit {model.options.limit}"


def _on_baseline(model: ReportModel) -> Iterator[str]:
    baseline = model.options.baseline
    if baseline is None:
        return
    if model.known:
        yield f"{counted(model.known, 'finding')} left out: known to the baseline {baseline.file}"
    if model.gone:
        yield (
            f"{counted(len(model.gone), 'finding')} of the baseline {baseline.file} did not occur "
            "here: when that is for good, write it anew with --write-baseline"
        )
