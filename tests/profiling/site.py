"""A site to capture: views that go on until a sampler has seen them, so that no test waits for a time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import path

from perfkit.profiling.capture import SAMPLER
from perfkit.profiling.running import CAPTURING

#: Samples that a piece of work waits for, where it is captured.
ENOUGH = 3
#: Seconds after which a piece of work goes on though nobody has seen it: the test fails then.
PATIENCE_S = 20.0
#: Steps after which it does where what is captured may not see it at all: another engine than ours.
MOST_STEPS = 1_000

#: What planted secrets look like: in no capture may this be.
SECRET = "hunter2-of-the-site"

#: Set by a test that holds requests up.
let_go = threading.Event()
held = threading.Semaphore(0)


def trees() -> list[Any]:
    """Return what the captures that are being made have seen."""
    made = (getattr(capture._engine, "_tree", None) for capture in list(CAPTURING.values()))
    return [tree for tree in made if tree is not None]


def is_unseen() -> Iterator[bool]:
    """Yield True until there are a few more samples; False at once where nobody takes any."""
    before, patience = sum(len(tree.samples) for tree in trees()), time.monotonic() + PATIENCE_S
    for step in count():
        seen = trees()
        is_ours = any(capture.engine == SAMPLER for capture in list(CAPTURING.values()))
        enough = sum(len(tree.samples) for tree in seen) >= before + ENOUGH
        if not seen or enough or time.monotonic() > patience or (step > MOST_STEPS and not is_ours):
            return
        yield True


def until_seen(step: Callable[[], Any] = lambda: sum(range(2_000))) -> None:
    """Work on until there are a few more samples; not at all where nothing is captured."""
    for _ in is_unseen():
        step()


def first_part() -> None:
    """Work until it was seen."""
    until_seen()


def second_part() -> None:
    """Do so in another function."""
    until_seen()


def work(request: HttpRequest) -> HttpResponse:
    """Work in two functions; ask the database and the cache."""
    password = SECRET
    first_part()
    second_part()
    cache.get(f"key-{password}")
    names = list(Group.objects.filter(name=password))
    return HttpResponse(f"worked {len(names)}")


def loop(request: HttpRequest) -> HttpResponse:
    """Ask for each row once more."""
    for group in Group.objects.order_by("pk"):
        list(group.permissions.all())
    first_part()
    return HttpResponse("looped")


def crash(request: HttpRequest) -> HttpResponse:
    """Fail in the midst of work."""
    first_part()
    raise ValueError(SECRET)


def bystander(request: HttpRequest) -> HttpResponse:
    """Hold until the test lets go: another request in the same process."""
    held.release()
    foreign(let_go.is_set)
    return HttpResponse("by")


def foreign(done: Callable[[], bool]) -> None:
    """Burn time in a function that no captured request calls."""
    patience = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < patience:
        sum(range(200))


def hold(request: HttpRequest) -> HttpResponse:
    """Hold until the test lets go."""
    held.release()
    let_go.wait(PATIENCE_S)
    return HttpResponse("held")


async def async_work(request: HttpRequest) -> HttpResponse:
    """Work on the loop, wait, have a worker work, wait for tasks."""
    first_part()
    await wait_a_while()
    await sync_to_async(second_part)()
    await asyncio.gather(child(), child())
    return HttpResponse("worked")


async def wait_a_while() -> None:
    """Let the loop go on until the wait was seen."""
    for _ in is_unseen():
        await asyncio.sleep(0.001)


async def child() -> None:
    """Work in a task of its own."""
    await asyncio.sleep(0)
    in_child()


def in_child() -> None:
    """Work in a task's own function."""
    until_seen()


async def async_bystander(request: HttpRequest) -> HttpResponse:
    """Take turns on the loop with whatever else runs there, until the test lets go."""
    held.release()
    patience = time.monotonic() + PATIENCE_S
    while not let_go.is_set() and time.monotonic() < patience:
        async_foreign()
        await asyncio.sleep(0)
    return HttpResponse("by")


def async_foreign() -> None:
    """Burn a little time that is another request's."""
    sum(range(5_000))


def sync_over_async(request: HttpRequest) -> HttpResponse:
    """Wait for a coroutine in a sync view."""
    async_to_sync(in_a_loop)()
    return HttpResponse("worked")


async def in_a_loop() -> None:
    """Work in a coroutine that a sync view waits for."""
    first_part()


def chunks() -> Iterator[bytes]:
    """Work for each chunk."""
    first_part()
    yield b"one,"
    second_part()
    yield b"two"


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Do the work while the body is sent."""
    return StreamingHttpResponse(chunks())


async def async_chunks() -> AsyncIterator[bytes]:
    """Work, and wait."""
    first_part()
    yield b"one,"
    await wait_a_while()
    yield b"two"


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Do the same on a loop."""
    return StreamingHttpResponse(async_chunks())


async def until_held() -> None:
    """Let the loop go on until a bystander has begun."""
    while not held.acquire(blocking=False):  # noqa: ASYNC110  # it may begin in another thread
        await asyncio.sleep(0)


class Shelf:
    """What a template asks for work."""

    def books(self) -> str:
        """Work, called from a template's line."""
        first_part()
        return "books"


def template(request: HttpRequest) -> HttpResponse:
    """Work within a template."""
    page = engines["django"].get_template("profiling/shelf.html")
    return HttpResponse(page.render({"shelf": Shelf()}))


def deep(request: HttpRequest) -> HttpResponse:
    """Work far down a recursion."""

    def down(left: int) -> None:
        if left:
            down(left - 1)
        else:
            until_seen()

    down(700)
    return HttpResponse("deep")


urlpatterns = [
    path("work/", work),
    path("loop/", loop),
    path("items/<int:pk>/", lambda request, pk: work(request)),
    path("crash/", crash),
    path("by/", bystander),
    path("hold/", hold),
    path("async/", async_work),
    path("async-by/", async_bystander),
    path("over/", sync_over_async),
    path("stream/", stream),
    path("async-stream/", async_stream),
    path("template/", template),
    path("deep/", deep),
]
