"""The repeats of one statement through one call path: what the analyzers of loops look at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from perfkit.record import Path, Query, RequestRecord, Site
from perfkit.statement import parse

#: Kinds of ``Asked`` that Django caches on the row once read.
ONE_PER_ROW = frozenset({"forward", "reverse_one", "generic", "deferred"})


@dataclass(frozen=True, slots=True)
class Repeats:
    """Queries of one shape, database and call path, in the order they ran."""

    queries: tuple[Query, ...]
    path: Path | None

    @property
    def distinct(self) -> int:
        """How many different parameter sets they were run with."""
        return len({query.identity for query in self.queries})

    @property
    def duration_ms(self) -> float:
        """Milliseconds in the database, together."""
        return sum(query.duration_ms for query in self.queries)


def group(record: RequestRecord) -> list[Repeats]:
    """Group a record's reads by shape, database and call path.

    A first run has no path. It joins the path through which its statement was repeated first,
    unless far more statements lie between the two than between any later repeats: then it was the
    same statement elsewhere, such as the session's user before a loop over users.
    """
    if len(record.queries) < 2:
        return []
    runs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    first_path: dict[tuple[str, str], int] = {}
    for at, query in enumerate(record.queries):
        if query.path is not None:
            runs[query.shape, query.alias, query.path].append(at)
            first_path.setdefault((query.shape, query.alias), query.path)
    groups: dict[tuple[str, str, int | None], list[Query]] = defaultdict(list)
    for at, query in enumerate(record.queries):
        if query.verb != "SELECT" or query.many or not parse(query.sql).is_read:
            continue
        path = query.path
        if path is None:
            path = first_path.get((query.shape, query.alias))
            if path is not None and not _begins(at, runs[query.shape, query.alias, path]):
                path = None
        groups[query.shape, query.alias, path].append(query)
    return [
        Repeats(tuple(queries), record.paths[path] if path is not None else None)
        for (_, _, path), queries in groups.items()
    ]


def _begins(at: int, repeats: list[int]) -> bool:
    """Tell whether a first run is about as near to the repeats as they are to one another.

    Twice as far is near enough: the first row of an outer loop may have the most inner rows.
    """
    gaps = [later - earlier for earlier, later in pairwise(repeats)]
    return not gaps or repeats[0] - at <= 2 * max(gaps)


def is_loop(repeats: Repeats, threshold: int) -> bool:
    """Tell whether these repeats are one loop over different rows.

    A single-valued relation is cached on its row, so each repeat is another row even when all
    rows point to one target; anything else needs at least two different parameter sets.

    Args:
        repeats: queries of one shape through one call path.
        threshold: repeats at least.
    """
    path = repeats.path
    if path is None or not (path.sites or path.asked) or len(repeats.queries) < threshold:
        return False
    other_rows = path.asked is not None and path.asked.kind in ONE_PER_ROW
    return (other_rows or repeats.distinct >= 2) and not parse(repeats.queries[0].sql).is_batch


def fingerprint(kind: str, *parts: str | Site | None) -> str:
    """Name a finding for good: 12 hex digits from what stays when lines move.

    A site counts by its file and function only.
    """
    digest = blake2b(kind.encode(), digest_size=6)
    for part in parts:
        text = f"{part.file}\0{part.function}" if isinstance(part, Site) else part or ""
        digest.update(b"\1" + text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
