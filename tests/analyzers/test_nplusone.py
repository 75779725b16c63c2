"""n_plus_one: loops are named, fixes keep their promise, and what is no loop stays silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db import connection, transaction
from django.db.models import Count, Prefetch, QuerySet
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from perfkit import record
from perfkit.analyzers.nplusone import analyze
from perfkit.conf import get_settings
from perfkit.record import Asked, Finding, Loaded, Path, Query, RequestRecord, Site
from tests.library.models import Audiobook, Author, Book, Category, Note, Publisher, Review, Tag
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db

Rows = Callable[[], Any]
Use = Callable[[Any], object]


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill()


def loops(recorded: record) -> list[Finding]:
    """Return the findings of this kind."""
    return [finding for finding in recorded.findings if finding.kind == "n_plus_one"]


def walk(rows: Iterable[Any], use: Use) -> list[object]:
    """Use each row, in one loop."""
    return [use(row) for row in rows]


def statements(rows: Iterable[Any], use: Use) -> int:
    """Count, without perfkit, what walking runs."""
    with CaptureQueriesContext(connection) as log:
        walk(rows, use)
    return len(log)


#: name -> (queryset, what is done with a row, root model, path, fix).
FIXED: dict[str, tuple[Rows, Use, str, str, str]] = {
    "forward": (
        lambda: Book.objects.all(),
        lambda book: book.author.name,
        "library.Book",
        "author",
        '.select_related("author")',
    ),
    "the second key to one table": (
        lambda: Book.objects.all(),
        lambda book: book.editor.name,
        "library.Book",
        "editor",
        '.select_related("editor")',
    ),
    "a key to a slug": (
        lambda: Book.objects.all(),
        lambda book: book.category.slug and book.category.pk,
        "library.Book",
        "category",
        '.select_related("category")',
    ),
    "forward one-to-one": (
        lambda: Author.profile.related.related_model.objects.all(),
        lambda profile: profile.author.name,
        "library.Profile",
        "author",
        '.select_related("author")',
    ),
    "reverse one-to-one": (
        lambda: Author.objects.all(),
        lambda author: author.profile.motto,
        "library.Author",
        "profile",
        '.select_related("profile")',
    ),
    "reverse": (
        lambda: Author.objects.all(),
        lambda author: len(author.books.all()),
        "library.Author",
        "books",
        '.prefetch_related("books")',
    ),
    "reverse without a related_name": (
        lambda: Book.objects.all(),
        lambda book: list(book.review_set.all()),
        "library.Book",
        "review_set",
        '.prefetch_related("review_set")',
    ),
    "many-to-many": (
        lambda: Book.objects.all(),
        lambda book: [tag.name for tag in book.tags.all()],
        "library.Book",
        "tags",
        '.prefetch_related("tags")',
    ),
    "generic": (
        lambda: Note.objects.all(),
        lambda note: note.subject.title,
        "library.Note",
        "subject",
        '.prefetch_related("subject")',
    ),
    "a property": (
        lambda: Book.objects.all(),
        lambda book: book.byline,
        "library.Book",
        "author",
        '.select_related("author")',
    ),
    "behind a join": (
        lambda: Book.objects.select_related("author"),
        lambda book: book.author.publisher.name,
        "",
        "publisher",
        "",
    ),
    "behind a prefetch": (
        lambda: Book.objects.prefetch_related("author"),
        lambda book: book.author.publisher.name,
        "library.Book",
        "author__publisher",
        '.prefetch_related("author__publisher")',
    ),
    "behind two prefetches": (
        lambda: Publisher.objects.prefetch_related("authors__books"),
        lambda publisher: publisher.authors.all()[0].books.all()[0].category.slug,
        "library.Publisher",
        "authors__books__category",
        '.prefetch_related("authors__books__category")',
    ),
    "behind a prefetch to an attribute": (
        lambda: Author.objects.prefetch_related(
            Prefetch("books", Book.objects.order_by("pk"), to_attr="shelf")
        ),
        lambda author: author.shelf[0].category.slug,
        "library.Author",
        "shelf__category",
        '.prefetch_related("shelf__category")',
    ),
    "a manager behind a prefetch": (
        lambda: Author.objects.prefetch_related("books"),
        lambda author: list(author.books.all()[0].tags.all()),
        "library.Author",
        "books__tags",
        '.prefetch_related("books__tags")',
    ),
    "an iterator": (
        lambda: Book.objects.iterator(chunk_size=2),
        lambda book: book.author.name,
        "library.Book",
        "author",
        '.select_related("author")',
    ),
    "a slice": (
        lambda: Book.objects.order_by("pk")[:5],
        lambda book: book.author.name,
        "library.Book",
        "author",
        '.select_related("author")',
    ),
    "only": (
        lambda: Book.objects.only("title", "author"),
        lambda book: book.author.name,
        "library.Book",
        "author",
        '.prefetch_related("author")',
    ),
    "defer": (
        lambda: Book.objects.defer("body"),
        lambda book: book.author.name,
        "library.Book",
        "author",
        '.prefetch_related("author")',
    ),
    "a locked read": (
        lambda: Book.objects.select_for_update(),
        lambda book: book.author.name,
        "library.Book",
        "author",
        '.prefetch_related("author")',
    ),
    "a child of many tables": (
        lambda: Audiobook.objects.all(),
        lambda audiobook: audiobook.author.name,
        "library.Audiobook",
        "author",
        '.select_related("author")',
    ),
    "the child of a parent row": (
        lambda: Book.objects.filter(audiobook__isnull=False),
        lambda book: book.audiobook.minutes,
        "library.Book",
        "audiobook",
        '.select_related("audiobook")',
    ),
}


def make_audiobooks() -> None:
    """Have the rows that the multi-table cases walk over."""
    authors = list(Author.objects.all())
    for author in authors:
        Audiobook.objects.create(title="spoken", author=author, minutes=9)


@pytest.mark.parametrize("case", FIXED)
def test_a_loop_is_named_and_its_fix_keeps_its_promise(case: str) -> None:
    """Root model, path and code are right, and the code does what it says when really written.

    It saves as many statements as was said, leaves no loop, and changes no result.
    """
    rows, use, model, path, fix = FIXED[case]
    if "child" in case:
        make_audiobooks()
    with record() as recorded:
        before = walk(rows(), use)
    (finding,) = loops(recorded)
    assert (finding.path, finding.fix) == (path, fix)
    assert finding.count == len(before)
    assert finding.saved in (finding.count, finding.count - 1)
    if not fix:
        assert finding.origin is None or finding.model == model
        return
    assert finding.model == model
    assert finding.origin is not None
    assert finding.origin.function.startswith("walk")
    fixed = eval(f"queryset{fix}", {"queryset": repaired(case, rows)})
    assert walk(fixed, use) == before
    spent = statements(rows(), use)
    fixed = eval(f"queryset{fix}", {"queryset": repaired(case, rows)})
    assert statements(fixed, use) == spent - finding.saved
    with record() as again:
        walk(eval(f"queryset{fix}", {"queryset": repaired(case, rows)}), use)
    assert loops(again) == []


def repaired(case: str, rows: Rows) -> QuerySet[Any]:
    """Return the queryset that the edit goes into: of an iterator, what it iterates over."""
    return Book.objects.all() if case == "an iterator" else rows()


def test_both_lines_are_told() -> None:
    """Where the rows were loaded and where the relation was read."""
    with record() as recorded:
        books = list(Book.objects.all())
        for book in books:
            assert book.author.name
    (finding,) = loops(recorded)
    start = test_both_lines_are_told.__code__.co_firstlineno
    assert finding.origin is not None
    assert finding.access is not None
    assert (finding.origin.line - start, finding.access.line - start) == (3, 5)
    assert finding.origin.file == finding.access.file == "tests/analyzers/test_nplusone.py"


def test_a_property_names_its_own_line() -> None:
    """The line that reads the relation is the property's, in the model."""
    with record() as recorded:
        for book in Book.objects.all():
            assert book.byline
    (finding,) = loops(recorded)
    assert finding.access is not None
    assert finding.access.file == "tests/library/models.py"
    assert finding.access.function == "Book.byline"


