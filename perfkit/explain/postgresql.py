"""Reads PostgreSQL's plan: which tables are read whole, and what will not fit into memory.

Nothing is run: what goes to disk is judged from the planner's own estimates and ``work_mem``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.backends.utils import CursorWrapper

from perfkit.explain.conditions import Condition, conditions
from perfkit.explain.lexer import tokens
from perfkit.explain.memory import of_memory
from perfkit.explain.node import Node, Plan, walk
from perfkit.explain.plain_select import PlainSelect
from perfkit.explain.problem import LARGE_ROWS, Facts, Problem, of_scan

#: Nodes through which rows pass as they come: a LIMIT above ends the reading below.
_PASSING = frozenset(
    ("Append", "Gather", "Limit", "Nested Loop", "ProjectSet", "Result", "Subquery Scan")
)

_JOIN_CONDITIONS = ("Hash Cond", "Join Filter", "Merge Cond")

_FACTS = """
SELECT c.oid, r.relname, greatest(c.reltuples, -1)::bigint, a.attname, EXISTS (
    SELECT 1 FROM pg_catalog.pg_index i
    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum
)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_partition_root(c.oid), c.oid)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = %s AND c.relname = %s
"""


def problems(cursor: CursorWrapper, select: PlainSelect) -> Iterator[Problem]:
    """Explain a statement and yield what its plan shows.

    Args:
        cursor: in a transaction that may not write.
        select: what to explain.
    """
    cursor.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {select.sql}", select.params)
    told = cursor.fetchone()[0]
    plan: list[dict[str, Plan]] = json.loads(told) if isinstance(told, str | bytes) else told
    nodes = list(walk(plan[0]["Plan"], ()))
    tables = {
        str(node.plan["Alias"]): facts
        for node in nodes
        if "Relation Name" in node.plan
        and (facts := _facts(cursor, str(node.plan["Schema"]), str(node.plan["Relation Name"])))
    }
    for node in nodes:
        if node.type == "Seq Scan" and (problem := _of_scan(node, tables)) is not None:
            yield problem
    yield from of_memory(cursor, nodes, tables)


def _of_scan(node: Node, tables: dict[str, Facts]) -> Problem | None:
    alias = str(node.plan["Alias"])
    facts = tables.get(alias)
    if facts is None:
        return None
    own = [each for each in _compared(node.plan.get("Filter"), alias) if not each.is_joined]
    matching = node.rows
    if not own:
        if _ends_early(node):
            return None
        # The rows are chosen by the join above: an index on its column would lead to them.
        join = _join(node)
        if join is not None:
            own = [
                each
                for name in _JOIN_CONDITIONS
                for each in _compared(join.get(name), alias)
                if each.qualifier == alias
            ]
            matching = float(join.get("Plan Rows", 0))
    return of_scan(facts, own, matching)


def _ends_early(node: Node) -> bool:
    """Tell whether a LIMIT stops the reading before the table's end, or would but for a sort."""
    for at, plan in reversed(list(enumerate(node.above))):
        if plan["Node Type"] == "Limit":
            return True
        if plan["Node Type"] == "Sort":
            return Node(plan, node.above[:at]).is_limited
        if plan["Node Type"] not in _PASSING:
            return False
    return False


def _join(node: Node) -> Plan | None:
    """Return the join that a scan's rows go to, where nothing but a hash or the like is between."""
    for plan in reversed(node.above):
        if plan["Node Type"] in ("Hash Join", "Merge Join", "Nested Loop"):
            return plan
        if plan["Node Type"] not in (
            "Gather",
            "Gather Merge",
            "Hash",
            "Materialize",
            "Memoize",
            "Sort",
        ):
            return None
    return None


def _compared(text: Any, alias: str) -> list[Condition]:
    """Return what a filter of the plan compares; of its text nothing is kept."""
    found = conditions(list(tokens(text))) if isinstance(text, str) else ()
    return [each for each in found if each.qualifier in ("", alias)]


def _facts(cursor: CursorWrapper, schema: str, name: str) -> Facts | None:
    cursor.execute(_FACTS, [schema, name])
    found = cursor.fetchall()
    if not found:
        return None
    rows = int(found[0][2])
    if rows < 0:  # never analyzed
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
        cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {LARGE_ROWS + 1}) rows")
        rows = int(cursor.fetchone()[0])
    return Facts(str(found[0][1]), rows, {str(row[3]): bool(row[4]) for row in found})
