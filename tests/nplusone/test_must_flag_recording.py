"""Findings come from any recording: a coroutine's, a decorated task's, a response's; one for each edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import AsyncClient, Client
from django.urls import path

from perfkit import record
from perfkit.conf import OPTIONS
from perfkit.record import Finding, RequestRecord, finding_from
from tests.nplusone.models import Author, Book, Tag
from tests.seen import Seen


def page(request: HttpRequest) -> HttpResponse:
    """Show books, their authors read by the template."""
    return render(request, "corpus/books.html", {"books": Book.objects.order_by("pk")})


async def coroutine(request: HttpRequest) -> HttpResponse:
    """Show the authors of books."""
    names = []
    async for book in Book.objects.order_by("pk"):
        author = await Author.objects.aget(pk=book.author_id)
        names.append(author.name)
    async for tag in Tag.objects.order_by("pk"):
        names.extend([book.title async for book in tag.books.all()])
    return HttpResponse(", ".join(names))


urlpatterns = [path("page/", page), path("coroutine/", coroutine)]


def edit(finding: Finding) -> tuple[str, str, str]:
    """Return what is to be done, in one line."""
    return (finding.model, finding.path, finding.fix)


def edits(recorded: Any) -> list[tuple[str, str, str]]:
    """Return what is to be done, in one line each."""
    return [edit(finding) for finding in recorded.findings]


def findings_of(seen: Seen) -> list[Finding]:
    """Return what the middleware and its sinks made of one request."""
    stored = seen.stored()
    assert stored.window.requests == 1
    return [finding_from(stored.texts[fingerprint]) for fingerprint in stored.window.findings]


#: perfkit's own analyzers: what ``seen`` sets up has none of them.
(DEFAULTS,) = [option.default for option in OPTIONS if option.name == "ANALYZERS"]

JOIN = ("corpus.Book", "author", '.select_related("author")')
PREFETCH = ("corpus.Tag", "books", '.prefetch_related("books")')


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
def test_each_call_of_a_decorated_task_is_judged_for_itself() -> None:
    """A loop in each of two tasks is two findings; the same line once in each of six is none."""
    done: list[RequestRecord] = []

    @record(done.append)
    def all_of_them() -> None:
        for book in Book.objects.all():
            assert book.author.name

    @record(done.append)
    def one(number: int) -> None:
        assert Book.objects.order_by("pk")[number].author.name

    for _ in range(2):
        all_of_them()
    for number in range(6):
        one(number)
    assert [edits(task) for task in done] == [[JOIN], [JOIN], [], [], [], [], [], []]


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
def test_a_coroutine_with_a_recording_of_its_own() -> None:
    """Nothing between the loop and the database is named but the coroutine's lines."""

    async def recording() -> Any:
        async with record() as recorded:
            await coroutine(HttpRequest())
        return recorded

    recorded = async_to_sync(recording)()
    assert sorted(edits(recorded)) == [JOIN, PREFETCH]
    for finding in recorded.findings:
        assert_in_this_file(finding)


def assert_in_this_file(finding: Finding) -> None:
    """Check that both lines are lines of this file's coroutine."""
    for site in (finding.access, finding.origin):
        assert site is not None
        assert site.file == "tests/nplusone/test_must_flag_recording.py"
        assert site.function.startswith("coroutine")


@pytest.mark.django_db
@pytest.mark.urls("tests.nplusone.test_must_flag_recording")
@pytest.mark.usefixtures("rows")
def test_a_request_through_the_middleware(seen: Seen, client: Client) -> None:
    """A whole request, from the middleware to the template, gives the one finding."""
    seen.configure(ANALYZERS=DEFAULTS)
    client.get("/page/")
    (finding,) = findings_of(seen)
    assert edit(finding) == JOIN
    assert str(finding.access).endswith("templates/corpus/books.html:4")
    assert finding.origin is not None
    assert finding.origin.function == "page"


@pytest.mark.django_db
@pytest.mark.urls("tests.nplusone.test_must_flag_recording")
@pytest.mark.usefixtures("rows")
def test_an_async_request_through_the_middleware(seen: Seen) -> None:
    """The view is a coroutine; its lines are named, no thread's."""
    seen.configure(ANALYZERS=DEFAULTS)
    async_to_sync(AsyncClient().get)("/coroutine/")
    found = findings_of(seen)
    assert sorted(map(edit, found)) == [JOIN, PREFETCH]
    for finding in found:
        assert_in_this_file(finding)


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
def test_everything_about_one_queryset_is_one_finding() -> None:
    """One edit mends it, so it is one finding, whose parts add up."""
    with record() as recorded:
        for book in Book.objects.order_by("pk"):
            assert book.author.publisher.name
            assert book.category.name
            assert list(book.tags.all())
            assert book.review_set.count()
    (finding,) = [found for found in recorded.findings if found.severity == "warning"]
    assert finding.count == sum(part.count for part in finding.parts) == 30
    assert {part.path for part in finding.parts} >= {"author", "category", "tags", "review_set"}
    assert finding.saved == 29
    costs = [part.cost_ms for part in finding.parts]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
def test_two_querysets_are_two_findings_the_costlier_one_first() -> None:
    """Two edits; the one that saves more statements is not hidden behind the other."""
    with record() as recorded:
        for tag in Tag.objects.order_by("pk"):
            assert list(tag.books.all())
        for book in Book.objects.order_by("pk"):
            assert book.author.publisher.name
    found = {(finding.model, finding.path) for finding in recorded.findings}
    assert found == {("corpus.Tag", "books"), ("corpus.Book", "author__publisher")}


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
def test_a_finding_keeps_its_fingerprint_from_run_to_run() -> None:
    """Twice the same code, twice the same name; other code, another name."""

    def names(code: Callable[[], object]) -> set[str]:
        with record() as recorded:
            code()
        return {finding.fingerprint for finding in recorded.findings}

    def authors() -> list[str]:
        return [book.author.name for book in Book.objects.all()]

    def kinds() -> list[str]:
        return [book.category.name for book in Book.objects.all()]

    assert names(authors) == names(authors)
    assert names(authors).isdisjoint(names(kinds))
