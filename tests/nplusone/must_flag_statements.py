"""Must be flagged: raw SQL, refreshed rows, equal statements (S44 to S46, S54, S55)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import F, Max

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Author,
    Book,
    Category,
    Patient,
)


def _pks() -> list[int]:
    return list(Author.objects.order_by("pk").values_list("pk", flat=True))


def s44() -> Any:
    pks, found = _pks(), []
    with connection.cursor() as cursor:
        for pk in pks:
            cursor.execute("SELECT name FROM corpus_author WHERE id = %s", [pk])  # S44 access
            found.append(cursor.fetchone())
    return found


def s44_fixed() -> Any:
    pks, found = _pks(), []
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(pks))
        cursor.execute(f"SELECT name FROM corpus_author WHERE id IN ({marks})", pks)
        found += cursor.fetchall()
    return found


def s44b() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):
        with connection.cursor() as cursor:
            sql = f"SELECT COUNT(*) FROM corpus_review WHERE book_id = {book.pk}"
            cursor.execute(sql)  # S44b access
            found.append(cursor.fetchone())
    return found


def s45() -> Any:
    pks, found = _pks(), []
    for pk in pks:
        rows = Author.objects.raw("SELECT * FROM corpus_author WHERE id = %s", [pk])
        found.append([author.name for author in rows])  # S45 access
    return found


def s46() -> Any:
    found = []
    for book in Book.objects.raw("SELECT * FROM corpus_book ORDER BY id"):  # S46 origin
        author = book.author  # S46 access
        found.append(author.name)
    return found


def s46_fixed() -> Any:
    found = []
    books = Book.objects.raw("SELECT * FROM corpus_book ORDER BY id")
    for book in books.prefetch_related("author"):
        author = book.author
        found.append(author.name)
    return found


def s46b() -> Any:
    found = []
    rows = Patient.objects.raw("SELECT id, gp_id FROM corpus_patient ORDER BY id")
    for patient in rows:  # S46b origin
        name = patient.surname  # S46b access
        found.append(name)
    return found


def s54() -> Any:
    books, found = list(Book.objects.order_by("pk")), []
    Book.objects.update(price=F("price") + 1)
    for book in books:
        book.refresh_from_db()  # S54 access
        found.append(book.price)
    return found


def s54_fixed() -> Any:
    books, found = list(Book.objects.order_by("pk")), []
    Book.objects.update(price=F("price") + 1)
    fresh = Book.objects.in_bulk([book.pk for book in books])
    for book in books:
        found.append(fresh[book.pk].price)
        assert book.title
    return found


def s54b() -> Any:
    books, found = list(Book.objects.order_by("pk")), []
    for book in books:
        book.refresh_from_db(fields=["price"])  # S54b access
        found.append(book.price)
    return found


def _kinds() -> list[str]:
    return [category.name for category in Category.objects.order_by("pk")]  # S55 access


def s55() -> Any:
    return (_kinds(), len(_kinds()), bool(_kinds()))


def s55_fixed() -> Any:
    kinds = _kinds()
    return (kinds, len(kinds), bool(kinds))


def s55b() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):
        dearest = Book.objects.aggregate(Max("price"))  # S55b access
        found.append(dearest["price__max"] - book.price)
    return found


def s55b_fixed() -> Any:
    found = []
    dearest = Book.objects.aggregate(Max("price"))
    for book in Book.objects.order_by("pk"):
        assert book.title
        found.append(dearest["price__max"] - book.price)
    return found


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "S44",
        "a cursor's SELECT per row",
        model="",
        path="",
        fix="",
        says=("before the loop",),
        origin=None,
    ),
    on(
        "S44b",
        "the same with the value written into the text",
        model="",
        path="",
        fix="",
        origin=None,
    ),
    on("S45", "Model.raw() per row", model="corpus.Author", path="", fix="", origin=None),
    on(
        "S46",
        "a key of rows from raw(), which takes no join",
        model="corpus.Book",
        path="author",
        fix='.prefetch_related("author")',
    ),
    on(
        "S46b",
        "a column that raw() left out",
        kind="deferred_load",
        model="corpus.Patient",
        path="surname",
        fix="",
    ),
    on("S54", "refresh_from_db()", model="corpus.Book", path="", origin=None, fix=""),
    on("S54b", "refresh_from_db() of one field", model="corpus.Book", path="", origin=None, fix=""),
    on(
        "S55",
        "one statement three times with the same parameters",
        kind="duplicate_query",
        model="corpus.Category",
        path="",
        fix="",
        origin=None,
        severity="info",
        saved=2,
    ),
    on(
        "S55b",
        "the same in a loop",
        kind="duplicate_query",
        model="corpus.Book",
        path="",
        fix="",
        origin=None,
    ),
)
