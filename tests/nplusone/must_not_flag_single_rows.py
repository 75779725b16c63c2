"""Must stay silent: rows loaded one at a time on purpose, no loop around them (N01 to N06, N12, N32)."""

# ruff: noqa: D103, PERF401  # the table at the end says what each function shows: loops, mostly

from __future__ import annotations

from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import F
from django.shortcuts import get_object_or_404

from tests.nplusone.case import Case
from tests.nplusone.models import Author, Book, Doctor, Note, Patient, Profile, Tag, Visit

#: The table's word for a case of this file; ``severity="info"``: the catalogue allows an info.
silent = partial(Case, kind="")


def n01() -> Any:
    book = Book.objects.get(title="title 2")
    return book.author.name


def n01b() -> Any:
    book = Book.objects.order_by("pk").first()
    assert book is not None
    return [book.author.name, book.category.name]


def n01c() -> Any:
    book = Book.objects.order_by("pk")[3]
    return [book.author.publisher.name, list(book.tags.values_list("name", flat=True))]


def n01d() -> Any:
    return [Visit.objects.latest("day").who.surname, Visit.objects.earliest("day").who.surname]


def n01e() -> Any:
    book = Book.objects.get(title="title 1")
    found: list[Any] = [book.author.name, book.author.publisher.name, book.author.country.name]
    found += [book.editor.name, book.category.name, book.parent.title, book.stock.copies]
    found += sorted(tag.name for tag in book.tags.all())
    found += [book.review_set.count(), book.editions.exists(), book.notes.count()]
    found += [book.byline, hasattr(book.author, "agent")]
    return found


def _card(number: int) -> list[Any]:
    book = Book.objects.get(title=f"title {number}")
    return [book.author.name, book.review_set.count()]


def n01f() -> Any:
    first = _card(1)
    second = _card(4)
    return first + second


def n01g() -> Any:
    found = []
    for book in Book.objects.filter(title="title 1"):
        found.append(book.author.name)
    return found


def n01h() -> Any:
    async def page() -> list[str]:
        book = await Book.objects.select_related("author").aget(title="title 1")
        last = await Book.objects.alast()
        note = await Note.objects.afirst()
        assert last is not None
        assert note is not None
        return [book.author.name, last.title, note.text]

    return async_to_sync(page)()


def n01i() -> Any:
    patient = get_object_or_404(Patient, surname="surname 3")
    patient.refresh_from_db()
    return [patient.summary(), str(patient.visits.first()), patient.surgeon.home.floor]


def n02() -> Any:
    book = Book.objects.get(title="title 2")
    found = [book.author.name]
    for other in Book.objects.select_related("author").order_by("pk"):
        found.append(other.author.name)
    return found


def n02b() -> Any:
    books = list(Book.objects.order_by("pk"))
    return books[0].author.name


def n02c() -> Any:
    books = list(Book.objects.select_related("author").order_by("pk"))
    again = Book.objects.get(pk=books[0].pk)
    found = [again.author.name]
    for book in books:
        found.append(book.author.name)
    return found


def n02d() -> Any:
    found = []
    for number, book in enumerate(Book.objects.order_by("pk")):
        if number == 2:
            found.append(book.author.name)
    return found


def _author(number: int) -> str:
    return Author.objects.get(name=f"author {number}").name


def n03() -> Any:
    found = [_author(0)]
    found.append(_author(1))
    if found:
        found.append(_author(2))
    found += [_author(3)]
    found.insert(0, _author(4))
    return [*found, _author(5)]


def _checked(number: int) -> str:
    return _author(number).title()


def n03b() -> Any:
    head = _checked(0)
    side = _checked(1)
    body = _checked(2)
    foot = _checked(3)
    menu = _checked(4)
    return [head, side, body, foot, menu]


class _Page:
    """A service object; each part of a page asks it once."""

    def author(self, number: int) -> str:
        return Book.objects.get(title=f"title {number}").author.name

    def head(self) -> str:
        return self.author(0)

    def side(self) -> str:
        return self.author(1)

    def body(self) -> str:
        return self.author(2)

    def foot(self) -> str:
        return self.author(3)

    def menu(self) -> str:
        return self.author(4)


def n03c() -> Any:
    page = _Page()
    return [page.head(), page.side(), page.body(), page.foot(), page.menu()]


def n03d() -> Any:
    return [
        _author(0),
        _author(1),
        _author(2),
        _author(3),
        _author(4),
    ]


def n03e() -> Any:
    return [model._default_manager.count() for model in (Author, Book, Doctor, Note, Patient, Tag)]


def n03f() -> Any:
    async def author(number: int) -> str:
        return (await Author.objects.aget(name=f"author {number}")).name

    async def page() -> list[str]:
        first = await author(0)
        second = await author(1)
        third = await author(2)
        fourth = await author(3)
        fifth = await author(4)
        return [first, second, third, fourth, fifth]

    return async_to_sync(page)()


def n04() -> Any:
    books = list(Book.objects.order_by("pk"))
    first = books[0].author.name
    second = books[1].author.name
    return [first, second]


def n04b() -> Any:
    books = list(Book.objects.order_by("pk"))
    first = books[0].author.name
    second = books[1].author.name
    third = books[2].author.name
    fourth = books[3].author.name
    fifth = books[4].author.name
    return [first, second, third, fourth, fifth]


