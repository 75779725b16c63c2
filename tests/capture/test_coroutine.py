"""Coroutines: the line that awaits is named, not the worker thread's."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from functools import partial
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, async_to_sync, iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path as route

from perfkit import hooks
from perfkit.capture import coroutine
from perfkit.capture.coroutine import awaiting, waiting_from
from perfkit.capture.current import Trace
from perfkit.capture.origin import origin_of
from perfkit.record import Site
from perfkit.snapshot import site_of
from tests.library.models import Author, Book
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill()


def sites(trace: Trace) -> list[list[Site]]:
    """Return the lines of each event that has a path."""
    return [[site_of(place) for place in event[5].places] for event in trace.events if event[5]]


def line_of(function: Any, text: str) -> int:
    """Return the line of a function's source that holds some text."""
    lines, start = inspect.getsourcelines(function)
    return next(start + at for at, line in enumerate(lines) if text in line)


def test_an_awaited_statement_names_the_coroutine(watchful: Trace) -> None:
    """`aget()` runs in a thread on whose stack no line of the site's stands."""

    async def view() -> None:
        for number in range(3):
            await Author.objects.aget(name=f"author {number}")

    async_to_sync(view)()
    assert [each[0].line for each in sites(watchful)] == [line_of(view, "aget")] * 3
    assert all(each[0].function.endswith("view") for each in sites(watchful))


def test_the_callers_of_the_coroutine_are_named_too(watchful: Trace) -> None:
    """A coroutine awaited by a coroutine stands on its stack."""

    async def ask() -> int:
        return await Book.objects.acount()

    async def view() -> None:
        await ask()

    async_to_sync(view)()
    inner, outer = sites(watchful)[0][:2]
    assert (inner.line, outer.line) == (line_of(ask, "acount"), line_of(view, "await ask"))


def test_lines_kept_of_a_coroutine_are_bounded(watchful: Trace) -> None:
    """A recursion of coroutines is as long as its data."""

    async def deep(levels: int) -> int:
        return await deep(levels - 1) if levels else await Book.objects.acount()

    async_to_sync(deep)(40)
    (path,) = sites(watchful)
    assert len([each for each in path if each.function.endswith("deep")]) < 10


def test_frames_looked_at_for_a_coroutine_are_bounded() -> None:
    """Nor does a stack of the framework's cost more than a bounded look."""
    source = (
        "def run(function, levels):\n    return run(function, levels - 1) if levels else function()"
    )
    names: dict[str, Any] = {}
    exec(compile(source, "<framework>", "exec"), names)
    look = partial(
        eval, "waiting_from(getframe())", {"waiting_from": waiting_from, "getframe": sys._getframe}
    )
    assert names["run"](look, 200) is None
    assert names["run"](look, 2) is not None


def test_two_awaits_are_two_paths(trace: Trace) -> None:
    """Statements of one text are told apart by the lines that await them."""

    async def view() -> None:
        for _ in range(2):
            await Book.objects.acount()
            await Book.objects.acount()

    async_to_sync(view)()
    first, *repeats = [event[5] for event in trace.events]
    assert first is None
    lines = [site_of(path.places[0]).line for path in repeats if path]
    assert lines[0] == lines[2] != lines[1]
    assert repeats[0] is repeats[2] is not repeats[1]


def test_async_for_names_the_coroutine(watchful: Trace) -> None:
    """Both where the rows come from and where the loop stands."""

    async def view() -> list[Book]:
        return [book async for book in Book.objects.all()]

    books = async_to_sync(view)()
    origin = origin_of(books[0])
    assert origin is not None
    assert origin.place is not None
    assert site_of(origin.place).line == line_of(view, "async for")
    assert sites(watchful)[0][0].line == line_of(view, "async for")


