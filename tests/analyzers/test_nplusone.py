"""n_plus_one: loops are named, fixes keep their promise, and what is no loop stays silent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db import connection, transaction
from django.db.models import Count, Max, Prefetch, Sum, prefetch_related_objects
from django.template.loader import render_to_string
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from perfkit import isolation, record
from perfkit.analyzers.nplusone import analyze
from perfkit.conf import get_settings
from perfkit.record import Asked, Finding, Loaded, Path, Query, RequestRecord, Site
from tests.analyzers.fixed import Fixed, fixed
from tests.analyzers.fixed_querysets import QUERYSETS
from tests.analyzers.fixed_reads import READS
from tests.analyzers.fixed_relations import RELATIONS
from tests.library.models import Audiobook, Author, Book, Note, Publisher, Review, Tag
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db

Rows = Callable[[], Any]
Use = Callable[[Any], object]


@pytest.fixture(autouse=True)
def shelves(db: None) -> Iterator[None]:
    """Have some books; nothing of ours may fail meanwhile."""
    fill()
    isolation.failures.clear()
    yield
    assert isolation.failures == {}


def loops(recorded: record) -> list[Finding]:
    """Return what this analyzer found."""
    kinds = ("n_plus_one", "deferred_load", "wasted_prefetch")
    return [finding for finding in recorded.findings if finding.kind in kinds]


def walk(rows: Iterable[Any], use: Use) -> list[object]:
    """Use each row, in one loop."""
    return [use(row) for row in rows]


def found(rows: Iterable[Any], use: Use) -> Finding:
    """Record a walk and return the one finding about it."""
    with record() as recorded:
        walk(rows, use)
    (finding,) = loops(recorded)
    return finding


def statements(use: Callable[[], object]) -> int:
    """Count, without perfkit, what a use runs."""
    with CaptureQueriesContext(connection) as log:
        use()
    return len(log)


# Fixes, written and run.


@pytest.mark.filterwarnings("ignore:Calling select_related")  # deprecated in Django 6.1
@pytest.mark.parametrize(
    "case", [*RELATIONS, *QUERYSETS, *READS], ids=lambda case: case.name.replace(" ", "_")
)
def test_a_loop_is_named_and_its_fix_keeps_its_promise(case: Fixed) -> None:
    """Root model, path and code are right, and the code does what it says when really written.

    It saves as many statements as was said, leaves no loop, and changes no result.
    """
    if "child" in case.name:
        for author in Author.objects.all():
            Audiobook.objects.create(title="spoken", author=author, minutes=9)
    with record() as recorded:
        before = case.walk(case.rows())
    (finding,) = loops(recorded)
    assert finding.model == case.model
    assert set(finding.path.split(", ")) == set(case.path.split(", "))
    assert finding.fix == case.fix
    assert finding.origin is not None
    assert finding.origin.function.startswith("Fixed.walk")
    spent = statements(lambda: case.walk(case.rows()))
    after: list[object] = []
    left = statements(lambda: after.extend(case.walk(fixed(case.rows(), finding.fix), case.then)))
    assert after == before
    assert left == spent - finding.saved
    with record() as again:
        case.walk(fixed(case.rows(), finding.fix), case.then)
    assert loops(again) == []


def promise_is_kept(rows: Rows, use: Use, then: Use | None = None) -> Finding:
    """Record a loop and write whatever code its finding names; some of it may remain."""
    finding = found(rows(), use)
    before = walk(rows(), use)
    spent = statements(lambda: walk(rows(), use))
    after: list[object] = []
    left = statements(lambda: after.extend(walk(fixed(rows(), finding.fix), then or use)))
    assert after == before
    if finding.fix:
        assert left == spent - finding.saved
    return finding


def test_what_cannot_be_written_is_not_promised_with_the_rest() -> None:
    """One sum can be annotated, a second one over another relation would be multiplied."""
    finding = promise_is_kept(
        lambda: Author.objects.order_by("pk"),
        lambda row: (row.books.aggregate(n=Sum("pk")), row.edited.aggregate(n=Sum("pk"))),
        lambda row: ({"n": row.books_pk_sum}, row.edited.aggregate(n=Sum("pk"))),
    )
    assert finding.fix == '.annotate(books_pk_sum=Sum("books__pk"))'
    assert (finding.count, finding.saved) == (2 * ROWS, ROWS)
    assert "Subquery" in finding.message


@pytest.mark.parametrize(("one", "other"), [("books", "edited"), ("edited", "books")])
def test_a_sum_beside_an_extreme_of_another_relation(one: str, other: str) -> None:
    """Either would be right by itself; together the rows of one are counted for each of the other."""
    author = Author.objects.get(name="author 0")
    for number in range(2):
        Book.objects.create(title=f"more {number}", author=author, editor=author)

    def use(row: Any) -> tuple[Any, Any]:
        return (
            getattr(row, one).aggregate(n=Sum("pk"))["n"],
            getattr(row, other).aggregate(n=Max("pk"))["n"],
        )

    def then(row: Any) -> tuple[Any, Any]:
        known = vars(row)
        total, most = f"{one}_pk_sum", f"{other}_pk_max"
        return (
            known[total] if total in known else use(row)[0],
            known[most] if most in known else use(row)[1],
        )

    finding = found(Author.objects.order_by("pk"), use)
    before = walk(Author.objects.order_by("pk"), use)
    assert walk(fixed(Author.objects.order_by("pk"), finding.fix), then) == before


def test_what_a_prefetch_runs_is_taken_off_what_it_saves() -> None:
    """Not off a part that words are for."""
    finding = found(
        Book.objects.order_by("pk")[:5],
        lambda row: (row.review_set.count(), row.review_set.aggregate(n=Sum("pk"))),
    )
    assert finding.fix == '.prefetch_related("review_set")'
    assert (finding.count, finding.saved) == (10, 4)


def test_a_bypassed_prefetch_is_not_promised_with_a_join() -> None:
    """The prefetch is there; only what the line reads can change."""
    finding = promise_is_kept(
        lambda: Author.objects.prefetch_related("books").order_by("pk"),
        lambda row: (row.books.first(), row.publisher.name),
    )
    assert finding.kind == "n_plus_one"
    assert finding.fix == '.select_related("publisher")'


def test_first_and_all_of_one_relation() -> None:
    """Two prefetches run two statements."""
    promise_is_kept(
        lambda: Author.objects.order_by("pk"),
        lambda row: (row.books.first(), list(row.books.all())),
        lambda row: (row.first_books[0], list(row.books.all())),
    )


def test_two_orders_of_one_relation_have_two_names() -> None:
    """Django refuses two different prefetches to one attribute."""
    finding = found(
        Author.objects.order_by("pk"),
        lambda row: (
            row.books.order_by("title").first(),
            row.books.order_by("-title").first(),
        ),
    )
    rows = list(fixed(Author.objects.order_by("pk"), finding.fix))
    assert len(rows) == ROWS


def test_names_that_the_model_has_already_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An annotation or a `to_attr` may hide neither field nor property."""
    monkeypatch.setattr(Author, "books_count", property(lambda author: 7), raising=False)
    monkeypatch.setattr(Author, "first_books", property(lambda author: []), raising=False)
    counted = found(Author.objects.order_by("pk"), lambda row: row.books.count())
    assert counted.fix == '.annotate(num_books=Count("books", distinct=True))'
    assert [row.num_books for row in fixed(Author.objects.order_by("pk"), counted.fix)] == (
        [1] * ROWS
    )
    first = found(Author.objects.order_by("pk"), lambda row: row.books.first())
    assert 'to_attr="first_books_rows"' in first.fix
    assert len(list(fixed(Author.objects.order_by("pk"), first.fix))) == ROWS


