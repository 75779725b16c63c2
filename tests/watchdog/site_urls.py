"""Pages that hang, each in its own way, until another page lets them go."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, Origin, Template
from django.urls import path

from perfkit.observation import RUNNING

#: Nothing hangs for longer, whatever a test does.
LONGEST_S = 30
SECRET = "s3cr3t-of-a-visitor"

#: Set by whoever lets everything go.
free = threading.Event()
#: Told by each page that has come to where it hangs.
arrived = threading.Semaphore(0)


def wait_here() -> None:
    """Hang as code does that waits for another system."""
    arrived.release()
    free.wait(LONGEST_S)


def release(request: HttpRequest) -> HttpResponse:
    """Let go whatever hangs, and what comes."""
    free.set()
    return HttpResponse("released")


def hang(request: HttpRequest, pk: int) -> HttpResponse:
    """Hang in the view."""
    password = SECRET + request.GET.get("q", "")
    wait_here()
    return HttpResponse(str(len(password)))


def compute(request: HttpRequest) -> HttpResponse:
    """Compute, and let no other greenlet run meanwhile."""
    ends = monotonic() + float(request.GET.get("s", "1.5"))
    while monotonic() < ends:
        sum(range(1000))
    return HttpResponse("computed")


def run_statement() -> None:
    """Run a statement that hangs, with a literal in it."""
    connection.ensure_connection()
    connection.connection.create_function("perfkit_wait", 1, lambda value: wait_here() or 1)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT perfkit_wait('{SECRET}') WHERE %s = %s", [SECRET, SECRET])
    finally:
        # The thread may end now. By itself Django leaves databases in memory open.
        BaseDatabaseWrapper.close(connection)


def query(request: HttpRequest) -> HttpResponse:
    """Hang in the database."""
    run_statement()
    return HttpResponse("asked")


def slow_body(request: HttpRequest) -> StreamingHttpResponse:
    """Hang between two chunks."""

    def content() -> Iterator[bytes]:
        yield b"one"
        wait_here()
        yield b"two"

    return StreamingHttpResponse(content())


def flood(request: HttpRequest) -> StreamingHttpResponse:
    """Send more than a client takes that does not read."""

    def content() -> Iterator[bytes]:
        while not free.is_set():
            yield b"x" * 65_536

    return StreamingHttpResponse(content())


async def until_free() -> None:
    """Hang on the loop."""
    arrived.release()
    while not free.is_set():  # noqa: ASYNC110  # another thread or request sets it
        await asyncio.sleep(0.02)


async def inner_step() -> None:
    """Wait on the loop, one coroutine further in."""
    await until_free()


async def calm(request: HttpRequest) -> HttpResponse:
    """Hang, with everybody else going on."""
    await inner_step()
    return HttpResponse("calm")


async def nothing() -> None:
    """Be done at once."""


async def gathering(request: HttpRequest) -> HttpResponse:
    """Hang in one of several tasks."""
    await asyncio.gather(nothing(), inner_step())
    return HttpResponse("gathered")


async def grouped(request: HttpRequest) -> HttpResponse:
    """Hang in a task group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(inner_step())
    return HttpResponse("grouped")


async def waited_for(request: HttpRequest) -> HttpResponse:
    """Hang in a task that is waited for with others."""
    await asyncio.wait([asyncio.create_task(inner_step())])
    return HttpResponse("waited for")


class Patience:
    """Awaitable as classes of a driver are."""

    def __await__(self) -> Generator[Any, None, None]:
        """Hang."""
        return (yield from inner_step().__await__())


async def awaited(request: HttpRequest) -> HttpResponse:
    """Hang in an awaitable that is no coroutine."""
    await Patience()
    return HttpResponse("awaited")


async def shielded(request: HttpRequest) -> HttpResponse:
    """Hang in a shielded task."""
    await asyncio.shield(asyncio.create_task(inner_step()))
    return HttpResponse("shielded")


async def blocking(request: HttpRequest) -> HttpResponse:
    """Block the loop by sync code."""
    arrived.release()
    free.wait(float(request.GET.get("s", "1.5")))
    return HttpResponse("blocked")


async def handed_over(request: HttpRequest) -> HttpResponse:
    """Hang in a thread that an async view waits for."""
    await sync_to_async(run_statement)()
    return HttpResponse("done")


async def busy_thread(request: HttpRequest) -> HttpResponse:
    """Wait for a pool whose only thread hangs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(wait_here)
        await asyncio.get_running_loop().run_in_executor(pool, str)
    return HttpResponse("done")


async def to_thread(request: HttpRequest) -> HttpResponse:
    """Hang in a thread of asyncio's own."""
    await asyncio.to_thread(wait_here)
    return HttpResponse("done")


async def async_body(request: HttpRequest) -> StreamingHttpResponse:
    """Hang between two chunks, on the loop."""

    async def content() -> AsyncIterator[bytes]:
        yield b"one"
        await inner_step()
        yield b"two"

    return StreamingHttpResponse(content())


class Shelf:
    """What a template asks for, and does not get in time."""

    def books(self) -> str:
        """Hang."""
        wait_here()
        return ""


def rendering(request: HttpRequest) -> HttpResponse:
    """Hang in a template's variable, in a loop of it."""
    text = "{% for each in 'ab' %}\n{{ shelf.books }}{% endfor %}"
    template = Template(text, Origin(str(Path(__file__).with_name("shelf.html"))))
    return HttpResponse(template.render(Context({"shelf": Shelf()})))


def deep(request: HttpRequest) -> HttpResponse:
    """Hang at the bottom of a recursion."""

    def down(steps: int) -> None:
        if steps:
            down(steps - 1)
        else:
            wait_here()

    down(60)
    return HttpResponse("deep")


def running(request: HttpRequest) -> HttpResponse:
    """Say how many requests run, this one too."""
    return HttpResponse(str(len(RUNNING)))


def worker(request: HttpRequest) -> HttpResponse:
    """Say which process answers, and which threads of ours it has."""
    names = sorted(each.name for each in threading.enumerate() if "perfkit" in each.name)
    return HttpResponse(f"{os.getpid()} {' '.join(names)}")


def sync_only(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Stand between async ones as a middleware that knows no async."""

    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    return middleware


urlpatterns = [
    path("", lambda request: HttpResponse("home")),
    path("release/", release),
    path("hang/<int:pk>/", hang),
    path("compute/", compute),
    path("query/", query),
    path("slow-body/", slow_body),
    path("flood/", flood),
    path("calm/", calm),
    path("gathering/", gathering),
    path("grouped/", grouped),
    path("waited-for/", waited_for),
    path("awaited/", awaited),
    path("shielded/", shielded),
    path("blocking/", blocking),
    path("handed-over/", handed_over),
    path("busy-thread/", busy_thread),
    path("to-thread/", to_thread),
    path("async-body/", async_body),
    path("rendering/", rendering),
    path("deep/", deep),
    path("running/", running),
    path("worker/", worker),
]
