"""Must be flagged: rows that reach the loop by a roundabout way, seen on large sites."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db.models import QuerySet

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Author,
    Book,
    Doctor,
    Note,
)


def r01() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # R01 origin
        author = copy.copy(book).author  # R01 access
        found.append(author.name)
    return found


def r01_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        author = copy.copy(book).author
        found.append(author.name)
    return found


def r02() -> Any:
    found = []
    list(Author.objects.prefetch_related("books"))
    for profile in Author.profile.related.related_model.objects.select_related(  # R02 origin
        "author"
    ):
        titles = [book.title for book in profile.author.books.all()]  # R02 access
        found.append(titles)
    return found


def r02_fixed() -> Any:
    found = []
    list(Author.objects.prefetch_related("books"))
    for profile in Author.profile.related.related_model.objects.select_related(
        "author"
    ).prefetch_related("author__books"):
        titles = [book.title for book in profile.author.books.all()]
        found.append(titles)
    return found


def _priced() -> Iterator[Book]:
    for book in Book.objects.order_by("pk"):  # R06 origin
        if book.price:
            yield book


def _fixed_priced() -> Iterator[Book]:
    for book in Book.objects.order_by("pk").select_related("author"):
        if book.price:
            yield book


def r06() -> Any:
    return {book.title: book.author.name for book in _priced()}  # R06 access


def r06_fixed() -> Any:
    return {book.title: book.author.name for book in _fixed_priced()}


def r07() -> Any:
    books = list(Book.objects.order_by("pk"))  # R07 origin
    authors = {book.author.name for book in books}
    kinds = {book.category.name for book in books}
    return authors, kinds


def r07_fixed() -> Any:
    books = list(Book.objects.order_by("pk").select_related("author", "category"))
    authors = {book.author.name for book in books}
    kinds = {book.category.name for book in books}
    return authors, kinds


def r08() -> Any:
    found = []
    for book in Book.objects.order_by("pk"):  # R08 origin
        if book.price % 2:
            found.append(book.author.name)
        else:
            found.append(book.author.name.upper())
    return found


def r08_fixed() -> Any:
    found = []
    for book in Book.objects.order_by("pk").select_related("author"):
        if book.price % 2:
            found.append(book.author.name)
        else:
            found.append(book.author.name.upper())
    return found


def r09() -> Any:
    doctors = {doctor.licence: doctor for doctor in Doctor.objects.all()}  # R09 origin
    return [doctors[f"L{number}"].home.floor for number in range(6)]  # R09 access


def r09_fixed() -> Any:
    doctors = {doctor.licence: doctor for doctor in Doctor.objects.all().select_related("home")}
    return [doctors[f"L{number}"].home.floor for number in range(6)]


def r10() -> Any:
    return [b.author.name for b in Book.objects.order_by("pk")[:5]]  # R10 access; R10 origin


def r10_fixed() -> Any:
    return [b.author.name for b in Book.objects.order_by("pk")[:5].select_related("author")]


def r23() -> Any:
    found = []
    for author in Author.objects.order_by("pk"):  # R23 origin
        for book in author.books.prefetch_related("tags"):
            names = sorted(tag.name for tag in book.tags.all())
            found.append((book.title, names))
    return found


def r26() -> Any:
    notes = [
        *(Note(text="of a book", subject=book) for book in Book.objects.order_by("pk")),
        *(Note(text="of an author", subject=author) for author in Author.objects.order_by("pk")),
    ]
    Note.objects.all().delete()
    Note.objects.bulk_create(notes)
    return _subjects(Note.objects.order_by("pk"))


def _subjects(notes: QuerySet[Note]) -> list[str]:
    found = []
    for note in notes:  # R26 origin
        subject = note.subject
        holder = subject.category if isinstance(subject, Book) else subject.publisher
        found.append(holder.name)
    return found


def r26_fixed() -> Any:
    notes = [
        *(Note(text="of a book", subject=book) for book in Book.objects.order_by("pk")),
        *(Note(text="of an author", subject=author) for author in Author.objects.order_by("pk")),
    ]
    Note.objects.all().delete()
    Note.objects.bulk_create(notes)
    return _subjects(
        Note.objects.order_by("pk").prefetch_related(
            GenericPrefetch(
                "subject",
                [
                    Author.objects.select_related("publisher"),
                    Book.objects.select_related("category"),
                ],
            )
        )
    )


def r30() -> Any:
    found = []
    for name in [f"author {number}" for number in range(6)]:
        for book in Book.objects.filter(author__name=name):  # R30 origin
            category = book.category  # R30 access
            found.append(category.name)
    return found


def r30_fixed() -> Any:
    found = []
    for name in [f"author {number}" for number in range(6)]:
        for book in Book.objects.filter(author__name=name).select_related("category"):
            category = book.category
            found.append(category.name)
    return found


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "R01",
        "a copy of each row is read",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "R02",
        "prefetched on other instances than those that are read",
        model="corpus.Profile",
        path="author__books",
        fix='.prefetch_related("author__books")',
    ),
    on(
        "R06",
        "rows come through a generator",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        beside=(_fixed_priced,),
        saved=6,
    ),
    on(
        "R07",
        "two loops over one list",
        model="corpus.Book",
        path="author, category",
        fix='.select_related("author", "category")',
        access=None,
        saved=12,
    ),
    on(
        "R08",
        "one relation read on two lines, three rows each",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        access=None,
        saved=6,
    ),
    on(
        "R09",
        "rows kept in a dict, read elsewhere",
        model="corpus.Doctor",
        path="home",
        fix='.select_related("home")',
        saved=6,
    ),
    on(
        "R10",
        "a sliced queryset, five rows",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
    ),
    on(
        "R23",
        "prefetch_related() on a relation read in a loop, one row each: one edit",
        model="corpus.Author",
        path=None,
        access=None,
    ),
    on(
        "R26",
        "a generic key to two models, and a key of each",
        model="corpus.Note",
        path="subject__category, subject__publisher",
        fix='.prefetch_related(GenericPrefetch("subject", [Author.objects.select_related("publisher"),'
        ' Book.objects.select_related("category")]))',
        access=None,
        saved=20,
        also=("write_loop",),
    ),
    on(
        "R30",
        "a key of rows that come in lists of one, list after list",
        model="corpus.Book",
        path="category",
        fix='.select_related("category")',
        also=("n_plus_one",),
        saved=6,
        note="The lists themselves are a second loop, with another edit.",
    ),
)