def test_a_generic_relation_takes_no_slice() -> None:
    """Django cannot prefetch the first of it: words."""
    promise_is_kept(lambda: Book.objects.order_by("pk"), lambda row: row.notes.first().text,
                    lambda row: row.notes.first().text)  # fmt: skip


@pytest.mark.parametrize(
    "lookup", ["subject", GenericPrefetch("subject", [Book.objects.all()])], ids=["name", "object"]
)
def test_behind_a_generic_prefetch_nothing_is_promised_that_fails(lookup: Any) -> None:
    """A second prefetch of the same key is passed over by Django."""
    promise_is_kept(
        lambda: Note.objects.prefetch_related(lookup).order_by("pk"),
        lambda row: row.subject.author.name,
    )


def test_a_generic_key_to_two_models() -> None:
    """What is promised over both tables together is what a prefetch saves."""
    for author in Author.objects.all():
        Note.objects.create(text="signed", subject=author)
    finding = promise_is_kept(
        lambda: Note.objects.order_by("pk"), lambda note: str(note.subject.pk)
    )
    assert finding.path == "subject"
    assert len(finding.parts) == 2


def test_behind_a_generic_key_each_model_has_its_own_joins() -> None:
    """GenericPrefetch takes a queryset for each."""
    for author in Author.objects.all():
        Note.objects.create(text="signed", subject=author)
    finding = promise_is_kept(
        lambda: Note.objects.order_by("pk"),
        lambda note: (
            note.subject.publisher.name
            if isinstance(note.subject, Author)
            else note.subject.category.pk + str(note.subject.category)
        ),
    )
    assert "GenericPrefetch" in finding.fix


