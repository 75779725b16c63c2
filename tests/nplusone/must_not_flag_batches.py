"""Must stay silent: many rows at a time, by pages, keys or chunks (N08 to N10, N27, N43)."""

# ruff: noqa: D103, PERF401  # the table at the end says what each function shows: loops, mostly

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Prefetch, Q, prefetch_related_objects

from tests.nplusone.case import Case
from tests.nplusone.models import Author, Book, Category, Label, Note, Review, Tag, Visit

#: The table's word for a case of this file.
silent = partial(Case, kind="")


def _more_books() -> None:
    """Make it thirteen: seven chunks of two, the last of one."""
    author = Author.objects.first()
    made = [Book(title=f"more {number}", author=author, editor=author) for number in range(7)]
    Book.objects.bulk_create(made)
    Review.objects.bulk_create(Review(book=book, text="fine") for book in made)
    for book in made:
        book.notes.add(Note(text="torn"), bulk=False)


def _chunks(items: Any) -> Iterator[Any]:
    items = list(items)
    for start in range(0, len(items), 2):
        yield items[start : start + 2]


def n08() -> Any:
    found, start = [], 0
    while books := list(Book.objects.order_by("pk")[start : start + 2]):
        found += [book.title for book in books]
        start += 2
    return found


def n08b() -> Any:
    books = Book.objects.select_related("author").prefetch_related("tags").order_by("pk")
    found = []
    for start in range(0, 13, 2):
        for book in books[start : start + 2]:
            found.append((book.author.name, len(book.tags.all())))
    return found


def n08c() -> Any:
    pages = Paginator(Book.objects.order_by("pk"), 2)
    return [[book.title for book in page] for page in pages]


def n08d() -> Any:
    pages = Paginator(Book.objects.order_by("pk").values_list("title", flat=True), 2)
    return [list(pages.page(number).object_list) for number in pages.page_range]


def n08e() -> Any:
    found, last = [], 0
    while books := list(Book.objects.filter(pk__gt=last).order_by("pk")[:2]):
        found += [book.title for book in books]
        last = books[-1].pk
    return found


def n08f() -> Any:
    found, price, key = [], 0, 0
    while books := list(
        Book.objects.filter(Q(price__gt=price) | Q(price=price, pk__gt=key)).order_by(
            "price", "pk"
        )[:2]
    ):
        found += [book.title for book in books]
        price, key = books[-1].price, books[-1].pk
    return found


def _pages(last: Any) -> Iterator[list[Visit]]:
    while visits := list(Visit.objects.filter(day__lt=last).order_by("-day")[:2]):
        yield visits
        last = visits[-1].day


def n08g() -> Any:
    return [[visit.fee for visit in visits] for visits in _pages("2100-01-01")]


def n08h() -> Any:
    found = []
    with connection.cursor() as cursor:
        for start in range(0, 13, 2):
            cursor.execute(
                "SELECT title FROM corpus_book ORDER BY id LIMIT %s OFFSET %s", [2, start]
            )
            found += cursor.fetchall()
    return found


def n08i() -> Any:
    author, found, start = Author.objects.order_by("pk")[0], [], 0
    while books := author.books.order_by("pk")[start : start + 2]:
        found += [book.title for book in books]
        start += 2
    return found


def n08j() -> Any:
    async def pages() -> list[str]:
        found, last = [], 0
        while True:
            books = Book.objects.filter(pk__gt=last).order_by("pk")[:2]
            page = [book async for book in books]
            if not page:
                return found
            found += [book.title for book in page]
            last = page[-1].pk

    return async_to_sync(pages)()


def n08k() -> Any:
    first, found = Book.objects.order_by("pk")[0].pk, []
    for low in range(first, first + 13, 2):
        found += [b.title for b in Book.objects.filter(pk__gte=low, pk__lt=low + 2).order_by("pk")]
    return found


def n08l() -> Any:
    found = []
    while keys := list(Book.objects.filter(price__gte=0).values_list("pk", flat=True)[:2]):
        found.append(len(keys))
        Book.objects.filter(pk__in=keys).update(price=-1)
    return found


