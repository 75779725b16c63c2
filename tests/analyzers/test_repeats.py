"""Groups of repeats, and names that outlive a deploy."""

from __future__ import annotations

import pytest

from perfkit.analyzers.repeats import fingerprint, group, is_plain_read
from perfkit.record import Path, Query, RequestRecord, Site
from perfkit.statement import parse

LINE = Site("shop/views.py", 10, "page")
SQL = "SELECT a FROM t WHERE b = %s"


def query(
    sql: str = SQL, *, identity: int = 0, path: int | None = 0, alias: str = "default"
) -> Query:
    """Make a query as a record has it, one millisecond long."""
    told = parse(sql)
    return Query(told.masked, told.shape, told.verb, told.tables, alias, 0.0, 1.0, identity, path)


def record_of(*queries: Query) -> RequestRecord:
    """Make a record with two call paths."""
    paths = (Path((LINE,), None), Path((Site("shop/tags.py", 3, "f"),), None))
    return RequestRecord(queries=queries, paths=paths)


def test_one_shape_database_and_path_is_one_group() -> None:
    """Another path, database or shape is another group."""
    groups = group(
        record_of(
            query(),
            query("SELECT a FROM t WHERE b = 7"),
            query(path=1),
            query(alias="other"),
            query("SELECT c FROM t"),
        )
    )
    assert [len(repeats.queries) for repeats in groups] == [2, 1, 1, 1]
    assert groups[0].duration_ms == 2.0


def test_a_first_run_joins_the_path_that_repeated_it() -> None:
    """The first run of a loop has no path of its own."""
    (repeats,) = group(record_of(query(path=None), query(), query()))
    assert len(repeats.queries) == 3
    assert repeats.path is not None
    assert repeats.path.site == LINE


def test_a_first_run_joins_the_path_that_repeated_it_first() -> None:
    """Another line that ran the same later has all of its runs."""
    groups = group(record_of(query(path=None), query(), query(path=1), query(path=1)))
    assert [len(repeats.queries) for repeats in groups] == [2, 2]


def test_a_first_run_far_from_the_loop_does_not_join() -> None:
    """The same statement ran elsewhere first, as the session's user does before a loop of users."""
    between = [query(f"SELECT {letter} FROM u", path=None) for letter in "abc"]
    groups = group(record_of(query(path=None), *between, query(), query(), query()))
    (looped,) = [repeats for repeats in groups if repeats.path is not None]
    assert len(looped.queries) == 3


def test_a_first_run_about_as_near_as_the_repeats_joins() -> None:
    """The first outer row may have had the most inner rows."""
    between = [query(f"SELECT {letter} FROM u", path=None) for letter in "abc"]
    runs = (query(path=None), *between, query(), *between[:1], query())
    (looped,) = [repeats for repeats in group(record_of(*runs)) if repeats.path is not None]
    assert len(looped.queries) == 3


def test_different_parameters_are_counted() -> None:
    """Of six runs, those that asked something else than another."""
    (repeats,) = group(record_of(*(query(identity=each) for each in (0, 0, 1, 2, 2, 0))))
    assert (len(repeats.queries), repeats.distinct) == (6, 3)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (%s)",
        "UPDATE t SET a = %s",
        "SAVEPOINT x",
        "SELECT a FROM t WHERE b = %s FOR UPDATE",
        "PRAGMA foreign_keys",
    ],
)
def test_reads_are_grouped_unless_something_else_is_wanted(sql: str) -> None:
    """Writes have their own analyzer, locks are meant, transactions are not statements."""
    assert not is_plain_read(query(sql))
    assert group(record_of(query(sql), query(sql))) == []
    (repeats,) = group(record_of(query(sql), query(sql)), lambda each: True)
    assert len(repeats.queries) == 2


def test_a_batch_of_reads_is_no_read() -> None:
    """`executemany` runs it many times already."""
    assert not is_plain_read(query()._replace(many=True))


def test_a_fingerprint_has_no_line_numbers() -> None:
    """Lines move with every edit; file and function tell enough."""
    moved = Site(LINE.file, LINE.line + 100, LINE.function)
    renamed = Site(LINE.file, LINE.line, "other")
    named = fingerprint("n_plus_one", "SELECT 1", LINE)
    assert named == fingerprint("n_plus_one", "SELECT 1", moved)
    assert named != fingerprint("n_plus_one", "SELECT 1", renamed)
    assert named != fingerprint("slow_query", "SELECT 1", LINE)
    assert len(named) == 12


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    """No hash of Python's goes into it, which differs from run to run."""
    assert fingerprint("n_plus_one", "SELECT 1", LINE, None) == "dc5defbc0c51"


def test_parts_of_a_fingerprint_do_not_run_together() -> None:
    """'ab' and 'c' are not 'a' and 'bc'; text that is no UTF-8 counts too."""
    assert fingerprint("k", "ab", "c") != fingerprint("k", "a", "bc")
    assert fingerprint("k", "\udcff") != fingerprint("k", "\udcfe")
