"""What repeats and is no finding."""

from __future__ import annotations

import pytest

from perfkit.analyzers.repeats import Repeats
from perfkit.analyzers.silence import Silence, is_internal
from perfkit.record import Asked, Path, Query
from tests.analyzers.handmade import LINE, READ, asked, query, record_of, runs


def covers(told: Asked | None, sql: str = READ, before: tuple[Query, ...] = ()) -> bool:
    """Tell whether a loop of a statement is silent, other statements having run before."""
    queries = runs(6, sql, start_ms=10.0)
    record = record_of([*before, *queries])
    return Silence(record).covers(Repeats(tuple(queries), Path((LINE,), told)))


def lone(**facts: object) -> Asked:
    """Make what is told of a statement without a row."""
    return Asked("", "", "queryset", False, None, "library.Book", "get", **facts)  # type: ignore[arg-type]  # as given


def test_a_plain_loop_is_not_silent() -> None:
    """With or without a row behind it."""
    assert not covers(None)
    assert not covers(lone())
    assert not covers(asked("author"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t WHERE b IN (%s, %s)",
        "SELECT a FROM t WHERE id > %s ORDER BY id LIMIT 10",
        "SELECT a FROM t LIMIT %s OFFSET %s",
    ],
    ids=["batch", "next keys", "next page"],
)
def test_batches_and_pages_are_silent(sql: str) -> None:
    """Many rows at once, again and again, are as it should be."""
    assert covers(None, sql)
    assert covers(lone(), sql)
    assert covers(asked("tags", "prefetch"), sql)


def test_what_is_asked_of_each_row_is_no_batch() -> None:
    """`author.books.filter(title__in=[...])` is asked for each author all the same."""
    sql = "SELECT a FROM t WHERE b = %s AND c IN (%s, %s)"
    assert not covers(asked("books", "reverse_many", "library.Author"), sql)


def test_one_row_by_its_index_is_no_page() -> None:
    """`queryset[3]` has an offset too."""
    assert not covers(lone(refined=("slice", "index")), "SELECT a FROM t LIMIT 1 OFFSET 3")


@pytest.mark.parametrize(
    "table", ["sqlite_master", "pg_catalog.pg_class", "PG_TYPE", "information_schema.tables"]
)
def test_the_databases_own_tables_are_silent(table: str) -> None:
    """Somebody asks which tables there are."""
    assert covers(None, f"SELECT name FROM {table} WHERE name = %s")
    assert is_internal(query(f"SELECT name FROM {table}"), None)
    assert not is_internal(query(), None)


@pytest.mark.parametrize("reason", ["validation", "cascade", "session", "set"])
def test_the_orms_own_affairs_are_silent(reason: str) -> None:
    """No eager load ends them."""
    assert covers(lone(internal=reason))
    assert is_internal(query(), lone(internal=reason))
    assert not is_internal(query(), lone())


def test_locks_are_silent() -> None:
    """Each row is locked on purpose."""
    assert covers(lone(refined=("select_for_update",)))


def test_rows_just_made_are_silent() -> None:
    """Nothing could have loaded the relations of a row that was not loaded."""
    made = (query("INSERT INTO library_book (a) VALUES (%s)", start_ms=1.0),)
    of_new_rows = asked("author", origin=None, table="library_book")
    assert covers(of_new_rows, before=made)
    assert not covers(of_new_rows)
    assert not covers(asked("author", table="library_book"), before=made)
    other = (query("INSERT INTO library_tag (a) VALUES (%s)", start_ms=1.0),)
    assert not covers(of_new_rows, before=other)


def test_rows_made_afterwards_were_not_there() -> None:
    """What ran before the first insert asked for rows that were loaded somewhere."""
    made = (query("INSERT INTO library_book (a) VALUES (%s)", start_ms=99.0),)
    assert not covers(asked("author", origin=None, table="library_book"), before=made)


def test_rows_made_in_another_database_are_others() -> None:
    """Tables of one name in two databases are two."""
    made = (query("INSERT INTO library_book (a) VALUES (%s)", start_ms=1.0, alias="other"),)
    assert not covers(asked("author", origin=None, table="library_book"), before=made)
