"""Reads SQLite's query plan: which tables are read whole, and what is sorted.

SQLite tells neither how many rows a step gives nor what it filters by; the first is asked of
``sqlite_stat1`` or counted up to a bound, the second is read from the statement itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db.backends.utils import CursorWrapper

from perfkit.explain.clauses import order_of, tables_of, where_of
from perfkit.explain.conditions import conditions
from perfkit.explain.plain_select import PlainSelect
from perfkit.explain.problem import LARGE_ROWS, MISSING_INDEX, SORT, Facts, Problem, of_scan

_SCAN = re.compile(r'SCAN (?:TABLE )?(?P<name>"[^"]+"|\S+)(?: AS (?P<alias>\S+))?')
_SEARCH = re.compile(
    r"SEARCH (?:TABLE )?(?P<name>\S+)(?: AS (?P<alias>\S+))? USING AUTOMATIC "
    r"(?:PARTIAL )?(?:COVERING )?INDEX \((?P<columns>[^)]*)\)"
)
_SORT = re.compile(r"USE TEMP B-TREE FOR .*ORDER BY")
_COLUMN = re.compile(r"(\w+)[=<>]")


def problems(cursor: CursorWrapper, select: PlainSelect) -> Iterator[Problem]:
    """Explain a statement and yield what its plan shows.

    Args:
        cursor: in a transaction that may not write.
        select: what to explain.
    """
    cursor.execute(f"EXPLAIN QUERY PLAN {select.sql}", select.params)
    steps = [str(step[3]) for step in cursor.fetchall()]
    tables = tables_of(select.tokens)
    compared = [each for each in conditions(where_of(select.tokens)) if not each.is_joined]
    # A LIMIT ends the reading as soon as there are enough rows, unless all are sorted first.
    limited = any(token.word == "LIMIT" for token in select.tokens)
    scanned: dict[str, Facts] = {}
    for step in steps:
        if match := _SEARCH.match(step):
            table = tables.get(match["alias"] or match["name"], "")
            facts = _facts(cursor, table)
            columns = tuple(_COLUMN.findall(match["columns"]))
            if facts is not None and facts.rows >= LARGE_ROWS and set(columns) <= {*facts.columns}:
                yield Problem(MISSING_INDEX, table, columns, facts.rows)
        elif match := _SCAN.match(step):
            name = match["alias"] or match["name"].strip('"')
            facts = _facts(cursor, tables.get(name, ""))
            if facts is None:
                continue
            scanned[name] = facts
            own = [
                each
                for each in compared
                if each.qualifier in ("", name) and each.operator != "BOOL"
            ]
            if (own or not limited) and (problem := of_scan(facts, own, None)) is not None:
                yield problem
    if limited and any(_SORT.match(step) for step in steps):
        yield from _sorted(order_of(select.tokens), scanned)


def _sorted(names: list[str], scanned: dict[str, Facts]) -> Iterator[Problem]:
    largest = max(scanned.values(), key=lambda facts: facts.rows, default=None)
    if largest is not None and largest.rows >= LARGE_ROWS:
        columns = tuple(dict.fromkeys(name for name in names if name in largest.columns))
        yield Problem(SORT, largest.table, columns, largest.rows)


def _facts(cursor: CursorWrapper, table: str) -> Facts | None:
    """Ask the catalog about a table; None for a view and what else is none."""
    cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
    if cursor.fetchone() is None:
        return None
    quoted = '"' + table.replace('"', '""') + '"'
    cursor.execute(f"PRAGMA table_info({quoted})")
    # The primary key's place: the first column of a key is served by it.
    columns = {row[1]: row[5] == 1 for row in cursor.fetchall()}
    cursor.execute(f"PRAGMA index_list({quoted})")
    for index in [row[1] for row in cursor.fetchall()]:
        cursor.execute("SELECT name FROM pragma_index_info(%s) WHERE seqno = 0", [index])
        first = cursor.fetchone()
        if first is not None and first[0] in columns:
            columns[first[0]] = True
    return Facts(table, _rows(cursor, table, quoted), columns)


def _rows(cursor: CursorWrapper, table: str, quoted: str) -> int:
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    if cursor.fetchone() is not None:
        cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = %s", [table])
        told = [str(row[0]).split()[0] for row in cursor.fetchall() if row[0]]
        if told and told[0].isdecimal():
            return int(told[0])
    cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {LARGE_ROWS + 1})")
    return int(cursor.fetchone()[0])
