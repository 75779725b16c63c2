"""The site's own class that a framework works for: what one can edit where no line is in between."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import result_list
from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand
from django.db import models
from django.http import HttpRequest
from django.template import Context
from django.test import RequestFactory
from django.views.generic import DetailView, ListView
from rest_framework import serializers

from perfkit.capture.holders import Holder, holder_of, kind_of, view_of
from tests.library.models import Author, Book
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db

seen: list[Holder] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    """Begin each test with nothing."""
    seen.clear()


def look() -> None:
    """Note the holders of the frames around the caller, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        holder = holder_of(frame)
        if holder is not None and holder not in seen:
            seen.append(holder)
        frame = frame.f_back


class BookList(ListView):
    """A generic view of the site's."""

    model = Book

    def get_ordering(self) -> None:
        look()


def test_a_view_is_told_by_the_frames_of_the_generic_one() -> None:
    """Django's own get_queryset() works for the site's class."""
    view = BookList()
    view.setup(RequestFactory().get("/"))
    view.get_queryset()
    assert seen == [(BookList, "")]


class LookingField(forms.ModelChoiceField):
    """A field that looks who renders it."""

    def label_from_instance(self, obj: models.Model) -> str:
        look()
        return str(obj.pk)


class BookForm(forms.Form):
    """A form of the site's."""

    author = LookingField(Author.objects.all())


def test_a_form_is_told_with_its_field() -> None:
    """A select's labels are read while the field is rendered."""
    fill(1)
    str(BookForm()["author"])
    assert seen == [(BookForm, "author")]


class BookAdmin(admin.ModelAdmin):
    """An admin of the site's."""

    list_display = ("title", "looking")

    @admin.display
    def looking(self, book: Book) -> str:
        look()
        return book.title


def request_of_admin() -> HttpRequest:
    """Return a request as the admin gets it."""
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    return request


def test_an_admin_is_told_with_what_its_list_shows() -> None:
    """Cells are rendered by template tags, whose frames know the change list only."""
    fill(1)
    changes = BookAdmin(Book, admin.site).get_changelist_instance(request_of_admin())
    changes.formset = None
    result_list(changes)
    assert seen == [(BookAdmin, "list_display")]


class AuthorSerializer(serializers.ModelSerializer):
    """A serializer of the site's."""

    name = serializers.SerializerMethodField()

    class Meta:
        model = Author
        fields = ("name",)

    def get_name(self, author: Author) -> str:
        look()
        return author.name


class BookSerializer(serializers.ModelSerializer):
    """One that holds another."""

    author = AuthorSerializer()

    class Meta:
        model = Book
        fields = ("author",)


def test_a_serializer_is_told_with_each_field_it_serializes() -> None:
    """Innermost first; its other frames tell nothing that the field's does not."""
    fill(1)
    assert BookSerializer(Book.objects.all(), many=True).data
    assert seen == [(AuthorSerializer, "name"), (BookSerializer, "author")]


class Sweep(BaseCommand):
    """A command of the site's."""

    def handle(self, *args: Any, **options: Any) -> None:
        look()


def test_a_command_is_told() -> None:
    """Its handle() is the site's own line; the frames around it work for the command."""
    Sweep().execute(force_color=False, no_color=False, skip_checks=True)
    assert seen == [(Sweep, "")]


def test_code_of_the_site_works_for_nobody() -> None:
    """A line of the site's own is named as such."""

    class Service:
        def work(self) -> None:
            look()

    Service().work()
    assert seen == []


def framed(source: str, filename: str, **names: Any) -> Any:
    """Define `run` in a file of that name."""
    exec(compile(source, filename, "exec"), names)
    return names["run"]


@pytest.mark.parametrize(
    "subject",
    [
        Book(),
        Book.objects.all(),
        Book.objects,
        Book._meta.get_field("title"),
        object(),
        None,
        DetailView(),
    ],
    ids=["row", "queryset", "manager", "field", "object", "nothing", "a class of Django's"],
)
def test_what_is_asked_holds_nothing(subject: Any) -> None:
    """Models and managers are the site's own, but a finding names them as what is read."""
    run = framed("def run(self): look()", "/env/site-packages/shop/tools.py", look=look)
    run(subject)
    assert seen == []


def test_a_package_works_for_the_sites_class_too() -> None:
    """Tables and their like are drawn by code that is installed."""
    run = framed("def run(self): look()", "/env/site-packages/tables/columns.py", look=look)
    run(Sweep())
    assert seen == [(Sweep, "")]


def test_a_function_of_a_package_works_for_nobody() -> None:
    """Without a `self` there is no class to name."""
    framed("def run(): look()", "/env/site-packages/tables/columns.py", look=look)()
    assert seen == []


class Proxy:
    """An object that answers for every name, at a cost."""

    asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        Proxy.asked.append(name)
        raise RuntimeError(f"{name} costs a statement")


def test_an_object_is_not_asked_for_what_it_may_not_have() -> None:
    """A `__getattr__` of a package or of the site's may query, or raise anything."""
    run = framed("def run(self, cl=None): look()", "/env/site-packages/conf/lazy.py", look=look)
    run(Proxy())
    run(Sweep(), Proxy())
    assert Proxy.asked == []


def test_the_view_of_a_template_is_told_by_its_context() -> None:
    """Class-based views put themselves there; nothing is resolved to find that out."""
    assert view_of(Context({"view": BookList()})) == (BookList, "get_queryset")
    assert view_of(Context({"view": DetailView()})) is None
    assert view_of(Context({"books": []})) is None
    assert view_of(None) is None


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (BookAdmin, "admin"),
        (type("Inline", (admin.TabularInline,), {}), "admin"),
        (BookList, "view"),
        (BookForm, "form"),
        (type("Choice", (forms.ModelForm,), {}), "form"),
        (AuthorSerializer, "serializer"),
        (type("BookTable", (), {}), "table"),
        (Sweep, "command"),
        (type("Thing", (), {}), "class"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_class_is_of_a_kind(cls: type, kind: str) -> None:
    """By its name or that of a class that it builds on."""
    assert kind_of(cls) == kind
