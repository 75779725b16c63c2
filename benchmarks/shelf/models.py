"""Two tables: books, each with an author of its own."""

from __future__ import annotations

from django.db import models


class Author(models.Model):
    """A writer; every book has a different one, so that nothing is answered from a cache."""

    name = models.CharField(max_length=80)

    class Meta:
        app_label = "shelf"


class Book(models.Model):
    """A book with enough plain columns to ask fifty different questions about it."""

    title = models.CharField(max_length=80)
    pages = models.IntegerField()
    year = models.IntegerField()
    price_cents = models.IntegerField()
    weight_grams = models.IntegerField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")

    class Meta:
        app_label = "shelf"


def fill(books: int) -> None:
    """Create the tables' rows: ``books`` books, one author each."""
    authors = Author.objects.bulk_create(Author(name=f"Author {n}") for n in range(books))
    Book.objects.bulk_create(
        Book(
            title=f"Book {n}",
            pages=100 + n,
            year=1900 + n % 100,
            price_cents=999 + n,
            weight_grams=300 + n,
            author=author,
        )
        for n, author in enumerate(authors)
    )
