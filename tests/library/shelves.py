"""Puts books on the shelves: the same ones each time."""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType

from tests.library.models import Author, Book, Category, Note, Profile, Publisher, Review, Tag

#: Rows of most tables: above the threshold of a loop, below that of a warning.
ROWS = 6


def fill(rows: int = ROWS, *, authors: int | None = None) -> None:
    """Make that many books, each with an author, editor, category, two tags, reviews and a note.

    Args:
        rows: books, and by default authors too.
        authors: how many authors share the books.
    """
    authors = authors or rows
    tags = [Tag.objects.create(name=f"tag {number}") for number in range(2)]
    made = []
    for number in range(authors):
        publisher = Publisher.objects.create(name=f"publisher {number}")
        mentor = made[-1] if made else None
        author = Author.objects.create(name=f"author {number}", publisher=publisher, mentor=mentor)
        Profile.objects.create(author=author, motto=f"motto {number}")
        made.append(author)
    for number in range(rows):
        book = Book.objects.create(
            title=f"title {number}",
            author=made[number % authors],
            editor=made[(number + 1) % authors],
            category=Category.objects.create(slug=f"category-{number}"),
        )
        book.tags.set(tags)
        Review.objects.create(book=book, text="fine")
        Note.objects.create(text="torn", subject=book)
    # Django keeps content types for the life of the process: whether a test pays for reading one
    # must not hang on the tests before it.
    ContentType.objects.get_for_models(Book, Author)