def n04c() -> Any:
    newest, oldest = Book.objects.order_by("-pk")[0], Book.objects.order_by("pk")[0]
    found = [list(newest.tags.values_list("name", flat=True).order_by("pk"))]
    found += [list(oldest.tags.values_list("name", flat=True).order_by("pk"))]
    return found


def n05() -> Any:
    bs = list(Book.objects.order_by("pk"))
    return [bs[0].author.name, bs[1].author.name]


def n05b() -> Any:
    b = list(Book.objects.order_by("pk"))
    return [
        b[0].author.name,
        b[1].author.name,
        b[2].author.name,
        b[3].author.name,
        b[4].author.name,
    ]


def n06() -> Any:
    book = Book.objects.get(title="title 2")
    return [book.author.name, book.editor.name]


def n06b() -> Any:
    p = Patient.objects.get(surname="surname 2")
    return [p.gp.home.floor, p.surgeon.home.floor, p.bed_in.floor, p.mother.bed_in.floor]


def _with_tags(number: int) -> list[str]:
    (book,) = Book.objects.filter(title=f"title {number}").prefetch_related("tags")
    return sorted(tag.name for tag in book.tags.all())


def n12() -> Any:
    return _with_tags(1)


def n12b() -> Any:
    found = _with_tags(0)
    found += _with_tags(1)
    found += _with_tags(2)
    found += _with_tags(3)
    found += _with_tags(4)
    return found


def n12c() -> Any:
    book = Book.objects.prefetch_related("tags", "review_set", "author__publisher").get(
        title="title 3"
    )
    return [book.author.publisher.name, len(book.tags.all()), len(book.review_set.all())]


def n12d() -> Any:
    profile = Profile.objects.prefetch_related("author").order_by("pk").first()
    assert profile is not None
    found: list[Any] = [profile.author.publisher.name, profile.author.edited.count()]
    return [*found, [book.title for book in profile.author.books.all()]]


def n12e() -> Any:
    author = Author.objects.prefetch_related("books").get(name="author 2")
    (book,) = author.books.all()
    return [book.category.name, [tag.name for tag in book.tags.order_by("pk")], book.stock.copies]


def n32() -> Any:
    first = Book.objects.get(title="title 2")
    first.price += 1
    first.save()
    second = Book.objects.get(title="title 2")
    second.price += 1
    second.save()
    return Book.objects.get(title="title 2").price


def n32b() -> Any:
    book = Book.objects.get(title="title 2")
    before = book.tags.count()
    book.tags.add(Tag.objects.create(name="new"))
    after = book.tags.count()
    book.tags.clear()
    return [before, after, book.tags.count()]


def n32c() -> Any:
    book = Book.objects.get(title="title 2")
    Book.objects.filter(pk=book.pk).update(price=F("price") + 1)
    book.refresh_from_db()
    once = book.price
    with connection.cursor() as cursor:
        cursor.execute("UPDATE corpus_book SET price = price + 1 WHERE id = %s", [book.pk])
    book.refresh_from_db()
    return [once, book.price]


CASES: tuple[Case, ...] = (
    silent("N01", "a relation of an object from get()", n01),
    silent("N01b", "a relation of an object from first()", n01b),
    silent("N01c", "a relation of an object picked by index", n01c),
    silent("N01d", "relations of latest() and earliest()", n01d),
    silent("N01e", "everything there is to read of one object, line after line", n01e),
    silent("N01f", "one helper that loads an object, called twice", n01f),
    silent("N01g", "a loop over a list of one row (S60)", n01g, severity="info"),
    silent("N01h", "async single loads", n01h),
    silent("N01i", "get_object_or_404, a refresh, methods two relations deep", n01i),
    silent("N02", "a row loaded singly, later in a joined list too", n02),
    silent("N02b", "a relation of the first row of a list", n02b),
    silent("N02c", "a row of a joined list loaded again by itself", n02c),
    silent("N02d", "a relation of one row out of a loop", n02d),
    silent("N03", "one helper with a get(), called from six lines", n03),
    silent("N03b", "the same behind a second helper", n03b),
    silent("N03c", "methods of one service object that call one another", n03c),
    silent("N03d", "six calls in one display, a line each", n03d),
    silent("N03e", "a loop over models: every statement is another one", n03e),
    silent("N03f", "one coroutine awaited from five lines", n03f),
    silent("N04", "two accesses on two lines", n04),
    silent("N04b", "five accesses on five lines", n04b, severity="info"),
    silent("N04c", "two objects, two lines, a many-to-many relation", n04c),
    silent("N05", "two accesses on one line", n05, severity="info"),
    silent("N05b", "five accesses on one line", n05b, severity="info"),
    silent("N06", "two keys to one table, once each: the same SQL", n06),
    silent("N06b", "four paths to one table, once each", n06b, severity="info"),
    silent("N12", "a prefetch on a queryset that yields one row", n12),
    silent("N12b", "a helper with such a prefetch, called from five lines", n12b),
    silent("N12c", "a prefetch on get()", n12c),
    silent("N12d", "relations of the one row that get() prefetched", n12d),
    silent(
        "N12e",
        "relations of the one row behind a manager that get() prefetched",
        n12e,
        severity="info",
    ),
    silent("N32", "read, write, read of the same row", n32),
    silent("N32b", "count, add, count of the same relation", n32b),
    silent("N32c", "update and refresh_from_db, by the ORM and by hand", n32c),
)
