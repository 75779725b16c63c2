"""The repeats of one statement through one call path: what the analyzers of loops look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from perfkit.record import Path, Query, RequestRecord, Site
from perfkit.statement import parse


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


def is_plain_read(query: Query) -> bool:
    """Tell whether a query reads rows and takes no lock."""
    return query.verb == "SELECT" and not query.many and parse(query.sql).is_read


def group(record: RequestRecord, wanted: Callable[[Query], bool] = is_plain_read) -> list[Repeats]:
    """Group a record's queries by shape, database and call path.

    A first run has no path. It joins the path through which its statement was repeated first,
    unless far more statements lie between the two than between any later repeats: then it was the
    same statement elsewhere, such as the session's user before a loop over users.

    Args:
        record: any record.
        wanted: tells which queries to group.
    """
    runs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    first_path: dict[tuple[str, str], int] = {}
    for at, query in enumerate(record.queries):
        if query.path is not None:
            runs[query.shape, query.alias, query.path].append(at)
            first_path.setdefault((query.shape, query.alias), query.path)
    groups: dict[tuple[str, str, int | None], list[Query]] = defaultdict(list)
    for at, query in enumerate(record.queries):
        if not wanted(query):
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


def fingerprint(kind: str, *parts: str | Site | None) -> str:
    """Name a finding for good: 12 hex digits from what stays when lines move.

    A site counts by its file and function only.
    """
    digest = blake2b(kind.encode(), digest_size=6)
    for part in parts:
        text = f"{part.file}\0{part.function}" if isinstance(part, Site) else part or ""
        digest.update(b"\1" + text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