def test_a_sync_function_of_the_sites_own_comes_first(watchful: Trace) -> None:
    """`sync_to_async(count)`: the function's line, then the coroutine's."""

    def count() -> int:
        return Book.objects.count()

    async def view() -> int:
        return await sync_to_async(count)()

    async_to_sync(view)()
    inner, outer = sites(watchful)[0][:2]
    assert (inner.line, outer.line) == (line_of(count, "objects"), line_of(view, "await"))


def test_rows_that_the_coroutine_holds_are_known(watchful: Trace) -> None:
    """A key compared with that of a row in the coroutine's names asks for that row's relation."""

    async def view() -> None:
        async for book in Book.objects.all():
            await Author.objects.aget(pk=book.author_id)

    async_to_sync(view)()
    relation = watchful.events[-1][5].relation
    assert (relation.model, relation.name, relation.by_key) == ("library.Book", "author", True)


def test_gathered_coroutines_are_told_apart(watchful: Trace) -> None:
    """Each statement is laid to the coroutine that awaits it, whichever runs between."""

    async def authors() -> None:
        for number in range(ROWS):
            await Author.objects.aget(name=f"author {number}")
            await asyncio.sleep(0)

    async def books() -> None:
        for number in range(ROWS):
            await Book.objects.aget(title=f"title {number}")
            await asyncio.sleep(0)

    async def view() -> None:
        await asyncio.gather(authors(), books(), authors())

    async_to_sync(view)()
    told = {(event[0].split('"')[1], each[0].function) for event, each in pairs(watchful)}
    assert {(table, function.rpartition(".")[2]) for table, function in told} == {
        ("library_author", "authors"),
        ("library_book", "books"),
    }
    assert len(watchful.events) == 3 * ROWS


def pairs(trace: Trace) -> list[tuple[Any, list[Site]]]:
    """Return each event with its lines."""
    return list(zip(trace.events, sites(trace), strict=True))


def test_a_thread_of_a_sync_function_is_left_as_it_was(watchful: Trace) -> None:
    """What no coroutine awaits has its own lines only."""

    async def view() -> None:
        await Book.objects.acount()

    async_to_sync(view)()
    Book.objects.count()
    functions = [each.function for each in sites(watchful)[-1]]
    assert not any(function.endswith("view") for function in functions)


def test_nobody_records_nothing_is_noted() -> None:
    """An idle process pays one look at a context variable for an await."""
    hooks.install()

    async def view() -> bool:
        before = awaiting.get()
        assert await Book.objects.acount() == ROWS
        return awaiting.get() is before

    assert async_to_sync(view)()


def test_a_closed_recording_notes_nothing(trace: Trace) -> None:
    """A task that outlives its request awaits as if nobody recorded."""
    trace.closed = True
    test_nobody_records_nothing_is_noted()


def test_what_is_awaited_gives_and_raises_as_before(trace: Trace) -> None:
    """The result and the exception are the function's own, the very objects."""
    failure, result = KeyError("mine"), object()

    def work(fails: bool) -> object:
        if fails:
            raise failure
        return result

    async def view() -> None:
        assert await sync_to_async(work)(False) is result
        with pytest.raises(KeyError) as caught:
            await sync_to_async(work, thread_sensitive=False)(fails=True)
        assert caught.value is failure

    async_to_sync(view)()


def test_what_is_made_async_is_still_known_as_such() -> None:
    """Django asks a callable whether it must be awaited."""
    hooks.install()
    assert iscoroutinefunction(sync_to_async(Book.objects.count))
    assert iscoroutinefunction(SyncToAsync.__call__)


def test_rows_noted_are_not_held(trace: Trace) -> None:
    """What a coroutine's call carries along keeps no row alive."""
    noted: list[Any] = []

    def look() -> None:
        waiting = awaiting.get()
        noted.extend(waiting.rows if waiting else ())

    async def view() -> str:
        (book,) = [book async for book in Book.objects.filter(title="title 0")]
        await sync_to_async(look)()
        return book.title

    async_to_sync(view)()
    gc.collect()
    assert [reference() for reference in noted] == [None]


