"""The site of capture_load.py: a request whose split is known, and others that are none of its business.

Under gunicorn the views are sync, under uvicorn async. The captured view tells in its answer how long
each of its three parts really took, by the clock, in that very request.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import capture_settings  # noqa: F401  # first of all: the rest needs settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

#: CPU milliseconds of the captured view's parts.
PARTS = {"part_a": 60, "part_b": 30, "part_c": 10}
#: CPU milliseconds of a bystander, and for how long it waits, as for a database.
BYSTANDER_MS, WAITS_S = 1.0, 0.03


def burn(ms: float) -> None:
    """Use so much CPU of this thread."""
    end = time.thread_time() + ms / 1000
    while time.thread_time() < end:
        for number in range(200):
            number * number


def part_a() -> None:
    burn(PARTS["part_a"])


def part_b() -> None:
    burn(PARTS["part_b"])


def part_c() -> None:
    burn(PARTS["part_c"])


def work(request: HttpRequest) -> JsonResponse:
    took = {}
    for part in (part_a, part_b, part_c):
        started = time.perf_counter()
        part()
        took[part.__name__] = time.perf_counter() - started
    return JsonResponse(took)


def foreign_burn(ms: float) -> None:
    end = time.thread_time() + ms / 1000
    while time.thread_time() < end:
        for number in range(200):
            number * number


def by(request: HttpRequest) -> JsonResponse:
    foreign_burn(BYSTANDER_MS)
    time.sleep(WAITS_S)
    return JsonResponse({})


async def sliced(name: str) -> None:
    """Do a part in slices of a millisecond, so that the loop's other tasks get their turns."""
    for _ in range(PARTS[name]):
        burn(1.0)
        await asyncio.sleep(0)


async def part_a_async() -> None:
    await sliced("part_a")


async def part_b_async() -> None:
    await sliced("part_b")


async def part_c_async() -> None:
    await sliced("part_c")


async def work_async(request: HttpRequest) -> JsonResponse:
    took = {}
    for part in (part_a_async, part_b_async, part_c_async):
        started = time.perf_counter()
        await part()
        took[part.__name__] = time.perf_counter() - started
    return JsonResponse(took)


async def by_async(request: HttpRequest) -> JsonResponse:
    foreign_burn(BYSTANDER_MS)
    await asyncio.sleep(WAITS_S)
    return JsonResponse({})


is_async = os.environ.get("PERFKIT_CAPTURE_SERVER") == "uvicorn"
urlpatterns = [
    path("work/", work_async if is_async else work),
    path("by/", by_async if is_async else by),
]


def application_of() -> Any:
    """Return what the server runs."""
    if is_async:
        from django.core.asgi import get_asgi_application

        return get_asgi_application()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


application = application_of()
