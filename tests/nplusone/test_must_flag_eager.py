"""What was loaded along and not read is a fact of one request, and a finding of many (S63, S64)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db.models import Prefetch

from perfkit import record
from perfkit.analyzers.eager_loading import count, unused
from perfkit.record import RequestRecord
from tests.nplusone.case import line_of
from tests.nplusone.models import Agent, Author, Book, Patient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]


def recorded(run: Callable[[], object]) -> RequestRecord:
    """Run code under a recording."""
    with record() as recording:
        run()
    assert recording.result is not None
    return recording.result


def unread_join() -> list[str]:
    """Join two relations and read one."""
    books = Book.objects.select_related("author", "category").order_by("pk")
    return [book.author.name for book in books]  # S63 origin


def unread_prefetch() -> list[str]:
    """Prefetch two relations and read one."""
    found = []
    for patient in Patient.objects.prefetch_related("visits", "reacts_to"):  # S63b origin
        found.append(patient.surname)
        found.extend(str(visit.fee) for visit in patient.visits.all())
    return found


def unread_hop() -> list[str]:
    """Join two hops and read the first."""
    books = Book.objects.select_related("author__publisher")
    return [book.author.name for book in books]  # S63c origin


def unread_attribute() -> list[int]:
    """Prefetch one relation under a name of its own and read it; another, and do not."""
    books = Book.objects.prefetch_related(Prefetch("tags", to_attr="all_tags"), "editions")
    return [len(book.all_tags) for book in books]  # S63d origin


@pytest.mark.parametrize(
    ("run", "marker", "model", "method", "used"),
    [
        (
            unread_join,
            "S63 origin",
            "corpus.Book",
            "select_related",
            {"author": True, "category": False},
        ),
        (
            unread_prefetch,
            "S63b origin",
            "corpus.Patient",
            "prefetch_related",
            {"visits": True, "reacts_to": False},
        ),
        (
            unread_hop,
            "S63c origin",
            "corpus.Book",
            "select_related",
            {"author": True, "author__publisher": False},
        ),
        (
            unread_attribute,
            "S63d origin",
            "corpus.Book",
            "prefetch_related",
            {"editions": False},
        ),
    ],
)
def test_one_request_knows_what_was_read_and_finds_nothing(
    run: Callable[[], object], marker: str, model: str, method: str, used: dict[str, bool]
) -> None:
    """S63: each relation loaded along, by its line, and whether a row's was read."""
    seen = recorded(run)
    assert {load.path: load.used for load in seen.eager_loads} == used, "to_attr counts as read"
    line = line_of(marker)
    for load in seen.eager_loads:
        assert (load.model, load.method) == (model, method)
        assert load.site is not None
        assert (load.site.file, load.site.line) == tuple(line)
        assert load.rows > 0
    assert seen.findings == ()


def test_many_requests_make_a_finding() -> None:
    """S64: never read in twenty, told once, with the line and how often it was looked at."""
    seen = [recorded(unread_prefetch) for _ in range(20)]
    (finding,) = unused(count(seen))
    assert (finding.kind, finding.severity) == ("unused_eager_load", "info")
    assert (finding.model, finding.path) == ("corpus.Patient", "reacts_to")
    assert (finding.count, finding.saved) == (20, 20)
    line = line_of("S63b origin")
    assert finding.origin is not None
    assert (finding.origin.file, finding.origin.line) == tuple(line)
    assert finding.fix == ""
    assert "reacts_to" in finding.message


def test_nineteen_requests_do_not() -> None:
    """S64: too few to say so."""
    assert unused(count([recorded(unread_prefetch) for _ in range(19)])) == []


def test_read_once_in_twenty_is_used() -> None:
    """A relation read in one branch only is no waste."""

    def branch(read: bool) -> None:
        for book in Book.objects.select_related("author").order_by("pk"):
            assert not read or book.author.name

    seen = [recorded(partial(branch, number == 7)) for number in range(20)]
    assert unused(count(seen)) == []


def test_rows_without_the_relation_prove_nothing() -> None:
    """An empty result, and rows whose relation is empty, are not unused loads."""

    def empty() -> None:
        list(Book.objects.filter(title="none such").select_related("author"))
        list(Author.objects.filter(agent=None).select_related("agent"))
        list(Book.objects.filter(parent=None).select_related("parent"))

    Agent.objects.all().delete()
    assert unused(count([recorded(empty) for _ in range(20)])) == []


def test_missing_and_unused_are_never_said_of_one_relation() -> None:
    """A prefetch that a filter bypasses is wasted, and not unused besides."""

    def bypassed() -> None:
        for author in Author.objects.prefetch_related("books").order_by("pk"):
            assert list(author.books.filter(price__gt=0))

    seen = [recorded(bypassed) for _ in range(20)]
    findings = [finding for request in seen for finding in request.findings]
    assert {finding.kind for finding in findings} == {"wasted_prefetch"}
    assert unused(count(seen), findings) == []
