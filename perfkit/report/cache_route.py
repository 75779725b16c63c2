"""One route's caching in full: every policy with every timeout, as rows and as lines with bars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from perfkit.caching.advice import CacheAdvice, cells
from perfkit.caching.policy import PLAIN_POLICIES
from perfkit.caching.saving import saving
from perfkit.report.cache_load import CacheReport
from perfkit.report.cache_text import duration, headline, lines
from perfkit.report.wording import percent

#: Columns of a whole bar.
BAR_COLUMNS: Final = 24

#: Policy -> what it is, in the words of Django's decorators and settings where there are any.
POLICIES: Final = {
    "cache_page": "cache_page on the view",
    "vary_on_cookie": "cache_page and vary_on_cookie: an entry for each visitor",
    "vary_on_headers": "cache_page and an entry for each value of what answers hang on",
    "anonymous_only": "cache_page for visitors without a session",
    "site_wide": "Django's two cache middlewares around everything",
    "cdn": "a CDN or proxy in front, told by s-maxage",
    "stripped": "cache_page, parameters sorted and those of trackers left out",
}


def policies(report: CacheReport, advice: CacheAdvice) -> list[dict[str, Any]]:
    """Return the rows of every policy, the advised one first; each as in ``CacheAdvice.table``.

    Args:
        report: with the events that the advice was made of.
        advice: of one of its routes.
    """
    rows = list(advice.table)
    told = {row["policy"] for row in rows}
    columns = report.routes.get(advice.route)
    if columns is None or report.setting is None or "GET" not in columns.methods:
        return rows
    for policy in PLAIN_POLICIES:
        if policy.name not in told:
            rows += cells(saving(columns, policy, report.setting))
    return rows


def route_in_full(advice: CacheAdvice, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield all that is known of one route as plain lines.

    Args:
        advice: of the route.
        rows: what ``policies`` returned.
    """
    yield headline(advice)
    yield from (f"  {line}" if line else "" for line in lines(advice))
    policy = ""
    for row in rows:
        if row["policy"] != policy:
            if not policy:
                yield ""
                yield "  Every policy with every timeout. A hit ratio says nothing of what may be shared:"
                yield "  'wrong' are hits that say something else than the fresh answer would have said,"
                yield "  out of date or made for somebody else."
            policy = row["policy"]
            yield ""
            yield f"  {POLICIES.get(policy, policy)}"
            yield f"    timeout    hits  {'':{BAR_COLUMNS}}     wrong   saved s/h"
        is_advised = policy == advice.table[0]["policy"] if advice.table else False
        mark = "  <- advised" if is_advised and row["timeout"] == advice.timeout else ""
        yield (
            f"    {duration(row['timeout']):>7}  {percent(row['hit_ratio']):>6}  "
            f"{bar(row['hit_ratio']):<{BAR_COLUMNS}}  {percent(row['stale_share'], digits=1):>8}  "
            f"{row['saved_seconds_per_hour']:>10,.2f}{mark}"
        )
    yield ""


def bar(share: float) -> str:
    """Draw a share, 0 to 1; one that is more than nothing has at least one column."""
    return "█" * max(round(min(share, 1.0) * BAR_COLUMNS), int(share > 0))
