"""The row of the loop that a filter is about: found by its key, among the names around."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db.models import F, OuterRef, Subquery
from django.utils.functional import SimpleLazyObject

from perfkit.capture.current import Trace
from perfkit.capture.nearby import Match, many_to_many, match, rows_in, rows_of
from tests.library.models import (
    Audiobook,
    Author,
    Book,
    Category,
    Note,
    Profile,
    Publisher,
    Review,
    Tag,
)
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books, whose keys are no author's."""
    Book.objects.create(title="", author=author_without_books()).delete()
    fill(3)


def author_without_books() -> Author:
    """Make one more author, so that keys of books and authors differ."""
    publisher = Publisher.objects.create(name="")
    return Author.objects.create(name="idle", publisher=publisher)


def row(model: Any, at: int = 1) -> Any:
    """Return a row of a list, as a loop gives it."""
    return list(model.objects.order_by("pk"))[at]


def found(queryset: Any, *near: Any, **names: Any) -> Match:
    """Return the match, which must be there."""
    matched = match(queryset, names, list(near))
    assert matched is not None
    return matched


def told(queryset: Any, *near: Any) -> tuple[str, str, bool]:
    """Return kind and name of the relation, and whether it was asked for by its key."""
    matched = found(queryset, *near)
    assert matched.row in near
    return matched.kind, matched.name, matched.by_key


def test_only_tagged_rows_are_kept(trace: Trace) -> None:
    """Rows of a list; a row alone, and what is no row, cannot be what the loop is over."""
    book = row(Book)
    alone = Book.objects.get(pk=book.pk)
    assert rows_in([book, alone, "book", None, Book, object()]) == [book]


def test_lazy_objects_stay_lazy(trace: Trace) -> None:
    """`request.user` is not loaded to see what it is."""
    loaded: list[Any] = []
    lazy = SimpleLazyObject(lambda: loaded.append(1))
    assert rows_in([lazy]) == []
    assert loaded == []


def test_not_more_names_are_looked_at_than_a_few(trace: Trace) -> None:
    """A function of a thousand variables costs no more than one of thirty."""
    book = row(Book)
    assert rows_in([None] * 10 + [book]) == [book]
    assert rows_in([None] * 1_000 + [book]) == []


def around() -> list[Any]:
    """Return the rows that the caller's names hold."""
    return rows_of(sys._getframe(1))


def looping() -> tuple[Any, list[Any]]:
    """Loop over a row, and look at what can be seen from inside."""
    number = 7
    book = row(Book)
    return book, [number * 0, *around()]


def looping_with_a_context() -> tuple[dict[str, Any], list[Any]]:
    """Do so in a function that hands out its own names."""
    book = row(Book)
    context = locals()
    title = book.title
    return context, [title[:0], *around()]


def test_the_names_of_a_frame_are_looked_at(trace: Trace) -> None:
    """The loop's variable is one of them."""
    book, (_, seen) = looping()
    assert seen is book


def test_a_function_that_hands_out_its_names_is_left_alone(trace: Trace) -> None:
    """What `locals()` gave is not to change afterwards: a page's context may be made of it."""
    context, (_, *rest) = looping_with_a_context()
    assert "title" not in context
    assert len(rest) in (0, 1)


def test_a_key_compared_by_hand_asks_for_its_relation(trace: Trace) -> None:
    """`Author.objects.get(pk=book.author_id)` is book.author."""
    book = row(Book)
    by_hand = [
        Author.objects.filter(pk=book.author_id),
        Author.objects.filter(id=book.author_id),
        Author.objects.filter(pk__in=[book.author_id]),
        Author.objects.filter(pk__in={book.author_id}),
    ]
    assert [told(queryset, book) for queryset in by_hand] == [("forward", "author", True)] * 4


def test_a_key_that_is_no_number_is_compared_too(trace: Trace) -> None:
    """A slug, a UUID or a date."""
    book = row(Book)
    assert told(Category.objects.filter(slug=book.category_id), book) == (
        "forward",
        "category",
        True,
    )


def test_the_second_key_to_a_table_is_told_by_its_value(trace: Trace) -> None:
    """Author and editor are told apart where they differ."""
    book = row(Book)
    assert book.author_id != book.editor_id
    assert told(Author.objects.filter(pk=book.editor_id), book)[1] == "editor"


def test_a_filter_by_a_row_asks_for_what_leads_back(trace: Trace) -> None:
    """`Book.objects.filter(author=author)` is author.books.all()."""
    author = row(Author)
    assert told(Book.objects.filter(author=author), author) == ("reverse_many", "books", True)
    assert told(Book.objects.filter(author_id=author.pk), author)[1] == "books"
    assert told(Review.objects.filter(book=row(Book)), row(Book))[1] == "review_set"


def test_a_one_to_one_key_leads_back_to_one_row(trace: Trace) -> None:
    """`Profile.objects.get(author=author)` is author.profile."""
    author = row(Author)
    assert told(Profile.objects.filter(author=author), author) == ("reverse_one", "profile", True)


