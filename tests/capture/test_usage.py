"""What is loaded along is seen to be read or not, at no change to what a row does."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import (
    FilteredRelation,
    Prefetch,
    Q,
    QuerySet,
    prefetch_related_objects,
)
from django.test.utils import CaptureQueriesContext

from perfkit.capture import noting, usage
from perfkit.capture.builder import is_built_here
from perfkit.capture.current import Trace, current
from perfkit.capture.noting import Noting
from perfkit.capture.origin import Origin
from perfkit.record import EagerLoad
from perfkit.snapshot import site_of
from tests.library.models import Audiobook, Author, Book, Category, Note, Profile, Review, Tag
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db

JOIN = "select_related"
PREFETCH = "prefetch_related"


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill()


@pytest.fixture(autouse=True)
def nothing_settled() -> Iterator[None]:
    """Begin as a process that has seen nobody read anything."""
    noting.settled.clear()
    yield
    noting.settled.clear()


def told(trace: Trace, *, broke_off: bool = False) -> list[EagerLoad]:
    """Return what a trace has noted, as a record does."""
    loads = usage.outcomes(trace.eager_loads, site_of, broke_off)
    return [EagerLoad(*each) for each in loads]


def facts(trace: Trace, *, broke_off: bool = False) -> dict[str, tuple[str, bool]]:
    """Return path -> method and whether it was used, of what a trace has noted."""
    return {load.path: (load.method, load.used) for load in told(trace, broke_off=broke_off)}


def unused(trace: Trace) -> list[str]:
    """Return the paths that nobody has read."""
    return [path for path, (_, used) in facts(trace).items() if not used]


def read_nothing(book: Book) -> None:
    """Look at the row's own columns only."""
    str(book.title)
    str(book.author_id)


Read = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("queryset", "path", "method", "read"),
    [
        (Book.objects.select_related("author"), "author", JOIN, lambda row: row.author),
        (Author.objects.select_related("profile"), "profile", JOIN, lambda row: row.profile),
        (Audiobook.objects.select_related("author"), "author", JOIN, lambda row: row.author),
        (Book.objects.prefetch_related("author"), "author", PREFETCH, lambda row: row.author),
        (Author.objects.prefetch_related("profile"), "profile", PREFETCH, lambda row: row.profile),
        (Book.objects.prefetch_related("tags"), "tags", PREFETCH, lambda row: row.tags.all()),
        (Tag.objects.prefetch_related("books"), "books", PREFETCH, lambda row: row.books.all()),
        (
            Author.objects.prefetch_related("books"),
            "books",
            PREFETCH,
            lambda row: row.books.count(),
        ),
        (
            Book.objects.prefetch_related("review_set"),
            "review_set",
            PREFETCH,
            lambda row: row.review_set.exists(),
        ),
        (Book.objects.prefetch_related("notes"), "notes", PREFETCH, lambda row: row.notes.all()),
        (Note.objects.prefetch_related("subject"), "subject", PREFETCH, lambda row: row.subject),
        (
            Book.objects.prefetch_related(Prefetch("tags", Tag.objects.order_by("name"))),
            "tags",
            PREFETCH,
            lambda row: row.tags.all(),
        ),
    ],
)
def test_a_relation_of_any_kind_is_seen_to_be_read(
    trace: Trace, queryset: QuerySet[Any], path: str, method: str, read: Read
) -> None:
    """Not read by anybody, then read on the last row."""
    Audiobook.objects.create(title="heard", author=Author.objects.earliest("pk"))
    rows = list(queryset.all())
    assert facts(trace) == {path: (method, False)}
    read(rows[-1])
    assert facts(trace) == {path: (method, True)}


def test_the_fact_names_the_line_and_counts_the_rows(trace: Trace) -> None:
    """Model, line of the evaluation, and the rows that had something to load."""
    Book.objects.filter(pk=Book.objects.earliest("pk").pk).update(category=None)
    list(Book.objects.select_related("category").order_by("pk"))
    (fact,) = told(trace)
    assert (fact.model, fact.rows) == ("library.Book", ROWS - 1)
    assert fact.site is not None
    assert fact.site.function == "test_the_fact_names_the_line_and_counts_the_rows"


