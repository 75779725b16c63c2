"""What a statement is about: which relation of which row, read from the ORM's own frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Avg, Count, F, Max, Min, Prefetch, Q, Sum, prefetch_related_objects
from django.db.models.signals import m2m_changed
from django.utils.functional import SimpleLazyObject

from perfkit.capture.current import Trace
from perfkit.capture.relation import Relation, name_of_manager
from tests.library.models import (
    Audiobook,
    Author,
    Book,
    Category,
    Note,
    Profile,
    Publisher,
    Review,
    Tag,
)
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill()


def told(watchful: Trace, use: Callable[[], object]) -> Relation | None:
    """Return what is told of the last statement that a use runs."""
    use()
    path = watchful.events[-1][5]
    assert path is not None
    return path.relation


def asked(watchful: Trace, use: Callable[[], object]) -> Relation:
    """Return it where there must be something."""
    relation = told(watchful, use)
    assert relation is not None
    return relation


def row(model: Any) -> Any:
    """Return a row of a list."""
    return list(model.objects.order_by("pk"))[1]


# One attribute of one row.


@pytest.mark.parametrize(
    ("model", "read", "kind", "name", "target"),
    [
        (Book, lambda book: book.author, "forward", "author", "library.Author"),
        (Book, lambda book: book.editor, "forward", "editor", "library.Author"),
        (Book, lambda book: book.category, "forward", "category", "library.Category"),
        (Author, lambda author: author.mentor, "forward", "mentor", "library.Author"),
        (Profile, lambda profile: profile.author, "forward", "author", "library.Author"),
        (Author, lambda author: author.profile, "reverse_one", "profile", "library.Profile"),
        (
            Book,
            lambda book: hasattr(book, "audiobook"),
            "reverse_one",
            "audiobook",
            "library.Audiobook",
        ),
        (Note, lambda note: note.subject, "generic", "subject", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_behind_a_relation(
    model: Any, read: Any, kind: str, name: str, target: str, watchful: Trace
) -> None:
    """The row's model, the attribute that was read, the model it leads to, and who loaded the row."""
    instance = row(model)
    relation = asked(watchful, lambda: read(instance))
    assert (relation.kind, relation.name, relation.target) == (kind, name, target)
    assert relation.model == model._meta.label
    assert relation.table == model._meta.db_table
    assert relation.origin is instance._state.perfkit_origin
    assert relation.internal == ""


def test_a_deferred_field(watchful: Trace) -> None:
    """The field that each row asks for again."""
    (book, *_) = list(Book.objects.only("title"))
    relation = asked(watchful, lambda: book.body)
    assert (relation.kind, relation.model, relation.name) == ("deferred", "library.Book", "body")
    assert relation.origin is book._state.perfkit_origin  # type: ignore[attr-defined]  # the tag


def test_the_names_of_the_related_key_are_told(watchful: Trace) -> None:
    """Who reads nothing but the key needs no row."""
    book = row(Book)
    assert asked(watchful, lambda: book.author).keys == ("pk", "id")
    assert asked(watchful, lambda: book.category).keys == ("pk", "slug")


