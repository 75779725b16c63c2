"""Any few reads of rows of any queryset: the fix that is named runs, changes no result, saves what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Max, Prefetch, Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfkit import isolation, record
from perfkit.record import Finding
from tests.analyzers.fixed import fixed
from tests.library.models import Author, Book, Category
from tests.library.shelves import fill

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:Calling select_related"),  # deprecated in Django 6.1
]

Rows = Callable[[], Any]
Use = Callable[[Any], object]


@pytest.fixture(autouse=True)
def shelves(db: None) -> None:
    """Have some books, one author more than one."""
    fill(5)
    author = Author.objects.get(name="author 0")
    Book.objects.create(
        title="more", author=author, editor=author, category=Category.objects.first()
    )


def made(row: Any, name: str, otherwise: Callable[[], object]) -> object:
    """Read what a fix has made on a row, as the finding says; else do what the loop did before."""
    return vars(row)[name] if name in vars(row) else otherwise()


def listed(row: Any, begins: str, otherwise: Callable[[], object]) -> object:
    """Read a list that a fix has made on a row."""
    found = [each for name, each in vars(row).items() if name.startswith(begins)]
    return found[0] if found else otherwise()


BOOKS: dict[str, Rows] = {
    "plain": lambda: Book.objects.order_by("pk"),
    "joined": lambda: Book.objects.select_related("author").order_by("pk"),
    "joined without names": lambda: Book.objects.select_related().order_by("pk"),
    "prefetched": lambda: Book.objects.prefetch_related("tags").order_by("pk"),
    "prefetched key": lambda: Book.objects.prefetch_related("author", "review_set").order_by("pk"),
    "only": lambda: Book.objects.only("title").order_by("pk"),
    "only of two": lambda: (
        Book.objects.select_related("author").only("title", "author__name").order_by("pk")
    ),
    "defer": lambda: Book.objects.defer("body", "author").order_by("pk"),
    "slice": lambda: Book.objects.order_by("pk")[1:5],
    "annotated": lambda: Book.objects.annotate(n=Count("tags")).order_by("pk"),
    "locked": lambda: Book.objects.select_for_update().order_by("pk"),
    "filtered": lambda: Book.objects.filter(tags__name="tag 0").distinct().order_by("pk"),
    "raw": lambda: Book.objects.raw("SELECT * FROM library_book ORDER BY id"),
    "union": lambda: (
        Book.objects.filter(pk__gt=0).union(Book.objects.filter(pk__lt=0)).order_by("pk")
    ),
}
OF_BOOKS: dict[str, Use] = {
    "author": lambda book: book.author.name,
    "publisher": lambda book: book.author.publisher.name,
    "editor": lambda book: book.editor and book.editor.name,
    "category": lambda book: str(book.category),
    "mentor": lambda book: book.author.mentor and book.author.mentor.name,
    "profile": lambda book: book.author.profile.motto,
    "body": lambda book: book.body,
    "tags": lambda book: [tag.name for tag in book.tags.all()],
    "books of tags": lambda book: [len(tag.books.all()) for tag in book.tags.all()],
    "number of tags": lambda book: made(book, "tags_count", lambda: book.tags.count()),
    "any tags": lambda book: made(book, "has_tags", lambda: book.tags.exists()),
    "reviews": lambda book: [review.text for review in book.review_set.all()],
    "number of reviews": lambda book: made(book, "review_count", lambda: book.review_set.count()),
    "last review": lambda book: made(
        book, "review_pk_max", lambda: book.review_set.aggregate(n=Max("pk"))["n"]
    ),
    "sum of reviews": lambda book: made(
        book, "review_pk_sum", lambda: book.review_set.aggregate(n=Sum("pk"))["n"]
    ),
    "notes": lambda book: [note.text for note in book.notes.all()],
    "any notes": lambda book: book.notes.exists(),
    "first tag": lambda book: listed(
        book, "first_tags", lambda: [tag for tag in [book.tags.order_by("-name").first()] if tag]
    ),
    "books of the author": lambda book: [each.title for each in book.author.books.all()],
    "number of the author's": lambda book: book.author.books.count(),
}
AUTHORS: dict[str, Rows] = {
    "plain": lambda: Author.objects.order_by("pk"),
    "prefetched": lambda: Author.objects.prefetch_related("books__tags", "edited").order_by("pk"),
    "prefetched in an order": lambda: Author.objects.prefetch_related(
        Prefetch("books", Book.objects.order_by("title"))
    ).order_by("pk"),
    "prefetched in part": lambda: Author.objects.prefetch_related(
        Prefetch("books", Book.objects.only("title", "author"))
    ).order_by("pk"),
    "only": lambda: Author.objects.only("name").order_by("pk"),
    "joined": lambda: Author.objects.select_related("profile", "publisher").order_by("pk"),
}
OF_AUTHORS: dict[str, Use] = {
    "publisher": lambda author: author.publisher.name,
    "profile": lambda author: author.profile.motto,
    "mentor": lambda author: author.mentor and author.mentor.publisher.name,
    "books": lambda author: [book.title for book in author.books.all()],
    "editors": lambda author: [book.editor and book.editor.name for book in author.books.all()],
    "categories": lambda author: [str(book.category) for book in author.books.all()],
    "tags": lambda author: [len(book.tags.all()) for book in author.books.all()],
    "bodies": lambda author: [book.body for book in author.books.all()],
    "number": lambda author: made(author, "books_count", lambda: author.books.count()),
    "number edited": lambda author: made(author, "edited_count", lambda: author.edited.count()),
    "any": lambda author: made(author, "has_books", lambda: author.books.exists()),
    "sum": lambda author: made(
        author, "books_pk_sum", lambda: author.books.aggregate(n=Sum("pk"))["n"]
    ),
    "last edited": lambda author: made(
        author, "edited_pk_max", lambda: author.edited.aggregate(n=Max("pk"))["n"]
    ),
    "pupils": lambda author: [pupil.name for pupil in author.pupils.all()],
    "colleagues": lambda author: [each.name for each in author.publisher.authors.all()],
}


def walk(rows: Any, uses: list[Use]) -> list[object]:
    """Read everything of each row, in one loop."""
    return [[use(row) for use in uses] for row in rows]


def written(rows: Any, findings: list[Finding]) -> Any:
    """Write all fixes that are for these rows."""
    for finding in findings:
        rows = fixed(rows, finding.fix)
    return rows


def promises_are_kept(rows: Rows, uses: list[Use]) -> None:
    """Record a loop, write what is said about it, and compare."""
    isolation.failures.clear()
    with record() as recorded:
        before = walk(rows(), uses)
    assert isolation.failures == {}
    kinds = ("n_plus_one", "deferred_load", "wasted_prefetch")
    findings = [finding for finding in recorded.findings if finding.kind in kinds]
    with CaptureQueriesContext(connection) as spent:
        walk(rows(), uses)
    assert findings or len(spent) < 10, "nothing was found"
    with CaptureQueriesContext(connection) as left:
        after = walk(written(rows(), findings), uses)
    assert after == before
    saved = sum(finding.saved for finding in findings if finding.fix)
    assert len(left) == len(spent) - saved


few = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@few
@given(
    st.sampled_from(sorted(BOOKS)),
    st.sets(st.sampled_from(sorted(OF_BOOKS)), min_size=1, max_size=3),
)
def test_what_is_said_about_books_holds(rows: str, uses: set[str]) -> None:
    """Whatever is read of them, however their queryset was built."""
    promises_are_kept(BOOKS[rows], [OF_BOOKS[use] for use in sorted(uses)])


@few
@given(
    st.sampled_from(sorted(AUTHORS)),
    st.sets(st.sampled_from(sorted(OF_AUTHORS)), min_size=1, max_size=3),
)
def test_what_is_said_about_authors_holds(rows: str, uses: set[str]) -> None:
    """And of the books behind them."""
    promises_are_kept(AUTHORS[rows], [OF_AUTHORS[use] for use in sorted(uses)])
