"""Junk from clients, proxies and clocks: each request is one observation, and every figure is sound."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import FileResponse, HttpRequest
from django.test import AsyncClient, Client
from django.urls import path
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from perfkit import observation, pipeline
from perfkit.metrics.route_stats import SUMS
from perfkit.observation import queue_ms
from tests import pages
from tests.seen import Seen, heard
from tests.server.conftest import Serve
from tests.server.serving import PATIENCE_S, Server, counts

# The end of a response closes connections, and an earlier test may have left one open in this thread.
pytestmark = pytest.mark.django_db

JUNK = [
    "",
    "junk",
    "-1",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "0x10",
    "1_000",
    "t=",
    "t=t=1",
    "9" * 5_000,
    "²",
    "1;2",
    "1 2",
    "\x00",
    "é",
]


def short(value: object) -> str:
    """Name a parameter."""
    return ascii(value)[:20]


def file_of_any_length(request: HttpRequest) -> FileResponse:
    """Send a file with the length that the test wants."""
    length = request.GET["length"]
    return FileResponse(pages.FILE.open("rb"), headers={"Content-Length": length})


urlpatterns = [path("file/", file_of_any_length), *pages.urlpatterns]


def sync_get(url: str, **options: Any) -> Any:
    """Ask under WSGI."""
    return Client(raise_request_exception=False).get(url, **options)


def async_get(url: str, **options: Any) -> Any:
    """Ask under ASGI."""
    return async_to_sync(AsyncClient(raise_request_exception=False).get)(url, **options)


@pytest.fixture(params=[sync_get, async_get], ids=["sync", "async"])
def get(request: pytest.FixtureRequest, settings: Any, seen: Seen) -> Callable[..., Any]:
    """Ask for a page of this module, under WSGI and under ASGI."""
    settings.ROOT_URLCONF = __name__
    ask: Callable[..., Any] = request.param
    return ask


def assert_sound(seen: Seen, requests: int) -> None:
    """Each request counted, no figure that is no number, below zero or beyond any sense."""
    window = seen.window()
    assert window.requests == requests
    for stats in window.routes.values():
        for name, value in zip(SUMS, stats.sums, strict=True):
            assert math.isfinite(value), name
            assert 0 <= value < 1e15, name


@pytest.mark.parametrize("stamp", JUNK, ids=short)
def test_junk_in_x_request_start_is_no_queue(
    seen: Seen, get: Callable[..., Any], stamp: str
) -> None:
    """The page is answered and counted; no wait is made up."""
    assert get("/items/7/", headers={"X-Request-Start": stamp}).status_code == 200
    assert_sound(seen, 1)
    assert heard[0].queue_ms is None


@pytest.mark.parametrize("length", [each for each in JUNK if each.isprintable()], ids=short)
def test_junk_in_content_length_is_no_size(
    seen: Seen, get: Callable[..., Any], length: str
) -> None:
    """Of the request, and of a response that a view made by hand."""
    for headers in ({"Content-Length": length}, {}):
        get("/items/7/", headers=headers)
    assert_sound(seen, 2)


@pytest.mark.django_db  # Django looks after its connections as a response is closed
@pytest.mark.parametrize("length", ["junk", "-1", "1.5", "", "9" * 5_000, "9" * 30], ids=short)
def test_a_files_own_junk_length_is_unknown(
    seen: Seen, get: Callable[..., Any], length: str
) -> None:
    """The body is sent; its size is not told."""
    response = get("/file/", query_params={"length": length})
    if response.is_async:
        async_to_sync(_read)(response)
    else:
        b"".join(response.streaming_content)
    response.close()
    assert_sound(seen, 1)


async def _read(response: Any) -> bytes:
    return b"".join([chunk async for chunk in response.streaming_content])


@given(stamp=strategies.text(max_size=40), now=strategies.floats(allow_nan=False))
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_stamp_is_a_sensible_wait_or_none(stamp: str, now: float) -> None:
    """Whatever a proxy writes, and whatever the clock says."""
    waited = queue_ms(stamp, now)
    assert waited is None or 0 <= waited <= 3_600_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "jumps",
    [(-86_400.0, 86_400.0), (-1.7e9, 1.7e9), (4e9, -4e9), (3_600.0, -3_600.0, -7_200.0, 0.5)],
    ids=["a day back", "to 1970", "to 2150", "to and fro"],
)
def test_a_clock_that_jumps_loses_no_request(
    seen: Seen, settings: Any, monkeypatch: pytest.MonkeyPatch, jumps: tuple[float, ...]
) -> None:
    """Between requests and within one; durations are of a clock that does not jump."""
    settings.ROOT_URLCONF = __name__
    clock = [1_700_000_000.0]

    def leap(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(observation, "time", SimpleNamespace(time=lambda: clock[0]))
    monkeypatch.setattr(pipeline, "time", lambda: clock[0])
    asked = 0
    for jump in jumps:
        stream = Client().get("/plain-stream/", headers={"X-Request-Start": f"t={clock[0]}"})
        leap(jump)
        b"".join(stream.streaming_content)
        stream.close()
        asked += 1
        seen.flush()
    assert_sound(seen, asked)
    assert all(0 <= record.duration_ms < PATIENCE_S * 1000 for record in heard)


# Through real servers ------------------------------------------------------------------------

RAW = {
    "length twice": b"Content-Length: 1\r\nContent-Length: 2\r\n",
    "junk length": b"Content-Length: junk\r\n",
    "length below zero": b"Content-Length: -1\r\n",
    "huge length": b"Content-Length: " + b"9" * 4_400 + b"\r\n",
    "junk stamp": b"X-Request-Start: t=\xff\xfe\r\n",
    "two stamps": b"X-Request-Start: 1\r\nX-Request-Start: t=2\r\n",
    "long stamp": b"X-Request-Start: " + b"1" * 4_000 + b"\r\n",
    "nothing": b"",
}
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:0", "tests.server.site_wsgi:application")
UVICORN = ("uvicorn", "--port", "0", "tests.server.site_asgi:application")


def answer(server: Server, headers: bytes) -> bytes:
    """Send a request as it stands; return what the server answers in its first line."""
    with closing(socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)) as client:
        client.sendall(
            b"GET /items/7/ HTTP/1.1\r\nHost: site\r\nConnection: close\r\n" + headers + b"\r\n"
        )
        got = b""
        while chunk := client.recv(65_536):
            got += chunk
    return got.partition(b"\r\n")[0]


@pytest.mark.parametrize("command", [GUNICORN, UVICORN], ids=["gunicorn", "uvicorn"])
def test_junk_over_the_wire(serve: Serve, command: tuple[str, ...]) -> None:
    """What the server lets through is answered by the site and counted; the rest is the server's."""
    server = serve(*command)
    answers = {name: answer(server, headers) for name, headers in RAW.items()}
    server.stop()
    assert b"200" in answers["nothing"]
    passed = sum(b" 200 " in line for line in answers.values())
    assert not any(b" 500 " in line for line in answers.values()), answers
    assert counts(server.window()) == {"GET /items/<int:pk>/": passed}
    assert not [line for line in server.log if "perfkit" in line]