def test_a_key_to_another_field_than_the_primary_one_has_no_such_names(
    watchful: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row's own column holds another value than the related row's key."""
    book = row(Book)
    field = Book._meta.get_field("category")
    monkeypatch.setattr(type(field), "target_field", Book._meta.get_field("title"))
    assert asked(watchful, lambda: book.category).keys == ()


def test_a_row_without_a_tag_has_no_origin(watchful: Trace) -> None:
    """It was loaded alone, or made."""
    alone = Book.objects.get(title="title 0")
    relation = asked(watchful, lambda: alone.author)
    assert (relation.name, relation.origin) == ("author", None)


# Many rows.


@pytest.mark.parametrize(
    ("model", "read", "kind", "name"),
    [
        (Author, lambda author: list(author.books.all()), "reverse_many", "books"),
        (Author, lambda author: bool(author.books.all()), "reverse_many", "books"),
        (Author, lambda author: len(author.books.all()), "reverse_many", "books"),
        (Book, lambda book: list(book.review_set.all()), "reverse_many", "review_set"),
        (Book, lambda book: list(book.tags.all()), "many_to_many", "tags"),
        (Tag, lambda tag: list(tag.books.all()), "many_to_many", "books"),
    ],
)
def test_a_manager_read_whole(model: Any, read: Any, kind: str, name: str, watchful: Trace) -> None:
    """A prefetch of its bare name would give the same rows."""
    instance = row(model)
    relation = asked(watchful, lambda: read(instance))
    assert (relation.kind, relation.name, relation.plain) == (kind, name, True)
    assert relation.origin is instance._state.perfkit_origin


def test_a_generic_manager_read_whole(watchful: Trace) -> None:
    """Django gives no hint of the row: it is found among the names of the loop."""

    def read() -> list[str]:
        return [note.text for book in [row(Book)] for note in book.notes.all()]

    relation = asked(watchful, read)
    assert (relation.kind, relation.name, relation.plain) == ("generic_many", "notes", True)
    assert relation.model == "library.Book"


@pytest.mark.parametrize(
    ("read", "method", "lookups", "refined"),
    [
        (lambda books: books.count(), "count", (), ()),
        (lambda books: books.exists(), "exists", (), ()),
        (lambda books: books.first(), "first", (), ()),
        (lambda books: books.last(), "last", (), ()),
        (lambda books: books.all()[:2].count(), "count", (), ("slice[:2]",)),
        (
            lambda books: list(books.filter(title="x")),
            "__iter__",
            (("title", "exact"),),
            (),
        ),
        (lambda books: books.filter(title="x").exists(), "exists", (("title", "exact"),), ()),
        (lambda books: list(books.exclude(title="x")), "__iter__", (("", ""),), ()),
        (lambda books: list(books.order_by("title")), "__iter__", (), ("order_by",)),
        (lambda books: list(books.all()[:2]), "__iter__", (), ("slice[:2]",)),
        (lambda books: list(books.distinct()), "__iter__", (), ("distinct",)),
        (lambda books: books.all()[0], "__getitem__", (), ("index",)),
        (lambda books: books.order_by("pk")[0], "__getitem__", (), ("order_by", "index")),
        (lambda books: list(books.iterator()), "_iterator", (), ()),
        (lambda books: list(books.select_related("author")), "__iter__", (), ("select_related",)),
    ],
)
def test_a_manager_refined(
    read: Any, method: str, lookups: Any, refined: Any, watchful: Trace
) -> None:
    """What was called, which conditions were added, and what else was done."""
    author = row(Author)
    relation = asked(watchful, lambda: read(author.books))
    assert (relation.kind, relation.name) == ("reverse_many", "books")
    assert (relation.method, relation.lookups, relation.refined) == (method, lookups, refined)
    assert not relation.plain


def test_a_manager_streamed_by_a_coroutine(watchful: Trace) -> None:
    """`aiterator()` fetches in a thread, on whose stack no method of the queryset stands."""

    async def view() -> list[str]:
        (author,) = [each async for each in Author.objects.filter(name="author 1")]
        return [book.title async for book in author.books.aiterator()]

    relation = asked(watchful, async_to_sync(view))
    assert (relation.kind, relation.name) == ("reverse_many", "books")
    assert relation.method in ("_iterator", "iterator")


def test_the_conditions_of_get_count(watchful: Trace) -> None:
    """`author.books.get(title=...)` is not the manager's all()."""
    author = row(Author)
    relation = asked(watchful, lambda: author.books.get(title="title 1"))
    assert (relation.method, relation.lookups) == ("get", (("title", "exact"),))


@pytest.mark.parametrize(
    ("read", "detail"),
    [
        (lambda books: books.order_by("-title").first(), ("-title",)),
        (lambda books: list(books.order_by("title", "pk")), ("title", "pk")),
        (lambda books: books.latest("title"), ("title",)),
        (lambda books: books.earliest("title", "pk"), ("title", "pk")),
        (lambda books: books.latest(F("title")), ()),
        (lambda books: books.aggregate(Max("title")), ("Max", "title")),
        (lambda books: books.aggregate(least=Min("pk")), ("Min", "pk")),
        (lambda books: books.aggregate(Count("tags", distinct=True)), ()),
        (lambda books: books.aggregate(some=Sum("pk", filter=Q(pk=1))), ()),
        (lambda books: books.aggregate(Sum("pk", default=0)), ()),
        (lambda books: books.aggregate(twice=Sum(F("pk") * 2)), ()),
        (lambda books: books.aggregate(all=Count("*")), ()),
        (lambda books: books.aggregate(Max("pk"), Avg("pk")), ()),
    ],
)
def test_what_the_code_to_write_needs_is_told(
    read: Any, detail: tuple[str, ...], watchful: Trace
) -> None:
    """Fields ordered by, or one simple aggregate over one field; of anything else nothing."""
    author = row(Author)
    assert asked(watchful, lambda: read(author.books)).detail == detail


def test_a_model_may_say_what_latest_means(
    watchful: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`get_latest_by`, one field or several."""
    author = row(Author)
    for given, fields in (("title", ("title",)), (["title", "pk"], ("title", "pk"))):
        monkeypatch.setattr(Book._meta, "get_latest_by", given)
        assert asked(watchful, author.books.latest).detail == fields


def test_a_prefetched_relation_that_is_asked_again(watchful: Trace) -> None:
    """What was loaded along is passed by."""
    (author, *_) = list(Author.objects.prefetch_related("books"))
    assert asked(watchful, lambda: author.books.first()).prefetched
    assert asked(watchful, lambda: author.books.filter(title="x").count()).prefetched
    assert not asked(watchful, lambda: author.edited.first()).prefetched


def test_two_querysets_in_one_are_no_relations(watchful: Trace) -> None:
    """`author.books.all() | author.edited.all()`: no prefetch of one name gives both."""
    author = row(Author)
    relation = asked(watchful, lambda: list(author.books.all() | author.edited.all()))
    assert (relation.model, relation.name, relation.plain) == ("library.Author", "", False)
    assert relation.lookups == (("", ""),)
    either = Book.objects.filter(title="x") | Book.objects.filter(body="x")
    relation = asked(watchful, lambda: list(either))
    assert (relation.model, relation.lookups) == ("", (("", ""),))


def test_two_relations_over_one_table_between_have_no_name(
    watchful: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of them was read, the statement does not tell."""
    book = row(Book)
    monkeypatch.setattr(
        "perfkit.capture.relation.many_to_many", lambda model, queryset: ["tags", "labels"]
    )
    assert asked(watchful, lambda: list(book.tags.all())).name == ""


# A row asked for by hand.


def test_a_key_compared_by_hand(watchful: Trace) -> None:
    """The relation that it stands for, and that no relation was read."""

    def read() -> list[Any]:
        return [
            Author.objects.get(pk=book.author_id) for book in Book.objects.filter(title="title 3")
        ]

    relation = asked(watchful, read)
    assert (relation.kind, relation.name, relation.by_key) == ("forward", "author", True)
    assert (relation.model, relation.target) == ("library.Book", "library.Author")
    assert relation.lookups == ()


def test_a_loop_over_keys_alone(watchful: Trace) -> None:
    """Without a row there are the conditions only."""
    relation = asked(watchful, lambda: Category.objects.get(slug="category-1"))
    assert (relation.kind, relation.method, relation.model) == ("queryset", "get", "")
    assert (relation.target, relation.lookups) == ("library.Category", (("slug", "exact"),))
    relation = asked(watchful, lambda: Category.objects.filter(slug="category-1").first())
    assert (relation.method, relation.lookups) == ("first", (("slug", "exact"),))


# Methods of rows and managers.


@pytest.mark.parametrize(
    ("use", "kind", "method"),
    [
        (lambda book: book.save(), "model", "save"),
        (lambda book: book.refresh_from_db(), "model", "refresh_from_db"),
        (lambda book: book.delete(), "model", "delete"),
    ],
)
def test_a_method_of_a_row(use: Any, kind: str, method: str, watchful: Trace) -> None:
    """The row's model is what is written or read again."""
    book = row(Book)
    relation = asked(watchful, lambda: use(book))
    assert (relation.kind, relation.method) == (kind, method)
    assert relation.model == relation.target == "library.Book"
    assert relation.origin is book._state.perfkit_origin


@pytest.mark.parametrize(
    ("use", "kind", "name", "method"),
    [
        (lambda book: book.tags.add(Tag.objects.create()), "many_to_many", "tags", "add"),
        (lambda book: book.tags.create(name="x"), "many_to_many", "tags", "create"),
        (lambda book: book.tags.remove(row(Tag)), "many_to_many", "tags", "remove"),
        (lambda book: book.tags.clear(), "many_to_many", "tags", "clear"),
        (lambda book: book.tags.count(), "many_to_many", "tags", "count"),
        (lambda book: book.review_set.create(text="x"), "reverse_many", "review_set", "create"),
        (lambda book: book.notes.create(text="x"), "generic_many", "notes", "create"),
    ],
)
def test_a_method_of_a_manager(
    use: Any, kind: str, name: str, method: str, watchful: Trace
) -> None:
    """Related managers have methods of their own, made anew for each relation."""
    book = row(Book)
    relation = asked(watchful, lambda: use(book))
    assert (relation.kind, relation.name, relation.method) == (kind, name, method)
    assert relation.model == "library.Book"
    assert relation.origin is book._state.perfkit_origin


def test_a_creation_is_laid_to_the_manager_that_was_called(watchful: Trace) -> None:
    """`Tag.objects.create()` saves a row, but create() is what the site wrote."""
    relation = asked(watchful, lambda: Tag.objects.create(name="x"))
    assert (relation.kind, relation.method, relation.target) == (
        "queryset",
        "create",
        "library.Tag",
    )


def test_a_raw_queryset(watchful: Trace) -> None:
    """It has no lookups to name."""
    relation = asked(watchful, lambda: list(Book.objects.raw("SELECT * FROM library_book")))
    assert (relation.kind, relation.method, relation.target) == ("raw", "raw", "library.Book")


def test_a_prefetch_by_hand(watchful: Trace) -> None:
    """One row at a time it helps nobody."""
    author = row(Author)
    relation = asked(watchful, lambda: prefetch_related_objects([author], "books"))
    assert (relation.kind, relation.name, relation.method) == (
        "prefetch",
        "books",
        "prefetch_related_objects",
    )
    assert relation.origin is author._state.perfkit_origin


def test_a_prefetch_for_a_lazy_row(watchful: Trace) -> None:
    """`request.user` is a row, though not by its type."""
    author = row(Author)
    lazy = SimpleLazyObject(lambda: author)
    relation = asked(watchful, lambda: prefetch_related_objects([lazy], "books"))
    assert (relation.model, relation.name) == ("library.Author", "books")


def test_a_prefetch_of_a_queryset(watchful: Trace) -> None:
    """The lookup's attribute, whatever it is prefetched to."""
    lookup = Prefetch("review_set", Review.objects.all(), to_attr="opinions")
    relation = asked(watchful, lambda: list(Book.objects.prefetch_related(lookup)))
    assert (relation.kind, relation.name) == ("prefetch", "opinions")


def test_statements_of_no_orm_tell_nothing(watchful: Trace) -> None:
    """A cursor's statement has its line, and that is all."""

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    assert told(watchful, read) is None


# The ORM's own affairs.


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        (lambda: row(Book).tags.set(Tag.objects.all()[:1]), "set"),
        (lambda: heard_add(), "add"),
        (lambda: SessionStore().load(), "session"),
        (lambda: ContentType.objects.clear_cache() or ContentType.objects.get_for_model(Book),
         "content_type"),
        (lambda: unique_slug("category-1"), "validation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_orms_own_affairs_are_told_as_such(use: Any, reason: str, watchful: Trace) -> None:
    """Nobody can load along what the ORM asks for itself."""
    use()
    reasons = {event[5].relation.internal for event in watchful.events if event[5].relation}
    assert reason in reasons


def heard_add() -> None:
    """Add to a relation for whose changes somebody listens: Django looks what is new."""

    def listen(**kwargs: Any) -> None:
        pass

    m2m_changed.connect(listen, sender=Book.tags.through)
    try:
        row(Book).tags.add(*Tag.objects.all())
    finally:
        m2m_changed.disconnect(listen, sender=Book.tags.through)


def unique_slug(slug: str) -> None:
    """Validate a row whose slug exists."""
    with pytest.raises(ValidationError):
        Category(slug=slug).validate_unique()


def test_a_cascade_is_the_orms_own_affair(watchful: Trace) -> None:
    """Of a deletion, what collects the rows; what deletes them is the site's."""
    row(Publisher).delete()
    told_of = {
        (event[0].split(" ")[0], event[5].relation.internal)
        for event in watchful.events[1:]
        if event[5].relation
    }
    assert ("SELECT", "cascade") in told_of
    assert ("DELETE", "") in told_of


# The manager behind a queryset.


@pytest.mark.parametrize(
    ("read", "name", "plain"),
    [
        (lambda: row(Author).books.all(), "books", True),
        (lambda: row(Author).books.filter(title="x"), "books", False),
        (lambda: row(Author).books.order_by("title"), "books", False),
        (lambda: row(Book).tags.all(), "tags", True),
    ],
)
def test_the_manager_that_a_queryset_comes_from(read: Any, name: str, plain: bool) -> None:
    """By its accessor, and whether nothing was done to it."""
    queryset = read()
    assert name_of_manager(queryset, queryset._hints["instance"]) == (name, plain)


def test_a_manager_of_a_child_of_many_tables(watchful: Trace) -> None:
    """An audiobook's tags are its book's."""
    Audiobook.objects.create(title="spoken", author=Author.objects.get(name="author 0"))
    (audiobook,) = list(Audiobook.objects.all())
    relation = asked(watchful, lambda: list(audiobook.tags.all()))
    assert (relation.model, relation.name) == ("library.Audiobook", "tags")


def test_a_whole_page_fails_nowhere(watchful: Trace) -> None:
    """Every statement of a mixed page is read without a failure of ours."""
    for book in Book.objects.select_related("author").prefetch_related("tags", "notes"):
        assert book.author.publisher.name
        assert book.tags.first() in list(book.tags.all())
        assert [note.subject for note in book.notes.all()] == [book]
        book.review_set.get_or_create(text="fine")
        book.review_set.update_or_create(text="fine", defaults={"text": "good"})
        book.tags.filter(name="x").update(name="y")
        book.review_set.filter(text="x").delete()
    assert watchful.failures == []
    assert len(watchful.events) > 10 * ROWS
