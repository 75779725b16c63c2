"""Tagged rows: which queryset loaded them, at no change to what a queryset does."""

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
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db import connection
from django.db.models import Prefetch, QuerySet
from django.db.models.query import ModelIterable, RawModelIterable
from django.db.models.signals import post_init
from django.test.utils import isolate_apps

from perfkit import hooks
from perfkit.capture import rows
from perfkit.capture.current import Trace, current
from perfkit.capture.origin import TAG, Origin, origin_of
from perfkit.snapshot import site_of
from tests.library.models import Audiobook, Author, Book, Note, Publisher, Review
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


def steps(row: Any) -> list[tuple[str, str]]:
    """List how a row was reached from the queryset of the site's own, innermost first."""
    told = []
    origin: Origin | None = tag(row)
    while origin is not None:
        told.append((origin.step, origin.name))
        origin = origin.parent
    return told


def load(rows_of: Any) -> Any:
    """Evaluate a queryset and return its first row, tagged as one of a list."""
    return list(rows_of)[0]  # noqa: RUF015  # rows of a list are what is tagged


# Rows of a queryset.


def test_rows_of_one_evaluation_share_one_tag(trace: Trace) -> None:
    """Model and line of the queryset, on every row."""
    books = list(Book.objects.order_by("pk"))
    assert len({id(origin_of(book)) for book in books}) == 1
    shared = tag(books[0])
    assert (shared.model, shared.step, shared.name, shared.parent) == ("library.Book", "", "", None)
    assert shared.place is not None
    assert site_of(shared.place).function == "test_rows_of_one_evaluation_share_one_tag"


def test_the_line_is_where_the_queryset_is_evaluated(trace: Trace) -> None:
    """Not where it was built, nor where its rows are used."""
    books = Book.objects.order_by("pk")
    rows = list(books)
    place = tag(rows[0]).place
    assert place is not None
    first_line = test_the_line_is_where_the_queryset_is_evaluated.__code__.co_firstlineno
    assert site_of(place).line == first_line + 3


def test_it_is_told_whether_there_are_several(trace: Trace) -> None:
    """A list of one row is no loop yet."""
    (book,) = list(Book.objects.filter(title="title 0"))
    assert not tag(book).several
    assert tag(load(Book.objects.all())).several


def test_one_line_is_one_origin_however_often_it_runs(trace: Trace) -> None:
    """Evaluated again it is counted, for a prefetch there would run as often."""
    tags = {tag(load(Book.objects.all())) for _ in range(2)}
    (only,) = tags
    assert only.times == 2


def test_another_queryset_on_the_line_is_another_origin(trace: Trace) -> None:
    """A line that evaluates what it is given: no edit to one queryset helps the other."""
    made = [Book.objects.all(), Book.objects.defer("body"), Author.objects.all()]
    assert len({tag(load(queryset)) for queryset in made}) == 3


def test_nobody_records_nothing_is_tagged() -> None:
    """An idle process pays one look at a context variable for a queryset."""
    hooks.install()
    assert [origin_of(book) for book in Book.objects.all()] == [None] * ROWS
    assert [origin_of(book) for book in Book.objects.raw("SELECT * FROM library_book")] == (
        [None] * ROWS
    )


def test_a_closed_recording_tags_nothing(trace: Trace) -> None:
    """A task that outlives its request runs as if nobody recorded."""
    trace.closed = True
    assert origin_of(load(Book.objects.all())) is None
    assert origin_of(load(Book.objects.raw("SELECT * FROM library_book"))) is None


def test_rows_without_instances_are_left_alone(trace: Trace) -> None:
    """values(), values_list() and dates are no rows of a model."""
    assert len(Book.objects.values("title")) == ROWS
    assert len(Book.objects.values_list("title", flat=True)) == ROWS
    assert trace.roots == {}


def test_nothing_found_is_nothing_evaluated(trace: Trace) -> None:
    """Without rows there is no loop, and a prefetch would not run."""
    assert list(Book.objects.filter(title="none such")) == []
    assert list(Book.objects.none()) == []
    assert list(Book.objects.filter(title="none such").iterator()) == []
    assert trace.roots == {}


def test_raw_rows_are_tagged(trace: Trace) -> None:
    """Model.raw() takes a prefetch, which its origin tells."""
    lookups = ["author", Prefetch("tags")]
    books = list(Book.objects.raw("SELECT * FROM library_book").prefetch_related(*lookups))
    assert len({id(tag(book)) for book in books}) == 1
    origin = tag(books[0])
    assert (origin.model, origin.several) == ("library.Book", True)
    assert origin.facts is not None
    assert (origin.facts.raw, origin.facts.prefetched) == (True, ("author", "tags"))
    assert steps(books[0].author) == [("prefetch", "author"), ("", "")]


