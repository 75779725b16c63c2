"""What a queryset filters by and how it was refined: names, never values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Lower

from perfkit.capture.lookups import extra_lookups, lookups_of, order_of, refinements
from tests.library.models import Author, Book, Note, Publisher, Tag
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db

Make = Callable[[], QuerySet[Any]]


@pytest.mark.parametrize(
    ("queryset", "lookups"),
    [
        (lambda: Book.objects.all(), ()),
        (lambda: Book.objects.filter(pk=1), (("id", "exact"),)),
        (lambda: Book.objects.filter(author=1), (("author", "exact"),)),
        (
            lambda: Book.objects.filter(title="x", body__in=["a", "b"]),
            (("body", "in"), ("title", "exact")),
        ),
        (lambda: Book.objects.filter(title__iexact="x"), (("title", "iexact"),)),
        (lambda: Book.objects.exclude(title="x"), (("", ""),)),
        (lambda: Book.objects.filter(Q(title="x") | Q(body="y")), (("", ""),)),
    ],
)
def test_conditions_are_named_by_field_and_lookup(
    queryset: Make, lookups: tuple[tuple[str, str], ...]
) -> None:
    """What is not simply one field compared stays without a name."""
    assert lookups_of(queryset(), {}) == lookups


def test_a_condition_on_another_table_is_not_named_as_ones_own() -> None:
    """`books__id` of an author is no `id` of an author, by which one could fetch it."""
    assert lookups_of(Author.objects.filter(books__title="x"), {}) == (("", ""),)
    assert lookups_of(Author.objects.filter(books__id=1), {}) == (("", ""),)


def test_conditions_of_get_are_those_of_its_clone() -> None:
    """`get()` filters what it was called on."""
    whole, refined = Book.objects.all(), Book.objects.filter(title="x")
    assert lookups_of(whole, {"clone": refined}) == (("title", "exact"),)
    assert lookups_of(whole, {"clone": "something else"}) == ()


@pytest.mark.parametrize(
    ("related", "lookups"),
    [
        (lambda: row(Author).books.all(), ()),
        (lambda: row(Author).books.filter(title="x"), (("title", "exact"),)),
        (lambda: row(Author).books.exclude(title="x"), (("", ""),)),
        (lambda: row(Book).tags.all(), ()),
        (lambda: row(Book).tags.filter(name="x"), (("name", "exact"),)),
        (lambda: row(Tag).books.all(), ()),
        (lambda: row(Tag).books.filter(title__in=["x"]), (("title", "in"),)),
    ],
)
def test_conditions_beyond_the_relation_are_told_apart(
    related: Make, lookups: tuple[tuple[str, str], ...]
) -> None:
    """The manager's own condition says only whose rows they are."""
    fill(2)
    queryset = related()
    assert extra_lookups(queryset.query, queryset._hints["instance"]) == lookups


def row(model: Any) -> Any:
    """Return a row."""
    return model.objects.order_by("pk").first()


def test_a_queryset_of_no_relation_keeps_its_first_condition() -> None:
    """Without a key to the row, the first condition is taken for the manager's."""
    queryset = Note.objects.filter(object_id=1, text="x")
    assert extra_lookups(queryset.query, Publisher()) == (("text", "exact"),)


@pytest.mark.parametrize(
    ("queryset", "done"),
    [
        (lambda: Book.objects.all(), ()),
        (lambda: Book.objects.filter(title="x"), ()),
        (lambda: Book.objects.annotate(n=Count("tags")), ("annotate",)),
        (lambda: Book.objects.all().union(Book.objects.all()), ("union",)),
        (lambda: Book.objects.distinct(), ("distinct",)),
        (lambda: Book.objects.extra(select={"one": "1"}), ("extra",)),
        (lambda: Book.objects.all()[:3], ("slice[:3]",)),
        (lambda: Book.objects.all()[2:3], ("slice",)),
        (lambda: Book.objects.order_by("title"), ("order_by",)),
        (lambda: Book.objects.extra(order_by=["title"]), ("order_by",)),
        (lambda: Book.objects.reverse(), ("order_by",)),
        (lambda: Book.objects.select_for_update(), ("select_for_update",)),
        (lambda: Book.objects.select_related("author"), ("select_related",)),
        (lambda: Book.objects.prefetch_related("tags"), ("prefetch_related",)),
        (lambda: Book.objects.only("title"), ("only",)),
        (lambda: Book.objects.defer("title"), ("only",)),
        (lambda: Book.objects.values_list("title"), ("values",)),
        (lambda: Book.objects.order_by("title")[:1], ("slice[:1]", "order_by")),
    ],
)
def test_refinements_are_named(queryset: Make, done: tuple[str, ...]) -> None:
    """What a prefetch of the bare relation would not do."""
    told = refinements(queryset())
    assert set(done) <= set(told)
    # values() sets the fields to load, as only() does.
    assert set(told) - set(done) <= ({"only"} if "values" in done else set())


@pytest.mark.parametrize(
    ("queryset", "fields"),
    [
        (lambda: Book.objects.all(), ()),
        (lambda: Book.objects.order_by("-title", "pk"), ("-title", "pk")),
        (lambda: Book.objects.order_by(Lower("title")), ()),
        (lambda: Book.objects.order_by("title", F("body").asc()), ()),
        (lambda: Book.objects.order_by("title").reverse(), ()),
    ],
)
def test_an_order_is_told_where_it_can_be_written(queryset: Make, fields: tuple[str, ...]) -> None:
    """By names; an expression or a reversed order is not."""
    assert order_of(queryset()) == fields