@pytest.mark.parametrize(
    "queryset",
    [
        Book.objects.select_related("category"),
        Book.objects.prefetch_related("category"),
        Book.objects.prefetch_related("tags"),
        Author.objects.select_related("profile"),
    ],
)
def test_what_is_empty_is_no_evidence(trace: Trace, queryset: QuerySet[Any]) -> None:
    """Null keys, empty lists and no rows at all do not show that nobody would have read them."""
    Book.objects.update(category=None)
    Book.tags.through._default_manager.all().delete()
    Profile.objects.all().delete()
    list(queryset.all())
    list(queryset.none())
    list(queryset.filter(pk=-1))
    assert facts(trace) == {}


def test_reading_a_null_is_reading(trace: Trace) -> None:
    """The line that reads it would read another row's."""
    Book.objects.update(category=None)
    for book in Book.objects.select_related("category"):
        assert book.category is None
    assert facts(trace) == {"category": (JOIN, True)}


@pytest.mark.parametrize(
    ("queryset", "read", "left"),
    [
        (
            Book.objects.select_related("author__publisher"),
            read_nothing,
            ["author", "author__publisher"],
        ),
        (
            Book.objects.select_related("author__publisher"),
            lambda book: book.author.name,
            ["author__publisher"],
        ),
        (Book.objects.select_related("author__publisher"), lambda book: book.author.publisher, []),
        (
            Book.objects.select_related("author__profile", "category"),
            lambda book: book.author.profile,
            ["category"],
        ),
        (
            Author.objects.prefetch_related("books__tags"),
            lambda author: author.name,
            ["books", "books__tags"],
        ),
        (
            Author.objects.prefetch_related("books__tags"),
            lambda author: list(author.books.all()),
            ["books__tags"],
        ),
        (
            Author.objects.prefetch_related("books__tags"),
            lambda author: [list(book.tags.all()) for book in author.books.all()],
            [],
        ),
        (
            Book.objects.prefetch_related("author__publisher"),
            lambda book: book.author,
            ["author__publisher"],
        ),
        (
            Book.objects.select_related("author").prefetch_related("author__books"),
            lambda book: book.author,
            ["author__books"],
        ),
        (
            Book.objects.select_related("author").prefetch_related("author__books"),
            lambda book: list(book.author.books.all()),
            [],
        ),
        (
            Author.objects.prefetch_related(
                Prefetch("books", Book.objects.prefetch_related("tags"))
            ),
            lambda author: list(author.books.all()),
            ["books__tags"],
        ),
        (
            Author.objects.prefetch_related(
                Prefetch("books", Book.objects.select_related("category"))
            ),
            lambda author: list(author.books.all()),
            ["books__category"],
        ),
    ],
)
def test_what_lies_behind_a_relation_is_told_apart(
    trace: Trace, queryset: QuerySet[Any], read: Read, left: list[str]
) -> None:
    """Whoever reads the first step only leaves the second unread."""
    for row in queryset.all():
        read(row)
    assert sorted(unused(trace)) == left


def test_rows_that_share_one_related_row_are_told_apart_from_none(trace: Trace) -> None:
    """A prefetched row is the same object for all that point to it, and watched once."""
    Book.objects.update(author=Author.objects.earliest("pk"))
    books = list(Book.objects.prefetch_related("author__books"))
    assert sorted(unused(trace)) == ["author", "author__books"]
    assert len(books[0].author.books.all()) == ROWS
    assert unused(trace) == []


@pytest.mark.parametrize(
    "queryset",
    [
        Book.objects.prefetch_related(Prefetch("tags", to_attr="all_tags")),
        Book.objects.select_related("author").select_for_update(),
        Book.objects.alias(first=FilteredRelation("author", condition=Q(pk__gt=0))).select_related(
            "first"
        ),
        Book.objects.select_related("author").values("title"),
        Book.objects.select_related("author").values_list("title"),
    ],
)
def test_what_cannot_be_told_is_not_noted(trace: Trace, queryset: QuerySet[Any]) -> None:
    """Attributes of the site's own naming, locks, rows that are no instances."""
    list(queryset.all())
    assert facts(trace) == {}


@pytest.mark.filterwarnings("ignore:Calling select_related")
def test_joins_that_nobody_named_are_not_noted(trace: Trace) -> None:
    """Django chooses them, in the admin for one."""
    list(Book.objects.select_related())
    assert facts(trace) == {}


def test_what_lies_behind_an_attribute_is_not_noted(trace: Trace) -> None:
    """The list of a to_attr cannot be watched, and no more can what is prefetched to its rows."""
    lookup = Prefetch("books", Book.objects.all(), to_attr="all_books")
    list(Author.objects.prefetch_related(lookup, "all_books__tags", "profile"))
    assert facts(trace) == {"profile": (PREFETCH, False)}