def test_a_filter_through_a_table_between_is_many_to_many(trace: Trace) -> None:
    """`Tag.objects.filter(books=book)` is book.tags.all()."""
    book, tag = row(Book), row(Tag)
    assert told(Tag.objects.filter(books=book), book) == ("many_to_many", "tags", True)
    assert told(Book.objects.filter(tags=tag), tag) == ("many_to_many", "books", True)


def test_a_filter_over_two_relations_has_no_name(trace: Trace) -> None:
    """`Review.objects.filter(book__author=author)`: no attribute of the row leads there."""
    author = row(Author)
    assert told(Review.objects.filter(book__author=author), author)[:2] == ("queryset", "")


def test_a_generic_relation_is_known_by_its_two_columns(trace: Trace) -> None:
    """Object and content type; the second is no condition beyond the relation."""
    book = row(Book)
    kind = ContentType.objects.get_for_model(Book)
    matched = found(Note.objects.filter(content_type=kind, object_id=book.pk, text="x"), book)
    assert (matched.kind, matched.name, matched.by_key) == ("generic_many", "notes", False)
    assert matched.lookups == (("text", "exact"),)
    assert match(Note.objects.filter(object_id=book.pk), {}, [book]) is None


def test_further_conditions_are_kept_by_name(trace: Trace) -> None:
    """What is asked beyond the relation decides on what to write."""
    author = row(Author)
    queryset = Book.objects.filter(author=author).filter(title="x")
    assert found(queryset, author).lookups == (("title", "exact"),)


def test_conditions_of_get_are_those_of_its_clone(trace: Trace) -> None:
    """`get()` filters what it was called on."""
    book = row(Book)
    clone = Author.objects.filter(pk=book.author_id)
    assert found(Author.objects.all(), book, clone=clone).name == "author"


@pytest.mark.parametrize(
    "queryset",
    [
        lambda book: Author.objects.filter(pk=-1),
        lambda book: Author.objects.filter(pk__gt=book.author_id),
        lambda book: Author.objects.filter(pk__in=[book.author_id, -1]),
        lambda book: Author.objects.filter(name=book.author_id),
        lambda book: Author.objects.exclude(pk=book.author_id),
        lambda book: Author.objects.filter(pk=F("mentor_id")),
        lambda book: Author.objects.all(),
        lambda book: (
            Author.objects.filter(pk=book.author_id) | Author.objects.filter(pk=book.editor_id)
        ),
        lambda book: Publisher.objects.filter(authors__pk=book.author_id),
        lambda book: Publisher.objects.filter(authors__books__pk=book.pk),
        lambda book: Author.objects.filter(
            pk=Subquery(Author.objects.filter(pk=OuterRef("pk")).values("pk")[:1])
        ),
    ],
    ids=[
        "other",
        "gt",
        "in two",
        "field",
        "exclude",
        "F",
        "all",
        "either of two",
        "another table",
        "a table further on",
        "subquery",
    ],
)
def test_what_compares_no_key_of_the_row_is_not_about_it(
    queryset: Callable[[Any], Any], trace: Trace
) -> None:
    """One value, equal to one key, of the right table."""
    book = row(Book)
    assert match(queryset(book), {}, [book]) is None


def test_without_rows_nothing_is_looked_at(trace: Trace) -> None:
    """Most statements have no row of a loop around them."""
    assert match(Author.objects.filter(pk=1), {}, []) is None


class Number(int):
    """A number of the site's own, that minds being compared."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = int.__hash__


def test_only_plain_keys_are_compared(trace: Trace) -> None:
    """A site's own class may run its code, even a statement, when it is compared."""
    book = row(Book)
    queryset = Author.objects.filter(pk=1)
    queryset.query.where.children[0].rhs = Number(book.author_id)
    assert match(queryset, {}, [book]) is None


def test_a_key_that_is_not_loaded_is_not_loaded_for_this(trace: Trace) -> None:
    """A deferred key of the row costs no statement here."""
    book = list(Book.objects.only("title"))[1]
    seen = len(trace.events)
    assert match(Author.objects.filter(pk=1), {}, [book]) is None
    assert len(trace.events) == seen


def test_a_child_of_many_tables_is_a_row_of_its_parents(trace: Trace) -> None:
    """What leads back to a book leads back to an audiobook."""
    Audiobook.objects.create(title="spoken", author=row(Author))
    audiobook = row(Audiobook, 0)
    assert told(Review.objects.filter(book=audiobook), audiobook)[1] == "review_set"


def test_many_to_many_relations_are_known_by_their_table(trace: Trace) -> None:
    """From both sides, by the name that is read."""
    book, tag = row(Book), row(Tag)
    assert many_to_many(Book, book.tags.all()) == ["tags"]
    assert many_to_many(Tag, tag.books.all()) == ["books"]
    assert many_to_many(Audiobook, book.tags.all()) == ["tags"]
    assert many_to_many(Book, Tag.objects.all()) == []
    assert many_to_many(Author, Book.objects.all()) == []