def test_a_template_names_its_own_line() -> None:
    """File and line of the template, though the loop is the template's."""
    with record() as recorded:
        render_to_string("library/books.html", {"books": Book.objects.all()})
    (finding,) = loops(recorded)
    assert str(finding.access) == "tests/library/templates/library/books.html:4"
    assert finding.fix == '.select_related("author")'
    assert finding.origin is not None
    assert finding.origin.function == "test_a_template_names_its_own_line"


def test_a_chain_leads_to_the_root() -> None:
    """book.author.publisher is one edit on the books' queryset."""
    with record() as recorded:
        for book in Book.objects.all():
            assert book.author.publisher.name
    told = {(finding.model, finding.path, finding.fix) for finding in loops(recorded)}
    assert told == {
        ("library.Book", "author", '.select_related("author")'),
        ("library.Book", "author__publisher", '.select_related("author__publisher")'),
    }
    fixed = Book.objects.select_related("author__publisher")
    assert statements(fixed, lambda book: book.author.publisher.name) == 1


def test_a_chain_through_two_relations_is_not_guessed() -> None:
    """Author and editor both lead to a publisher: which one the row came through, nobody knows."""
    with record() as recorded:
        for book in Book.objects.all():
            assert book.author.publisher.name
            assert book.editor is not None
            assert book.editor.publisher.name
    guesses = [finding for finding in loops(recorded) if "publisher" in finding.path]
    assert guesses
    assert [finding.fix for finding in guesses] == [""] * len(guesses)


