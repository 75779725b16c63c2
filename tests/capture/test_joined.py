"""Rows that a join builds along: each is tagged with the relation that joined it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import FilteredRelation, Q

from perfkit.capture.current import Trace
from perfkit.capture.joined import joins_of, tag_joined
from perfkit.capture.origin import Origin, origin_of
from tests.library.models import Audiobook, Author, Book, Profile
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books."""
    fill(2)


def tagged(queryset: Any) -> Any:
    """Return a queryset's first row, what was joined to it tagged."""
    row = queryset.order_by("pk")[0]
    tag_joined(row, joins_of(queryset, Origin(queryset.model._meta.label), row))
    return row


def path(row: Any) -> str:
    """Return the joins through which a row was built, outermost first."""
    names: list[str] = []
    origin = origin_of(row)
    while origin is not None and origin.step:
        assert origin.step == "join"
        names.insert(0, origin.name)
        origin = origin.parent
    return "__".join(names)


def test_named_joins_are_followed() -> None:
    """Each with the name that is read on the row, however deep."""
    book = tagged(Book.objects.select_related("author__publisher", "author__mentor", "category"))
    assert path(book.author) == "author"
    assert path(book.author.publisher) == "author__publisher"
    assert path(book.category) == "category"
    author = origin_of(book.author)
    assert author is not None
    assert author.model == "library.Author"


def test_a_reverse_one_to_one_join_is_followed() -> None:
    """What is joined from the other side is read by its accessor."""
    author = tagged(Author.objects.select_related("profile"))
    assert path(author.profile) == "profile"


def test_an_empty_join_is_passed_over() -> None:
    """A null key joins no row."""
    Book.objects.update(editor=None)
    book = tagged(Book.objects.select_related("editor__publisher"))
    assert book.editor is None


@pytest.mark.filterwarnings("ignore:Calling select_related")  # deprecated in Django 6.1
def test_joins_without_names_are_those_of_keys_that_are_never_null() -> None:
    """select_related() chooses by itself; the first row shows what it chose."""
    book = tagged(Book.objects.select_related())
    assert path(book.author.publisher) == "author__publisher"
    assert "editor" not in book._state.fields_cache
    profile: Any = tagged(Profile.objects.select_related())
    assert path(profile.author.publisher) == "author__publisher"


def test_a_join_of_a_filtered_relation_is_left_out() -> None:
    """Its alias is no field of the model; the rows come all the same."""
    queryset = Book.objects.annotate(
        best=FilteredRelation("author", condition=Q(author__name="author 0"))
    ).select_related("best", "category")
    book: Any = tagged(queryset)
    assert path(book.category) == "category"
    assert origin_of(book.best) is None


def test_a_child_of_many_tables_knows_its_joins() -> None:
    """A key of the parent's is a key of the child."""
    Audiobook.objects.create(title="spoken", author=Author.objects.get(name="author 0"))
    audiobook = tagged(Audiobook.objects.select_related("author"))
    assert path(audiobook.author) == "author"


def test_rows_joined_to_many_share_their_tags(trace: Trace) -> None:
    """One look at the queryset serves all its rows."""
    books = list(Book.objects.select_related("author"))
    assert origin_of(books[0].author) is origin_of(books[1].author) is not None