def test_nothing_is_left_in_the_context(trace: Trace) -> None:
    """A later statement of the same context is not laid to an earlier await."""

    async def view() -> object:
        await Book.objects.acount()
        return awaiting.get()

    assert async_to_sync(view)() is None
    assert awaiting.get() is None


def test_calls_made_before_they_are_awaited_keep_their_lines(watchful: Trace) -> None:
    """`gather()` awaits in tasks what was called on lines of its own."""

    async def view() -> None:
        books = sync_to_async(Book.objects.count)()
        authors = sync_to_async(Author.objects.count)()
        await asyncio.gather(authors, books)

    async_to_sync(view)()
    told = {event[0].partition(" FROM ")[2]: each[0].line for event, each in pairs(watchful)}
    assert told == {
        '"library_book"': line_of(view, "books ="),
        '"library_author"': line_of(view, "authors ="),
    }


def test_a_task_of_its_own_is_not_laid_to_what_runs_the_loop(watchful: Trace) -> None:
    """Outside of a task's coroutine stands a server, or `manage.py`: no line of that asked."""

    async def view() -> None:
        await asyncio.gather(*(Author.objects.aget(name=f"author {n}") for n in range(3)))

    def serve() -> None:
        asyncio.run(view())

    serve()
    assert [each for each in sites(watchful) if "serve" in {one.function for one in each}] == []


def test_a_failure_of_ours_is_kept_and_the_call_goes_on(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coroutine gets its answer; the pipeline reports what failed."""

    def fault(frame: Any) -> Any:
        raise RuntimeError("not now")

    async def view() -> int:
        return await Book.objects.acount()

    monkeypatch.setattr(coroutine, "waiting_from", fault)
    assert async_to_sync(view)() == ROWS
    assert {(part, str(error)) for part, error in trace.failures} == {("coroutine hook", "not now")}
    trace.failures.clear()


def test_uninstalling_restores_asgiref() -> None:
    """The very function is back; that of somebody else stays."""
    hooks.install()
    try:
        hooks.uninstall()
        assert SyncToAsync.__call__ is coroutine._original_call
        coroutine.uninstall()
        assert SyncToAsync.__call__ is coroutine._original_call
    finally:
        hooks.install()
    assert SyncToAsync.__call__ is coroutine.call


# Behind a handler.


async def awaits(request: HttpRequest) -> HttpResponse:
    """Await each author."""
    for number in range(3):
        await Author.objects.aget(name=f"author {number}")
    return HttpResponse()


def does_not_await(request: HttpRequest) -> HttpResponse:
    """Read each author, in the thread that the handler gave."""
    for number in range(3):
        Author.objects.get(name=f"author {number}")
    return HttpResponse()


def counts_first(get_response: Any) -> Any:
    """Count the books before each request."""

    async def middleware(request: HttpRequest) -> Any:
        await Book.objects.acount()
        return await get_response(request)

    return middleware


counts_first.async_capable = True  # type: ignore[attr-defined]  # as Django's decorator sets it
counts_first.sync_capable = False  # type: ignore[attr-defined]

urlpatterns = [route("awaits/", awaits), route("sync/", does_not_await)]


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.counts_first"])
@pytest.mark.parametrize("view", [awaits, does_not_await], ids=["async", "sync"])
def test_middleware_that_awaited_before_is_no_caller(view: Any, watchful: Trace) -> None:
    """The lines of a view's statements end at the view, whatever was awaited before it."""
    url = "/awaits/" if view is awaits else "/sync/"

    async def visit() -> None:
        await AsyncClient().get(url)

    async_to_sync(visit)()
    of_view = [each for event, each in pairs(watchful) if "library_author" in event[0]]
    assert len(of_view) == 3
    functions = {site.function for each in of_view for site in each}
    assert view.__name__ in functions
    assert not {function for function in functions if "middleware" in function.split(".")}