# Who is named.


def line_of(function: Any, text: str) -> int:
    """Return the line of a function's source that holds some text."""
    lines, start = inspect.getsourcelines(function)
    return next(start + at for at, line in enumerate(lines) if text in line)


def test_the_lines_are_told() -> None:
    """Where the rows were loaded, where the relation was read, what loops, who called."""

    def name_of(book: Book) -> str:
        return book.author.name

    def page() -> None:
        books = list(Book.objects.all())
        for book in books:
            name_of(book)

    with record() as recorded:
        page()
    (finding,) = loops(recorded)
    assert finding.origin is not None
    assert finding.access is not None
    assert finding.loop is not None
    assert finding.origin.line == line_of(page, "list(")
    assert finding.access.line == line_of(name_of, "return")
    assert finding.loop.line == line_of(page, "for book")
    assert finding.callers[0].line == line_of(page, "name_of(book)")
    assert {finding.origin.file, finding.access.file} == {"tests/analyzers/test_nplusone.py"}


def test_a_property_names_its_own_line_and_its_caller() -> None:
    """The line that reads the relation is the property's, in the model."""

    def page() -> None:
        for book in Book.objects.all():
            assert book.byline

    with record() as recorded:
        page()
    (finding,) = loops(recorded)
    assert finding.access is not None
    assert finding.access.file == "tests/library/models.py"
    assert finding.access.function == "Book.byline"
    assert finding.callers[0].function.endswith("page")


def test_a_template_names_its_own_line() -> None:
    """File and line of the template, and its loop; the view's line evaluated the queryset."""
    with record() as recorded:
        render_to_string("library/books.html", {"books": Book.objects.all()})
    (finding,) = loops(recorded)
    assert str(finding.access) == "tests/library/templates/library/books.html:4"
    assert str(finding.loop) == "tests/library/templates/library/books.html:2"
    assert finding.fix == '.select_related("author")'
    assert finding.origin is not None
    assert finding.origin.function == "test_a_template_names_its_own_line"


def test_a_coroutine_names_its_own_line() -> None:
    """Not the worker thread's; the code to write is the coroutine's too."""

    async def view() -> list[str]:
        return [(await Author.objects.aget(pk=pk)).name for pk in keys]

    keys = list(Author.objects.values_list("pk", flat=True))
    with record() as recorded:
        async_to_sync(view)()
    (finding,) = loops(recorded)
    assert finding.count == ROWS
    assert finding.access is not None
    assert "view" in finding.access.function
    assert finding.fix == "Author.objects.ain_bulk(pks)"


def test_an_async_loop_over_rows() -> None:
    """`async for` and an awaited relation: the edit is the queryset's."""

    async def view() -> list[int]:
        return [await book.tags.acount() async for book in Book.objects.order_by("pk")]

    with record() as recorded:
        async_to_sync(view)()
    (finding,) = loops(recorded)
    assert (finding.model, finding.path, finding.count) == ("library.Book", "tags", ROWS)
    assert finding.fix == '.annotate(tags_count=Count("tags", distinct=True))'
    assert finding.origin is not None
    assert "view" in finding.origin.function


# One edit, one finding.


def test_everything_about_one_queryset_is_one_finding() -> None:
    """A join, a prefetch and an annotation, costliest first, each with its own part."""
    finding = found(
        Book.objects.order_by("pk"),
        lambda row: (row.author.publisher.name, list(row.tags.all()), row.review_set.exists()),
    )
    assert finding.fix == (
        '.select_related("author__publisher").prefetch_related("tags")'
        '.annotate(has_review=Exists(Review.objects.filter(book=OuterRef("pk"))))'
    )
    assert set(finding.path.split(", ")) == {"author__publisher", "tags", "review_set"}
    assert {part.path for part in finding.parts} == {
        "author",
        "author__publisher",
        "tags",
        "review_set",
    }
    costs = [part.cost_ms for part in finding.parts]
    assert costs == sorted(costs, reverse=True)
    assert finding.count == sum(part.count for part in finding.parts) == 4 * ROWS
    assert finding.saved == 4 * ROWS - 1
    assert finding.cost_ms <= sum(costs)


def test_two_querysets_are_two_findings() -> None:
    """Each line that evaluates one is an edit of its own."""
    with record() as recorded:
        walk(list(Book.objects.all()), lambda book: book.author.name)
        walk(list(Author.objects.all()), lambda author: author.publisher.name)
    assert sorted((finding.model, finding.fix) for finding in loops(recorded)) == [
        ("library.Author", '.select_related("publisher")'),
        ("library.Book", '.select_related("author")'),
    ]


