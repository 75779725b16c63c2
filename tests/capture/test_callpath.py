"""Call paths: the same whole path twice is a loop, and only that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from django import forms
from django.core import serializers as django_serializers
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client, override_settings
from django.urls import path as route
from django.views.generic import ListView
from rest_framework import serializers

from perfkit.capture import callpath
from perfkit.capture.callpath import MOST_FRAMES, MOST_PATHS, CallPath, walk
from perfkit.capture.current import Trace
from perfkit.record import Site
from perfkit.snapshot import site_of
from tests.library.models import Author, Book
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


def test_a_stack_that_ends_earlier_is_another_path(trace: Trace, tmp_path: Path) -> None:
    """In a thread there may be no frame at all where a path of another thread had one."""
    settings = {**connections["default"].settings_dict, "NAME": str(tmp_path / "threads")}
    source = "def run(function, levels):\n    run(function, levels - 1) if levels else function()"
    names: dict[str, Any] = {}
    exec(compile(source, "<framework>", "exec"), names)

    def work() -> None:
        own = DatabaseWrapper(settings, "threads")
        try:
            with own.cursor() as cursor:
                for _ in range(2):
                    cursor.execute("SELECT 1")
        finally:
            own.close()

    names["run"](work, 60)
    for levels in (0, 60):
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(names["run"], work, levels))
        thread.start()
        thread.join()
    assert trace.failures == []
    found = [path for path in paths(trace) if path]
    assert len(found) == 5
    assert found[0] not in found[1:]


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
    """The line that reads the relation, the loop around it, then the view's line."""
    fill()
    trace.events.clear()
    trace.statements.clear()
    books_page(HttpRequest())
    path = paths(trace)[-1]
    line, loop, view = sites(path)[:3]
    assert line == Site("tests/library/templates/library/books.html", 4, "")
    assert loop == Site("tests/library/templates/library/books.html", 2, "")
    assert view.function == "books_page"
    assert path is not None
    assert path.loop == 1
    assert len({id(each) for each in paths(trace)[2:]}) == 1


def test_a_template_line_outside_of_loops_has_none(watchful: Trace) -> None:
    """One read in a page is no loop of the template's."""
    fill(1)
    page = engines["django"].from_string("{{ book.author.name }}")
    page.template.origin.name = "/srv/shop/page.html"
    (book,) = list(Book.objects.all())
    page.render({"book": book})
    path = paths(watchful)[-1]
    assert path is not None
    assert path.places[0] == ("/srv/shop/page.html", 1)
    assert path.loop is None


def test_a_template_that_reads_the_key_only_is_told(watchful: Trace) -> None:
    """`{{ book.author.pk }}` needs no author."""
    fill(1)
    told = []
    for source in ("{{ book.author.pk }}", "{{ book.author.id }}", "{{ book.author.name }}"):
        (book,) = list(Book.objects.all())
        page = engines["django"].from_string(source)
        page.template.origin.name = "/srv/shop/page.html"
        page.render({"book": book})
        path = paths(watchful)[-1]
        assert path is not None
        assert path.relation is not None
        told.append(path.relation.key_only)
    assert told == [True, True, False]


def test_rows_of_a_template_are_known(watchful: Trace) -> None:
    """A tag of the site's own compares the key of the row that the loop is at."""
    fill(2)
    page = engines["django"].from_string("{% for book in books %}{{ ask }}{% endfor %}")
    page.template.origin.name = "/srv/shop/page.html"

    def ask_for_the_first() -> str:
        return Author.objects.get(pk=keys[0]).name

    books = list(Book.objects.order_by("pk"))
    keys = [book.author_id for book in books]
    page.render({"books": books, "ask": ask_for_the_first})
    path = paths(watchful)[-2]
    assert path is not None
    assert path.relation is not None
    assert path.relation.name == "author"


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


# Classes of the site's own that a framework works for.


class AuthorSerializer(serializers.ModelSerializer):
    """A nested serializer."""

    publisher = serializers.CharField(source="publisher.name")

    class Meta:
        model = Author
        fields = ("publisher",)


