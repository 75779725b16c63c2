"""The tag on rows: what a queryset and the relations followed from it have in common."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from perfkit.capture.origin import TAG, Origin, origin_of


@pytest.fixture
def books() -> Origin:
    """A queryset of books."""
    return Origin("library.Book")


def test_rows_of_one_relation_share_one_origin(books: Origin) -> None:
    """However many rows it is followed from, there is one tag for all that it leads to."""
    authors = books.through("single", "author", "library.Author")
    assert authors is books.through("single", "author", "library.Author")
    assert (authors.step, authors.name, authors.model) == ("single", "author", "library.Author")
    assert authors.parent is books
    assert authors.several


@pytest.mark.parametrize(
    "other",
    [
        ("join", "author", "library.Author"),
        ("single", "editor", "library.Author"),
        ("single", "author", "library.Person"),
    ],
    ids=["step", "name", "model"],
)
def test_another_way_leads_to_another_origin(books: Origin, other: tuple[str, str, str]) -> None:
    """Joined or loaded singly, author or editor, and each model behind a generic key."""
    authors = books.through("single", "author", "library.Author")
    assert books.through(*other) is not authors


def test_a_relation_followed_from_where_it_leads_is_another_level() -> None:
    """mentor, then the mentor's mentor: each level is a path of its own."""
    authors = Origin("library.Author")
    mentors = authors.through("single", "mentor", "library.Author")
    assert mentors.through("single", "mentor", "library.Author").parent is mentors
    assert not authors.recursive


@pytest.mark.parametrize(
    "walk",
    [
        lambda row: row.through("single", "mentor", "library.Author"),
        lambda row: row.through("many", "books", "library.Book").through(
            "single", "author", "library.Author"
        ),
    ],
    ids=["one relation", "two in turns"],
)
def test_a_chain_is_no_longer_than_its_bound(walk: Any) -> None:
    """As deep as the data is a recursion; the chain of origins ends long before, and says so."""
    row = Origin("library.Author")
    for _ in range(2_000):
        row = walk(row)
    assert row.recursive
    assert row.is_deepest
    length = 0
    above: Origin | None = row
    while above is not None:
        length, above = length + 1, above.parent
    assert 10 < length < 50


def test_a_tag_pickles_to_nothing(books: Origin) -> None:
    """Rows in a cache or a session load where perfkit is not installed."""
    pickled = pickle.dumps(books)
    assert pickle.loads(pickled) is None
    assert b"perfkit" not in pickled


def test_a_copy_of_a_tag_is_the_tag(books: Origin) -> None:
    """A copied row comes from the same queryset."""
    assert copy.copy(books) is books
    assert copy.deepcopy([books])[0] is books


class Odd:
    """An object that is asked for its state and has none of Django's."""

    _state = "closed"


@pytest.mark.parametrize(
    "thing", [None, 7, "row", object(), Odd()], ids=lambda thing: type(thing).__name__
)
def test_what_is_no_row_has_no_origin(thing: Any) -> None:
    """Whatever stands in a local name can be asked."""
    assert origin_of(thing) is None


def test_the_tag_is_one_attribute_of_the_state() -> None:
    """Under one name, so that it can be found and nothing else is in the way."""

    class Row:
        _state = Odd()

    Row._state.perfkit_origin = tag = Origin("library.Book")  # type: ignore[attr-defined]  # as set
    assert origin_of(Row()) is tag
    assert TAG == "perfkit_origin"