def test_a_raw_list_of_one_row_is_no_loop_yet(trace: Trace) -> None:
    """As with any queryset."""
    query = "SELECT * FROM library_book WHERE title = 'title 0'"
    assert not tag(load(Book.objects.raw(query))).several


def test_rows_of_many_tables_are_tagged(trace: Trace) -> None:
    """A child of several tables is a row like any other."""
    Audiobook.objects.create(title="spoken", author=Author.objects.get(name="author 0"))
    assert tag(load(Audiobook.objects.all())).model == "library.Audiobook"


# A row alone.


@pytest.mark.parametrize(
    "row",
    [
        lambda: Book.objects.select_related("author").get(title="title 0"),
        lambda: Book.objects.prefetch_related("tags").first(),
    ],
    ids=["joined", "prefetched"],
)
def test_a_row_alone_with_others_along_leads_them_to_its_line(row: Any, trace: Trace) -> None:
    """Nothing is told of the row itself: that one row came, where one was asked for, is no list of one."""
    found = tag(row())
    assert (found.step, found.several) == ("", True)


@pytest.mark.parametrize(
    "row",
    [
        lambda: Book.objects.get(title="title 0"),
        lambda: Book.objects.first(),
        lambda: Book.objects.order_by("pk").last(),
        lambda: Book.objects.all()[0],
        lambda: Book.objects.all()[3],
    ],
    ids=["get", "first", "last", "[0]", "[3]"],
)
def test_a_row_alone_is_no_loop(row: Any, trace: Trace) -> None:
    """One row cannot be looped over: it gets no tag."""
    assert origin_of(row()) is None


def test_get_fails_as_before(trace: Trace) -> None:
    """Of too many rows and of none."""
    with pytest.raises(Book.MultipleObjectsReturned, match="it returned"):
        Book.objects.get()
    with pytest.raises(Book.DoesNotExist):
        Book.objects.get(title="none such")


def test_a_row_loaded_through_a_row_knows_its_parent(trace: Trace) -> None:
    """The author of a book from a list belongs to that list; so does the author's publisher."""
    books = list(Book.objects.all())
    assert steps(books[0].author) == [("single", "author"), ("", "")]
    assert tag(books[0].author).parent is tag(books[0])
    assert tag(books[1].author) is tag(books[0].author)
    assert steps(books[1].author.publisher) == [
        ("single", "publisher"),
        ("single", "author"),
        ("", ""),
    ]


def test_each_key_is_followed_by_its_name(trace: Trace) -> None:
    """Author and editor lie in one table and are two relations."""
    book: Any = load(Book.objects.all())
    assert [steps(row)[0] for row in (book.author, book.editor)] == [
        ("single", "author"),
        ("single", "editor"),
    ]


def test_a_reverse_one_to_one_row_knows_its_parent(trace: Trace) -> None:
    """By the name that the site reads."""
    author: Any = load(Author.objects.all())
    assert steps(author.profile) == [("single", "profile"), ("", "")]


def test_a_generic_key_leads_to_each_model_by_itself(trace: Trace) -> None:
    """Rows of two models behind one key load other relations."""
    Note.objects.create(text="signed", subject=Author.objects.get(name="author 0"))
    subjects = [note.subject for note in Note.objects.all()]
    assert {steps(subject)[0] for subject in subjects} == {("single", "subject")}
    assert {tag(subject).model for subject in subjects} == {"library.Book", "library.Author"}
    assert len({tag(subject).parent for subject in subjects}) == 1


def test_what_a_row_alone_leads_to_is_not_tagged(trace: Trace) -> None:
    """The chain of a single row is no loop either."""
    book: Any = Book.objects.get(title="title 0")
    rows = (book.author, book.author.publisher, book.author.profile, book.notes.get().subject)
    assert [origin_of(row) for row in rows] == [None] * 4


def test_a_row_keeps_its_tag_when_it_is_loaded_again(trace: Trace) -> None:
    """For a deferred field, or as a whole: Django reads a second row, which nobody sees."""
    book: Any = load(Book.objects.only("title"))
    before = tag(book)
    assert book.body == ""
    book.refresh_from_db()
    assert tag(book) is before
    assert {id(event[7]) for event in trace.events[1:]} == {id(before)}


