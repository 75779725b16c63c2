"""The middleware: exactly one observation a request, and a response that is what it was."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import Callable
from time import time
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import AsyncClient, Client
from django.urls import path

from perfkit.capture.current import current
from perfkit.middleware import PerfkitMiddleware
from tests import pages
from tests.seen import Seen

PERFKIT = "perfkit.middleware.PerfkitMiddleware"
DJANGO = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
#: Pages that answer alike under WSGI and ASGI, whole.
WHOLE = [
    "/", "/items/7/", "/gone/", "/nothing/here/", "/crash/", "/calm/", "/shelf/", "/old/abc",
    "/en-us/p/3/", "/visits/", "/timed/", "/cached/",
]  # fmt: skip

#: Django's handlers look after the site's connections at both ends of a request.
pytestmark = pytest.mark.django_db

Get = Callable[..., Any]


@pytest.fixture(autouse=True)
def site(settings: Any) -> Any:
    """Serve the test pages, with sessions that need no database."""
    settings.ROOT_URLCONF = "tests.pages"
    settings.MIDDLEWARE = [PERFKIT, *DJANGO]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    return settings


def sync_get(url: str, **extra: Any) -> Any:
    """Ask under WSGI."""
    return Client(raise_request_exception=False).get(url, **extra)


def async_get(url: str, **extra: Any) -> Any:
    """Ask under ASGI."""
    return async_to_sync(AsyncClient(raise_request_exception=False).get)(url, **extra)


@pytest.fixture(params=[sync_get, async_get], ids=["sync", "async"])
def get(request: pytest.FixtureRequest) -> Get:
    """Ask for a page, under WSGI and under ASGI."""
    ask: Get = request.param
    return ask


class Answer:
    """What a WSGI server holds after calling the application: status, headers, and the body."""

    def __init__(self, url: str, method: str = "GET", **environ: Any) -> None:
        values: dict[str, Any] = {"PATH_INFO": url, "REQUEST_METHOD": method, **environ}
        setup_testing_defaults(values)
        self.body: Any = WSGIHandler()(values, self._start)

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, headers


def http_scope(url: str) -> dict[str, Any]:
    """Describe a request as an ASGI server does."""
    return {
        "type": "http", "http_version": "1.1", "method": "GET", "path": url, "raw_path": b"",
        "query_string": b"", "headers": [(b"host", b"testserver")],
    }  # fmt: skip


# Exactly one observation ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "route", "status"),
    [
        ("/", "/", 200),
        ("/items/7/", "/items/<int:pk>/", 200),
        ("/calm/", "/calm/", 200),
        ("/shelf/", "/shelf/", 200),
        ("/old/abc", "/old/([a-z]+)", 200),
        ("/en-us/p/3/", "/<lang>/p/<int:i>/", 200),
        ("/gone/", "/gone/", 404),
        ("/nothing/here/", "_404", 404),
        ("/crash/", "/crash/", 500),
    ],
)
def test_each_request_is_observed_once(
    seen: Seen, get: Get, url: str, route: str, status: int
) -> None:
    """Whatever the view does, one observation says which route and how it ended."""
    response = get(url)
    assert response.status_code == status
    record = seen.one()
    assert (record.route, record.method, record.status) == (route, "GET", status)
    assert not record.aborted
    assert record.response_bytes == len(response.content)


@pytest.mark.parametrize("name", ["Crashes", "Redirects"])
def test_an_answer_of_a_middleware_is_observed_once(
    seen: Seen, get: Get, site: Any, name: str
) -> None:
    """A middleware that fails or answers before URL resolution leaves no route, and one record."""
    site.MIDDLEWARE = [PERFKIT, f"tests.pages.{name}"]
    status = get("/").status_code
    record = seen.one()
    assert (record.route, record.status) == ("_unrouted", status)
    assert status == {"Crashes": 500, "Redirects": 302}[name]


def test_a_middleware_listed_twice_observes_once(seen: Seen, get: Get, site: Any) -> None:
    """The inner one stands back."""
    site.MIDDLEWARE = [PERFKIT, *DJANGO, PERFKIT]
    assert get("/").status_code == 200
    assert seen.one().route == "/"


def test_a_request_in_which_the_worker_ends_is_observed_once(seen: Seen) -> None:
    """SystemExit passes through, and what the request did is kept as an aborted 500."""
    with pytest.raises(SystemExit):
        Client().get("/going-down/")
    record = seen.one()
    assert (record.status, record.aborted) == (500, True)
    assert current.get() is None


@pytest.mark.parametrize(
    ("sent", "counted"), [("BREW", "_OTHER"), ("get", "GET"), ("PATCH", "PATCH")]
)
def test_unknown_methods_share_a_name(seen: Seen, sent: str, counted: str) -> None:
    """A client may send any word; the report is bounded."""
    Client().generic(sent, "/")
    assert seen.one().method == counted


def test_a_cancelled_async_request_is_observed_once(seen: Seen) -> None:
    """A client that goes away before the answer is 499 and aborted, and the task ends cancelled."""

    async def visit() -> None:
        waiting = pages.Waiting()
        pages.urlpatterns.append(path("waiting/", waiting.__call__))
        try:
            asked = ApplicationCommunicator(ASGIHandler(), http_scope("/waiting/"))
            await asked.send_input({"type": "http.request", "body": b""})
            await waiting.begun.wait()
            await asked.send_input({"type": "http.disconnect"})
            await asked.wait()
        finally:
            pages.urlpatterns.pop()

    asyncio.run(visit())
    record = seen.one()
    assert (record.status, record.aborted, record.route) == (499, True, "/waiting/")


def test_concurrent_async_requests_are_each_observed_once(seen: Seen) -> None:
    """Requests that share a thread do not share an observation; CPU time is nobody's."""

    async def visit() -> list[int]:
        client = AsyncClient()
        responses = await asyncio.gather(*(client.get("/calm/") for _ in range(8)))
        return [response.status_code for response in responses]

    assert asyncio.run(visit()) == [200] * 8
    stats = seen.window().routes["/calm/", "GET"]
    assert (stats["requests"], stats["recorded"], stats["cpu_requests"]) == (8, 8, 0)


