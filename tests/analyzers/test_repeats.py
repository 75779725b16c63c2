"""Groups of repeats, what makes one a loop, and names that outlive a deploy."""

from __future__ import annotations

import pytest

from perfkit.analyzers.repeats import fingerprint, group, is_loop
from perfkit.record import Asked, Path, Query, RequestRecord, Site
from perfkit.statement import parse

LINE = Site("shop/views.py", 10, "page")
SQL = "SELECT a FROM t WHERE b = %s"


def query(
    sql: str = SQL, *, identity: int = 0, path: int | None = 0, alias: str = "default"
) -> Query:
    """Make a query as a record has it, one millisecond long."""
    told = parse(sql)
    return Query(told.masked, told.shape, told.verb, told.tables, alias, 0.0, 1.0, identity, path)


def record_of(*queries: Query, asked: Asked | None = None) -> RequestRecord:
    """Make a record with two call paths."""
    paths = (Path((LINE,), asked), Path((Site("shop/tags.py", 3, "f"),), None))
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


def test_a_first_run_far_from_the_loop_does_not_join() -> None:
    """The same statement ran elsewhere first, as the session's user does before a loop of users."""
    between = [query(f"SELECT {letter} FROM u", path=None) for letter in "abc"]
    groups = group(record_of(query(path=None), *between, query(), query(), query()))
    (looped,) = [repeats for repeats in groups if repeats.path is not None]
    assert len(looped.queries) == 3


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
def test_only_reads_are_grouped(sql: str) -> None:
    """Writes have their own analyzers, locks are meant, transactions are not statements."""
    assert group(record_of(query(sql), query(sql))) == []


@pytest.mark.parametrize(
    ("sql", "identities", "is_one"),
    [
        (SQL, [0, 1, 2, 3, 4], True),
        (SQL, [0, 1, 2, 3], False),
        (SQL, [0, 0, 0, 0, 0], False),
        (SQL, [0, 0, 0, 0, 1], True),
        ("SELECT a FROM t WHERE b IN (%s, %s)", [0, 1, 2, 3, 4], False),
        ("SELECT a FROM t WHERE id > %s ORDER BY id LIMIT 10", [0, 1, 2, 3, 4], False),
    ],
)
def test_a_loop_has_enough_repeats_of_different_rows(
    sql: str, identities: list[int], is_one: bool
) -> None:
    """At the threshold it is one; batches, pages and plain duplicates are none."""
    (repeats,) = group(record_of(*(query(sql, identity=each) for each in identities)))
    assert is_loop(repeats, 5) is is_one


def test_rows_with_one_target_are_a_loop_all_the_same() -> None:
    """A single-valued relation is cached on its row, so each read is another row."""
    asked = Asked("shop.Book", "author", "forward", False, None)
    (repeats,) = group(record_of(*[query()] * 5, asked=asked))
    assert repeats.distinct == 1
    assert is_loop(repeats, 5)


def test_without_a_line_there_is_no_loop() -> None:
    """Nobody could act on it."""
    record = RequestRecord(
        queries=tuple(query(identity=each) for each in range(9)), paths=(Path((), None),)
    )
    (repeats,) = group(record)
    assert not is_loop(repeats, 5)


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