def test_a_row_picked_by_a_manager_is_not_blamed_on_another_relation(trace: Trace) -> None:
    """`author.books.first()` is one of many, so no single-valued path leads to it."""
    author: Any = load(Author.objects.all())
    for book in (author.books.first(), author.books.get(), author.books.all()[0]):
        assert steps(book) == [("refined", ""), ("", "")]


# Rows through a manager, a join or a prefetch.


def test_rows_of_a_related_manager_know_their_parent(trace: Trace) -> None:
    """An inner loop's queryset hangs on the outer one's row."""
    Book.objects.update(author=Author.objects.get(name="author 1"))
    authors = list(Author.objects.order_by("pk"))
    books = list(authors[1].books.all())
    assert steps(books[0]) == [("many", "books"), ("", "")]
    assert tag(books[0]).parent is tag(authors[1])
    assert tag(books[0]).model == "library.Book"
    assert tag(books[0]).several


def test_an_inner_queryset_is_counted(trace: Trace) -> None:
    """As often as there are outer rows."""
    inner = [load(author.books.all()) for author in Author.objects.all()]
    assert {tag(book).times for book in inner} == {ROWS}


def test_a_refined_manager_is_a_queryset_of_its_own(trace: Trace) -> None:
    """What is filtered or ordered cannot be prefetched by the relation's name alone."""
    author: Any = load(Author.objects.all())
    assert steps(load(author.books.order_by("title"))) == [("refined", "books"), ("", "")]
    assert steps(load(author.books.filter(body=""))) == [("refined", "books"), ("", "")]


def test_a_manager_followed_from_where_it_leads_is_a_recursion(trace: Trace) -> None:
    """A tree that is walked down is one origin, however deep."""

    def down(author: Any) -> list[Any]:
        found = []
        for pupil in author.pupils.all():
            found += [pupil, *down(pupil)]
        return found

    pupils = down(load(Author.objects.filter(mentor=None)))
    assert len(pupils) == ROWS - 1
    assert len({tag(pupil) for pupil in pupils}) == 1
    assert steps(pupils[-1]) == [("many", "pupils"), ("", "")]
    assert tag(pupils[-1]).recursive


def test_a_manager_of_a_row_alone_begins_anew(trace: Trace) -> None:
    """author.books.all() of one author is a queryset like any other."""
    author = Author.objects.get(name="author 0")
    assert steps(load(author.books.all())) == [("", "")]


def test_joined_rows_know_the_join(trace: Trace) -> None:
    """What select_related builds along belongs to the queryset as its own rows do."""
    books = list(Book.objects.select_related("author__publisher"))
    assert steps(books[0].author.publisher) == [("join", "publisher"), ("join", "author"), ("", "")]
    streamed = list(Book.objects.select_related("author").iterator())
    assert [steps(book.author)[0] for book in streamed] == [("join", "author")] * ROWS


def test_prefetched_rows_tell_the_lookup(trace: Trace) -> None:
    """A prefetch is part of the queryset that asked for it, which is what one can edit."""
    books = list(Book.objects.prefetch_related("author__publisher", "review_set"))
    assert steps(books[0].author.publisher) == [
        ("prefetch", "publisher"),
        ("prefetch", "author"),
        ("", ""),
    ]
    assert tag(books[0].author).parent is tag(books[0])
    assert steps(books[0].review_set.all()[0])[0] == ("prefetch", "review_set")


def test_a_prefetch_to_an_attribute_tells_the_attribute(trace: Trace) -> None:
    """A further lookup through it begins with its name."""
    lookup = Prefetch("review_set", Review.objects.order_by("pk"), to_attr="opinions")
    books: list[Any] = list(Book.objects.prefetch_related(lookup))
    assert steps(books[0].opinions[0]) == [("prefetch", "opinions"), ("", "")]


def test_generically_prefetched_rows_are_told_by_model(trace: Trace) -> None:
    """Each model behind the key is prefetched by a queryset of its own."""
    lookup = GenericPrefetch("subject", [Book.objects.all()])
    notes = list(Note.objects.prefetch_related(lookup))
    assert steps(notes[0].subject) == [("prefetch", "subject"), ("", "")]
    assert tag(notes[0].subject).model == "library.Book"


def test_a_prefetch_for_a_row_alone_leads_to_that_row(trace: Trace) -> None:
    """There the prefetch stands, and can be made to go further."""
    publisher = Publisher.objects.prefetch_related("authors").get(name="publisher 0")
    assert steps(publisher.authors.all()[0]) == [("prefetch", "authors"), ("", "")]


# Streams.