# Streams -------------------------------------------------------------------------------------


def test_a_stream_is_observed_to_its_end(seen: Seen) -> None:
    """Statements, bytes and time of the body belong to the request; the first byte came before."""
    answer = Answer("/stream/")
    assert b"".join(answer.body) == b"".join(pages.CHUNKS)
    answer.body.close()
    record = seen.one()
    assert record.response_bytes == len(b"".join(pages.CHUNKS))
    assert (record.statements, record.aborted, record.status) == (len(pages.CHUNKS), False, 200)
    assert record.ttfb_ms < record.duration_ms


def test_a_stream_that_the_client_leaves_is_observed_once(seen: Seen) -> None:
    """The server closes it half way: aborted, with what was sent until then."""
    answer = Answer("/stream/")
    assert next(iter(answer.body)) == pages.CHUNKS[0]
    answer.body.close()
    record = seen.one()
    assert (record.aborted, record.response_bytes) == (True, len(pages.CHUNKS[0]))
    assert seen.window().routes["/stream/", "GET"]["errors"] == 1


def test_a_stream_closed_before_its_first_chunk_is_observed_once(seen: Seen) -> None:
    """A server that sends no body, as for HEAD, still closes the response."""
    Answer("/plain-stream/").body.close()
    assert seen.one().response_bytes == 0


def test_a_stream_that_fails_is_observed_once(seen: Seen) -> None:
    """The site's exception reaches the server; the observation says that the body was cut."""
    answer = Answer("/failing-stream/")
    with pytest.raises(ValueError, match="of the stream"):
        list(answer.body)
    answer.body.close()
    assert seen.one().aborted


@pytest.mark.parametrize("read", [0, 1])
def test_a_stream_never_closed_is_observed_when_it_is_collected(seen: Seen, read: int) -> None:
    """A server that drops the response without closing it loses no observation."""
    answer = Answer("/plain-stream/")
    body = iter(answer.body)
    for _ in range(read):
        next(body)
    del answer, body
    gc.collect()
    assert seen.one().aborted