def test_nested_loops_are_one_edit() -> None:
    """However the inner rows are spread over the outer ones."""
    author = Author.objects.get(name=f"author {ROWS - 1}")
    for number in range(3):
        Book.objects.create(title=f"more {number}", author=author, editor=author)
    Book.objects.update(author=author)
    with record() as recorded:
        for each in Author.objects.order_by("pk"):
            for book in each.books.all():
                assert book.editor is not None
    (finding,) = loops(recorded)
    assert {part.path: part.count for part in finding.parts} == {
        "books": ROWS,
        "books__editor": ROWS + 3,
    }
    assert finding.fix == '.prefetch_related("books__editor")'


def test_one_helper_for_two_relations_tells_them_apart() -> None:
    """The line that evaluates both is one; the paths are two."""

    def shelf(manager: Any) -> list[Any]:
        return list(manager.all())

    with record() as recorded:
        for author in Author.objects.order_by("pk"):
            for book in shelf(author.books):
                assert book.category is not None
            for book in shelf(author.edited):
                assert book.category is not None
    (finding,) = loops(recorded)
    lines: dict[str, set[int]] = {}
    for part in finding.parts:
        assert part.access is not None
        lines.setdefault(part.path, set()).add(part.access.line)
    assert set(lines) == {"books", "edited", "books__category", "edited__category"}
    assert len(lines["books__category"]) == len(lines["edited__category"]) == 1
    assert lines["books__category"] != lines["edited__category"]


def test_many_rows_with_few_targets() -> None:
    """Each row asks for its author, however few authors there are; a prefetch would move less."""
    Book.objects.update(author=Author.objects.get(name="author 0"))
    finding = found(Book.objects.all(), lambda book: book.author.name)
    assert finding.saved == ROWS
    assert "prefetch_related()" in finding.message


def test_a_queryset_that_is_evaluated_again_and_again() -> None:
    """A prefetch there runs as often, however often CPython moves the call."""

    def evaluated() -> list[Book]:
        return list(Book.objects.order_by("pk"))

    with record() as recorded:
        for _ in range(20):
            for book in evaluated():
                assert list(book.tags.all())
    (finding,) = loops(recorded)
    assert finding.fix == '.prefetch_related("tags")'
    assert (finding.count, finding.saved) == (20 * ROWS, 20 * (ROWS - 1))


def test_a_prefetch_that_would_save_nothing_is_not_told() -> None:
    """A queryset of one row for each row: its prefetch is as many statements."""
    with record() as recorded:
        for number in range(ROWS):
            for book in Book.objects.filter(title=f"title {number}"):
                assert list(book.tags.all())
    assert [finding.path for finding in loops(recorded)] == [""]


def test_the_kind_is_that_of_all_accesses() -> None:
    """A deferred field beside a relation is part of that edit, and no kind of its own."""
    deferred = found(Book.objects.only("title"), lambda book: book.body)
    assert deferred.kind == "deferred_load"
    wasted = found(Author.objects.prefetch_related("books"), lambda author: author.books.first())
    assert wasted.kind == "wasted_prefetch"
    both = found(Book.objects.only("title"), lambda book: (book.body, book.author.name))
    assert both.kind == "n_plus_one"


# Loops without a queryset to edit, or without code.


#: How it is read -> what the message says to do.
TOLD: dict[str, tuple[Use, str]] = {
    "filter": (lambda author: list(author.books.filter(title="x")), "Prefetch("),
    "filter in": (lambda author: list(author.books.filter(title__in=["x", "y"])), "Prefetch("),
    "exclude": (lambda author: list(author.books.exclude(title="x")), "Prefetch("),
    "filtered count": (lambda author: author.books.filter(title="x").count(), ""),
    "get": (lambda author: author.books.get(title__startswith="title"), "Prefetch("),
    "reverse": (lambda author: list(author.books.reverse()), "Prefetch("),
    "distinct": (lambda author: list(author.books.distinct()), "Prefetch("),
    "annotate": (lambda author: list(author.books.annotate(n=Count("tags"))), "Prefetch("),
    "only": (lambda author: list(author.books.only("title", "author")), "Prefetch("),
    "select_related": (lambda author: list(author.books.select_related("category")), "Prefetch("),
    "extra": (lambda author: list(author.books.extra(where=["1=1"])), "Prefetch("),
    "a page": (lambda author: list(author.books.all()[1:3]), "Prefetch("),
    "indexed in an order": (lambda author: author.books.order_by("title")[0], "Prefetch("),
    "sum with a default": (lambda author: author.books.aggregate(n=Sum("pk", default=0)), "Subq"),
    "over two relations": (lambda author: list(Review.objects.filter(book__author=author)), ""),
    "raw": (
        lambda author: list(
            Book.objects.raw("SELECT * FROM library_book WHERE author_id = %s", [author.pk])
        ),
        "",
    ),
    "a prefetch for one": (
        lambda author: prefetch_related_objects([author], "books"),
        "call prefetch_related_objects() once",
    ),
    "again": (lambda author: author.refresh_from_db(), "requery all rows at once"),
}


