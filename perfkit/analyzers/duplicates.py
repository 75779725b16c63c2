"""Is the same statement run again with the same parameters, nothing having been written between?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from perfkit.analyzers.access import read_loops
from perfkit.analyzers.repeats import fingerprint
from perfkit.analyzers.silence import is_internal
from perfkit.conf import Settings
from perfkit.record import Asked, Finding, Query, RequestRecord, Site
from perfkit.statement import parse

_WARNING_STATEMENTS = 5
_WARNING_MS = 10.0


def repeated(record: RequestRecord, threshold: int) -> dict[tuple[str, str], list[list[Query]]]:
    """Group equal runs by (shape, database); a write to one of its tables starts a new group.

    Args:
        record: any record.
        threshold: equal runs that make a group, at least 2.
    """
    if len(record.queries) < 2:
        return {}
    writes: Counter[tuple[str, str]] = Counter()
    runs: dict[tuple[int, tuple[int, ...]], list[Query]] = defaultdict(list)
    for query in record.queries:
        statement = parse(query.sql)
        if statement.is_write:
            writes.update((query.alias, table) for table in query.tables)
        elif statement.is_read and query.tables and not query.many and not query.failed:
            # Without a table it asks for something else than rows: nextval(), a lock, the time.
            age = tuple(writes[query.alias, table] for table in query.tables)
            runs[query.identity, age].append(query)
    groups: dict[tuple[str, str], list[list[Query]]] = defaultdict(list)
    for queries in runs.values():
        if len(queries) >= threshold:
            groups[queries[0].shape, queries[0].alias].append(queries)
    return groups


def analyze(record: RequestRecord, settings: Settings) -> Iterator[Finding]:
    """Yield one finding for each shape with equal runs; loops over rows are n_plus_one's."""
    repeats = repeated(record, settings.duplicate_threshold)
    loops = _loops(record, settings) if repeats else set()
    for (shape, alias), runs in repeats.items():
        asked = _asked(record, runs)
        if (shape, alias) in loops or is_internal(runs[0][0], asked):
            continue
        if asked is not None and asked.kind == "prefetch":
            continue  # two prefetches that lead to the same rows, or one for each chunk
        count = sum(map(len, runs))
        saved = count - len(runs)
        cost_ms = sum(query.duration_ms for queries in runs for query in queries[1:])
        access = _most_named(runs)
        yield Finding(
            kind="duplicate_query",
            severity="warning"
            if saved >= _WARNING_STATEMENTS or cost_ms >= _WARNING_MS
            else "info",
            message=(
                f"{', '.join(runs[0][0].tables)}: the same statement runs again with the same "
                "parameters; keep the first result and pass it on"
            ),
            count=count,
            saved=saved,
            cost_ms=cost_ms,
            fingerprint=fingerprint("duplicate_query", shape, alias, access),
            access=access,
            shape=shape,
            alias=alias,
            model=asked.target if asked is not None else "",
        )


def _loops(record: RequestRecord, settings: Settings) -> set[tuple[str, str]]:
    queries = (access.repeats.queries[0] for access in read_loops(record, settings))
    return {(query.shape, query.alias) for query in queries}


def _asked(record: RequestRecord, runs: list[list[Query]]) -> Asked | None:
    paths = (query.path for queries in runs for query in queries if query.path is not None)
    found = (record.paths[path].asked for path in paths)
    return next((asked for asked in found if asked is not None), None)


def _most_named(runs: list[list[Query]]) -> Site | None:
    sites = Counter(query.site for queries in runs for query in queries if query.site)
    return sites.most_common(1)[0][0] if sites else None