def test_a_trace_is_current_only_inside_the_stream(seen: Seen) -> None:
    """Between two chunks the server's own work is not the request's."""
    answer = Answer("/plain-stream/")
    for _ in answer.body:
        assert current.get() is None
    answer.body.close()


def test_a_file_is_left_to_the_server(seen: Seen) -> None:
    """`wsgi.file_wrapper` still gets the file itself, and its close ends the observation."""
    wrapped: list[Any] = []

    def file_wrapper(file: Any, size: int = 0) -> Any:
        wrapped.append(file)
        return file

    answer = Answer("/download/", **{"wsgi.file_wrapper": file_wrapper})
    assert wrapped == [answer.body]
    assert answer.body.name == str(pages.FILE)
    answer.body.read()
    answer.body.close()
    record = seen.one()
    assert (record.response_bytes, record.aborted) == (pages.FILE.stat().st_size, False)


def test_a_file_without_sendfile_is_whole(seen: Seen) -> None:
    """A server that reads the file in chunks sends every byte."""
    answer = Answer("/download/")
    assert b"".join(answer.body) == pages.FILE.read_bytes()
    answer.body.close()
    assert seen.one().response_bytes == pages.FILE.stat().st_size


async def _asgi(url: str, *, chunks: int | None = None) -> list[dict[str, Any]]:
    """Serve a URL under ASGI; leave after so many chunks of the body."""
    asked = ApplicationCommunicator(ASGIHandler(), http_scope(url))
    await asked.send_input({"type": "http.request", "body": b""})
    messages = [await asked.receive_output()]
    while chunks is None or len(messages) <= chunks:
        messages.append(await asked.receive_output())
        if not messages[-1].get("more_body"):
            break
    else:
        await asked.send_input({"type": "http.disconnect"})
    await asked.wait()
    return messages


def test_an_async_stream_is_observed_to_its_end(seen: Seen) -> None:
    """An asynchronous iterator is followed as a synchronous one is."""
    messages = asyncio.run(_asgi("/async-stream/"))
    assert [each["body"] for each in messages[1:-1]] == pages.CHUNKS
    record = seen.one()
    assert record.response_bytes == len(b"".join(pages.CHUNKS))
    assert (record.aborted, record.cpu_ms) == (False, None)
    assert record.ttfb_ms < record.duration_ms


def test_an_async_stream_that_the_client_leaves_is_observed_once(seen: Seen) -> None:
    """The server cancels the body in the middle of a chunk: aborted."""
    asyncio.run(_asgi("/endless-stream/", chunks=1))
    record = seen.one()
    assert (record.aborted, record.response_bytes) == (True, len(pages.CHUNKS[0]))


@pytest.mark.parametrize("read", [0, 1])
def test_an_async_stream_never_closed_is_observed_when_it_is_collected(
    seen: Seen, read: int
) -> None:
    """The event loop finishes an abandoned generator, or the collector does."""

    async def visit() -> None:
        response: Any = await AsyncClient().get("/async-stream/")
        body = aiter(response.streaming_content)
        for _ in range(read):
            await anext(body)
        del response, body
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(visit())
    gc.collect()
    assert seen.one().aborted


# What is measured ----------------------------------------------------------------------------


def test_cpu_time_is_the_threads_own(seen: Seen) -> None:
    """Under WSGI the thread serves one request; the sum is known and never above wall time."""
    sync_get("/")
    record = seen.one()
    assert record.cpu_ms is not None
    assert 0 <= record.cpu_ms <= record.duration_ms + 1


def test_cpu_time_is_unknown_on_an_event_loop(seen: Seen) -> None:
    """Under ASGI requests share a thread, and a number would be a lie."""
    async_get("/calm/")
    assert seen.one().cpu_ms is None