@pytest.mark.parametrize("case", TOLD)
def test_a_loop_that_no_code_mends_is_told_in_words(case: str) -> None:
    """A prefetch of the bare relation would be passed by, or give other rows."""
    use, words = TOLD[case]
    finding = found(Author.objects.order_by("pk"), use)
    assert finding.fix == ""
    assert finding.count == ROWS
    assert words in finding.message
    assert finding.access is not None
    assert finding.access.function.endswith("<lambda>")


def test_a_loop_of_get_is_one_in_bulk() -> None:
    """By a primary key, or by another unique field."""
    keys = list(Author.objects.values_list("pk", flat=True))
    finding = found(keys, lambda key: Author.objects.get(pk=key))
    assert (finding.fix, finding.model, finding.path) == (
        "Author.objects.in_bulk(pks)",
        "library.Author",
        "",
    )
    assert finding.saved == ROWS - 1
    assert set(eval(finding.fix, {"Author": Author, "pks": keys})) == set(keys)
    named = found(
        [f"title {number}" for number in range(ROWS)], lambda title: Book.objects.get(title=title)
    )
    assert named.fix == ""
    assert "title__in" in named.message


def test_a_loop_of_get_by_what_is_not_ones_own_field() -> None:
    """`books__id` is no key of an author: in_bulk() would fetch the wrong rows."""
    keys = list(Book.objects.values_list("pk", flat=True))
    finding = found(keys, lambda key: Author.objects.get(books__id=key))
    assert finding.fix == ""
    assert "id__in" not in finding.message


def test_a_recursion_is_told_in_words() -> None:
    """A tree is fetched whole; one more level of a prefetch leaves the rest."""

    def down(author: Author) -> int:
        return 1 + sum(down(pupil) for pupil in author.pupils.all())

    def up(author: Author) -> str:
        row: Any = author
        names = []
        while row is not None:
            names.append(row.name)
            row = row.mentor
        return ", ".join(names)

    for use, path in ((down, "pupils"), (up, "mentor")):
        finding = found(Author.objects.order_by("pk"), use)
        assert (finding.model, finding.path, finding.fix) == ("library.Author", path, "")
        assert "whole tree" in finding.message


def test_two_levels_are_no_recursion() -> None:
    """mentor.mentor, written out, is a path like any other."""
    finding = promise_is_kept(
        lambda: Author.objects.order_by("pk"),
        lambda row: row.mentor and row.mentor.mentor and row.mentor.mentor.name,
    )
    assert finding.fix == '.select_related("mentor__mentor")'


@pytest.mark.parametrize(
    "step",
    [
        lambda author: [other for one in author.pupils.all() for other in one.pupils.all()],
        lambda author: [author.mentor] if author.mentor else [],
    ],
    ids=["down in turns", "up"],
)
def test_a_walk_of_thousands_of_steps(step: Callable[[Author], list[Author]]) -> None:
    """As deep as the data: found, in words, without a recursion of our own."""
    publisher = Publisher.objects.create(name="deep")
    Author.objects.bulk_create(
        Author(
            pk=10_000 + number,
            name=f"deep {number}",
            publisher=publisher,
            mentor_id=10_000 + number - 1 if number else None,
        )
        for number in range(1_500)
    )
    with record() as recorded:
        queue = list(Author.objects.filter(pk__in=[10_000, 11_499]))
        while queue:
            queue += step(queue.pop())
    findings = loops(recorded)
    assert findings
    assert {finding.model for finding in findings} == {"library.Author"}
    assert any("whole tree" in finding.message for finding in findings)


def test_a_prefetch_in_a_loop_is_told_with_the_loop() -> None:
    """Its queryset is evaluated for each row: that is the finding, and not the prefetch too."""
    with record() as recorded:
        for number in range(ROWS):
            for book in Book.objects.filter(title=f"title {number}").prefetch_related("tags"):
                assert list(book.tags.all())
    (finding,) = loops(recorded)
    assert finding.count == ROWS
    assert "before the loop" in finding.message