def _keys() -> list[Any]:
    return list(Book.objects.order_by("pk").values_list("pk", flat=True))


def n09() -> Any:
    found = []
    for keys in _chunks(_keys()):
        found += [book.title for book in Book.objects.filter(pk__in=keys).order_by("pk")]
    return found


def n09b() -> Any:
    found: dict[Any, str] = {}
    for keys in _chunks(_keys()):
        found |= {key: book.title for key, book in Book.objects.in_bulk(keys).items()}
    return found


def n09c() -> Any:
    found = []
    for books in _chunks(Book.objects.order_by("pk")):
        reviews = Review.objects.filter(book__in=books).order_by("pk")
        found.append([review.text for review in reviews])
    return found


def n09d() -> Any:
    found = []
    for keys in _chunks(_keys()):
        found.append(Review.objects.filter(book_id__in=keys).count())
        found += Book.objects.filter(pk__in=keys).order_by("pk").values_list("title", flat=True)
    return found


def n09e() -> Any:
    found = []
    for keys in _chunks(_keys()):
        marks = ", ".join(["%s"] * len(keys))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT title FROM corpus_book WHERE id IN ({marks})", keys)
            found += cursor.fetchall()
        sql = f"SELECT * FROM corpus_book WHERE id IN ({marks}) ORDER BY id"
        found += [book.title for book in Book.objects.raw(sql, keys)]
    return found


def n09f() -> Any:
    found = []
    for books in _chunks(Book.objects.order_by("pk")):
        prefetch_related_objects(books, "tags", "author__publisher")
        found += [(len(book.tags.all()), book.author.publisher.name) for book in books]
    return found


def n10() -> Any:
    books = Book.objects.prefetch_related("tags").order_by("pk").iterator(chunk_size=2)
    return [sorted(tag.name for tag in book.tags.all()) for book in books]


def n10b() -> Any:
    books = Book.objects.prefetch_related("author__publisher", "review_set", "notes")
    return [
        (book.author.publisher.name, len(book.review_set.all()), len(book.notes.all()))
        for book in books.order_by("pk").iterator(chunk_size=2)
    ]


def n10c() -> Any:
    poor = Prefetch("review_set", Review.objects.filter(stars__lt=3), to_attr="poor")
    books = Book.objects.prefetch_related(poor).order_by("pk").iterator(2)
    return [[review.text for review in book.poor] for book in books]


def n10d() -> Any:
    notes = Note.objects.prefetch_related("subject__author").order_by("pk")
    return [note.subject.author.name for note in notes.iterator(chunk_size=2)]


def n10e() -> Any:
    async def titles() -> list[int]:
        books = Book.objects.prefetch_related("tags").order_by("pk")
        return [len(book.tags.all()) async for book in books.aiterator(chunk_size=2)]

    return async_to_sync(titles)()


def n27() -> Any:
    made = Label.objects.bulk_create([Label(name=str(n)) for n in range(13)], batch_size=2)
    for label in made:
        label.name += "!"
    Label.objects.bulk_update(made, ["name"], batch_size=2)
    return [Label.objects.count(), Label.objects.filter(name__endswith="!").delete()[0]]


def n27b() -> Any:
    for names in _chunks(range(13)):
        Label.objects.bulk_create([Label(name=str(name)) for name in names])
    return Label.objects.count()


def n27c() -> Any:
    changed = 0
    for keys in _chunks(_keys()):
        changed += Book.objects.filter(pk__in=keys).update(price=1)
    return changed


def n27d() -> Any:
    gone = []
    for keys in _chunks(_keys()):
        gone.append(Book.objects.filter(pk__in=keys).delete()[0] > 0)
    return gone


def n27e() -> Any:
    for books in _chunks(Book.objects.order_by("pk")):
        for book in books:
            book.price += 1
        Book.objects.bulk_update(books, ["price"])
    return list(Book.objects.order_by("pk").values_list("price", flat=True))