def test_the_queue_is_read_from_the_proxys_stamp(seen: Seen, get: Get) -> None:
    """`X-Request-Start` becomes the milliseconds before the first line of ours."""
    get("/", headers={"X-Request-Start": f"t={time() - 2:.3f}"})
    queue_ms = seen.one().queue_ms
    assert queue_ms is not None
    assert 1_999 <= queue_ms < 60_000


@pytest.mark.parametrize(
    "stamp",
    ["soon", "", "nan", "-inf", pytest.param(f"{time() + 3_000:.3f}", id="future"), "1e400"],
)
def test_a_stamp_that_is_no_time_is_left_out(seen: Seen, get: Get, stamp: str) -> None:
    """Junk from a client costs nothing and tells nothing."""
    assert get("/", headers={"X-Request-Start": stamp}).status_code == 200
    assert seen.one().queue_ms is None


def test_statements_and_cache_calls_belong_to_their_request(seen: Seen) -> None:
    """Each request is charged with its own, and nothing else is."""
    cache.clear()
    sync_get("/asking/")
    pages.ask()  # between two requests: nobody's
    sync_get("/cached/")
    window = seen.window()
    assert window.routes["/asking/", "GET"]["statements"] == 3
    assert window.routes["/asking/", "GET"]["duplicates"] == 2
    cached = window.routes["/cached/", "GET"]
    assert (cached["statements"], cached["cache_hits"], cached["cache_misses"]) == (0, 2, 1)


def test_an_unsampled_request_is_timed_but_not_recorded(seen: Seen, get: Get) -> None:
    """SAMPLE_RATE 0.0: the request counts, its statements were not looked at."""
    seen.configure(SAMPLE_RATE=0.0)
    assert get("/").status_code == 200
    stats = seen.window().routes["/", "GET"]
    assert (stats["requests"], stats["recorded"], stats["statements"]) == (1, 0, 0)
    assert stats["total_ms"] > 0


# Passive -------------------------------------------------------------------------------------


def _without_session_key(response: Any) -> list[tuple[str, str]]:
    """List every header and cookie; the signed session holds the time it was signed."""
    cookies = [
        (name, "" if name == "sessionid" else morsel.OutputString())
        for name, morsel in response.cookies.items()
    ]
    return [*response.headers.items(), *cookies]


@pytest.mark.parametrize("url", WHOLE)
def test_a_response_is_what_it_was(seen: Seen, get: Get, site: Any, url: str) -> None:
    """Status, every header in its order, cookies and body are equal with and without perfkit."""
    answers = []
    for middleware in (DJANGO, [PERFKIT, *DJANGO], [*DJANGO, PERFKIT]):
        cache.clear()
        site.MIDDLEWARE = middleware
        response = get(url)
        answers.append((response.status_code, _without_session_key(response), response.content))
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]


@pytest.mark.parametrize("url", ["/plain-stream/", "/failing-stream/", "/download/"])
def test_a_streamed_response_is_what_it_was(seen: Seen, site: Any, url: str) -> None:
    """The same chunks in the same order, under the same headers, with the same failure."""
    answers = []
    for middleware in (DJANGO, [PERFKIT, *DJANGO]):
        site.MIDDLEWARE = middleware
        answer = Answer(url)
        chunks: list[Any] = []
        try:
            chunks.extend(answer.body)
        except ValueError as error:
            chunks.append(str(error))
        answer.body.close()
        answers.append((answer.status, answer.headers, chunks))
    assert answers[1] == answers[0]


def test_an_async_streamed_response_is_what_it_was(seen: Seen, site: Any) -> None:
    """Every ASGI message is equal with and without perfkit."""
    site.MIDDLEWARE = DJANGO
    without = asyncio.run(_asgi("/async-stream/"))
    site.MIDDLEWARE = [PERFKIT, *DJANGO]
    assert asyncio.run(_asgi("/async-stream/")) == without