def test_raw_cursors_in_a_loop() -> None:
    """SQL alone is evidence enough for the loop, though no relation is known."""
    with record() as recorded, connection.cursor() as cursor:
        for key in range(6):
            cursor.execute("SELECT title FROM library_book WHERE id = %s", [key])
    (finding,) = loops(recorded)
    assert (finding.fix, finding.path, finding.count) == ("", "", 6)
    assert finding.message.startswith("library_book: ")
    assert finding.loop is not None


def test_literals_in_the_text_hide_no_loop() -> None:
    """Each text is a new one to the database; its shape is not."""
    with record() as recorded, connection.cursor() as cursor:
        for key in range(8):
            cursor.execute(f"SELECT title FROM library_book WHERE id = {key}")
    assert [finding.severity for finding in loops(recorded)] == ["warning"]


def test_rows_without_instances_get_no_relation() -> None:
    """values() has no relation to join."""
    with record() as recorded:
        for row in Book.objects.values("author_id"):
            Author.objects.get(pk=row["author_id"])
    (finding,) = loops(recorded)
    assert (finding.fix, finding.path) == ("Author.objects.in_bulk(pks)", "")


def test_other_instances_than_those_that_were_loaded() -> None:
    """Another prefetch would be no cure: it is there, on rows that nobody reads."""
    with record() as recorded:
        for author in Author.objects.prefetch_related("books"):
            for again in Author.objects.filter(pk=author.pk):
                assert list(again.books.all())
    assert all("prefetch_related" not in finding.fix for finding in loops(recorded))


# Severity.


@pytest.mark.parametrize(
    ("rows", "severity"),
    [(0, []), (2, ["info"]), (4, ["info"]), (5, ["warning"]), (6, ["warning"])],
)
@override_settings(PERFKIT={"N_PLUS_ONE_MS": 1_000.0})
def test_a_loop_warns_from_its_threshold_on(rows: int, severity: list[str]) -> None:
    """Below it costs hardly anything yet: the rows of tomorrow are more."""
    with record() as recorded:
        walk(Book.objects.all()[:rows], lambda book: book.author.name)
    assert [finding.severity for finding in loops(recorded)] == severity


@pytest.mark.parametrize(
    ("use", "saved"),
    [(lambda book: book.author.name, 1), (lambda book: list(book.tags.all()), 0)],
    ids=["a key", "a manager"],
)
def test_a_list_of_one_row_is_a_loop_to_be(use: Use, saved: int) -> None:
    """It never fails a build, but the rows of tomorrow are more."""
    finding = found(Book.objects.filter(title="title 0"), use)
    assert (finding.severity, finding.count, finding.saved) == ("info", 1, saved)
    assert finding.fix


@override_settings(PERFKIT={"N_PLUS_ONE_MS": 0.0001})
def test_few_expensive_statements_warn() -> None:
    """By the time they take."""
    assert found(Book.objects.all()[:2], lambda book: book.author.name).severity == "warning"


def test_the_fingerprint_is_the_same_with_more_rows() -> None:
    """It is the same finding tomorrow."""
    small, large = (
        found(Book.objects.order_by("pk")[:rows], lambda book: (book.author.name, book.editor.name))
        for rows in (2, ROWS)
    )
    assert small.fingerprint == large.fingerprint
    assert small.fix == large.fix
    assert not any(letter.isdigit() for letter in large.message)


# By hand.


LINE = Site("shop/views.py", 5, "page")
ROOT = Loaded("library.Book", Site("shop/views.py", 3, "page"))


def by_hand(*paths: tuple[Path, int], **facts: Any) -> list[Finding]:
    """Analyze a record in which each path repeats a statement of its own, a millisecond each."""
    queries = [
        Query(f"SELECT {at}", f"SELECT {at}", "SELECT", ("t",), "", 0.0, 1.0, 100 * at + n, at)
        for at, (_, count) in enumerate(paths)
        for n in range(count)
    ]
    made = RequestRecord(queries=tuple(queries), paths=tuple(path for path, _ in paths), **facts)
    return list(analyze(made, get_settings()))


def forward(name: str, target: str, origin: Loaded | None = ROOT) -> Asked:
    """Make a read of a key."""
    return Asked("library.Book", name, "forward", False, origin, target, "__get__")


def test_saved_is_worth_its_share_of_the_time() -> None:
    """A prefetch still runs once."""
    tags = Asked("library.Book", "tags", "many_to_many", True, ROOT, "library.Tag", "__iter__")
    (finding,) = by_hand((Path((LINE,), tags), 10))
    assert (finding.count, finding.saved, finding.cost_ms) == (10, 9, 9.0)


