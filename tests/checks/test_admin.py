"""Checks of the admin: columns that cost a statement a row, forms that list a large table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import django
import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from perfkit.checks.admin_forms import LARGE_ROWS, check_admin_forms
from perfkit.checks.admin_lists import check_admin_lists
from tests.library.models import Author, Book, Category, Profile, Publisher, Tag

# Django 6.1 has deprecated `list_select_related = True`, which sites still have.
pytestmark = pytest.mark.filterwarnings("ignore:Setting ModelAdmin.list_select_related")

Register = Callable[..., admin.ModelAdmin]


@pytest.fixture
def register() -> Iterator[Register]:
    """Register admin classes made of plain attributes, on a site that ends with the test."""
    site = admin.AdminSite("checked")

    def register(model: Any, base: type = admin.ModelAdmin, **attributes: Any) -> Any:
        cls = type("CheckedAdmin", (base,), {"__module__": __name__, **attributes})
        site._registry.pop(model, None)
        site.register(model, cls)
        return site._registry[model]

    yield register
    site._registry.clear()


def listed() -> list[tuple[str, str | None]]:
    """Return what is said about lists: message and hint."""
    return [
        (each.msg, each.hint)
        for each in check_admin_lists()
        if each.id == "perfkit.W014" and "CheckedAdmin" in each.msg
    ]


def test_a_column_of_a_related_row(register: Register) -> None:
    """Its relation is named as it must be written, beside those that are loaded already."""
    register(
        Book,
        list_display=["title", "author__publisher__name", "category"],
        list_select_related=["category"],
    )
    ((message, hint),) = listed()
    assert message.startswith("tests.checks.test_admin.CheckedAdmin.list_display has ")
    assert "'author__publisher__name'" in message
    assert "'category'" not in message
    assert hint == "list_select_related = ['author__publisher', 'category']"


#: Django names the foreign keys among the columns by itself, those that may be null too.
NAMES_KEYS = django.VERSION >= (6, 1)

#: (list_display, list_select_related, the relations to add). Django 5.2 and later.
LISTS: list[tuple[list[str], Any, list[str]]] = [
    (["title", "author"], False, []),
    (["title", "editor"], False, [] if NAMES_KEYS else ["editor"]),
    (["title", "author", "author__name"], False, []),
    (["title", "author", "editor"], False, [] if NAMES_KEYS else ["author", "editor"]),
    (["title", "author__name", "editor"], True, ["author", "editor"]),
    (["title", "author__name"], False, ["author"]),
    (["title", "author__name"], True, []),
    (["title", "editor__name"], True, ["editor"]),
    (["title", "author__name"], ["author"], []),
    (["title", "author__name"], ["author__publisher"], []),
    (["title", "author__publisher"], ["author"], ["author", "author__publisher"]),
    (["title", "author__mentor__name"], True, ["author__mentor"]),
    (["title", "author__profile__motto"], ["author"], ["author", "author__profile"]),
    (["title", "author_id"], False, []),
    (["title", "author"], ["category"], ["author", "category"]),
    (["title", "byline", "no_such_field", "author__no_such"], False, []),
]


@pytest.mark.parametrize(("columns", "given", "wanted"), LISTS)
def test_what_django_loads_by_itself_is_not_told(
    register: Register, columns: list[str], given: Any, wanted: list[str]
) -> None:
    """A key that may be null is left out by Django's own ``select_related()``, and so is told."""
    register(Book, list_display=columns, list_select_related=given)
    assert [hint for _, hint in listed()] == ([f"list_select_related = {wanted}"] if wanted else [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("columns", "given", "wanted"), [row for row in LISTS if "no_such_field" not in row[0]]
)
def test_the_check_says_what_the_list_then_does(
    register: Register, rf: RequestFactory, columns: list[str], given: Any, wanted: list[str]
) -> None:
    """Told: a row more costs statements more. Not told, or mended as the hint says: none."""
    publisher = Publisher.objects.create(name="p")

    def add(name: str) -> None:
        mentor = Author.objects.create(name="m", publisher=publisher)
        author = Author.objects.create(name=name, publisher=publisher, mentor=mentor)
        Profile.objects.create(author=author)
        category = Category.objects.create(slug=name)
        Book.objects.create(title="b", author=author, editor=mentor, category=category)

    def statements(relations: Any) -> int:
        model_admin = register(
            Book, list_display=columns, list_select_related=relations, actions=None
        )
        request = rf.get("/")
        request.user = User(is_superuser=True)
        with CaptureQueriesContext(connection) as seen:
            for row in model_admin.get_changelist_instance(request).get_queryset(request):
                for column in columns:
                    reduce(getattr, column.split("__"), row)
        return len(seen)

    add("one")
    told, mended = statements(given), statements(wanted or given)
    add("two")
    assert (statements(given) > told) is bool(wanted)
    assert statements(wanted or given) == mended


@pytest.mark.parametrize("method", ["get_queryset", "get_list_display", "get_list_select_related"])
def test_a_list_that_is_made_by_a_method_is_left_alone(register: Register, method: str) -> None:
    """What it does cannot be told without a request, and a wrong warning is worse than none."""

    def own(self: Any, request: HttpRequest) -> Any:
        return getattr(admin.ModelAdmin, method)(self, request)

    register(Book, list_display=["author__name"], **{method: own})
    assert listed() == []


def test_the_admin_of_an_installed_package_is_left_alone(register: Register) -> None:
    """Who reads the warning cannot edit it."""
    register(Book, list_display=["author__name"], __module__="django.contrib.auth.admin")
    assert listed() == []


def large(databases: Any = ("default",)) -> list[str]:
    """Return the fields that are told of, for the forms of the test."""
    return [
        message.hint.split("'")[1]
        for message in check_admin_forms(databases=databases)
        if "CheckedAdmin" in message.msg and message.hint
    ]


@pytest.fixture
def many(db: None) -> None:
    """Fill two tables with more rows than anybody chooses from."""
    publisher = Publisher.objects.create(name="p")
    Author.objects.bulk_create(
        Author(name=str(number), publisher=publisher) for number in range(LARGE_ROWS + 1)
    )
    Tag.objects.bulk_create(Tag(name=str(number)) for number in range(LARGE_ROWS + 1))


@pytest.mark.usefixtures("many")
def test_a_form_that_lists_a_large_table(register: Register) -> None:
    """Keys and many-to-many alike; a small table may be listed."""
    register(Book)
    assert sorted(large()) == ["author", "editor", "tags"]
    (first, *_) = [
        each for each in check_admin_forms(databases=["default"]) if "CheckedAdmin" in each.msg
    ]
    assert first.id == "perfkit.W015"
    assert "library.Author, which has more than 1,000" in first.msg
    assert first.hint == (
        "Add 'author' to autocomplete_fields or raw_id_fields of tests.checks.test_admin.CheckedAdmin."
    )


class ByHand(forms.ModelForm):
    """A form that chooses its rows itself."""

    author = forms.ModelChoiceField(Author.objects.none())


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"raw_id_fields": ["author", "editor", "tags"]}, []),
        ({"autocomplete_fields": ["author"], "raw_id_fields": ["tags"]}, ["editor"]),
        ({"readonly_fields": ["author"], "exclude": ["tags"]}, ["editor"]),
        ({"fields": ["title", ("author", "category")]}, ["author"]),
        ({"fieldsets": [(None, {"fields": ["title", "tags"]})]}, ["tags"]),
        ({"form": ByHand, "fields": ["author", "editor"]}, ["editor"]),
        ({"formfield_for_foreignkey": lambda *args, **kwargs: None}, []),
    ],
)  # fmt: skip
def test_what_the_form_does_not_list_is_not_told(
    register: Register, attributes: dict[str, Any], told: list[str]
) -> None:
    """A field that is not shown, or is shown in another way, costs nothing."""
    register(Book, **attributes)
    assert large() == told


@pytest.mark.usefixtures("many")
def test_an_inline_is_a_form_too(register: Register) -> None:
    """But the key by which it hangs on its parent is no field of it."""
    inline = type(
        "CheckedAdminInline",
        (admin.TabularInline,),
        {"__module__": __name__, "model": Book, "fk_name": "author"},
    )
    register(Author, inlines=[inline], raw_id_fields=["mentor"])
    assert large() == ["tags"]


@pytest.mark.usefixtures("many")
def test_no_database_is_asked_without_being_named(register: Register) -> None:
    """Django's rule for checks: ``check --database default`` asks, ``check`` does not."""
    register(Book)
    with CaptureQueriesContext(connection) as asked:
        assert large(databases=None) == []
        assert large(databases=["other"]) == []
        run_checks(tags=["perfkit"])
    assert len(asked) == 0


def test_a_table_that_is_not_there_yet(register: Register, db: None) -> None:
    """Before the first migrate there is nothing to list."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE library_tag RENAME TO library_away"
        )  # rolled back with the test
    register(Book, fields=["tags"])
    assert large() == []