class BookSerializer(serializers.ModelSerializer):
    """One that holds another."""

    author = AuthorSerializer()
    reviews = serializers.SerializerMethodField()

    class Meta:
        model = Book
        fields = ("author", "reviews")

    def get_reviews(self, book: Book) -> int:
        return book.review_set.count()


def names_of_paths(trace: Trace, text: str) -> list[list[str]]:
    """Name the places of the statements that hold some text, by function."""
    return [
        [site.function for site in sites(event[5])] for event in trace.events if text in event[0]
    ]


def test_a_serializers_field_is_named_with_its_path(watchful: Trace) -> None:
    """Between the statement and the view stand lines of the framework's and this class."""
    fill(2)
    watchful.events.clear()
    assert BookSerializer(Book.objects.all(), many=True).data
    (publisher, *_) = names_of_paths(watchful, 'FROM "library_publisher"')
    assert "BookSerializer.author.publisher" in publisher
    (author, *_) = names_of_paths(watchful, 'FROM "library_author"')
    assert "BookSerializer.author" in author


def test_a_serializers_method_is_a_line_of_its_own(watchful: Trace) -> None:
    """The line in it asks; the field that it works for comes next."""
    fill(2)
    watchful.events.clear()
    assert BookSerializer(Book.objects.all(), many=True).data
    (reviews, *_) = names_of_paths(watchful, 'FROM "library_review"')
    assert reviews[:2] == ["BookSerializer.get_reviews", "BookSerializer.reviews"]


class BookForm(forms.Form):
    """A form whose choices are read while it is rendered."""

    author = forms.ModelChoiceField(Author.objects.all())


def test_a_forms_field_is_named(watchful: Trace) -> None:
    """The rendering is Django's own."""
    fill(2)
    watchful.events.clear()
    BookForm().as_p()
    (choices,) = names_of_paths(watchful, 'FROM "library_author"')
    assert choices[0] == "BookForm.author"
    assert choices.count("BookForm.author") == 1


class BookList(ListView):
    """A view whose template reads what it lists."""

    model = Book
    template_name = "library/books.html"
    context_object_name = "books"

    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("pk")


urlpatterns += [route("list/", BookList.as_view())]


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_a_view_of_which_a_line_is_named_is_not_named_again(watchful: Trace) -> None:
    """The class says nothing that its own method does not."""
    fill(2)
    watchful.events.clear()
    Client().get("/list/")
    for path in names_of_paths(watchful, "SELECT"):
        named = [name for name in path if name]  # a template's line has none
        assert len(named) == len(set(named))


def test_a_serialized_dump_reads_relations_whole(watchful: Trace) -> None:
    """Django's serializers ask for keys only, unless the relation is prefetched."""
    fill(2)
    watchful.events.clear()
    dump = django_serializers.serialize("json", Book.objects.all())
    assert "tags" in dump
    relations = [path.relation for path in paths(watchful) if path and path.relation]
    assert {(each.name, each.plain) for each in relations if each.name == "tags"} == {
        ("tags", True)
    }


def test_two_nodes_of_one_kind_are_two_paths(trace: Trace) -> None:
    """The frames are the same; the node being rendered tells them apart."""
    fill(2)
    page = engines["django"].from_string("{% for book in books %}{{ ask }}\n{{ ask }}{% endfor %}")
    page.template.origin.name = "/srv/shop/page.html"
    trace.events.clear()
    page.render({"books": [1, 2, 3], "ask": Book.objects.count})
    told = [path for path in paths(trace) if path]
    assert {path.places[0][1] for path in told} == {1, 2}
    assert told[0] is told[2] is told[4] is not told[1]


def test_what_a_form_asks_is_told_as_such(watchful: Trace) -> None:
    """No line of the site's is in it that one could write otherwise."""
    fill(2)
    watchful.events.clear()
    (book, *_) = list(Book.objects.all())
    form = forms.modelform_factory(Book, fields=["tags"])
    assert form(instance=book).initial["tags"]
    assert list(book.tags.all())
    by_form, by_hand = [path.relation for path in paths(watchful)[-2:] if path]
    assert by_form is not None
    assert by_hand is not None
    assert (by_form.name, by_form.by_framework) == ("tags", True)
    assert (by_hand.name, by_hand.by_framework) == ("tags", False)


