"""The tag on rows: which queryset loaded them, at no change to what a queryset does."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import Count, Prefetch, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init

from perfkit import hooks
from perfkit.capture import origin
from perfkit.capture.current import Trace
from perfkit.capture.origin import TAG, Origin, origin_of
from perfkit.snapshot import site_of
from tests.library.models import Audiobook, Author, Book, Review
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill()


@contextmanager
def constructed(model: Any) -> Iterator[list[Any]]:
    """Collect every instance of a model that is made."""
    made: list[Any] = []

    def note(instance: Any, **kwargs: Any) -> None:
        made.append(instance.pk)

    post_init.connect(note, sender=model)
    try:
        yield made
    finally:
        post_init.disconnect(note, sender=model)


def tag(row: Any) -> Origin:
    """Return a row's tag, which must be there."""
    found = origin_of(row)
    assert found is not None
    return found


def test_rows_of_one_evaluation_share_one_tag(trace: Trace) -> None:
    """Model and line of the queryset, on every row."""
    books = list(Book.objects.order_by("pk"))
    assert len({id(origin_of(book)) for book in books}) == 1
    shared = tag(books[0])
    assert shared.model == "library.Book"
    assert shared.place is not None
    assert site_of(shared.place).function == "test_rows_of_one_evaluation_share_one_tag"
    assert (shared.eager, shared.parent, shared.single, shared.via) == (
        "select_related",
        None,
        False,
        "",
    )


def test_the_line_is_where_the_queryset_is_evaluated(trace: Trace) -> None:
    """Not where it was built, nor where its rows are used."""
    books = Book.objects.order_by("pk")
    rows = list(books)
    place = tag(rows[0]).place
    assert place is not None
    first_line = test_the_line_is_where_the_queryset_is_evaluated.__code__.co_firstlineno
    assert site_of(place).line == first_line + 3


def test_nobody_records_nothing_is_tagged() -> None:
    """An idle process pays one look at a context variable for a queryset."""
    hooks.install()
    assert [origin_of(book) for book in Book.objects.all()] == [None] * ROWS


def test_a_row_alone_is_no_loop(trace: Trace) -> None:
    """One row cannot be looped over: it gets no tag and costs no stack walk."""
    assert origin_of(Book.objects.get(title="title 0")) is None
    assert origin_of(Book.objects.first()) is None
    assert list(Book.objects.none()) == []


def test_a_row_loaded_through_a_row_knows_its_parent(trace: Trace) -> None:
    """The author of a book from a list belongs to that list; so does the author's publisher."""
    books = list(Book.objects.all())
    author = tag(books[0].author)
    assert author.single
    assert author.parent is tag(books[0])
    assert origin_of(books[1].author) is author
    assert origin_of(books[1].author.publisher) is author


def test_rows_of_a_related_manager_know_their_parent(trace: Trace) -> None:
    """An inner loop's queryset hangs on the outer one's row."""
    Book.objects.update(author=Author.objects.get(name="author 1"))
    authors = list(Author.objects.order_by("pk"))
    books = list(authors[1].books.all())
    assert tag(books[0]).parent is tag(authors[1])
    assert not tag(books[0]).single
    assert tag(books[0]).model == "library.Book"


def test_a_row_picked_by_a_manager_is_not_blamed_on_another_relation(trace: Trace) -> None:
    """`author.books.first()` is one of many, so no single-valued path leads to it."""
    author = list(Author.objects.all())[0]  # noqa: RUF015  # rows of a list are what is tagged
    assert origin_of(author.books.first()) is None


def test_prefetched_rows_tell_the_lookup(trace: Trace) -> None:
    """A prefetch is part of the queryset that asked for it, which is what one can edit."""
    books = list(Book.objects.prefetch_related("author__publisher", "review_set"))
    author, publisher = tag(books[0].author), tag(books[0].author.publisher)
    assert (author.via, publisher.via) == ("author", "author__publisher")
    assert author.parent is tag(books[0])
    assert publisher.parent is author
    assert tag(books[0].review_set.all()[0]).via == "review_set"


