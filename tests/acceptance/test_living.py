"""What is accepted drops out of real findings, access by access, and the fix is for the rest."""

from __future__ import annotations

from typing import Any

import pytest

import perfkit
from perfkit.record import Finding
from tests.library.models import Author, Book, Publisher, Tag


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    """Make six books, each with an author and a tag of its own."""
    publisher = Publisher.objects.create(name="p")
    for number in range(6):
        author = Author.objects.create(name=f"a{number}", publisher=publisher)
        book = Book.objects.create(title=f"b{number}", author=author)
        book.tags.add(Tag.objects.create(name=f"t{number}"))


def told(record: perfkit.record) -> list[tuple[str, str]]:
    """Return path and fix of each finding."""
    return [(finding.path, finding.fix) for finding in record.findings]


def both() -> list[Finding]:
    """Read two relations, none of them accepted."""
    with perfkit.record() as record:
        for book in Book.objects.all():
            assert book.author.name
            list(book.tags.all())
    return list(record.findings)


def test_one_access_of_two_can_be_accepted_by_a_comment() -> None:
    """The finding and its fix are about the other one."""
    with perfkit.record() as record:
        for book in Book.objects.all():
            assert book.author.name  # perfkit: ok[this test]
            list(book.tags.all())
    assert told(record) == [("tags", '.prefetch_related("tags")')]


def test_one_access_of_two_can_be_accepted_by_a_rule(settings: Any) -> None:
    """By its path, or by what it leads through."""
    settings.PERFKIT = {"IGNORE": [{"MODEL": "library.Book", "PATH": "auth*"}]}
    assert [finding.path for finding in both()] == ["tags"]
    settings.PERFKIT = {"IGNORE": [{"PATH": "tags"}]}
    assert [(finding.path, finding.fix) for finding in both()] == [
        ("author", '.select_related("author")')
    ]
    settings.PERFKIT = {"IGNORE": [{"PATH": "tags"}, {"KIND": "n_plus_one", "PATH": "author"}]}
    assert both() == []


def test_a_comment_where_the_rows_are_loaded_accepts_everything_about_them() -> None:
    """There is one queryset, and one decision."""
    with perfkit.record() as record:
        books = list(Book.objects.all())  # perfkit: ok[this test]
        for book in books:
            assert book.author.name
            list(book.tags.all())
    assert told(record) == []


def test_a_comment_at_the_head_of_the_loop_accepts_what_it_repeats() -> None:
    """The rows were loaded elsewhere."""
    books = list(Book.objects.all())
    with perfkit.record() as record:
        for book in books:  # perfkit: ok[this test]
            assert book.author.name
    assert told(record) == []


def test_a_caller_can_accept_what_a_property_does() -> None:
    """And other callers of the property still get told."""
    with perfkit.record() as record:
        accepted = [book.byline for book in Book.objects.all()]  # perfkit: ok[this test]
        told_of = [book.byline for book in Book.objects.order_by("pk")]
    assert accepted == told_of
    (finding,) = record.findings
    assert finding.count == 6


def test_an_accepted_loop_does_not_come_back_under_another_name() -> None:
    """The same statements are no duplicates either."""
    with perfkit.record() as record:
        for book in Book.objects.all():  # perfkit: ok[this test]
            assert book.author.publisher.name
    assert told(record) == []