def test_a_chain_is_not_led_through_another_model() -> None:
    """A row picked by a manager did not come through the key that the same loop reads too."""
    with record() as recorded:
        for author in Author.objects.all():
            assert author.publisher.name
            book = author.books.first()
            assert book is not None
            assert book.category is not None
    fixes = [finding.fix for finding in loops(recorded) if finding.fix]
    assert fixes == ['.select_related("publisher")']


def test_a_chain_is_not_led_through_another_key() -> None:
    """Only a step that leads to the model that was asked can be part of its path."""
    root = Loaded("shop.Book", Site("shop/views.py", 3, "page"), "select_related", False, None)
    lone = Loaded("", None, "", True, root)
    for target, fix in (
        ("shop.Author", '.select_related("author__publisher")'),
        ("shop.Person", ""),
    ):
        step = Asked("shop.Book", "author", "forward", False, root, target)
        asked = Asked("shop.Author", "publisher", "forward", False, lone, "shop.Publisher")
        record_made = RequestRecord(
            queries=tuple(
                Query(
                    "SELECT 1 FROM t", f"SELECT {n % 2}", "SELECT", ("t",), "", 0.0, 1.0, n, n % 2
                )
                for n in range(12)
            ),
            paths=(
                Path((Site("shop/views.py", 5, "page"),), step),
                Path((Site("shop/views.py", 6, "page"),), asked),
            ),
        )
        assert [finding.fix for finding in analyze(record_made, get_settings())][1] == fix


def test_many_rows_with_few_targets() -> None:
    """Each row asks for its author, however few authors there are."""
    Book.objects.update(author=Author.objects.get(name="author 0"))
    with record() as recorded:
        walk(Book.objects.all(), lambda book: book.author.name)
    assert [finding.saved for finding in loops(recorded)] == [ROWS]


def test_nested_loops_are_one_finding_a_level() -> None:
    """The inner loop's repeats are told together, whatever the outer row."""
    author = Author.objects.get(name=f"author {ROWS - 1}")
    for number in range(3):
        Book.objects.create(
            title=f"more {number}", author=author, category=Category.objects.first()
        )
    Book.objects.update(author=author)
    with record() as recorded:
        for each in Author.objects.order_by("pk"):
            for book in each.books.all():
                assert book.category is not None
    told = {finding.path: finding.count for finding in loops(recorded)}
    assert told == {"books": ROWS, "category": ROWS + 3}