def test_the_costliest_access_is_named() -> None:
    """Its line, its loop, its callers and its statement."""
    far = Site("shop/models.py", 9, "Book.byline")
    (finding,) = by_hand(
        (Path((LINE,), forward("author", "library.Author")), 5),
        (Path((far, LINE), forward("editor", "library.Author"), loop=LINE), 7),
    )
    assert (finding.access, finding.callers, finding.loop) == (far, (LINE,), LINE)
    assert finding.shape == "SELECT 1"
    assert finding.path == "editor, author"
    assert finding.fix == '.select_related("author", "editor")'


def test_loops_without_a_queryset_are_told_by_their_loop() -> None:
    """Ten statements from ten lines of one service called in a loop are one finding."""
    looping = Site("shop/views.py", 4, "page")
    paths = [
        (Path((Site("shop/service.py", line, "price"), LINE), None, loop=looping), 6)
        for line in range(3)
    ]
    (finding,) = by_hand(*paths)
    assert (finding.count, finding.saved, finding.loop) == (18, 15, looping)
    assert finding.fix == ""
    apart = [(replace(path, loop=None), count) for path, count in paths]
    assert len(by_hand(*apart)) == 3


def test_a_loop_over_several_models_has_none() -> None:
    """Nobody could say which is meant."""
    looping = Site("shop/views.py", 4, "page")
    gets = [Asked("", "", "queryset", False, None, label, "get") for label in ("a.A", "b.B")]
    (finding,) = by_hand(*[(Path((LINE,), each, loop=looping), 6) for each in gets])
    assert finding.model == ""
    (finding,) = by_hand(*[(Path((LINE,), gets[0], loop=looping), 6)])
    assert finding.model == "a.A"


def test_a_loop_inside_a_package_is_told_as_such() -> None:
    """Its line is named all the same: somebody maintains it."""
    (finding,) = by_hand((Path((Site("shop/rows.py", 2, "run"),), None, in_package=True), 6))
    assert "an installed package" in finding.message


def test_a_model_that_is_not_installed_gets_words() -> None:
    """A record of another site can be analyzed; its fixes cannot be checked."""
    root = Loaded("shop.Book", Site("shop/views.py", 3, "page"))
    asked = Asked("shop.Book", "author", "forward", False, root, "shop.Author", "__get__")
    (finding,) = by_hand((Path((LINE,), asked), 6))
    assert (finding.model, finding.path, finding.fix) == ("shop.Book", "author", "")


def test_rows_of_an_unknown_line_have_no_root() -> None:
    """Words: there is no queryset to point at."""
    (finding,) = by_hand(
        (Path((LINE,), forward("author", "library.Author", Loaded("library.Book", None))), 6)
    )
    assert (finding.origin, finding.fix) == (None, "")
    assert "author" in finding.message


@override_settings(PERFKIT={"IGNORE": [{"PATH": "author"}]})
def test_what_the_team_lives_with_is_left_out_of_the_edit() -> None:
    """The rest of the queryset's loops is still told."""
    (finding,) = by_hand(
        (Path((LINE,), forward("author", "library.Author")), 6),
        (Path((LINE,), forward("editor", "library.Author")), 6),
    )
    assert (finding.path, finding.fix) == ("editor", '.select_related("editor")')
    assert by_hand((Path((LINE,), forward("author", "library.Author")), 6)) == []


# Django's own fetch modes.


peers = pytest.mark.skipif(django.VERSION < (6, 1), reason="fetch modes came with Django 6.1")


def with_peers(model: Any) -> Any:
    """Return all rows of a model, whose relations are loaded for all rows of a list at once."""
    from django.db.models import FETCH_PEERS

    return model.objects.order_by("pk").fetch_mode(FETCH_PEERS)


@peers
def test_what_is_loaded_for_all_peers_at_once_is_no_loop() -> None:
    """One statement for each relation, whatever the rows."""
    with record() as recorded:
        for book in with_peers(Book):
            assert book.author.publisher.name
            assert book.category is not None
    assert loops(recorded) == []


@peers
def test_rows_that_come_one_by_one_have_no_peers() -> None:
    """Each row of an iterator is gone before the next is there."""
    with record() as recorded:
        for book in with_peers(Book).iterator():
            assert book.author.name
    (finding,) = loops(recorded)
    assert (finding.count, finding.fix) == (ROWS, '.select_related("author")')


