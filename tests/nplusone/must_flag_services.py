"""Must be flagged: code that asks by itself for each row, seen on large sites."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Author,
    Book,
    Cafe,
    Patient,
    Place,
    Review,
    Stock,
    Tag,
)


class Quote:
    """A service object that reads for itself."""

    def __init__(self, title: str) -> None:
        self.book = Book.objects.get(title=title)  # R05 access

    def total(self) -> int:
        copies = Stock.objects.filter(book__title=self.book.title).values_list("copies", flat=True)
        return sum(copies) * self.book.price


def r05() -> Any:
    found = {}
    for number in range(6):
        title = f"title {number}"
        found[title] = Quote(title).total()  # R05 loop
    return found


def r11() -> Any:
    pks = [author.pk for author in Author.objects.order_by("pk")]
    return [get_object_or_404(Author, pk=pk).name for pk in pks]  # R11 access


def r11_fixed() -> Any:
    pks = [author.pk for author in Author.objects.order_by("pk")]
    authors = Author.objects.in_bulk(pks)
    return [authors[pk].name for pk in pks]


def r12() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # R12 origin
        authors = list(Author.objects.filter(pk__in=[book.author_id]))  # R12 access
        found.append(authors[0].name)
    return found


def r12_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        authors = [book.author]
        found.append(authors[0].name)
    return found


def r13() -> Any:
    found = []
    for author in Author.objects.order_by("pk"):  # R13 origin
        for book in Book.objects.filter(author=author):
            reviews = list(Review.objects.filter(book=book))
            found.append((book.title, len(reviews)))
    return found


def r13_fixed() -> Any:
    found = []
    for author in Author.objects.order_by("pk").prefetch_related("books"):
        for book in author.books.all():
            reviews = list(Review.objects.filter(book=book))
            found.append((book.title, len(reviews)))
    return found


def r14() -> Any:
    found = []
    for place in Place.objects.order_by("pk"):  # R14 origin
        cafe = Cafe.objects.get(pk=place.pk)  # R14 access
        found.append(cafe.seats)
    return found


def r14_fixed() -> Any:
    found = []
    for place in Place.objects.order_by("pk").select_related("cafe"):
        cafe = place.cafe
        found.append(cafe.seats)
    return found


def r15() -> Any:
    pks = list(Book.objects.order_by("pk").values_list("pk", flat=True))
    found = []
    for pk in pks:  # R15 loop
        book = Book.objects.get(pk=pk)
        found.append((book.title, book.author.name))
    return found


def r15_fixed() -> Any:
    pks = list(Book.objects.order_by("pk").values_list("pk", flat=True))
    found = []
    books = Book.objects.select_related("author").in_bulk(pks)
    for pk in pks:
        book = books[pk]
        found.append((book.title, book.author.name))
    return found


def r16() -> Any:
    found = []
    with connection.cursor() as cursor:
        for number in range(6):
            title = f"title {number}"
            sql = f"SELECT /* asked for {title!r} */ price FROM corpus_book WHERE title = %s"
            cursor.execute(sql, [title])  # R16 access
            found.append(cursor.fetchone())
    return found


def r17() -> Any:
    tag = Tag.objects.order_by("pk").first()
    found = []
    for book in Book.objects.order_by("pk"):  # R17 origin
        tagged = book.tags.contains(tag)  # R17 access
        found.append(tagged)
    return found


def r17_fixed() -> Any:
    tag = Tag.objects.order_by("pk").first()
    found = []
    for book in Book.objects.order_by("pk").prefetch_related("tags"):
        tagged = book.tags.contains(tag)
        found.append(tagged)
    return found


def r19() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # R19 origin
        reviews = list(book.review_set.all()[:1])  # R19 access
        found.append(reviews)
    return found


def r20() -> Any:
    books = Book.objects.filter(price=10).union(Book.objects.filter(price__gt=10)).order_by("title")
    found = []
    for book in books:  # R20 origin
        author = book.author  # R20 access
        found.append(author.name)
    return found


def r21() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # R21 origin
        best = list(book.review_set.filter(stars__gt=1).order_by("-stars")[:1])  # R21 access
        found.append(best)
    return found


def r21_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").prefetch_related(
        Prefetch(
            "review_set",
            queryset=Review.objects.filter(stars__gt=1).order_by("-stars")[:1],
            to_attr="best",
        )
    ):
        best = book.best
        found.append(best)
    return found


def r22() -> Any:
    found = []
    for patient in Patient.objects.order_by("pk"):  # R22 origin
        later = list(patient.visits.all()[1:3])  # R22 access
        found.append(later)
    return found


def r29() -> Any:
    books = Book.objects.order_by("pk")
    return [books[number].title for number in range(6)]  # R29 access


def r29_fixed() -> Any:
    books = list(Book.objects.order_by("pk"))
    return [books[number].title for number in range(6)]


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "R05",
        "a service object made in a loop: the loop is named",
        model="",
        path=None,
        access=None,
        origin=None,
        callers=("R05 loop",),
        also=("n_plus_one",),
    ),
    on(
        "R11",
        "get_object_or_404() in a loop",
        model="corpus.Author",
        path=None,
        origin=None,
        fix="Author.objects.in_bulk(pks)",
    ),
    on(
        "R12",
        "filter(pk__in=) of one key",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        says=("author",),
        saved=6,
    ),
    on(
        "R13",
        "two levels of reverse relations by hand: one edit after the other",
        model="corpus.Author",
        path="books",
        access=None,
        saved=5,
        also=("n_plus_one",),
    ),
    on(
        "R14",
        "the child row of a multi-table parent by hand",
        model="corpus.Place",
        path="cafe",
        fix='.select_related("cafe")',
        says=("cafe",),
        saved=6,
    ),
    on(
        "R15",
        "rows got one by one, and a key of each",
        model="corpus.Book",
        path=None,
        access=None,
        origin=None,
        also=("n_plus_one",),
    ),
    on(
        "R16",
        "a comment in the text that differs each time",
        model="",
        path="",
        fix="",
        origin=None,
    ),
    on(
        "R17",
        "contains() of a relation: free once prefetched",
        model="corpus.Book",
        path="tags",
        fix='.prefetch_related("tags")',
    ),
    on("R19", "the first of a relation by a slice", model="corpus.Book", path="review_set"),
    on(
        "R20",
        "rows of union(), which take neither join nor prefetch",
        model="corpus.Book",
        path="author",
        fix="",
    ),
    on(
        "R21",
        "the best of a relation: filtered, ordered and sliced, which is no pagination",
        model="corpus.Book",
        path="review_set",
    ),
    on("R22", "a slice that does not begin at the start", model="corpus.Patient", path="visits"),
    on(
        "R29",
        "a queryset that was not evaluated, row by row by its index: no pages",
        model="corpus.Book",
        path=None,
        fix="",
        origin=None,
        saved=4,
    ),
)
