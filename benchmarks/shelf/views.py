"""The views behind the four pages, once sync (for WSGI) and once async (for ASGI)."""

from __future__ import annotations

from itertools import product

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse

from .models import Book
from .pages import BOOKS

_COLUMNS = ("pages", "year", "price_cents", "weight_grams")
_LOOKUPS = ("exact", "gt", "gte", "lt", "lte")
# Different statement texts, as a page without a loop has; a repeated text is the N+1 page's matter.
# Built once: what building a queryset costs would only drown what a contender adds to running it.
_QUESTIONS = [
    Book.objects.filter(**{f"{column}__{lookup}": 150}).values_list(answer)[:1]
    for column, lookup, answer in product(_COLUMNS, _LOOKUPS, (*_COLUMNS, "title"))
]


def _html(answer: int) -> HttpResponse:
    # An HTML body, so that a contender which inserts something into pages does its work.
    return HttpResponse(f"<html><body>{answer}</body></html>")


def _ask(count: int) -> int:
    answers = 0
    for question in _QUESTIONS[:count]:
        answers += len(question.all())
    return answers


def _walk() -> int:
    letters = 0
    for book in Book.objects.all()[:BOOKS]:
        letters += len(book.author.name)
    return letters


def none(request: HttpRequest) -> HttpResponse:
    """Answer without a statement."""
    return _html(0)


def ask(request: HttpRequest, count: int) -> HttpResponse:
    """Run ``count`` statements with different texts."""
    return _html(_ask(count))


def walk(request: HttpRequest) -> HttpResponse:
    """List the books and load each one's author lazily."""
    return _html(_walk())


async def anone(request: HttpRequest) -> HttpResponse:
    """Answer without a statement, from a coroutine."""
    return _html(0)


async def aask(request: HttpRequest, count: int) -> HttpResponse:
    """Run ``count`` statements in the request's thread, from a coroutine."""
    return _html(await sync_to_async(_ask)(count))


async def awalk(request: HttpRequest) -> HttpResponse:
    """List the books and load each one's author lazily, from a coroutine."""
    return _html(await sync_to_async(_walk)())