def test_a_package_without_a_line_of_the_sites_names_its_class(trace: Trace) -> None:
    """A table or an import that a package draws from a class of the site's."""
    source = "class Base:\n    def run(self):\n        return self.ask()"
    names: dict[str, Any] = {"__name__": "tables.base"}
    exec(compile(source, "/env/site-packages/tables/base.py", "exec"), names)
    table = type("BookTable", (names["Base"],), {"__module__": __name__, "ask": Book.objects.count})
    for _ in range(2):
        table().run()
    assert [site.function for site in sites(paths(trace)[1])][:2] == ["Base.run", "BookTable"]


# A row that was found by its key.


def test_a_row_found_by_its_key_is_settled_by_another(trace: Trace) -> None:
    """Once the row has changed with the loop, repeats are compared, not walked."""
    fill(6)
    trace.events.clear()

    def each() -> None:
        for book in Book.objects.all():
            Author.objects.get(pk=book.author_id)

    each()
    path = paths(trace)[-1]
    assert path is not None
    assert path.relation is not None
    assert (path.relation.name, path.relation.matched) == ("author", 0)


@pytest.mark.parametrize("same", [True, False], ids=["one row throughout", "another relation"])
def test_a_row_that_does_not_change_with_the_loop_is_given_up(same: bool, trace: Trace) -> None:
    """It was there by chance; the search for it ends after a few repeats."""
    fill(6)
    trace.events.clear()

    def each() -> None:
        (*_, author) = list(Author.objects.order_by("pk"))
        for number in range(6):
            key = author.pk if same or number < 2 else number
            list(Book.objects.filter(author=key, title=f"title {number}"))

    each()
    path = paths(trace)[-1]
    assert path is not None
    assert path.relation is not None
    assert (path.relation.name, path.relation.model, path.relation.by_key) == ("", "", False)
    assert path.relation.lookups == (("author", "exact"), ("title", "exact"))


def test_a_failure_of_ours_costs_the_path_only(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement counts, without a line; the pipeline reports what failed."""

    def fault(*args: Any) -> Any:
        raise RuntimeError("not now")

    monkeypatch.setattr(callpath, "walk", fault)
    for _ in range(3):
        ask()
    assert len(trace.events) == 3
    assert [path.places for path in paths(trace) if path] == [(), ()]
    assert {(part, str(error)) for part, error in trace.failures} == {("call path hook", "not now")}
    trace.failures.clear()


def test_a_failure_of_ours_gives_a_row_up_that_was_found_by_its_key(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be compared is not believed."""
    fill(6)
    trace.events.clear()
    settled: list[int] = []

    def fault(relation: Any, other: Any) -> Any:
        settled.append(1)
        raise RuntimeError("not now")

    def each() -> None:
        for book in Book.objects.all():
            Author.objects.get(pk=book.author_id)

    monkeypatch.setattr("perfkit.capture.relation.Relation.settle", fault)
    each()
    path = paths(trace)[-1]
    assert path is not None
    assert path.relation is not None
    assert (path.relation.name, settled) == ("", [1])
    assert {(part, str(error)) for part, error in trace.failures} == {("call path hook", "not now")}
    trace.failures.clear()


def test_a_failure_of_ours_costs_the_relation_only(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement is noted with its lines; the pipeline reports what failed."""

    def fault(*args: Any) -> Any:
        raise RuntimeError("not now")

    monkeypatch.setattr(callpath, "relation_at", fault)
    for _ in range(3):
        ask()
    assert len(trace.events) == 3
    path = paths(trace)[-1]
    assert path is not None
    assert path.relation is None
    assert sites(path)[0].function == "ask"
    assert {str(error) for _, error in trace.failures} == {"not now"}
    trace.failures.clear()
