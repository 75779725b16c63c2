"""Views and middleware for the tests of the middleware and of real servers: a URLconf by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, re_path
from django.views import View

CHUNKS = [b"one,", b"two,", b"three"]
FILE = Path(__file__)


def home(request: HttpRequest) -> HttpResponse:
    """Answer with a few bytes."""
    return HttpResponse("<html><body>home</body></html>")


def item(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer with the number asked for."""
    return JsonResponse({"pk": pk})


def crash(request: HttpRequest) -> HttpResponse:
    """Fail as a view with a bug does."""
    raise ValueError("of the view")


def gone(request: HttpRequest) -> HttpResponse:
    """Match, and find nothing."""
    raise Http404("not this one")


def ask(times: int = 1) -> None:
    """Run a statement so often."""
    for _ in range(times):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pragma_database_list")


def asking(request: HttpRequest) -> HttpResponse:
    """Run three equal statements from one line."""
    ask(3)
    return HttpResponse("asked")


def groups(request: HttpRequest) -> HttpResponse:
    """Load rows through the ORM."""
    return HttpResponse(",".join(group.name for group in Group.objects.order_by("name")))


def cached(request: HttpRequest) -> HttpResponse:
    """Use the cache: a miss, a write, a hit."""
    before = cache.get("page", "nothing")
    cache.set("page", "kept")
    return HttpResponse(f"{before} {cache.get('page')} {sorted(cache.get_many(['page']))}")


def everything(request: HttpRequest) -> HttpResponse:
    """Do all that perfkit looks at: repeated statements, rows, the cache."""
    ask(3)
    names = [group.name for group in Group.objects.order_by("name")]
    cache.set("names", names)
    answer = {"names": cache.get("names"), "none": cache.get("none", 0), "has": "names" in cache}
    return JsonResponse(answer, headers={"X-Site": "its own"})


async def calm(request: HttpRequest) -> HttpResponse:
    """Answer on the event loop, after others had their turn."""
    await asyncio.sleep(0)
    return HttpResponse("calm")


class Waiting:
    """A view that says when it has begun and then waits to be cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        """Wait for ever."""
        self.begun.set()
        await asyncio.Event().wait()
        return HttpResponse("never")


class Shelf(View):
    """A class-based view."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return HttpResponse("shelf")


def chunks() -> Iterator[bytes]:
    """Run a statement for each chunk."""
    for chunk in CHUNKS:
        ask()
        yield chunk


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream with statements on the way."""
    return StreamingHttpResponse(chunks(), content_type="text/csv")


def plain_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream without a database."""
    return StreamingHttpResponse(iter(CHUNKS), content_type="text/csv")


def failing_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Fail after the first chunk."""

    def content() -> Iterator[bytes]:
        yield CHUNKS[0]
        raise ValueError("of the stream")

    return StreamingHttpResponse(content())


async def async_chunks() -> AsyncIterator[bytes]:
    """Make chunks on the event loop."""
    for chunk in CHUNKS:
        await asyncio.sleep(0)
        yield chunk


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream from an asynchronous iterator."""
    return StreamingHttpResponse(async_chunks(), content_type="text/csv")


async def endless_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Send one chunk, and never another."""

    async def content() -> AsyncIterator[bytes]:
        yield CHUNKS[0]
        await asyncio.Event().wait()

    return StreamingHttpResponse(content())


def download(request: HttpRequest) -> FileResponse:
    """Send a file that the server may send by itself."""
    return FileResponse(FILE.open("rb"), content_type="text/plain")


def who(request: HttpRequest) -> HttpResponse:
    """Resolve the user, as a personalised page does."""
    return HttpResponse(request.user.get_username())


async def async_who(request: HttpRequest) -> HttpResponse:
    """Resolve the user on the event loop."""
    user = await request.auser()
    return HttpResponse(user.get_username())


def visits(request: HttpRequest) -> HttpResponse:
    """Write into the session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    response = HttpResponse(str(request.session["visits"]))
    response.set_cookie("seen", "1")
    return response


def timed(request: HttpRequest) -> HttpResponse:
    """Bring a Server-Timing header of its own, and Vary."""
    headers = {"Server-Timing": "site;dur=1.0", "Vary": "Accept", "ETag": '"1"'}
    return HttpResponse("timed", headers=headers)


def going_down(request: HttpRequest) -> HttpResponse:
    """End as a worker that is told to stop in the middle of a request."""
    raise SystemExit(1)


Next = Callable[[HttpRequest], Any]


class Both:
    """A middleware for sync and async, of which only ``answer`` differs."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer before the view does."""
        raise NotImplementedError

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer, as a coroutine where one is awaited."""
        if iscoroutinefunction(self):
            return self._acall(request)
        return self.answer(request)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request)


class Redirects(Both):
    """Answers before a URL is resolved."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Send everybody elsewhere."""
        return HttpResponse(status=302, headers={"Location": "/elsewhere/"})


class Crashes(Both):
    """Fails before the view."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Fail as a middleware with a bug does."""
        raise ValueError("of the middleware")


urlpatterns = [
    path("", home),
    path("items/<int:pk>/", item),
    path("crash/", crash),
    path("gone/", gone),
    path("asking/", asking),
    path("groups/", groups),
    path("cached/", cached),
    path("everything/", everything),
    path("calm/", calm),
    path("shelf/", Shelf.as_view()),
    re_path(r"^old/([a-z]+)$", lambda request, word: HttpResponse(word)),
    path("stream/", stream),
    path("plain-stream/", plain_stream),
    path("failing-stream/", failing_stream),
    path("async-stream/", async_stream),
    path("endless-stream/", endless_stream),
    path("download/", download),
    path("who/", who),
    path("async-who/", async_who),
    path("visits/", visits),
    path("timed/", timed),
    path("going-down/", going_down),
    *i18n_patterns(path("p/<int:i>/", lambda request, i: HttpResponse(str(i)))),
]
