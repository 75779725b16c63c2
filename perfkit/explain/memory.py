"""Judges from PostgreSQL's estimates what will not fit into ``work_mem`` and so goes to disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.backends.utils import CursorWrapper

from perfkit.explain.lexer import tokens, unquoted
from perfkit.explain.node import Node, walk
from perfkit.explain.problem import HASH_ON_DISK, LARGE_ROWS, SORT, SORT_ON_DISK, Facts, Problem

_LIMITS = """
SELECT pg_size_bytes(current_setting('work_mem')),
       coalesce(current_setting('hash_mem_multiplier', true), '1')::float
"""


def of_memory(
    cursor: CursorWrapper, nodes: Iterable[Node], tables: Mapping[str, Facts]
) -> Iterator[Problem]:
    """Yield what is sorted or hashed beyond the memory that the server gives it.

    Args:
        cursor: to ask for the server's limits.
        nodes: of the plan.
        tables: by the alias that the plan calls them.
    """
    cursor.execute(_LIMITS)
    work_mem, times = cursor.fetchone()
    for node in nodes:
        yield from _of_node(node, tables, work_mem, work_mem * times)


def _of_node(
    node: Node, tables: Mapping[str, Facts], for_sorts: float, for_hashes: float
) -> Iterator[Problem]:
    if node.rows < LARGE_ROWS:
        return
    if node.type in ("Sort", "Incremental Sort"):
        keys = node.plan.get("Sort Key", ())
        if node.is_limited:  # only those few are held, and an index would give them at once
            yield from _about(node, SORT, keys, tables)
        elif node.bytes > for_sorts:
            yield from _about(node, SORT_ON_DISK, keys, tables)
    elif node.type == "Hash" and node.bytes > for_hashes:
        yield from _about(node, HASH_ON_DISK, (), tables)
    elif (
        node.type == "Aggregate"
        and node.plan.get("Strategy") == "Hashed"
        and (node.plan.get("Planned Partitions") or node.bytes > for_hashes)
    ):
        yield from _about(node, HASH_ON_DISK, node.plan.get("Group Key", ()), tables)


def _about(
    node: Node, what: str, keys: Iterable[Any], tables: Mapping[str, Facts]
) -> Iterator[Problem]:
    """Name the table that a sort or hash is about: that of its first key, else the largest below."""
    names = [_names(str(key)) for key in keys]
    below = {str(each.plan.get("Alias")) for each in walk(node.plan, ())} & set(tables)
    if not below:
        return
    first = next((name[0] for name in names if name and name[0] in below), None)
    alias = first or max(below, key=lambda each: tables[each].rows)
    facts = tables[alias]
    columns = [
        name[-1]
        for name in names
        if name and name[-1] in facts.columns and (len(name) == 1 or name[0] == alias)
    ]
    yield Problem(what, facts.table, tuple(dict.fromkeys(columns)), int(node.rows))


def _names(key: str) -> list[str]:
    """Return the table and column of a sort key, none of an expression."""
    read = [
        token
        for token in tokens(key)
        if token.word not in ("ASC", "DESC", "NULLS", "FIRST", "LAST")
    ]
    names = [token for token in read if token.kind in ("name", "quoted")]
    plain = all(token.text == "." for token in read if token not in names)
    return [unquoted(token) for token in names] if plain else []
