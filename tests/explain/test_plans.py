"""What the plans of each database show, shape by shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, models
from django.db.models import Count
from django.db.models.functions import Upper

from tests.explain.databases import ALIAS, configure, forget, sqlite_at
from tests.explain.slow import Site
from tests.library.models import Author, Book, Publisher

books = Book.objects.using(ALIAS)

POSTGRESQL = pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("vendor", ["sqlite"], indirect=True)


def raw(sql: str, *params: Any, alias: str = ALIAS) -> Callable[[], None]:
    """Return what runs a statement."""

    def run() -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(sql, params or None)
            if cursor.description:
                cursor.fetchall()

    return run


def told(*work: Callable[[], Any]) -> list[str]:
    """Return the messages of the findings."""
    return [finding.message for finding in Site().explain(*work)]


@pytest.fixture
def server_options() -> Iterator[Callable[..., None]]:
    """Let a test set what the server does for connections that open from now on."""
    options = connections.settings[ALIAS]["OPTIONS"]

    def given(**settings: str) -> None:
        options["options"] = " ".join(f"-c {name}={value}" for name, value in settings.items())

    yield given
    options.pop("options", None)


def test_a_small_table_is_read_whole_for_good_reason(vendor: str) -> None:
    """An index would not pay there."""
    small = Publisher.objects.using(ALIAS)
    assert (
        told(
            lambda: list(small.filter(name="p1")),
            lambda: list(small.order_by("name")[:2]),
            lambda: small.count(),
        )
        == []
    )


def test_a_sort_that_fits_into_memory_is_no_finding_of_its_own(vendor: str) -> None:
    """All rows are asked for, and that is what is told."""
    [message] = told(lambda: list(Author.objects.using(ALIAS).order_by("name")))
    assert "as nothing limits them" in message


def test_an_index_on_an_expression_is_none_on_its_column(vendor: str) -> None:
    """It does not serve a comparison of the column itself."""
    index = models.Index(Upper("title"), name="by_upper_title")
    with connections[ALIAS].schema_editor() as editor:
        editor.add_index(Book, index)
    try:
        [message] = told(lambda: list(books.filter(title="x")))
        assert "no index begins with that" in message
    finally:
        with connections[ALIAS].schema_editor() as editor:
            editor.remove_index(Book, index)


@POSTGRESQL
def test_a_condition_that_most_rows_meet_is_told_as_such(vendor: str) -> None:
    """No index would help."""
    [message] = told(lambda: list(books.filter(title__gt="a")))
    assert message.endswith(
        "to compare title, and most of them match; ask for fewer, or for their sum"
    )


@POSTGRESQL
def test_an_index_that_is_not_used_is_told(
    vendor: str, server_options: Callable[..., None]
) -> None:
    """For whatever reason the planner passes it over."""
    server_options(enable_indexscan="off", enable_bitmapscan="off", enable_indexonlyscan="off")
    [message] = told(lambda: list(books.filter(author=7)))
    assert "to find few by author, though there is an index that begins with it" in message


@POSTGRESQL
def test_what_does_not_fit_into_memory_is_told(
    vendor: str, server_options: Callable[..., None]
) -> None:
    """Sorts, hashed joins and hashed groups, by the estimates; of no table, nothing."""
    server_options(
        work_mem="64kB", enable_mergejoin="off", enable_nestloop="off", enable_sort="off"
    )
    joined = told(lambda: list(books.select_related("author")))
    assert any("rows are hashed, more than fits into work_mem" in each for each in joined)
    grouped = told(lambda: list(books.values("body").order_by().annotate(n=Count("pk"))))
    assert any("rows are hashed, more than fits into work_mem" in each for each in grouped)
    rows = ", ".join(f"({n})" for n in range(25))
    lists = ", ".join(f"(VALUES {rows}) AS {name}" for name in "abc")
    assert told(raw(f"SELECT a.column1 FROM {lists} ORDER BY b.column1 || ''")) == []
    ordered = told(raw("SELECT title FROM library_book ORDER BY title || body, title"))
    assert any("rows are sorted by title, more than fits" in each for each in ordered)


@POSTGRESQL
def test_a_table_that_was_never_analyzed_is_counted_up_to_a_bound(vendor: str) -> None:
    """Its size is not known to the catalog yet."""
    raw("CREATE TABLE fresh (a int, b int) WITH (autovacuum_enabled = off)")()
    raw("INSERT INTO fresh SELECT i, i FROM generate_series(1, 12000) i")()
    try:
        [message] = told(raw("SELECT a FROM fresh WHERE b = %s", 7))
        assert message.startswith(
            "fresh: the database reads all rows, at least 10,000, to find few by b"
        )
    finally:
        raw("DROP TABLE fresh")()


@POSTGRESQL
def test_a_table_without_columns_is_passed_over(vendor: str) -> None:
    """It exists, and says nothing."""
    raw("CREATE TABLE hollow ()")()
    try:
        assert told(raw("SELECT 1 FROM hollow")) == []
    finally:
        raw("DROP TABLE hollow")()


@SQLITE
def test_an_index_that_sqlite_makes_for_one_statement_is_missing(vendor: str) -> None:
    """It is made anew each time."""
    sql = (
        "SELECT a.id FROM library_book a JOIN library_book AS b ON a.title = b.body WHERE a.id < %s"
    )
    [message] = told(raw(sql, 50))
    assert message.endswith("to the indexes of library.Book")
    assert "to find few by body: no index begins with that" in message


@SQLITE
def test_what_is_no_table_is_passed_over(vendor: str) -> None:
    """A subquery that is read whole is no table's fault."""
    assert told(raw("SELECT * FROM (SELECT 1 AS a UNION ALL SELECT 2) x ORDER BY a LIMIT 1")) == []


def test_without_statistics_sqlite_is_counted_up_to_a_bound(tmp_path: Path) -> None:
    """Most SQLite files were never analyzed."""
    configure(sqlite_at(tmp_path / "x.sqlite3"), "apart")
    try:
        for name, rows in (("large", 20_000), ("small", 9_000)):
            raw(f"CREATE TABLE {name} (a integer PRIMARY KEY, b text)", alias="apart")()
            raw(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
                f"INSERT INTO {name} SELECT i, i FROM n",
                alias="apart",
            )()
        ask = [
            raw(f"SELECT a FROM {name} WHERE b = %s", "x", alias="apart")
            for name in ("large", "small")
        ]
        [message] = told(*ask)
        assert message.startswith("large: the database reads all rows, at least 10,000,")
        joined = raw("SELECT 1 FROM small x JOIN small y ON x.b = y.b LIMIT 1", alias="apart")
        assert told(joined) == []
        raw("CREATE INDEX of_another ON small (b)", alias="apart")()
        raw("ANALYZE small", alias="apart")()
        [message] = told(*ask)
        assert message.startswith("large: ")
    finally:
        forget("apart")