def test_rows_from_iterator_are_not_watched(trace: Trace) -> None:
    """They are never all there at once."""
    for _ in Book.objects.select_related("author").prefetch_related("tags").iterator(chunk_size=2):
        pass
    assert facts(trace) == {}


def test_one_row_is_watched_too(trace: Trace) -> None:
    """Detail pages load along as well."""
    book = Book.objects.select_related("author").prefetch_related("tags").get(title="title 1")
    assert sorted(unused(trace)) == ["author", "tags"]
    assert book.author.name
    assert unused(trace) == ["tags"]


def test_saving_a_row_reads_none_of_its_relations(trace: Trace) -> None:
    """Django looks at a joined row before it saves; nobody asked it to be joined for that."""
    for book in Book.objects.select_related("author", "category"):
        book.title = "new"
        book.category = None
        book.save()
    for note in Note.objects.prefetch_related("subject"):
        note.save()
    assert sorted(unused(trace)) == ["author", "category", "subject"]


def test_changing_a_prefetched_relation_reads_it_not(trace: Trace) -> None:
    """add() only throws away what was prefetched."""
    tag = Tag.objects.create(name="new")
    for book in Book.objects.prefetch_related("tags", "review_set", "notes"):
        book.tags.add(tag)
        book.review_set.add(Review(text="good"), bulk=False)
        book.notes.add(Note(text="torn"), bulk=False)
    assert sorted(unused(trace)) == ["notes", "review_set", "tags"]


def test_filtering_a_prefetched_relation_is_reading(trace: Trace) -> None:
    """That the prefetch is wasted there is told by another finding, in another way."""
    for book in Book.objects.prefetch_related("tags"):
        list(book.tags.filter(name="tag 1"))
    assert unused(trace) == []


def test_a_custom_manager_between_is_not_django(trace: Trace) -> None:
    """Code of the site's that runs inside the ORM reads as much as any other."""

    class Telling(Book):
        class Meta:
            proxy = True
            app_label = "library"

        def save(self, *args: Any, **kwargs: Any) -> None:
            self.body = self.author.name
            super().save(*args, **kwargs)

    for book in Telling.objects.select_related("author"):
        book.save()
    assert unused(trace) == []


@pytest.mark.parametrize(
    "take",
    [
        pickle.dumps,
        copy.deepcopy,
        lambda book: serializers.serialize("python", [book]),
        lambda book: [dict(book._state.fields_cache), dict(book._prefetched_objects_cache)],
        lambda book: [{**book._state.fields_cache}, {**book._prefetched_objects_cache}],
        lambda book: [book._state.fields_cache | {}, book._prefetched_objects_cache | {}],
        lambda book: [book._state.fields_cache.items(), book._prefetched_objects_cache.items()],
        lambda book: [book._state.fields_cache.values(), book._prefetched_objects_cache.values()],
        lambda book: [
            book._state.fields_cache.setdefault("author"),
            book._prefetched_objects_cache.setdefault("tags"),
        ],
        lambda book: [
            book._state.fields_cache.pop("author"),
            book._prefetched_objects_cache.pop("tags"),
        ],
        lambda book: [
            book._state.fields_cache.popitem(),
            book._prefetched_objects_cache.popitem(),
        ],
        lambda book: [
            book._state.fields_cache.get("author"),
            book._prefetched_objects_cache.get("tags"),
        ],
    ],
)
def test_a_row_taken_as_a_whole_may_be_read_later(trace: Trace, take: Read) -> None:
    """Rows in a cache, copies of rows: what becomes of them is not seen, so it counts as read."""
    (book, *_) = Book.objects.select_related("author").prefetch_related("tags")
    took = take(book)
    assert "author" not in unused(trace) or took[0]["fields"]["author"] == book.author_id
    assert "tags" not in unused(trace)


def test_looking_whether_it_is_there_is_not_reading(trace: Trace) -> None:
    """Names, length and membership are no values."""
    (book, *_) = Book.objects.select_related("author").prefetch_related("tags")
    cache = book._state.fields_cache
    assert ("author" in cache, list(cache), len(cache), bool(cache)) == (True, ["author"], 1, True)
    assert Book._meta.get_field("author").is_cached(book)
    assert cache.get("editor") is None
    assert sorted(unused(trace)) == ["author", "tags"]


def rows(queryset: QuerySet[Any]) -> list[Any]:
    """Evaluate at a line that stays the same."""
    return list(queryset.all())