def test_iterator_rows_are_tagged_from_the_first(trace: Trace) -> None:
    """Streaming rows carry the tag too; that there are several shows with the second."""
    rows = Book.objects.iterator(chunk_size=2)
    first = tag(next(rows))
    assert not first.several
    assert [origin_of(row) for row in rows] == [first] * (ROWS - 1)
    assert first.several
    assert first.facts is not None
    assert first.facts.iterated


def test_a_stream_of_a_manager_knows_its_parent(trace: Trace) -> None:
    """author.books.iterator() is an inner loop's queryset as author.books.all() is."""
    author: Any = load(Author.objects.all())
    (book,) = author.books.iterator()
    assert steps(book) == [("many", "books"), ("", "")]


def test_async_iteration_is_tagged(trace: Trace) -> None:
    """`async for` gives the same rows, and the line is the coroutine's."""

    async def view() -> list[Book]:
        return [book async for book in Book.objects.order_by("pk")]

    books = async_to_sync(view)()
    assert [book.title for book in books] == [f"title {number}" for number in range(ROWS)]
    place = tag(books[0]).place
    assert place is not None
    assert "view" in site_of(place).function


def test_an_async_stream_is_tagged(trace: Trace) -> None:
    """aiterator() fetches in chunks, each in a thread."""

    async def view() -> list[Book]:
        return [book async for book in Book.objects.order_by("pk").aiterator(chunk_size=2)]

    books = async_to_sync(view)()
    assert len({tag(book) for book in books}) == 1
    place = tag(books[0]).place
    assert place is not None
    assert "view" in site_of(place).function


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


def test_a_generator_closed_early_lets_go(trace: Trace) -> None:
    """Leaving a loop early closes the cursor and frees the rows."""
    rows = Book.objects.iterator(chunk_size=1)
    held = weakref.ref(next(rows))
    next(rows)
    rows.close()
    gc.collect()
    assert held() is None


@pytest.mark.parametrize(
    "stream",
    [
        lambda: Book.objects.iterator(chunk_size=1),
        lambda: Book.objects.select_related("author").iterator(chunk_size=1),
        lambda: Book.objects.raw("SELECT * FROM library_book").iterator(),
    ],
    ids=["rows", "joined rows", "raw rows"],
)
def test_a_stream_holds_no_row_that_was_used(stream: Any, trace: Trace) -> None:
    """A million rows pass through the memory of a few."""
    held = []
    for row in stream():
        held.append(weakref.ref(row))
        del row
        gc.collect()
        assert sum(reference() is not None for reference in held) <= 1
    assert len(held) == ROWS
    assert held[0]() is held[-1]() is None


class Loud(ModelIterable):
    """A site's own iterable, as polymorphic models have them."""

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():
            row.loud = row.title.upper()
            yield row


def test_rows_of_a_sites_own_iterable_are_tagged(trace: Trace) -> None:
    """What it does to its rows is done before anybody sees them."""
    queryset: Any = Book.objects.order_by("pk")
    queryset._iterable_class = Loud
    books = list(queryset)
    assert [book.loud for book in books] == [f"TITLE {number}" for number in range(ROWS)]
    assert len({tag(book) for book in books}) == 1


class Plain(ModelIterable):
    """An iterable that gives something else than rows."""

    def __iter__(self) -> Iterator[Any]:
        for row in super().__iter__():
            yield row.title


with isolate_apps("tests.library"):

    class Odd(Book):
        """A row whose class makes something else of what the database gave."""

        class Meta:
            proxy = True
            app_label = "library"

        @classmethod
        def from_db(cls, db: str, field_names: Any, values: Any, **kwargs: Any) -> Any:
            """Make plain values."""
            return list(values)


@pytest.mark.parametrize(
    "use",
    [
        lambda: list(Odd.objects.order_by("pk")),
        lambda: list(Odd.objects.order_by("pk").iterator()),
        lambda: [Odd.objects.order_by("pk").first()],
        lambda: [Odd.objects.order_by("pk")[1]],
    ],
    ids=["list", "iterator", "first", "index"],
)
def test_what_is_made_of_rows_is_left_alone(use: Any, trace: Trace) -> None:
    """A `from_db()` may give anything; it comes as it was made."""
    assert all(type(made) is list for made in use())


def test_an_iterable_that_gives_no_rows_is_left_alone(trace: Trace) -> None:
    """The rows that it went through were tagged; nobody sees them."""
    queryset: Any = Book.objects.order_by("pk")
    queryset._iterable_class = Plain
    assert list(queryset) == [f"title {number}" for number in range(ROWS)]


# What the tag must not change.