def test_a_streams_own_cleanup_still_runs(seen: Seen) -> None:
    """The site's generator is closed when the client leaves, as without perfkit."""
    closed: list[str] = []

    def content() -> Any:
        try:
            yield from pages.CHUNKS
        finally:
            closed.append("closed")

    def view(request: Any) -> Any:
        return pages.StreamingHttpResponse(content())

    pages.urlpatterns.append(path("cleanup/", view))
    try:
        answer = Answer("/cleanup/")
        next(iter(answer.body))
        answer.body.close()
    finally:
        pages.urlpatterns.pop()
    assert closed == ["closed"]


@pytest.mark.parametrize("timing", ["off", "debug", "staff", "always"])
def test_session_and_user_are_left_alone(seen: Seen, get: Get, timing: str) -> None:
    """Looking at either would add `Vary: Cookie` and end the caching of the page."""
    seen.configure(SERVER_TIMING=timing)
    response = get("/")
    request = response.asgi_request if hasattr(response, "asgi_request") else response.wsgi_request
    assert not request.session.accessed
    assert {"_cached_user", "_acached_user"} & set(vars(request)) == set()
    assert "Vary" not in response.headers


# Server-Timing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "debug", "shown"),
    [
        ("off", True, False),
        ("debug", False, False),
        ("debug", True, True),
        ("staff", True, False),
        ("always", False, True),
    ],
)
def test_server_timing_is_shown_to_whom_the_setting_names(
    seen: Seen, get: Get, site: Any, timing: str, debug: bool, shown: bool
) -> None:
    """Off, for developers, for staff, for everybody; what it tells are figures, never SQL."""
    site.DEBUG = debug
    seen.configure(SERVER_TIMING=timing)
    header = get("/").headers.get("Server-Timing")
    assert (header is not None) is shown
    if header is not None:
        assert [part.split(";")[0] for part in header.split(", ")] == ["app", "db", "cache"]


def test_server_timing_joins_the_sites_own(seen: Seen, get: Get) -> None:
    """The site's entries come first and stay; the queue is told where a proxy stamped it."""
    seen.configure(SERVER_TIMING="always")
    header = get("/timed/", headers={"X-Request-Start": f"{time() - 1:.3f}"}).headers
    parts = [part.split(";")[0] for part in header["Server-Timing"].split(", ")]
    assert parts == ["site", "app", "db", "cache", "queue"]


@pytest.mark.parametrize("staff", [True, False])
@pytest.mark.parametrize("url", ["/who/", "/async-who/", "/"])
def test_staff_see_server_timing_where_the_view_knows_them(
    seen: Seen, url: str, staff: bool
) -> None:
    """Only a user whom the view has resolved counts; elsewhere nobody is looked up."""
    seen.configure(SERVER_TIMING="staff")
    client = Client()
    client.force_login(User.objects.create_user("ada", is_staff=staff))
    response = client.get(url)
    assert ("Server-Timing" in response.headers) is (staff and url != "/")


def test_server_timing_counts_statements(seen: Seen) -> None:
    """The description of `db` is the number of statements."""
    seen.configure(SERVER_TIMING="always")
    assert 'desc="3q"' in sync_get("/asking/").headers["Server-Timing"]


# Switched off --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["setting", "variable"])
def test_switched_off_it_takes_itself_out(
    site: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Django leaves out a middleware that says so, and the request passes it by no more."""
    if how == "variable":
        monkeypatch.setenv("PERFKIT_DISABLED", "1")
    site.PERFKIT = {"STORE": False, "ENABLED": how != "setting"}
    with pytest.raises(MiddlewareNotUsed):
        PerfkitMiddleware(lambda request: None)
    response = sync_get("/")
    assert response.content == b"<html><body>home</body></html>"
    assert not hasattr(response.wsgi_request, "_perfkit")
    site.PERFKIT = {"STORE": False}  # read anew while the variable is gone


def test_a_posted_body_is_left_to_the_view(seen: Seen) -> None:
    """Nothing of the request is read: an upload streams into the view alone."""
    upload = io.BytesIO(b"x" * 1_000)
    answer = Answer("/", "POST", CONTENT_LENGTH="1000", **{"wsgi.input": upload})
    answer.body.close()
    assert upload.tell() == 0
    assert seen.one().method == "POST"
