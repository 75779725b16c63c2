"""Must be flagged: rows read by library code, wrappers and callbacks, seen on large sites."""

# ruff: noqa: D103  # the table at the end says what each function shows

from __future__ import annotations

import json
import string
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any

from tests.nplusone.case import Case, maker
from tests.nplusone.models import (
    Author,
    Book,
    Patient,
    Visit,
)


def r03() -> Any:
    form = string.Formatter()
    books = Book.objects.order_by("pk")
    return [form.format("{0.title}: {0.author.name}", b) for b in books]  # R03 access; R03 origin


def r03_fixed() -> Any:
    form = string.Formatter()
    books = Book.objects.order_by("pk").select_related("author")
    return [form.format("{0.title}: {0.author.name}", b) for b in books]


def r04() -> Any:
    patients = Patient.objects.order_by("pk")
    return list(map(attrgetter("gp.full_name"), patients))  # R04 access; R04 origin


def r04_fixed() -> Any:
    patients = Patient.objects.order_by("pk").select_related("gp")
    return list(map(attrgetter("gp.full_name"), patients))


class Card:
    """Wraps a row and keeps what it read of it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit

    @cached_property
    def doctor(self) -> str:
        """Name the doctor."""
        return self.visit.who.gp.full_name  # R18 access


def r18() -> Any:
    cards = [Card(visit) for visit in Visit.objects.all()]  # R18 origin
    return sorted(card.doctor for card in cards)  # R18 via


def r18_fixed() -> Any:
    cards = [Card(visit) for visit in Visit.objects.all().select_related("who__gp")]
    return sorted(card.doctor for card in cards)


def r24() -> Any:
    books = list(Book.objects.order_by("pk"))  # R24 origin
    books.sort(key=lambda book: book.author.name)  # R24 access
    return [book.title for book in books]


def r24_fixed() -> Any:
    books = list(Book.objects.order_by("pk").select_related("author"))
    books.sort(key=lambda book: book.author.name)
    return [book.title for book in books]


def r25() -> Any:
    books = Book.objects.order_by("pk")
    return json.dumps(list(books), default=lambda b: b.author.name)  # R25 access; R25 origin


def r25_fixed() -> Any:
    books = Book.objects.order_by("pk").select_related("author")
    return json.dumps(list(books), default=lambda b: b.author.name)


class Lazy:
    """Hands on whatever it is asked to the row it wraps."""

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)  # R27 access


def r27() -> Any:
    return [book.author.name for book in map(Lazy, Book.objects.order_by("pk"))]  # R27 origin


def r27_fixed() -> Any:
    books = map(Lazy, Book.objects.order_by("pk").select_related("author"))
    return [book.author.name for book in books]


@lru_cache
def _name_of(pk: int) -> str:
    return Author.objects.get(pk=pk).name  # R28 access


def r28() -> Any:
    _name_of.cache_clear()
    return [_name_of(book.author_id) for book in Book.objects.order_by("pk")]  # R28 origin


def r28_fixed() -> Any:
    return [book.author.name for book in Book.objects.order_by("pk").select_related("author")]


on = maker(globals(), kind="n_plus_one", saved=5)

CASES: tuple[Case, ...] = (
    on(
        "R03",
        "read by string.Formatter",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "R04",
        "read by operator.attrgetter in map(): both loops are C",
        model="corpus.Patient",
        path="gp",
        fix='.select_related("gp")',
        saved=6,
    ),
    on(
        "R18",
        "cached_property of an object that wraps the row",
        model="corpus.Visit",
        path="who__gp",
        fix='.select_related("who__gp")',
        callers=("R18 via",),
        saved=24,
    ),
    on(
        "R24",
        "a sort key: list.sort() loops",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "R25",
        "the JSON encoder loops",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "R27",
        "a wrapper with __getattr__",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        saved=6,
    ),
    on(
        "R28",
        "a function that caches what it got by key",
        model="corpus.Book",
        path="author",
        fix='.select_related("author")',
        says=("author",),
        saved=6,
    ),
)
