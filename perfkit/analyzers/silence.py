"""What repeats and is no finding: the framework's own work, locks, batches, rows just made."""

from __future__ import annotations

from perfkit.analyzers.repeats import Repeats
from perfkit.record import Asked, Query, RequestRecord
from perfkit.statement import parse

#: Methods that read, and write what they do not find: their reads belong to what they write.
UPSERTS = frozenset({"get_or_create", "update_or_create"})

#: Tables that describe the database itself.
_CATALOGS = ("information_schema.", "pg_catalog.", "pg_", "sqlite_")


class Silence:
    """Tells of one record's repeats which of them nobody has to change."""

    def __init__(self, record: RequestRecord) -> None:
        self._made: dict[tuple[str, str], float] = {}
        for query in record.queries:
            if query.verb == "INSERT" and query.tables:
                self._made.setdefault((query.alias, query.tables[0]), query.start_ms)

    def covers(self, repeats: Repeats) -> bool:
        """Tell whether these repeats are right as they are."""
        first = repeats.queries[0]
        asked = repeats.path.asked if repeats.path else None
        statement = parse(first.sql)
        if is_internal(first, asked):
            return True
        # Of a row's relation it is the row that changes, whatever else is filtered by.
        # And one row by its index is no page.
        of_row = asked is not None and (
            (asked.origin is not None and asked.kind != "prefetch") or "index" in asked.refined
        )
        if (statement.is_batch or statement.is_page) and not of_row:
            return True
        if asked is None:
            return False
        if "select_for_update" in asked.refined:
            return True
        # Rows that were not loaded but made here: nothing could have loaded their relations along.
        made_at = self._made.get((first.alias, asked.table)) if asked.table else None
        return asked.origin is None and made_at is not None and made_at <= first.start_ms


def is_internal(query: Query, asked: Asked | None) -> bool:
    """Tell whether a statement is the framework's own affair, or asks the database about itself."""
    if query.tables and _is_catalog(query.tables[0]):
        return True
    return asked is not None and bool(asked.internal)


def _is_catalog(table: str) -> bool:
    return table.lower().startswith(_CATALOGS)
