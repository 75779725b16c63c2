"""duplicate_query: the same statement with the same parameters, nothing written in between."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection

from perfkit import record
from perfkit.record import Finding
from tests.library.models import Author, Book, Category
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db(databases=["default", "other"])


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill()


def duplicates(recorded: record) -> list[Finding]:
    """Return the findings of this kind."""
    return [finding for finding in recorded.findings if finding.kind == "duplicate_query"]


def count_books(title: str) -> int:
    """Count the books of one title."""
    return Book.objects.filter(title=title).count()


def test_equal_runs_are_found() -> None:
    """How many, what it saves, which statement and which line."""
    with record() as recorded:
        for _ in range(3):
            count_books("a")
    (finding,) = duplicates(recorded)
    assert (finding.count, finding.saved) == (3, 2)
    assert finding.access is not None
    assert finding.access.function == "count_books"
    assert finding.access.line == count_books.__code__.co_firstlineno + 2
    assert finding.message.startswith("library_book: ")
    assert (finding.alias, finding.severity) == ("default", "info")
    assert finding.cost_ms == sum(query.duration_ms for query in recorded.queries[1:])


def test_many_of_them_warn() -> None:
    """Five statements saved are worth an edit."""
    with record() as recorded:
        for _ in range(6):
            count_books("a")
    assert [finding.severity for finding in duplicates(recorded)] == ["warning"]


def test_other_parameters_are_another_question() -> None:
    """The same text with another value is no duplicate, not even -1 and -2, whose hashes are one."""
    with record() as recorded:
        count_books("a")
        count_books("b")
        Book.objects.filter(pk=-1).exists()
        Book.objects.filter(pk=-2).exists()
    assert duplicates(recorded) == []


def test_other_databases_are_another_question() -> None:
    """The same statement on two databases asks two of them."""
    with record() as recorded:
        Book.objects.count()
        Book.objects.using("other").count()
    assert duplicates(recorded) == []


def test_a_write_in_between_makes_it_another_question() -> None:
    """Read, write, read: the second read may see something else, however the write is made."""
    with record() as recorded:
        Book.objects.count()
        Book.objects.create(title="new", author=Author.objects.get(name="author 0"))
        Book.objects.count()
        Book.objects.update(body="")
        Book.objects.count()
        Book.objects.filter(title="new").delete()
        Book.objects.count()
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE library_book SET body = %s", [("a",), ("b",)])
        Book.objects.count()
    assert duplicates(recorded) == []


def test_a_write_elsewhere_changes_nothing() -> None:
    """Only a write to one of the statement's own tables, in its own database, counts."""
    with record() as recorded:
        Book.objects.count()
        Category.objects.create(slug="new")
        Book.objects.using("other").update(body="x")
        Book.objects.count()
    assert [finding.count for finding in duplicates(recorded)] == [2]


def test_runs_before_and_after_a_write_are_told_together() -> None:
    """One shape, one finding: what each stretch between writes could save is added up."""
    with record() as recorded:
        for _ in range(2):
            for _ in range(3):
                count_books("a")
            Book.objects.update(body="")
    assert [(finding.count, finding.saved) for finding in duplicates(recorded)] == [(6, 4)]


def test_a_loop_is_not_told_twice() -> None:
    """Where rows with one author each ask for it, the loop is the finding."""
    Book.objects.update(author=Author.objects.get(name="author 0"))
    with record() as recorded:
        for book in Book.objects.all():
            assert book.author.name
    assert [finding.kind for finding in recorded.findings] == ["n_plus_one"]
    assert recorded.findings[0].count == ROWS


def test_converging_prefetches_are_none() -> None:
    """Two lookups may lead to the same rows, and chunks of a stream to the same few."""
    Book.objects.update(
        author=Author.objects.get(name="author 0"), editor=Author.objects.get(name="author 0")
    )
    with record() as recorded:
        list(Book.objects.prefetch_related("author__publisher", "editor__publisher"))
        for book in Book.objects.order_by("pk").prefetch_related("author").iterator(chunk_size=1):
            assert book.author.name
    assert duplicates(recorded) == []


def test_the_orms_own_affairs_are_none() -> None:
    """Nobody can keep the result of a validation or of the database's own tables."""
    with record() as recorded, connection.cursor() as cursor:
        for _ in range(3):
            with pytest.raises(ValidationError):
                Category(slug="category-1").validate_unique()
            cursor.execute("SELECT name FROM sqlite_master")
    assert duplicates(recorded) == []


def test_a_parameter_that_cannot_be_compared_equals_nothing() -> None:
    """Better one finding too few than a wrong one."""
    with record() as recorded, connection.cursor() as cursor:
        for _ in range(3):
            cursor.execute("SELECT title FROM library_book WHERE title = %s", [bytearray(b"x")])
    assert duplicates(recorded) == []


def test_the_model_is_told_where_the_orm_was_asked() -> None:
    """A cursor's statement has its tables only."""
    with record() as recorded, connection.cursor() as cursor:
        for _ in range(3):
            count_books("a")
            cursor.execute("SELECT slug FROM library_category")
    assert {finding.model for finding in duplicates(recorded)} == {"library.Book", ""}


def test_the_line_that_repeated_it_most_is_named() -> None:
    """One of several lines may be the reason for nearly all repeats."""

    def once() -> int:
        return Book.objects.filter(title="a").count()

    with record() as recorded:
        for _ in range(4):
            count_books("a")
        once()
    (finding,) = duplicates(recorded)
    assert finding.count == 5
    assert finding.access is not None
    assert finding.access.function == "count_books"


def test_a_record_of_one_statement_has_none() -> None:
    """As most pages of an API have."""
    with record() as recorded:
        count_books("a")
    assert duplicates(recorded) == []


def test_statements_without_a_table_are_none() -> None:
    """`SELECT nextval(...)` or a lock asks for something else than rows."""
    with record() as recorded, connection.cursor() as cursor:
        for _ in range(3):
            cursor.execute("SELECT random()")
    assert duplicates(recorded) == []


def test_the_fingerprint_stays_when_values_and_counts_change() -> None:
    """It is the same finding tomorrow."""
    prints = set()
    for runs, title in ((2, "a"), (5, "b")):
        with record() as recorded:
            for _ in range(runs):
                count_books(title)
        prints |= {finding.fingerprint for finding in duplicates(recorded)}
    assert len(prints) == 1


def test_what_is_promised_is_saved() -> None:
    """Keeping the first result runs that many statements less."""
    with record() as before:
        for _ in range(4):
            count_books("a")
    with record() as after:
        cache.set("count", count_books("a"))
        for _ in range(4):
            assert cache.get("count") == 0
    assert before.statements - duplicates(before)[0].saved == after.statements