def test_a_prefetch_to_an_attribute_tells_the_attribute(trace: Trace) -> None:
    """A further lookup through it begins with its name."""
    lookup = Prefetch("review_set", Review.objects.order_by("pk"), to_attr="opinions")
    books: list[Any] = list(Book.objects.prefetch_related(lookup))
    assert tag(books[0].opinions[0]).via == "opinions"


@pytest.mark.parametrize(
    ("queryset", "eager"),
    [
        (lambda: Book.objects.all(), "select_related"),
        (lambda: Book.objects.all()[:3], "select_related"),
        (lambda: Book.objects.select_related("author"), "select_related"),
        (lambda: Book.objects.annotate(n=Count("tags")), "select_related"),
        (lambda: Book.objects.only("title", "author"), "prefetch_related"),
        (lambda: Book.objects.defer("body"), "prefetch_related"),
        (lambda: Book.objects.select_for_update(), "prefetch_related"),
        (lambda: Book.objects.all().union(Book.objects.all()), ""),
    ],
)
def test_the_tag_says_what_may_be_added(queryset: Any, eager: str, trace: Trace) -> None:
    """The named method runs on that very queryset; where none is named, both are refused."""
    assert tag(list(queryset())[0]).eager == eager  # noqa: RUF015  # a list, as sites make it
    if eager:
        assert list(getattr(queryset(), eager)("author"))
    else:
        with pytest.raises(Exception, match="not supported"):
            queryset().select_related("author")
        with pytest.raises(Exception, match="not supported"):
            queryset().prefetch_related("author")


def test_rows_without_instances_are_left_alone(trace: Trace) -> None:
    """values(), values_list() and dates are no rows of a model; raw rows have no queryset."""
    assert len(Book.objects.values("title")) == ROWS
    assert len(Book.objects.values_list("title", flat=True)) == ROWS
    raw = list(Book.objects.raw("SELECT * FROM library_book"))
    assert [origin_of(book) for book in raw] == [None] * ROWS


def test_iterator_rows_are_tagged(trace: Trace) -> None:
    """Streaming rows carry the tag too; the first one gets it with the second."""
    rows = Book.objects.iterator(chunk_size=2)
    first = next(rows)
    assert origin_of(first) is None
    second = next(rows)
    assert origin_of(first) is origin_of(second) is not None
    assert [origin_of(row) for row in rows] == [origin_of(second)] * (ROWS - 2)


def test_async_iteration_is_tagged(trace: Trace) -> None:
    """`async for` gives the same rows."""

    async def view() -> list[Book]:
        return [book async for book in Book.objects.order_by("pk")]

    books = async_to_sync(view)()
    assert [book.title for book in books] == [f"title {number}" for number in range(ROWS)]
    assert tag(books[0]).model == "library.Book"


def test_a_queryset_is_as_lazy_as_before(trace: Trace) -> None:
    """A row that nobody asks for is neither built nor read ahead."""
    with constructed(Book) as made:
        rows = Book.objects.order_by("pk").iterator(chunk_size=1)
        assert made == []
        next(rows)
        assert len(made) == 1
        next(rows)
        assert len(made) == 2
        rows.close()
    assert len(made) == 2


@pytest.mark.parametrize(
    "use",
    [
        lambda: list(Book.objects.all()),
        lambda: list(Book.objects.all()[:2]),
        lambda: Book.objects.first(),
        lambda: Book.objects.in_bulk(),
        lambda: list(Book.objects.prefetch_related("tags", "author")),
        lambda: list(Audiobook.objects.all()),
        lambda: bool(Book.objects.all()),
        lambda: Book.objects.exists(),
        lambda: list(Book.objects.iterator(chunk_size=2)),
    ],
)
def test_recording_changes_neither_rows_nor_statements(use: Any, trace: Trace) -> None:
    """The same rows are built from the same statements with and without the tag."""
    with constructed(Book) as with_tags:
        use()
    seen = len(trace.events)
    trace.closed = True
    with constructed(Book) as without:
        use()
    hooks.uninstall()
    try:
        with constructed(Book) as plain, connection.execute_wrapper(counting := Counting()):
            use()
    finally:
        hooks.install()
    assert with_tags == without == plain
    assert seen == counting.count


