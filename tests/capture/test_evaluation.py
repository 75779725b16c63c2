"""Where a queryset is evaluated, for whom, and how it was built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.views.generic import ListView
from rest_framework import serializers

from perfkit.capture import evaluation
from perfkit.capture.current import Trace
from perfkit.capture.evaluation import facts_of
from perfkit.capture.origin import Facts, Origin, origin_of
from perfkit.record import Site
from perfkit.snapshot import site_of
from tests.library.models import Author, Book, Note
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill(2)


# How it was built.


def built(**facts: Any) -> Facts:
    """Return the facts of a queryset about which nothing else is to be said."""
    return Facts(**facts)


@pytest.mark.parametrize(
    ("queryset", "facts"),
    [
        (lambda: Book.objects.all(), built()),
        (lambda: Book.objects.filter(title="x").order_by("pk"), built()),
        (lambda: Book.objects.all()[:2], built(sliced=True)),
        (lambda: Book.objects.all()[1:], built(sliced=True)),
        (lambda: Book.objects.all().union(Book.objects.all()), built(combined=True)),
        (lambda: Book.objects.select_for_update(), built(locked=True)),
        (lambda: Book.objects.select_for_update(of=("self",)), built()),
        (lambda: Book.objects.annotate(n=Count("tags")), built(grouped=True)),
        (lambda: Book.objects.filter(tags__name="x"), built(grouped=True)),
        (lambda: Book.objects.filter(Q(title="x") | Q(author__name="x")), built(grouped=True)),
        (lambda: Book.objects.filter(Q(title="x") | Q(title="y")), built()),
        (lambda: Book.objects.order_by("tags__name"), built(grouped=True)),
        (lambda: Book.objects.order_by("-title"), built()),
        (
            lambda: Book.objects.select_related("author__publisher", "category"),
            built(joined=("author", "author__publisher", "category")),
        ),
        (
            lambda: Book.objects.prefetch_related(
                "author__books",
                Prefetch("tags"),
                Prefetch("review_set", to_attr="opinions"),
            ),
            built(prefetched=("author__books", "tags", "opinions")),
        ),
        (
            lambda: Note.objects.prefetch_related(GenericPrefetch("subject", [])),
            built(prefetched=("subject",)),
        ),
        (lambda: Book.objects.only("title", "body"), built(only=("body", "title"))),
        (lambda: Book.objects.defer("title", "body"), built(deferred=("body", "title"))),
        (lambda: Book.objects.only("title", "body").defer("body"), built(only=("title",))),
    ],
)
def test_facts_of_a_queryset(queryset: Callable[[], QuerySet[Any]], facts: Facts) -> None:
    """What an edit to it must know; ``iterator()`` is told by whoever runs it."""
    assert facts_of(queryset(), False) == facts
    assert facts_of(queryset(), True) == facts._replace(iterated=True)


@pytest.mark.filterwarnings("ignore:Calling select_related")  # deprecated in Django 6.1
def test_joins_without_names_are_told_as_those_that_naming_one_would_drop() -> None:
    """select_related() follows the keys that are never null, as deep as they go."""
    facts = facts_of(Book.objects.select_related(), False)
    assert facts.joins_all


def test_the_facts_of_a_queryset_stand_on_its_rows(trace: Trace) -> None:
    """Evaluated or streamed."""
    books = list(Book.objects.only("title"))
    streamed = list(Book.objects.only("title").iterator())
    for book, iterated in ((books[0], False), (streamed[0], True)):
        origin = origin_of(book)
        assert origin is not None
        assert origin.facts == built(only=("title",), iterated=iterated)


# Where, and for whom.


def root_of(trace: Trace, model: str = "library.Book") -> Origin:
    """Return the one root queryset of a model."""
    (found,) = [root for root in trace.roots.values() if root.model == model]
    return found


def told(trace: Trace, model: str = "library.Book") -> tuple[Site, Any]:
    """Return the line and the owner of the one root queryset of a model."""
    root = root_of(trace, model)
    assert root.place is not None
    return site_of(root.place), root.owner


def direct(request: HttpRequest) -> HttpResponse:
    """Evaluate, then render."""
    return render(request, "library/books.html", {"books": list(Book.objects.all())})


def lazy(request: HttpRequest) -> HttpResponse:
    """Let the template evaluate, inside the view."""
    return render(request, "library/books.html", {"books": Book.objects.all()})


def lazier(request: HttpRequest) -> HttpResponse:
    """Let the template evaluate, after the view."""
    return TemplateResponse(request, "library/books.html", {"books": Book.objects.all()})


class BookList(ListView):
    """Let the template evaluate what Django's own get_queryset() built."""

    model = Book
    template_name = "library/books.html"
    context_object_name = "books"


class OwnList(BookList):
    """Build the queryset in a method of the class."""

    def get_queryset(self) -> QuerySet[Book]:
        return Book.objects.order_by("title")