def n27f() -> Any:
    for numbers in _chunks(range(13)):
        tags = [Tag(name=f"tag {number}") for number in numbers]
        Tag.objects.bulk_create(tags, ignore_conflicts=True)
        found = [Category(slug=f"category-{number}", name="new") for number in numbers]
        Category.objects.bulk_create(
            found, update_conflicts=True, update_fields=["name"], unique_fields=["slug"]
        )
    return [Tag.objects.count(), Category.objects.filter(name="new").count()]


def n27g() -> Any:
    with connection.cursor() as cursor:
        for names in _chunks(range(13)):
            rows = [[f"label {name}"] for name in names]
            cursor.executemany("INSERT INTO corpus_label (name) VALUES (%s)", rows)
    return Label.objects.count()


def n27h() -> Any:
    async def make() -> int:
        for names in _chunks(range(13)):
            await Label.objects.abulk_create([Label(name=str(name)) for name in names])
        return await Label.objects.acount()

    return async_to_sync(make)()


def _peers() -> Any:
    from django.db.models import FETCH_PEERS

    return Book.objects.fetch_mode(FETCH_PEERS)


def n43() -> Any:
    return [(b.author.publisher.name, b.category.name) for b in _peers()[:6]]


def n43b() -> Any:
    found = []
    for keys in _chunks(_keys()):
        found += [book.author.name for book in _peers().filter(pk__in=keys).order_by("pk")]
    return found


def n43c() -> Any:
    return [book.body for book in _peers().only("title").order_by("pk")]


more = partial(silent, prepare=_more_books)

CASES: tuple[Case, ...] = (
    more("N08", "slices in a while loop", n08),
    more("N08b", "slices with a join and a prefetch each", n08b),
    more("N08c", "Django's Paginator, walked", n08c),
    more("N08d", "Django's Paginator, by page number", n08d),
    more("N08e", "pages after the last key", n08e),
    more("N08f", "pages after the last two keys", n08f),
    more("N08g", "pages before a date, from a generator", n08g),
    more("N08h", "LIMIT and OFFSET by hand", n08h),
    more("N08i", "pages of a manager", n08i),
    more("N08j", "pages of an async loop", n08j),
    more("N08k", "ranges of keys", n08k),
    more("N08l", "the first ones that are left, until none is", n08l),
    more("N09", "pk__in, a chunk at a time, the last of one key", n09),
    more("N09b", "in_bulk, a chunk at a time", n09b),
    more("N09c", "rows of a chunk of objects", n09c),
    more("N09d", "count() and values_list() of a chunk", n09d),
    more("N09e", "IN by hand, in a cursor and in raw()", n09e),
    more("N09f", "prefetch_related_objects, a chunk at a time", n09f),
    more("N10", "a prefetch within iterator(chunk_size=)", n10),
    more("N10b", "prefetches of each kind within iterator()", n10b),
    more("N10c", "Prefetch(to_attr=) within iterator()", n10c),
    more("N10d", "a generic prefetch within iterator()", n10d),
    more("N10e", "a prefetch within aiterator()", n10e),
    silent("N27", "bulk_create, bulk_update and delete() in batches of their own", n27),
    silent("N27b", "bulk_create of a chunk at a time", n27b),
    more("N27c", "update() of a chunk at a time", n27c),
    more("N27d", "delete() of a chunk at a time, with cascades", n27d),
    more("N27e", "bulk_update of a chunk at a time", n27e),
    silent("N27f", "bulk_create that ignores or updates what is there", n27f),
    silent("N27g", "executemany", n27g),
    silent("N27h", "abulk_create of a chunk at a time", n27h),
    silent("N43", "FETCH_PEERS: one statement for each relation", n43, needs="fetch_modes"),
    more("N43b", "FETCH_PEERS: one statement for each chunk", n43b, needs="fetch_modes"),
    silent("N43c", "FETCH_PEERS: a deferred field", n43c, needs="fetch_modes"),
)