def test_copies_and_pickles_hold_plain_dicts(trace: Trace) -> None:
    """What leaves the process, or the row, knows nothing of us."""
    queryset = Book.objects.select_related("author__publisher").prefetch_related("tags")
    book = rows(queryset)[0]
    assert type(book._state.fields_cache) is Noting
    assert type(book._prefetched_objects_cache) is Noting
    assert type(book._state.fields_cache["author"]._state.fields_cache) is Noting
    for taken in (pickle.loads(pickle.dumps(book)), copy.deepcopy(book)):
        assert type(taken._state.fields_cache) is dict
        assert type(taken._prefetched_objects_cache) is dict
        assert type(taken.author._state.fields_cache) is dict
        assert (taken, taken.author, taken.author.publisher) == (
            book,
            book.author,
            book.author.publisher,
        )
        assert list(taken.tags.all()) == list(book.tags.all())
    assert copy.copy(book._state.fields_cache) == {"author": book.author}
    assert b"Noting" not in pickle.dumps(book)
    shallow = copy.copy(book)
    assert type(shallow._state.fields_cache) is dict
    assert shallow._prefetched_objects_cache is book._prefetched_objects_cache


def test_a_dict_that_holds_itself_can_be_pickled(trace: Trace) -> None:
    """A prefetched row points back to the row that has it."""
    author = rows(Author.objects.prefetch_related("books"))[0]
    cache = author._prefetched_objects_cache
    taken = pickle.loads(pickle.dumps(cache))
    assert type(taken) is dict
    assert list(taken["books"]) == list(author.books.all())


def test_a_watched_dict_equals_a_plain_one(trace: Trace) -> None:
    """Nobody who compares sees a difference."""
    book = rows(Book.objects.select_related("author"))[0]
    plain = {"author": book.author}
    assert book._state.fields_cache == plain
    assert plain == book._state.fields_cache
    assert repr(plain) == repr(book._state.fields_cache)
    with pytest.raises(KeyError, match="editor"):
        book._state.fields_cache["editor"]


def test_rows_behave_as_if_nobody_looked(trace: Trace) -> None:
    """The same statements and the same values as without a recording."""

    def visit() -> list[Any]:
        queryset = (
            Book.objects.select_related("author__publisher", "author__profile")
            .prefetch_related("tags", "review_set", "notes", "author__books__tags")
            .order_by("pk")
        )
        told: list[Any] = []
        for book in queryset:
            told += [book.author.publisher.name, book.author.profile.motto, book.category]
            told += [[tag.name for tag in each.tags.all()] for each in book.author.books.all()]
            book.tags.add(Tag.objects.get(name="tag 1"))
            told += [book.tags.count(), len(book.review_set.all()), book.notes.first()]
            book.refresh_from_db()
            told += [book.author.name]
        return told

    visit()
    with CaptureQueriesContext(connection) as watched:
        seen = visit()
    noting.settled.clear()
    token = current.set(None)
    with CaptureQueriesContext(connection) as bare:
        unseen = visit()
    current.reset(token)
    assert seen == unseen
    assert len(watched) == len(bare)


def test_what_was_read_once_is_watched_no_more(trace: Trace) -> None:
    """Settled for this line: later rows keep the plain dict, and the fact says used."""
    queryset = Book.objects.select_related("author").prefetch_related("tags")
    for _ in range(2):
        for book in rows(queryset):
            assert book.author.name
            assert len(book.tags.all()) == 2
    later = Trace(limit=1_000, slow_s=60.0)
    token = current.set(later)
    book = rows(queryset)[0]
    current.reset(token)
    assert type(book._state.fields_cache) is dict
    assert type(book._prefetched_objects_cache) is dict
    assert facts(later) == {"author": (JOIN, True), "tags": (PREFETCH, True)}


def test_another_line_is_another_matter(trace: Trace) -> None:
    """One queryset needs the join, another does not."""
    for book in list(Book.objects.select_related("author")):
        assert book.author.name
    list(Book.objects.select_related("author"))
    used = [fact.used for fact in told(trace)]
    assert used == [True, False]


def test_evaluations_at_one_line_are_one_fact(trace: Trace) -> None:
    """A loop of querysets fills no list."""
    for _ in range(20):
        rows(Book.objects.select_related("author"))
    (fact,) = told(trace)
    assert (fact.rows, fact.used) == (20 * ROWS, False)
    # CPython 3.11 makes the call from another instruction once the loop is warm.
    assert len(trace.eager_loads) <= 2


