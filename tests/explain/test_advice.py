"""What is advised is done, on real databases: the plan changes and the finding goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, models
from django.db.models.functions import Upper

from tests.explain.databases import ALIAS
from tests.explain.slow import Site
from tests.library.models import Book

books = Book.objects.using(ALIAS)


@pytest.mark.parametrize(
    ("index", "work"),
    [
        (models.Index(fields=["title"], name="by_title"), lambda: list(books.filter(title="x"))),
        (models.Index(fields=["body"], name="by_body"), lambda: list(books.order_by("body")[:5])),
        (
            models.Index(Upper("title"), name="by_upper"),
            lambda: list(books.annotate(loud=Upper("title")).filter(loud="TITLE 7")),
        ),
    ],
    ids=["one column", "order", "expression"],
)
def test_the_index_does_away_with_the_finding(
    vendor: str, index: models.Index, work: Callable[[], Any]
) -> None:
    """Before it there is one, after it there is none."""
    [finding] = Site().explain(work)
    assert (finding.severity, finding.model) == ("warning", "library.Book")
    with connections[ALIAS].schema_editor() as editor:
        editor.add_index(Book, index)
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("ANALYZE")
        assert Site().explain(work) == []
    finally:
        with connections[ALIAS].schema_editor() as editor:
            editor.remove_index(Book, index)


@pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)
def test_a_join_without_an_index_is_told(vendor: str) -> None:
    """A few rows of one table lead to a few of another, which is read whole for want of an index."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "CREATE TABLE library_loan (id serial PRIMARY KEY, book_id bigint, day date)"
        )
        cursor.execute(
            "INSERT INTO library_loan (book_id) SELECT i FROM generate_series(1, 12000) i"
        )
        cursor.execute("ANALYZE library_loan")
    sql = (
        'SELECT "library_loan"."day" FROM "library_book" INNER JOIN "library_loan" ON '
        '("library_loan"."book_id" = "library_book"."id") WHERE "library_book"."author_id" = %s'
    )

    def ask() -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(sql, [7])
            cursor.fetchall()

    [finding] = Site().explain(ask)
    assert finding.message == (
        "library_loan: the database reads all rows, at least 10,000, to find few by book_id: no index "
        "begins with that; add an index on library_loan (book_id)"
    )
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("CREATE INDEX ON library_loan (book_id)")
    assert Site().explain(ask) == []
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DROP TABLE library_loan")


@pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)
def test_a_partition_is_told_as_the_whole(vendor: str) -> None:
    """The index belongs on the table, not on one of its parts."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("CREATE TABLE event (at int, what text) PARTITION BY RANGE (at)")
        cursor.execute("CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (20000)")
        cursor.execute("CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (20000) TO (40000)")
        cursor.execute("INSERT INTO event SELECT i, 'e' || i FROM generate_series(0, 39999) i")
        cursor.execute("ANALYZE event")

    def ask() -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT at FROM event WHERE what = %s", ["e7"])
            cursor.fetchall()

    def first() -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT at FROM event LIMIT 5")

    [finding] = Site().explain(ask, first)
    assert finding.message.endswith("add an index on event (what)")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DROP TABLE event")
