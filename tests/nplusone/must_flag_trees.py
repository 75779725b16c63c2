"""Must be flagged: recursion over a key to the same table (S37)."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Book,
    Patient,
)


def _size(book: Book) -> int:
    return 1 + sum(_size(child) for child in book.children.all())  # S37 access


def s37() -> Any:
    return _size(Book.objects.get(parent=None))


def _tree(book: Book) -> Any:
    return {child.title: _tree(child) for child in book.children.all()}  # S37b access


def s37b() -> Any:
    return [_tree(book) for book in Book.objects.filter(parent__isnull=True)]


def s37c() -> Any:
    patient = Patient.objects.order_by("pk").last()
    found = []
    while patient is not None:  # S37c loop
        found.append(patient.surname)
        patient = patient.mother  # S37c access
    return found


def _walk(book: Book) -> Iterator[Book]:
    yield book
    for child in book.children.all():  # S37d origin
        yield from _walk(child)


def _fixed_walk(book: Book) -> Iterator[Book]:
    yield book
    for child in book.children.all().select_related("author"):
        yield from _fixed_walk(child)


def s37d() -> Any:
    return [book.author.name for book in _walk(Book.objects.get(parent=None))]


def s37d_fixed() -> Any:
    return [book.author.name for book in _fixed_walk(Book.objects.get(parent=None))]


on = maker(globals(), kind="n_plus_one")

CASES: tuple[Case, ...] = (
    on(
        "S37",
        "recursion over children",
        model="corpus.Book",
        path="children",
        origin=None,
        fix="",
    ),
    on(
        "S37b",
        "recursion that builds a tree from a list of roots",
        model="corpus.Book",
        path="children",
        origin=None,
        fix="",
    ),
    on(
        "S37c",
        "a chain of parents walked upwards",
        model="corpus.Patient",
        path="mother",
        origin=None,
        fix="",
    ),
    on(
        "S37d",
        "a key of rows that a recursion loads: joined at each level, which prefetching is not",
        model="corpus.Book",
        path=None,
        access=None,
        fix='.select_related("author")',
        saved=3,
        beside=(_fixed_walk,),
    ),
)