def test_more_rows_than_can_be_watched_tell_nothing(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that was left out may be the one that is read."""
    monkeypatch.setattr(usage, "MOST_ROWS", ROWS - 1)
    queryset = Book.objects.select_related("author__publisher").prefetch_related("tags")
    book = rows(queryset)[0]
    assert type(book._state.fields_cache) is dict
    assert facts(trace) == {}


def test_relations_beyond_the_limit_are_left_out(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one trace keeps is bounded."""
    monkeypatch.setattr(usage, "_MOST_LOADS", 2)
    rows(Book.objects.select_related("author", "category", "editor").prefetch_related("tags"))
    assert len(facts(trace)) == 2


def test_what_is_settled_is_bounded(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that a site makes up as it runs do not fill the memory."""
    monkeypatch.setattr(noting, "_MOST_SETTLED", 2)
    for name in ("author", "category", "editor"):
        assert getattr(rows(Book.objects.select_related(name))[0], name)
    assert len(noting.settled) == 1


def test_rows_keep_neither_trace_nor_rows_alive(trace: Trace) -> None:
    """What is noted holds names and counts."""
    queryset = Book.objects.select_related("author").prefetch_related("tags")
    books = rows(queryset)
    kept = books[0]
    others = [weakref.ref(book) for book in books[1:]]
    del books, queryset
    gc.collect()
    assert [ref for ref in others if ref() is not None] == []
    assert kept.title


def test_rows_outlive_the_recording(trace: Trace) -> None:
    """A read after the end settles the line, and disturbs nobody."""
    books = rows(Book.objects.select_related("author"))
    trace.closed = True
    before = facts(trace)
    assert books[0].author.name
    assert before == {"author": (JOIN, False)}
    assert len(noting.settled) == 1


def test_what_broke_off_may_have_been_about_to_read(trace: Trace) -> None:
    """Of a request that failed only the reads count."""
    books = rows(Book.objects.select_related("author", "category"))
    assert books[0].author.name
    assert facts(trace, broke_off=True) == {"author": (JOIN, True)}


def test_nothing_is_watched_without_a_recording() -> None:
    """Rows keep Django's own dicts."""
    book = rows(Book.objects.select_related("author").prefetch_related("tags"))[0]
    assert type(book._state.fields_cache) is dict
    assert type(book._prefetched_objects_cache) is dict


def test_a_closed_trace_watches_nothing(trace: Trace) -> None:
    """Tasks that outlive the request keep the trace in their context."""
    trace.closed = True
    rows(Book.objects.select_related("author"))
    assert trace.eager_loads == []


def test_querysets_that_load_nothing_along_are_left_alone(trace: Trace) -> None:
    """Nothing is noted and no dict replaced."""
    book = rows(Book.objects.all())[0]
    assert not hasattr(book, "_prefetched_objects_cache")
    assert trace.eager_loads == []


def test_prefetching_by_hand_is_not_a_queryset(trace: Trace) -> None:
    """prefetch_related_objects() works on watched and unwatched rows alike."""
    books = rows(Book.objects.select_related("author"))
    prefetch_related_objects(books, "author__profile", "tags")
    assert [tag.name for tag in books[0].tags.all()] == ["tag 0", "tag 1"]
    assert unused(trace) == ["author"]
    assert books[0].author.profile.motto
    assert unused(trace) == []


def test_missing_relations_raise_what_django_raises(trace: Trace) -> None:
    """A joined one-to-one that is not there."""
    Profile.objects.all().delete()
    author = rows(Author.objects.select_related("profile").prefetch_related("profile__author"))[0]
    with pytest.raises(ObjectDoesNotExist):
        str(author.profile)


def test_rows_that_come_twice_serve_the_later_queryset(trace: Trace) -> None:
    """Where a model hands out one instance per row, who reads for whom cannot be told."""
    known: dict[Any, Any] = {}

    class Single(Category):
        class Meta:
            proxy = True
            app_label = "library"

        @classmethod
        def from_db(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().from_db(*args, **kwargs)
            return known.setdefault(made.pk, made)

    first = list(Single.objects.prefetch_related("book_set"))
    second = list(Single.objects.prefetch_related("book_set"))
    assert first == second
    assert [fact.used for fact in told(trace)] == [True]
    assert second[0].book_set.all()
    assert unused(trace) == []


def test_rows_that_come_twice_are_watched_for_both(trace: Trace) -> None:
    """Two querysets may load different relations along to one instance."""
    known: dict[Any, Any] = {}

    class Unique(Book):
        class Meta:
            proxy = True
            app_label = "library"

        @classmethod
        def from_db(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().from_db(*args, **kwargs)
            return known.setdefault(made.pk, made)

    list(Unique.objects.select_related("author"))
    (book, *_) = list(Unique.objects.select_related("category"))
    assert unused(trace) == ["author", "category"]
    assert book.category.slug
    assert unused(trace) == ["author"]
    assert book.author.name
    assert unused(trace) == []


def test_what_a_package_prefetches_in_its_own_way_counts_as_read(trace: Trace) -> None:
    """A value that is neither a row nor a queryset cannot be followed."""
    books = rows(Book.objects.prefetch_related("tags__books"))
    books[0]._prefetched_objects_cache["tags"] = object()
    assert facts(trace) == {"tags": (PREFETCH, True)}


def test_a_failure_of_ours_costs_the_site_nothing(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows come; the failure is kept for the pipeline to report."""

    def fail(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(usage, "_node_of", fail)
    assert len(rows(Book.objects.select_related("author"))) == ROWS
    assert [str(error) for _, error in trace.failures] == ["broken"]
    trace.failures.clear()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (None, False),
        (("/env/site-packages/shelving/templates/shelf.html", 3), False),
        ((compile("", "/env/site-packages/shelving/rows.py", "exec"), 0), False),
        (("/srv/shop/templates/shelf.html", 3), True),
        ((Book, "get_queryset"), True),
    ],
)
def test_only_lines_of_the_site_are_told(trace: Trace, place: Any, told: bool) -> None:
    """Elsewhere there is nothing to edit."""
    books = rows(Book.objects.all())
    usage.note(books, Origin("library.Book", place), Book.objects.select_related("author"))
    assert bool(trace.eager_loads) is told


def test_what_hangs_on_rows_of_a_package_is_not_told(trace: Trace) -> None:
    """The prefetch is the package's, whatever its rows are."""
    books = rows(Book.objects.all())
    code = compile("", "/env/site-packages/shelving/rows.py", "exec")
    inner = Origin("library.Tag", None, "prefetch", "tags", Origin("library.Book", (code, 0)))
    usage.note(books, inner, Book.objects.select_related("author"))
    assert trace.eager_loads == []


def test_nothing_to_watch_is_nothing_noted(trace: Trace) -> None:
    """Rows that did not come, a recording that has ended."""
    place = ("/srv/shop/templates/shelf.html", 3)
    queryset = Book.objects.select_related("author")
    usage.note([], Origin("library.Book", place), queryset)
    books = rows(Book.objects.all())
    trace.closed = True
    usage.note(books, Origin("library.Book", place), queryset)
    assert trace.eager_loads == []


def test_rows_that_nothing_of_the_sites_asks_for(trace: Trace) -> None:
    """With no code of the site's in the stack, the model tells whose queryset it is."""
    assert is_built_here(Book, None)
    assert not is_built_here(Permission, None)


def rows_by_a_package(queryset: QuerySet[Any]) -> Any:
    """Evaluate a queryset by code of an installed package."""
    names: dict[str, Any] = {}
    source = "def load(queryset):\n    return list(queryset.all())"
    exec(compile(source, "/env/site-packages/shelving/rows.py", "exec"), names)
    return names["load"](queryset)


def test_a_package_may_be_handed_the_sites_queryset(trace: Trace) -> None:
    """A serializer, a table: the rows are the site's own, and so is the line that is named."""
    rows_by_a_package(Book.objects.select_related("author"))
    assert unused(trace) == ["author"]


def test_what_a_package_asks_for_itself_is_not_told(trace: Trace) -> None:
    """Nobody here can edit the querysets that it builds of rows that are not the site's."""
    ContentType.objects.get_for_models(Book, Tag)
    Permission.objects.create(name="x", codename="x", content_type=ContentType.objects.first())
    queryset = Permission.objects.select_related("content_type")
    rows_by_a_package(queryset)
    assert facts(trace) == {}
    list(queryset.all())
    assert unused(trace) == ["content_type"]


def test_threads_and_coroutines_share_what_is_noted(trace: Trace) -> None:
    """Rows loaded in one and read in another."""

    async def visit() -> None:
        books = [book async for book in Book.objects.select_related("author", "category")]
        await sync_to_async(lambda: books[0].author)()

    async_to_sync(visit)()
    assert unused(trace) == ["category"]