@pytest.mark.parametrize(
    "use",
    [
        lambda: list(Book.objects.all()),
        lambda: list(Book.objects.all()[:2]),
        lambda: Book.objects.all()[3],
        lambda: Book.objects.first(),
        lambda: Book.objects.in_bulk(),
        lambda: list(Book.objects.prefetch_related("tags", "author")),
        lambda: list(Book.objects.select_related("author").prefetch_related("author__books")),
        lambda: [book.author.name for book in Book.objects.all()],
        lambda: [author.books.first() for author in Author.objects.all()],
        lambda: list(Audiobook.objects.all()),
        lambda: bool(Book.objects.all()),
        lambda: Book.objects.exists(),
        lambda: list(Book.objects.iterator(chunk_size=2)),
        lambda: list(Book.objects.raw("SELECT * FROM library_book")),
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


@pytest.mark.parametrize(
    "broken",
    [
        lambda: list(Book.objects.extra(where=["nonsense(1)"])),
        lambda: Book.objects.extra(where=["nonsense(1)"]).first(),
        lambda: list(Book.objects.extra(where=["nonsense(1)"]).iterator()),
        lambda: list(Book.objects.raw("SELECT nonsense(1) FROM library_book")),
        lambda: list(Author.objects.all()[0].books.extra(where=["nonsense(1)"])),
    ],
    ids=["list", "first", "iterator", "raw", "manager"],
)
def test_an_error_in_the_query_passes(broken: Any, trace: Trace) -> None:
    """The exception is the database's own, and the next statement is not mistaken for it."""
    with pytest.raises(Exception, match="no such function"):
        broken()
    assert (trace.asker, trace.asked) == (None, "")


def fault(*args: Any, **kwargs: Any) -> Any:
    """Stand for a hook that fails."""
    raise RuntimeError("not now")


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("begin_origin", lambda: len(list(Book.objects.all()))),
        ("begin_origin", lambda: len(list(Book.objects.iterator()))),
        ("begin_origin", lambda: len(list(Book.objects.select_related("author").iterator()))),
        ("begin_origin", lambda: bool(Book.objects.select_related("author").first()) * ROWS),
        ("lone_origin", lambda: bool(Book.objects.first()) * ROWS),
        ("evaluated_at", lambda: len(list(Book.objects.raw("SELECT * FROM library_book")))),
        ("joins_of", lambda: len(list(Book.objects.select_related("author")))),
    ],
)
def test_a_failure_of_ours_is_kept_and_the_rows_come(
    name: str, use: Any, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site's rows are all there; the pipeline reports what failed."""
    monkeypatch.setattr(rows, name, fault)
    assert use() == ROWS
    assert {(part, str(error)) for part, error in trace.failures} == {("origin hook", "not now")}
    trace.failures.clear()


def test_instances_pickle_without_the_tag(trace: Trace) -> None:
    """A pickled row loads where perfkit is not installed: nothing of perfkit is in it."""
    book = load(Book.objects.select_related("author").prefetch_related("tags"))
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
    book = load(Book.objects.all())
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


def test_a_row_of_an_earlier_recording_can_be_asked_in_this_one(trace: Trace) -> None:
    """Cached rows outlive requests; their tag is still the line that loaded them."""
    book = load(Book.objects.all())
    trace.roots.clear()
    trace.events.clear()
    assert book.author.name == "author 0"
    assert [event[7] for event in trace.events] == [tag(book)]


def test_rows_of_an_earlier_recording_are_counted_anew(trace: Trace) -> None:
    """What hangs on a cached row was evaluated for another request before."""
    authors = list(Author.objects.all())

    def inner() -> Origin:
        return [tag(book) for author in authors for book in author.books.all()][-1]

    assert inner().times == ROWS
    later = Trace(limit=1_000, slow_s=60.0)
    token = current.set(later)
    assert inner().times == ROWS
    current.reset(token)
    assert later.failures == []


def test_the_tag_is_no_field(trace: Trace) -> None:
    """Nothing of it reaches the database, comparison or the row's own attributes."""
    book = load(Book.objects.all())
    assert TAG not in vars(book)
    assert TAG in vars(book._state)
    trace.closed = True
    assert book == Book.objects.get(pk=book.pk)


def test_uninstalling_restores_the_orm() -> None:
    """Django's own methods are back, the very objects; those of somebody else stay."""
    hooks.install()
    try:
        hooks.uninstall()
        assert ModelIterable.__iter__ is rows._original_iter
        assert RawModelIterable.__iter__ is rows._original_raw_iter
        rows.uninstall()
        assert ModelIterable.__iter__ is rows._original_iter
    finally:
        hooks.install()
    assert ModelIterable.__iter__ is rows.iterate
    assert RawModelIterable.__iter__ is rows.iterate_raw
