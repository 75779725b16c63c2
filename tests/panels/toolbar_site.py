"""Pages for the tests of the panels: a URLconf by itself, filled when the toolbar is set up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse

from perfkit.capture.current import current
from tests import pages
from tests.library.models import Book

HTML = "<html><body>{}</body></html>"
#: Stands in statements, parameters and cache keys, and must be in no panel that nobody asked.
SECRET = "s3cret-4711"


def page(request: HttpRequest) -> HttpResponse:
    """Run three equal statements."""
    pages.ask(3)
    return HttpResponse(HTML.format("page"))


def loop(request: HttpRequest) -> HttpResponse:
    """Read a relation of each row."""
    names = [book.author.name for book in Book.objects.order_by("pk")]
    return HttpResponse(HTML.format(",".join(names)))


def template(request: HttpRequest) -> HttpResponse:
    """Render in the view, and again after it."""
    engine: Any = engines["django"]
    engine.from_string("{{ names|join:',' }}").render({"names": Group.objects.values_list("name")})
    return TemplateResponse(
        request, engine.from_string(HTML.format("{{ word }}")), {"word": "late"}
    )


def secrets(request: HttpRequest) -> HttpResponse:
    """Put a secret wherever a value may stand."""
    list(Group.objects.filter(name=SECRET))
    list(Group.objects.filter(name=f"{SECRET}-2"))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT '{SECRET}'")
    Group.objects.create(name=f"{SECRET}-3")
    cache.set(f"user:{SECRET}:name", SECRET)
    cache.get(f"user:{SECRET}:name")
    return HttpResponse(HTML.format("secrets"))


def cached(request: HttpRequest) -> HttpResponse:
    """Use the cache in each of its ways."""
    for pk in range(3):
        cache.get(f"product:{pk}:name")
        cache.set(f"product:{pk}:name", "x")
    for name in ("anna", "bob", "carl"):
        cache.get(f"profile:{name}")
    cache.get_many(["product:1:name", "product:9:name"])
    cache.set_many({"a": 1})
    cache.delete_many(["a"])
    cache.clear()
    return HttpResponse(HTML.format("cached"))


def markup(request: HttpRequest) -> HttpResponse:
    """Run statements whose text looks like HTML."""
    for _ in range(2):
        list(Group.objects.extra(select={"<script>": "1"}))
    return HttpResponse(HTML.format("markup"))


def watched(request: HttpRequest) -> JsonResponse:
    """Say whether this request is noted in detail."""
    trace = current.get()
    return JsonResponse({"detail": trace is not None and trace.detail is not None})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream with a statement for each chunk; the toolbar looks before the end."""
    return StreamingHttpResponse(pages.chunks(), content_type="text/html")


def json(request: HttpRequest) -> JsonResponse:
    """Answer as an API does."""
    pages.ask(2)
    return JsonResponse({"asked": 2})


def bare(request: HttpRequest) -> HttpResponse:
    """Answer with HTML that has no body's end."""
    pages.ask(2)
    return HttpResponse("<p>no end</p>")


def many(request: HttpRequest) -> HttpResponse:
    """Run statements of many shapes."""
    for number in range(300):
        list(Group.objects.extra(select={f"column_{number}": "1"}))
    return HttpResponse(HTML.format("many"))


def writes(request: HttpRequest) -> HttpResponse:
    """Write a row."""
    Group.objects.create(name="written")
    return HttpResponse(HTML.format("writes"))


def crash(request: HttpRequest) -> HttpResponse:
    """Fail after a statement."""
    pages.ask(1)
    raise ValueError("of the view")


async def calm(request: HttpRequest) -> HttpResponse:
    """Answer on the event loop."""
    names = [group.name async for group in Group.objects.all()]
    return HttpResponse(HTML.format(names))


async def calm_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream on the event loop."""

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in pages.CHUNKS:
            yield chunk

    return StreamingHttpResponse(chunks(), content_type="text/html")


def everybody(request: HttpRequest) -> bool:
    """Show the toolbar to whoever asks, with and without DEBUG."""
    return True


PAGES: dict[str, Callable[..., Any]] = {
    "page/": page,
    "loop/": loop,
    "template/": template,
    "secrets/": secrets,
    "cached/": cached,
    "markup/": markup,
    "stream/": stream,
    "watched/": watched,
    "json/": json,
    "bare/": bare,
    "many/": many,
    "writes/": writes,
    "crash/": crash,
    "calm/": calm,
    "calm-stream/": calm_stream,
}

urlpatterns: list[Any] = []