#: Loops whose fix is more than a method on a queryset: found, told in words.
TOLD: dict[str, Use] = {
    "count": lambda author: author.books.count(),
    "exists": lambda author: author.books.exists(),
    "first": lambda author: author.books.first(),
    "filter": lambda author: list(author.books.filter(title="x")),
    "exclude": lambda author: list(author.books.exclude(title="x")),
    "order_by": lambda author: list(author.books.order_by("title")),
    "reverse": lambda author: list(author.books.reverse()),
    "slice": lambda author: list(author.books.all()[:2]),
    "values_list": lambda author: list(author.books.values_list("title")),
    "annotate": lambda author: list(author.books.annotate(n=Count("tags"))),
    "only": lambda author: list(author.books.only("title")),
    "defer": lambda author: list(author.books.defer("body")),
    "select_related": lambda author: list(author.books.select_related("category")),
    "prefetch_related": lambda author: list(author.books.prefetch_related("tags")),
    "distinct": lambda author: list(author.books.distinct()),
    "select_for_update": lambda author: list(author.books.select_for_update()),
    "extra": lambda author: list(author.books.extra(where=["1=1"])),
    "iterator": lambda author: list(author.books.iterator()),
    "get": lambda author: Publisher.objects.get(pk=author.publisher_id),
    "filter first": lambda author: Publisher.objects.filter(pk=author.publisher_id).first(),
    "filter by row": lambda author: list(Book.objects.filter(author=author)),
    "raw": lambda author: list(
        Book.objects.raw("SELECT * FROM library_book WHERE author_id = %s", [author.pk])
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_a_loop_that_no_method_mends_is_told_in_words(case: str) -> None:
    """A prefetch would be passed by, or cost one statement more: no code is suggested."""
    with record() as recorded:
        walk(Author.objects.all(), TOLD[case])
    finding = max(loops(recorded), key=lambda each: "library_book" in each.shape)
    assert finding.fix == ""
    assert finding.count == ROWS
    assert finding.access is not None
    assert finding.access.function.endswith("<lambda>")


def test_raw_cursors_in_a_loop() -> None:
    """SQL alone is evidence enough for the loop, though no relation is known."""
    with record() as recorded, connection.cursor() as cursor:
        for key in range(6):
            cursor.execute("SELECT title FROM library_book WHERE id = %s", [key])
    (finding,) = loops(recorded)
    assert (finding.fix, finding.path, finding.count) == ("", "", 6)
    assert finding.message.startswith("library_book: ")


@pytest.mark.parametrize(
    "rows",
    [
        lambda: Book.objects.all().union(Book.objects.none(), Book.objects.filter(pk__lt=0)),
        lambda: Book.objects.raw("SELECT * FROM library_book"),
    ],
    ids=["union", "raw"],
)
def test_a_root_that_takes_no_method_gets_none(rows: Rows) -> None:
    """union() refuses both methods, raw() knows one: the loop is told without code."""
    with record() as recorded:
        walk(rows(), lambda book: book.author.name)
    (finding,) = loops(recorded)
    assert (finding.fix, finding.count) == ("", ROWS)


def test_rows_without_instances_get_no_relation() -> None:
    """values() has no relation to join."""
    with record() as recorded:
        for row in Book.objects.values("author_id"):
            Author.objects.get(pk=row["author_id"])
    (finding,) = loops(recorded)
    assert (finding.fix, finding.path) == ("", "")


def test_a_deferred_field_is_named() -> None:
    """Each row asks again for what only() left out."""
    with record() as recorded:
        walk(Book.objects.only("title"), lambda book: book.body)
    (finding,) = loops(recorded)
    assert (finding.model, finding.path, finding.count) == ("library.Book", "body", ROWS)
    assert "select_related" not in finding.fix
    assert finding.origin is not None


def test_a_generic_key_to_two_models() -> None:
    """What is promised over both tables together is what a prefetch saves."""
    for author in Author.objects.all():
        Note.objects.create(text="signed", subject=author)
    use: Use = lambda note: str(note.subject)  # noqa: E731  # one more of the same kind
    with record() as recorded:
        walk(Note.objects.all(), use)
    promised = sum(finding.saved for finding in loops(recorded))
    spent = statements(Note.objects.all(), use)
    assert statements(Note.objects.prefetch_related("subject"), use) == spent - promised


def test_behind_a_generic_prefetch_nothing_is_promised_that_fails() -> None:
    """Rows of two models share no further lookup."""
    for author in Author.objects.all():
        Note.objects.create(text="signed", subject=author)
    querysets = [Author.objects.all(), Book.objects.all()]
    rows: Rows = lambda: Note.objects.prefetch_related(  # noqa: E731
        GenericPrefetch("subject", querysets)
    )
    use: Use = lambda note: (  # noqa: E731
        note.subject.publisher.name if isinstance(note.subject, Author) else ""
    )
    with record() as recorded:
        walk(rows(), use)
    (finding,) = loops(recorded)
    if finding.fix:
        fixed = eval(f"queryset{finding.fix}", {"queryset": rows()})
        assert statements(fixed, use) == statements(rows(), use) - finding.saved


def test_an_async_loop() -> None:
    """Loops of coroutines are loops."""

    async def view() -> list[str]:
        return [(await Author.objects.aget(pk=pk)).name for pk in keys]

    keys = list(Author.objects.values_list("pk", flat=True))
    with record() as recorded:
        async_to_sync(view)()
    assert sum(query.verb == "SELECT" for query in recorded.queries) == ROWS


def test_thresholds_of_a_loop() -> None:
    """Five repeats are a loop, four are none."""
    for count, found in ((4, 0), (5, 1)):
        with record() as recorded:
            walk(Book.objects.all()[:count], lambda book: book.author.name)
        assert len(loops(recorded)) == found


def test_few_cheap_statements_do_not_warn() -> None:
    """A loop of ten warns, however fast the database."""
    with record() as recorded:
        walk(Book.objects.all(), lambda book: book.author.name)
    small = loops(recorded)[0]
    Book.objects.bulk_create(Book(title="more", author=author) for author in Author.objects.all())
    with record() as recorded:
        walk(Book.objects.all(), lambda book: book.author.name)
    large = loops(recorded)[0]
    assert small.severity == "info" or small.cost_ms >= 5
    assert large.severity == "warning"
    assert small.fingerprint == large.fingerprint


# What must not be flagged.


def name_of(key: int) -> str:
    """Ask for one author."""
    return Author.objects.get(pk=key).name


def lookup_in_three_places(keys: list[int]) -> None:
    """One helper, three callers."""
    name_of(keys[0])
    name_of(keys[1])
    for key in keys[2:5]:
        name_of(key)
    name_of(keys[5])


def two_lines(keys: list[int]) -> None:
    """Two short loops over one relation."""
    for book in Book.objects.all()[:3]:
        assert book.author.name
    for book in Book.objects.all()[3:]:
        assert book.author.name


def one_line(keys: list[int]) -> None:
    """No loop: the calls stand side by side."""
    books = list(Book.objects.all())
    assert books[0].author and books[1].author and books[2].author and books[3].author  # noqa: PT018
    assert books[4].author


def batches(keys: list[int]) -> None:
    """Several keys at a time."""
    for start in range(1, 7):
        list(Author.objects.filter(pk__in=[start, start + 1, 99]))


def long_batches(keys: list[int]) -> None:
    """More keys than fit the trace."""
    for start in range(6):
        list(
            Author.objects.extra(
                where=["id IN (" + ", ".join(["%s"] * 2000) + ")"],
                params=range(start, start + 2000),
            )
        )


def pages(keys: list[int]) -> None:
    """Page after page."""
    for start in range(6):
        list(Author.objects.order_by("pk")[start : start + 1])


def pages_by_key(keys: list[int]) -> None:
    """The page after the last key."""
    last = 0
    while page := list(Author.objects.filter(pk__gt=last).order_by("pk")[:1]):
        last = page[-1].pk


def pages_by_parameter(keys: list[int]) -> None:
    """Pages whose offset is a parameter."""
    with connection.cursor() as cursor:
        for start in range(6):
            cursor.execute("SELECT name FROM library_author LIMIT %s OFFSET %s", [2, start * 2])


def prefetch_chunks(keys: list[int]) -> None:
    """One prefetch for each chunk of rows."""
    for book in Book.objects.prefetch_related("tags").iterator(chunk_size=2):
        assert list(book.tags.all())


def prefetched(keys: list[int]) -> None:
    """Everything is there already."""
    for book in Book.objects.prefetch_related("tags", "author"):
        assert book.author.name
        assert len(book.tags.all()) == book.tags.count()


def joined(keys: list[int]) -> None:
    """Everything is there already."""
    for book in Book.objects.select_related("author__publisher"):
        assert book.author.publisher.name


def known_already(keys: list[int]) -> None:
    """The rows know the row they came from."""
    for book in Author.objects.get(pk=keys[0]).books.all():
        assert book.author.name


def null_keys(keys: list[int]) -> None:
    """There is nothing to load."""
    Book.objects.update(category=None)
    for book in Book.objects.all():
        assert book.category is None


def evaluated_once(keys: list[int]) -> None:
    """A queryset keeps its rows."""
    books = Book.objects.all()
    for _ in range(6):
        list(books)


def same_question(keys: list[int]) -> None:
    """The very same question: a duplicate, no loop."""
    for _ in range(6):
        name_of(keys[0])


def savepoints(keys: list[int]) -> None:
    """Transactions are no reads."""
    for _ in range(6):
        with transaction.atomic():
            pass


def writes(keys: list[int]) -> None:
    """Writes are another finding."""
    for book in Book.objects.all():
        book.body = "new"
        book.save()
    Tag.objects.bulk_create([Tag(name=str(n)) for n in range(20)], batch_size=2)


SILENT = [
    lookup_in_three_places,
    two_lines,
    one_line,
    batches,
    long_batches,
    pages,
    pages_by_key,
    pages_by_parameter,
    prefetch_chunks,
    prefetched,
    joined,
    known_already,
    null_keys,
    evaluated_once,
    same_question,
    savepoints,
    writes,
]


@pytest.mark.parametrize("page", SILENT, ids=lambda page: page.__name__)
def test_what_is_no_loop_is_not_flagged(page: Callable[[list[int]], None]) -> None:
    """A finding that is none costs more trust than one that is missed."""
    keys = list(Author.objects.values_list("pk", flat=True))
    with record() as recorded:
        page(keys)
    assert loops(recorded) == []


def test_one_line_in_two_requests_is_no_loop() -> None:
    """A loop is within one request."""
    keys = list(Author.objects.values_list("pk", flat=True))
    found = []
    for key in keys:
        with record() as recorded:
            name_of(key)
        found += loops(recorded)
    assert found == []
    assert Review.objects.count() == ROWS