@peers
def test_managers_know_no_peers() -> None:
    """Fetch modes are about keys and fields."""
    with record() as recorded:
        for book in with_peers(Book):
            assert list(book.tags.all())
    (finding,) = loops(recorded)
    assert (finding.count, finding.fix) == (ROWS, '.prefetch_related("tags")')


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
    """No loop: two rows, two lines."""
    books = list(Book.objects.all())
    assert books[0].author.name
    assert books[1].author.name


def one_line(keys: list[int]) -> None:
    """No loop: the calls stand side by side."""
    books = list(Book.objects.all())
    assert books[0].author and books[1].author and books[2].author and books[3].author  # noqa: PT018
    assert books[4].author


def one_row(keys: list[int]) -> None:
    """A row that was asked for alone, and everything behind it."""
    book = Book.objects.get(title="title 0")
    assert book.author.publisher.name
    assert list(book.tags.all())
    assert book.review_set.count()
    assert Book.objects.all()[2].author.name


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


def converging_prefetches(keys: list[int]) -> None:
    """Two lookups that lead to one table."""
    list(Book.objects.prefetch_related("author__publisher", "editor__publisher"))


def prefetched(keys: list[int]) -> None:
    """Everything is there already."""
    for book in Book.objects.prefetch_related("tags", "author"):
        assert book.author.name
        assert len(book.tags.all()) == book.tags.count()
        assert book.tags.exists()


def prefetched_to_an_attribute(keys: list[int]) -> None:
    """In a list of its own."""
    lookup = Prefetch("tags", Tag.objects.order_by("name"), to_attr="labels")
    for book in Book.objects.prefetch_related(lookup):
        labels: Any = book.labels  # type: ignore[attr-defined]  # made by the prefetch
        assert labels[0].name


def joined(keys: list[int]) -> None:
    """Everything is there already."""
    for book in Book.objects.select_related("author__publisher"):
        assert book.author.publisher.name


def known_already(keys: list[int]) -> None:
    """The rows know the row they came from."""
    for book in Author.objects.get(pk=keys[0]).books.all():
        assert book.author.name


def assigned(keys: list[int]) -> None:
    """The relation was set in memory."""
    author = Author.objects.get(pk=keys[0])
    for book in Book.objects.all():
        book.author = author
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


def locks(keys: list[int]) -> None:
    """Each row is locked on purpose."""
    for key in keys:
        with transaction.atomic():
            Author.objects.select_for_update().get(pk=key)


def just_made(keys: list[int]) -> None:
    """Rows that were created here, and what they lead to."""
    for number in range(6):
        book = Book.objects.create(title=f"made {number}", author_id=keys[number])
        assert book.author.name


def validated(keys: list[int]) -> None:
    """Uniqueness is asked for each row that is about to be written."""
    for number in range(6):
        Note(text=f"note {number}").full_clean(exclude=["content_type", "object_id"])
        Tag(name=f"tag {number}").validate_constraints()


def set_relations(keys: list[int]) -> None:
    """set() reads before it writes; a prefetch cannot help."""
    tags = list(Tag.objects.all())
    for book in Book.objects.all():
        book.tags.set(tags)


def cascades(keys: list[int]) -> None:
    """delete() collects what goes along."""
    for publisher in list(Publisher.objects.all())[:3]:
        publisher.delete()


def upserts(keys: list[int]) -> None:
    """The reads belong to what they write."""
    for number in range(6):
        Tag.objects.get_or_create(name=f"tag {number}")


def writes(keys: list[int]) -> None:
    """Writes are another finding."""
    for book in Book.objects.all():
        book.body = "new"
        book.save()
    Tag.objects.bulk_create([Tag(name=str(n)) for n in range(20)], batch_size=2)


def catalogs(keys: list[int]) -> None:
    """The database is asked about itself."""
    with connection.cursor() as cursor:
        for table in ("a", "b", "c", "d", "e", "f"):
            cursor.execute("SELECT name FROM sqlite_master WHERE name = %s", [table])


SILENT = [
    lookup_in_three_places,
    two_lines,
    one_line,
    one_row,
    batches,
    long_batches,
    pages,
    pages_by_key,
    pages_by_parameter,
    prefetch_chunks,
    converging_prefetches,
    prefetched,
    prefetched_to_an_attribute,
    joined,
    known_already,
    assigned,
    null_keys,
    evaluated_once,
    same_question,
    savepoints,
    locks,
    just_made,
    validated,
    set_relations,
    cascades,
    upserts,
    writes,
    catalogs,
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


def test_recordings_inside_a_recording_are_units_of_their_own() -> None:
    """A loop over them, as a test may have it, is no loop of statements."""
    keys = list(Author.objects.values_list("pk", flat=True))
    with record() as recorded:
        for key in keys:
            with record():
                name_of(key)
    assert loops(recorded) == []
