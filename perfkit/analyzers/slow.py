"""Does one statement alone take long?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from perfkit.analyzers.repeats import fingerprint
from perfkit.conf import Settings
from perfkit.record import Finding, Query, RequestRecord
from perfkit.statement import TRANSACTION_VERBS


def analyze(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """Yield one finding for each shape with a run of at least SLOW_QUERY_MS milliseconds."""
    slow: dict[tuple[str, str], list[Query]] = defaultdict(list)
    for query in record.queries:
        if query.duration_ms >= settings.slow_query_ms and query.verb not in TRANSACTION_VERBS:
            slow[query.shape, query.alias].append(query)
    for (shape, alias), queries in slow.items():
        worst = max(queries, key=lambda query: query.duration_ms)
        yield Finding(
            kind="slow_query",
            severity="warning",
            message=(
                f"{', '.join(worst.tables)}: one statement alone takes long; look at its plan "
                "with QuerySet.explain(): an index, a smaller result, or a stored sum"
            ),
            count=len(queries),
            saved=0,
            cost_ms=sum(query.duration_ms for query in queries),
            fingerprint=fingerprint("slow_query", shape, alias, worst.site),
            access=worst.site,
            shape=shape,
            alias=alias,
        )
