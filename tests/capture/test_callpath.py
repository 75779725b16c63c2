"""Call paths: the same whole path twice is a loop, and only that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, override_settings
from django.urls import path as route

from perfkit.capture import callpath
from perfkit.capture.callpath import MOST_FRAMES, MOST_PATHS, CallPath, walk
from perfkit.capture.current import Trace
from perfkit.capture.templates import template_place
from perfkit.record import Site
from perfkit.snapshot import site_of
from tests.library.models import Book
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db


def sites(path: CallPath | None) -> list[Site]:
    """Turn a path into lines."""
    assert path is not None
    return [site_of(place) for place in path.places]


def paths(trace: Trace) -> list[CallPath | None]:
    """Return the path of each event."""
    return [event[5] for event in trace.events]


def ask() -> int:
    """Ask the same as everybody else who calls this."""
    return Book.objects.count()


def test_a_loop_is_one_path(trace: Trace) -> None:
    """Each repeat of a loop has the very same path object."""
    for _ in range(5):
        ask()
    first, *repeats = paths(trace)
    assert first is None
    assert len({id(path) for path in repeats}) == 1


def test_a_helper_called_from_three_lines_has_three_paths(trace: Trace) -> None:
    """The leaf line is one; the lines that called it are not."""
    ask()
    ask()
    ask()
    ask()
    _, *repeats = paths(trace)
    assert len({id(path) for path in repeats}) == 3
    assert len({sites(path)[0] for path in repeats}) == 1
    assert len({sites(path)[1].line for path in repeats}) == 3


def test_two_reads_on_one_line_are_two_paths(trace: Trace) -> None:
    """A line number does not tell them apart, the instruction does."""
    ask()
    ask(), ask()
    _, one, other = paths(trace)
    assert one is not other
    assert sites(one)[1].line == sites(other)[1].line


def test_places_are_lines_of_the_site(trace: Trace) -> None:
    """Innermost first: file from its import root, line, qualified function; Django is left out."""
    for _ in range(2):
        ask()
    place, caller = sites(paths(trace)[1])[:2]
    assert place == Site("tests/capture/test_callpath.py", ask.__code__.co_firstlineno + 2, "ask")
    assert caller.function == "test_places_are_lines_of_the_site"
    assert not any("django" in site.file for site in sites(paths(trace)[1]))


def deep(levels: int) -> int:
    """Ask from the bottom of a recursion."""
    return deep(levels - 1) if levels else ask()


def test_a_function_that_calls_itself_counts_once(trace: Trace) -> None:
    """A recursion is as long as its data; a path is not."""
    for _ in range(2):
        deep(40)
    functions = [site.function for site in sites(paths(trace)[1])]
    assert functions.count("deep") == 1
    assert len(functions) <= MOST_FRAMES


def test_a_stack_of_another_depth_is_another_path(trace: Trace) -> None:
    """A path that was deeper than the present stack does not fit, nor fail."""
    for levels in (30, 30, 0, 0):
        deep(levels)
    assert trace.failures == []
    _, far, near, near_again = paths(trace)
    assert far is not near
    assert near is not None
    assert near_again is not None


def test_paths_remembered_for_a_statement_are_bounded(trace: Trace) -> None:
    """One statement asked from everywhere costs a bounded comparison."""
    lines = "\n".join("    ask()" for _ in range(MOST_PATHS * 2))
    many: dict[str, Any] = {"ask": ask}
    exec(compile(f"def many():\n{lines}", "/srv/made/many.py", "exec"), many)
    many["many"]()
    assert len(trace.events) == MOST_PATHS * 2
    (repeats,) = trace.statements.values()
    assert len(repeats.paths) == MOST_PATHS


def test_the_walk_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack of thousands is looked at to a bound."""
    monkeypatch.setattr(callpath, "DEEPEST_WALK", 5)

    def down(levels: int) -> CallPath:
        return down(levels - 1) if levels else walk(sys._getframe())

    assert [site.function for site in sites(down(100))] == [
        "test_the_walk_ends.<locals>.down",
    ]


def compiled(source: str, filename: str) -> Callable[..., Any]:
    """Make a function `run(ask)` that stands in a file of that name."""
    names: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), names)
    run: Callable[..., Any] = names["run"]
    return run


def test_packages_count_until_the_first_line_of_the_site(trace: Trace) -> None:
    """A package's line is named when it asks; what called the site's line is not."""
    inner = compiled("def run(ask):\n    return ask()", "/env/site-packages/shop/inner.py")
    outer = compiled("def run(ask):\n    return ask()", "/env/site-packages/shop/outer.py")
    for _ in range(2):
        outer(lambda: inner(Book.objects.count))
    functions = [site.file for site in sites(paths(trace)[1])]
    assert functions[:2] == ["shop/inner.py", "tests/capture/test_callpath.py"]
    assert "shop/outer.py" not in functions


def books_page(request: HttpRequest) -> HttpResponse:
    """Render every book with its author."""
    page = engines["django"].get_template("library/books.html")
    return HttpResponse(page.render({"books": Book.objects.all()}))


def authors_of_books(request: HttpRequest) -> HttpResponse:
    """Read every book's author."""
    return HttpResponse(", ".join(book.author.name for book in Book.objects.all()))


urlpatterns = [route("books/", books_page), route("authors/", authors_of_books)]


def test_a_template_line_is_named(trace: Trace) -> None:
    """The line of the template that reads the relation comes first, then the view's line."""
    fill()
    trace.events.clear()
    trace.statements.clear()
    books_page(HttpRequest())
    path = paths(trace)[-1]
    template, view = sites(path)[:2]
    assert template == Site("tests/library/templates/library/books.html", 4, "")
    assert view.function == "books_page"
    assert len({id(each) for each in paths(trace)[2:]}) == 1


def test_a_template_without_a_file_is_not_named() -> None:
    """Text that somebody rendered from a string has no line to show."""
    template = engines["django"].from_string("{{ x }}").template
    assert template_place(template.nodelist[0]) is None
    assert template_place(object()) is None


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_a_path_ends_at_the_view(trace: Trace) -> None:
    """Whatever called the site - a server, a test runner, middleware - is not part of the path."""
    fill()
    trace.events.clear()
    trace.statements.clear()
    Client().get("/authors/")
    path = paths(trace)[-1]
    assert {site.function.split(".")[0] for site in sites(path)} == {"authors_of_books"}


def test_a_place_becomes_the_line_that_runs() -> None:
    """The instruction tells the line within the function, not the function's first."""

    def two_lines() -> tuple[CodeType, int]:
        frame = sys._getframe()
        return (
            frame.f_code,
            frame.f_lasti,
        )

    site = site_of(two_lines())
    assert site.line == two_lines.__code__.co_firstlineno + 4
    assert site.file == "tests/capture/" + Path(__file__).name