class Counting:
    """Counts statements without perfkit."""

    count = 0

    def __call__(self, execute: Any, *args: Any) -> Any:
        self.count += 1
        return execute(*args)


def test_a_generator_closed_early_lets_go(trace: Trace) -> None:
    """Leaving a loop early closes the cursor and frees the rows."""
    rows = Book.objects.iterator(chunk_size=1)
    held = weakref.ref(next(rows))
    next(rows)
    rows.close()
    gc.collect()
    assert held() is None


def test_a_stream_holds_no_row_that_was_used(trace: Trace) -> None:
    """A million rows pass through the memory of a few."""
    rows = Book.objects.iterator(chunk_size=1)
    held = []
    for row in rows:
        held.append(weakref.ref(row))
        del row
        gc.collect()
        assert sum(reference() is not None for reference in held) <= 1
    assert held[0]() is held[-1]() is None


def test_an_error_in_the_query_passes(trace: Trace) -> None:
    """The exception is the database's own."""
    with pytest.raises(Exception, match="no such function"):
        list(Book.objects.extra(where=["nonsense(1)"]))


def test_instances_pickle_without_the_tag(trace: Trace) -> None:
    """A pickled row loads where perfkit is not installed: nothing of perfkit is in it."""
    book = list(Book.objects.all())[0]  # noqa: RUF015  # rows of a list are what is tagged
    pickled = pickle.dumps(book)
    assert b"perfkit.capture" not in pickled
    again = pickle.loads(pickled)
    assert again == book
    assert origin_of(again) is None
    assert again.author.name == book.author.name


def test_querysets_pickle(trace: Trace) -> None:
    """A pickled result, as caches keep it, has the same rows."""
    books = Book.objects.order_by("pk")
    again: QuerySet[Book] = pickle.loads(pickle.dumps(books))
    assert list(again) == list(books)
    assert b"perfkit.capture" not in pickle.dumps(list(books))


def test_instances_copy(trace: Trace) -> None:
    """A copy of a row comes from the same queryset."""
    book = list(Book.objects.all())[0]  # noqa: RUF015  # rows of a list are what is tagged
    assert origin_of(copy.deepcopy(book)) is origin_of(book)
    assert origin_of(copy.copy(book)) is origin_of(book)


def test_a_row_that_outlives_its_recording_is_as_any_row(trace: Trace) -> None:
    """Its relations load as before, and the tag keeps neither rows nor querysets alive."""
    books = list(Book.objects.all())
    held = [weakref.ref(book) for book in books[1:]]
    survivor = books[0]
    del books
    gc.collect()
    assert [reference() for reference in held] == [None] * (ROWS - 1)
    trace.closed = True
    assert survivor.author.name == "author 0"
    assert survivor.author.publisher.name == "publisher 0"
    survivor.refresh_from_db()
    survivor.title = "new"
    survivor.save()
    assert Book.objects.get(pk=survivor.pk).title == "new"


def test_the_tag_is_no_field(trace: Trace) -> None:
    """Nothing of it reaches the database, comparison or the row's own attributes."""
    book = list(Book.objects.all())[0]  # noqa: RUF015  # rows of a list are what is tagged
    assert TAG not in vars(book)
    assert TAG in vars(book._state)
    trace.closed = True
    assert book == Book.objects.get(pk=book.pk)


def test_uninstalling_restores_the_orm() -> None:
    """Django's own method is back, the very object."""
    hooks.install()
    try:
        hooks.uninstall()
        assert ModelIterable.__iter__ is origin._original_iter
    finally:
        hooks.install()
    assert ModelIterable.__iter__ is origin.iterate
