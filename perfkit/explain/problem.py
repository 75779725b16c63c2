"""What a plan shows to be wrong: a table, its columns, and how many rows; nothing else of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from perfkit.explain.conditions import Condition

#: Rows from which on a table is large: reading fewer takes a few milliseconds.
LARGE_ROWS: Final = 10_000

#: Share of a table's rows up to which an index serves a condition better than reading them all.
FEW: Final = 0.1

#: No index begins with a column that is compared.
MISSING_INDEX: Final = "missing_index"
#: An index begins with it, but is not used though few rows are asked for.
UNUSED_INDEX: Final = "unused_index"
#: It is compared in a way that an index of the plain kind does not serve.
UNSERVED: Final = "unserved"
#: Most rows are asked for.
FULL_SCAN: Final = "full_scan"
#: More is sorted, or hashed, than memory is given for.
SORT_ON_DISK: Final = "sort_on_disk"
HASH_ON_DISK: Final = "hash_on_disk"
#: Rows are sorted that an index would give in order.
SORT: Final = "sort"

_MOST_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a plan shows.

    Attributes:
        what: one of the names above.
        table: its name, without schema.
        columns: those that it is about, in the order that an index should have.
        rows: of the table, or sorted or hashed; at least so many.
    """

    what: str
    table: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database's catalog says about a table.

    Attributes:
        table: its name; of a partition, the name of the whole.
        rows: about or at least so many.
        columns: each column, and whether an index begins with it.
    """

    table: str
    rows: int
    columns: Mapping[str, bool]


def of_scan(
    facts: Facts, conditions: Iterable[Condition], matching: float | None
) -> Problem | None:
    """Judge that all rows of a table are read.

    Args:
        facts: of the table.
        conditions: what its columns are compared with.
        matching: rows that are left, where the database says so.
    """
    if facts.rows < LARGE_ROWS:
        return None
    known = [each for each in conditions if each.column in facts.columns]
    known.sort(key=lambda each: each.place)
    columns = _columns(known)
    if not columns or (matching is not None and matching > FEW * facts.rows):
        return Problem(FULL_SCAN, facts.table, columns, facts.rows)
    served = [each for each in known if each.is_indexable]
    if indexed := _columns(each for each in served if facts.columns[each.column]):
        return Problem(UNUSED_INDEX, facts.table, indexed, facts.rows)
    # Whether a flag is set tells few rows apart, beside a column that does.
    served = [each for each in served if each.operator not in ("BOOL", "IS")] or served
    if served:
        return Problem(MISSING_INDEX, facts.table, _columns(served), facts.rows)
    return Problem(UNSERVED, facts.table, columns, facts.rows)


def _columns(known: Iterable[Condition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.column for each in known))[:_MOST_COLUMNS]
