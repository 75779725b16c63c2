"""The pages that ``tests/renamed.py`` serves, each with a loop that perfkit should find."""

from __future__ import annotations

from django.core.cache import cache
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Origin, Template
from django.urls import path

from tests.library.models import Author, Book

TABLE = Template(
    "{% for book in books %}\n{{ book.author.name }}\n{% endfor %}",
    origin=Origin("pages/table.html"),
    engine=Engine(),
)


def shelf(request: HttpRequest) -> HttpResponse:
    """Loop over books in Python, load relations along and in vain, and use the cache."""
    cache.set("shelf", 1)
    along = Book.objects.select_related("category").prefetch_related("tags", Prefetch("review_set"))
    names = [f"{book.title} {book.author.name}" for book in along]
    found = Book.objects.get(pk=1).notes.count()
    return HttpResponse(f"{names} {found} {cache.get('shelf')}")


def table(request: HttpRequest) -> HttpResponse:
    """Loop over books in a template."""
    return HttpResponse(TABLE.render(Context({"books": Book.objects.order_by("pk")})))


async def desk(request: HttpRequest) -> HttpResponse:
    """Ask for the author of each book from a coroutine."""
    names = []
    async for book in Book.objects.order_by("pk"):
        author = await Author.objects.aget(pk=book.author_id)
        names.append(author.name)
    return HttpResponse(" ".join(names))


urlpatterns = [path("shelf/", shelf), path("table/", table), path("desk/", desk)]
