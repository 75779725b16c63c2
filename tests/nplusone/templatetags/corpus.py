"""A filter and a tag that read relations of the row they are given."""

from __future__ import annotations

from django import template

from tests.nplusone.models import Book

register = template.Library()


@register.filter
def publisher_name(book: Book) -> str:
    """Name a book's publisher."""
    return book.author.publisher.name  # S39e access


@register.inclusion_tag("corpus/badge.html")
def category_badge(book: Book) -> dict[str, Book]:
    """Show a book's category."""
    return {"book": book}
