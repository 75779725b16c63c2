"""Asks a database on demand how it would run one statement: on a connection of our own, read-only.

What may be asked about, and how, is what ``perfkit.explain`` allows: a single plain SELECT, in a
transaction that may not write, takes a bounded time and is rolled back. Nothing is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from perfkit.explain import postgresql, sqlite
from perfkit.explain.connection import opened, read_only
from perfkit.explain.findings import finding
from perfkit.explain.plain_select import PlainSelect, Refused, plain_select
from perfkit.explain.problem import Problem
from perfkit.statement import parse
from perfkit_panels.bounded import cut
from perfkit_panels.recent import Run
from perfkit_panels.refusal import Refusal

#: Lines of a plan shown, and characters of one.
MOST_LINES: Final = 200
MOST_LINE: Final = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """How the database would run a statement.

    Attributes:
        lines: the plan, as its own tools show it; they hold the statement's values.
        advice: what to change, a sentence each.
    """

    lines: tuple[str, ...]
    advice: tuple[str, ...]


def plan_of(run: Run) -> Plan:
    """Ask for the plan of one run.

    Raises:
        Refusal: it is not explained, or the database failed; the text says why.
    """
    try:
        with opened(run.alias) as connection:
            select = plain_select(run.sql, run.params, connection.vendor)
            lines_of, problems = _READERS[connection.vendor]
            with read_only(connection) as cursor:
                lines = lines_of(cursor, select)
            with read_only(connection) as cursor:
                shown = list(dict.fromkeys(problems(cursor, select)))
    except Refused as refused:
        raise Refusal(_("This statement is not explained: %s") % refused) from None
    except DatabaseError as error:
        # Its text may hold a value, and is told on the site's own pages, not in ours.
        raise Refusal(_("The database failed: %s") % type(error).__name__) from None
    shape = parse(run.sql).shape
    made = (
        finding(each, shape=shape, alias=run.alias, site=None, duration_ms=run.duration_ms)
        for each in shown
    )
    return Plan(
        tuple(cut(line, MOST_LINE) for line in lines[:MOST_LINES]),
        tuple(each.message for each in made),
    )


def _postgresql_lines(cursor: CursorWrapper, select: PlainSelect) -> list[str]:
    cursor.execute(f"EXPLAIN {select.sql}", select.params)
    return [str(row[0]) for row in cursor.fetchall()]


def _sqlite_lines(cursor: CursorWrapper, select: PlainSelect) -> list[str]:
    """Draw SQLite's steps as its shell does: each below the one that it serves."""
    cursor.execute(f"EXPLAIN QUERY PLAN {select.sql}", select.params)
    depths: dict[int, int] = {0: -1}
    lines = []
    for number, above, _unused, text in cursor.fetchall():
        depths[number] = depths.get(above, -1) + 1
        lines.append(f"{'  ' * depths[number]}{text}")
    return lines


_READERS: Final[
    dict[
        str,
        tuple[
            Callable[[CursorWrapper, PlainSelect], list[str]],
            Callable[[CursorWrapper, PlainSelect], Iterator[Problem]],
        ],
    ]
] = {
    "postgresql": (_postgresql_lines, postgresql.problems),
    "sqlite": (_sqlite_lines, sqlite.problems),
}