class EagerList(BookList):
    """Evaluate it there too."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(books=list(self.get_queryset()), **kwargs)


class BookAdmin(admin.ModelAdmin):
    """List the books."""

    list_display = ("title",)


site = admin.AdminSite(name="admin")
site.register(Book, BookAdmin)


class Choice(forms.Form):
    """Choose a book."""

    book = forms.ModelChoiceField(Book.objects.all())


def formed(request: HttpRequest) -> HttpResponse:
    """Render a form."""
    return HttpResponse(Choice().as_p())


class BookSerializer(serializers.ModelSerializer):
    """Serialize a book."""

    class Meta:
        model = Book
        fields = ("title",)


def serialized(request: HttpRequest) -> HttpResponse:
    """Evaluate inside the serializer."""
    return HttpResponse(str(BookSerializer(Book.objects.all(), many=True).data))


def packaged(source: str, **names: Any) -> Callable[..., Any]:
    """Define `run` in an installed package."""
    names["__name__"] = "shop.rows"
    exec(compile(source, "/env/site-packages/shop/rows.py", "exec"), names)
    run: Callable[..., Any] = names["run"]
    return run


urlpatterns = [
    path("admin/", site.urls),
    path("direct/", direct),
    path("lazy/", lazy),
    path("lazier/", lazier),
    path("list/", BookList.as_view()),
    path("own/", OwnList.as_view()),
    path("eager/", EagerList.as_view()),
    path("formed/", formed),
    path("serialized/", serialized),
    path(
        "packaged/",
        packaged(
            "def run(request):\n    return Response(str(list(Book.objects.all())))",
            Response=HttpResponse,
            Book=Book,
        ),
    ),
]


@pytest.mark.parametrize(
    ("url", "function", "owner"),
    [
        ("direct", "direct", None),
        ("lazy", "lazy", None),
        ("list", "BookList.get_queryset", (BookList, "get_queryset")),
        ("own", "OwnList.get_queryset", (OwnList, "get_queryset")),
        ("eager", "EagerList.get_context_data", None),
        ("formed", "Choice.book", (Choice, "book")),
        ("serialized", "serialized", None),
    ],
)
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_the_line_or_class_to_edit_is_told(
    url: str, function: str, owner: Any, trace: Trace
) -> None:
    """The site's line where there is one that built the queryset, else the class it is built for."""
    assert Client().get(f"/{url}/").status_code == 200
    line, owned_by = told(trace)
    assert line.file == "tests/capture/test_evaluation.py"
    assert line.function == function
    assert owned_by == owner


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_a_template_rendered_after_the_view_is_the_line(trace: Trace) -> None:
    """Where no code of the site's is left on the stack, its template is what one can open."""
    Client().get("/lazier/")
    line, owner = told(trace)
    assert str(line) == "tests/library/templates/library/books.html:2"
    assert owner is None


@override_settings(ROOT_URLCONF=__name__)
def test_an_admins_list_is_told_by_the_admin(trace: Trace) -> None:
    """The change list is Django's own; its options are the site's."""
    request = RequestFactory().get("/admin/")
    request.user = User(pk=1, is_staff=True, is_active=True, is_superuser=True)
    response: Any = BookAdmin(Book, site).changelist_view(request)
    response.render()
    line, owner = told(trace)
    assert line.function.split(".")[0] == "BookAdmin"
    assert owner[0] is BookAdmin


def test_a_line_of_the_site_comes_before_one_of_a_package(trace: Trace) -> None:
    """What a package evaluates was handed to it by somebody."""
    packaged("def run(rows): return list(rows)")(Book.objects.all())
    line, _ = told(trace)
    assert line.function == "test_a_line_of_the_site_comes_before_one_of_a_package"


@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[])
def test_a_package_by_itself_is_told(trace: Trace) -> None:
    """The view of an installed app has no line of the site's around it."""
    Client().get("/packaged/")
    line, _ = told(trace)
    assert line == Site("shop/rows.py", 2, "run")


def test_frames_looked_at_are_bounded(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queryset evaluated by something very deep has no line, and its rows come."""
    monkeypatch.setattr(evaluation, "_DEEPEST_WALK", 1)
    assert len(list(Book.objects.all())) == 2
    assert root_of(trace).place is None or root_of(trace).owner is None


def test_a_coroutines_line_is_told(trace: Trace) -> None:
    """Not the worker thread's, which is the framework's."""

    async def view() -> list[Book]:
        return [book async for book in Book.objects.all()]

    async_to_sync(view)()
    line, owner = told(trace)
    assert "view" in line.function
    assert owner is None


def test_prefetched_rows_are_laid_to_the_row_that_they_are_for(trace: Trace) -> None:
    """A prefetch has no line of its own to edit."""
    authors = list(Author.objects.prefetch_related("books"))
    origin = origin_of(authors[0].books.all()[0])
    assert origin is not None
    assert (origin.place, origin.parent) == (None, origin_of(authors[0]))
    assert len(trace.roots) == 1
