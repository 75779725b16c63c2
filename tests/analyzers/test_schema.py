"""What the models say about a path: how each relation is called, and what may be done with it."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.analyzers.schema import (
    Hop,
    free_name,
    hops,
    is_pk,
    is_unique,
    manager,
    model_of,
    ordering,
    quoted,
)
from tests.library.models import Audiobook, Author, Book, Category, Note, Publisher, Review, Tag


def hop(model: str, name: str) -> Hop:
    """Return the one hop of a relation."""
    found = hops(f"library.{model}", [name])
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("model", "name", "query_name", "single", "null", "target"),
    [
        ("Book", "author", "author", True, False, Author),
        ("Book", "editor", "editor", True, True, Author),
        ("Book", "category", "category", True, True, Category),
        ("Profile", "author", "author", True, False, Author),
        ("Author", "profile", "profile", True, True, None),
        ("Book", "audiobook", "audiobook", True, True, Audiobook),
        ("Audiobook", "book_ptr", "book_ptr", True, False, Book),
        ("Audiobook", "author", "author", True, False, Author),
        ("Author", "books", "books", False, True, Book),
        ("Book", "review_set", "review", False, True, Review),
        ("Book", "tags", "tags", False, False, Tag),
        ("Tag", "books", "books", False, True, Book),
    ],
)
def test_a_relation_is_described(
    model: str, name: str, query_name: str, single: bool, null: bool, target: Any
) -> None:
    """By the attribute that is read; lookups may call it otherwise."""
    found = hop(model, name)
    assert (found.name, found.query_name) == (name, query_name)
    assert (found.single, found.null, found.generic) == (single, null, False)
    assert target is None or found.target is target


def test_the_way_back_is_named() -> None:
    """As a subquery over the related rows must spell it."""
    assert (hop("Author", "books").back, hop("Author", "books").key) == ("author", "pk")
    assert hop("Author", "edited").back == "editor"
    assert hop("Book", "review_set").back == "book"
    assert hop("Book", "tags").back == "books"
    assert hop("Tag", "books").back == "tags"
    assert hop("Book", "author").back == "books"


def test_the_columns_that_hold_a_key_are_named() -> None:
    """only() must not leave them out."""
    assert hop("Book", "author").columns == ("author",)
    assert hop("Note", "subject").columns == ("content_type", "object_id")
    assert hop("Book", "tags").columns == ()


def test_generic_relations_are_told() -> None:
    """A key leads to any model; the way back to one."""
    key, relation = hop("Note", "subject"), hop("Book", "notes")
    assert (key.generic, key.single, key.target) == (True, False, None)
    assert (relation.generic, relation.single, relation.target) == (True, False, Note)
    assert relation.back == ""


def test_a_row_of_another_table_of_the_same_thing_is_told() -> None:
    """Parent and child of several tables."""
    assert hop("Book", "audiobook").child
    assert hop("Audiobook", "book_ptr").child
    assert not hop("Author", "profile").child


def test_a_path_is_followed() -> None:
    """From relation to relation, as long as each leads to one model."""
    found = hops("library.Review", ["book", "author", "publisher"])
    assert found is not None
    assert [each.target for each in found] == [Book, Author, Publisher]
    assert hops("library.Review", []) == ()


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("library.Book", ["title"]),
        ("library.Book", ["author", "nothing"]),
        ("library.Book", ["review"]),
        ("library.Note", ["subject", "author"]),
        ("shop.Book", ["author"]),
        ("", ["author"]),
    ],
)
def test_what_is_no_path_is_none(label: str, names: list[str]) -> None:
    """A field, an unknown name, a name for lookups only, behind a generic key, no such model."""
    assert hops(label, names) is None


def test_an_attribute_of_a_prefetch_leads_where_its_rows_are() -> None:
    """`to_attr` is no relation of the model: the rows that were seen behind it tell."""
    found = hops("library.Author", ["shelf", "category"], ["library.Book", ""])
    assert found is not None
    assert [(each.name, each.target) for each in found] == [("shelf", Book), ("category", Category)]
    assert not found[0].single
    assert hops("library.Author", ["shelf"], [""]) is None
    assert hops("library.Author", ["shelf"], ["shop.Book"]) is None


def test_a_key_to_another_field_than_the_primary_one_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A subquery must compare what the relation compares."""
    field: Any = Review._meta.get_field("book")
    monkeypatch.setattr(type(field), "target_field", Book._meta.get_field("title"))
    assert hop("Book", "review_set").key == "title"


def test_models_are_found_by_label() -> None:
    """One that is not installed here is none: the record may be of another site."""
    assert model_of("library.Book") is Book
    assert model_of("shop.Book") is None
    assert model_of("nonsense") is None


def test_keys_and_unique_fields_are_known() -> None:
    """in_bulk() takes no others."""
    assert is_pk("library.Book", "id")
    assert is_pk("library.Category", "slug")
    assert not is_pk("library.Book", "title")
    assert not is_pk("shop.Book", "id")
    assert is_unique("library.Category", "slug")
    assert not is_unique("library.Book", "title")
    assert not is_unique("library.Book", "nothing")
    assert not is_unique("shop.Book", "id")


def test_a_manager_is_spelled_as_in_code() -> None:
    """By the model's own name for it."""
    assert manager("library.Book") == "Book.objects"
    assert manager("shop.Book") == "Book.objects"


def test_an_order_of_the_models_own_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then first() orders by no key."""
    assert not ordering("library.Book")
    assert not ordering("shop.Book")
    monkeypatch.setattr(Book._meta, "ordering", ["title"])
    assert ordering("library.Book")


def test_names_are_written_as_arguments() -> None:
    """Quoted, with commas."""
    assert quoted(["author", "tags"]) == '"author", "tags"'
    assert quoted([]) == ""


def test_a_new_name_hides_no_present_one() -> None:
    """Of several, the first that is free; one more when all are taken."""
    assert free_name("library.Book", "title", "byline", "tags_count") == "tags_count"
    assert free_name("library.Book", "title", "body") == "title_of_row"
    assert free_name("shop.Book", "title") == "title"
