"""Uvicorn: concurrent requests on one event loop, each observed once."""

from __future__ import annotations

import signal
from collections import Counter

from tests import pages
from tests.server.conftest import Serve
from tests.server.serving import Server, counts

VISIT = {
    "/calm/": "GET /calm/",
    "/async-stream/": "GET /async-stream/",
    "/": "GET /",
    "/asking/": "GET /asking/",
    "/items/7/": "GET /items/<int:pk>/",
    "/crash/": "GET /crash/",
    "/nothing/": "GET _404",
}


def uvicorn(serve: Serve, *arguments: str, **options: float) -> Server:
    """Serve the site."""
    application = "tests.server.site_asgi:application"
    return serve("uvicorn", "--port", "0", *arguments, application, **options)


def test_totals_are_the_requests_answered(serve: Serve) -> None:
    """Async and sync views, streams and errors, eight at a time; the server's end flushes."""
    rounds = 12
    server = uvicorn(serve)
    answers = server.get_all([url for _ in range(rounds) for url in VISIT], at_once=8)
    assert Counter(status for status, _ in answers) == {200: 5 * rounds, 500: rounds, 404: rounds}
    server.stop()
    window = server.window()
    assert counts(window) == dict.fromkeys(VISIT.values(), rounds)
    assert window.routes["/asking/", "GET"]["statements"] == 3 * rounds
    assert window.routes["/calm/", "GET"]["statements"] == 0
    assert sum(stats["cpu_requests"] for stats in window.routes.values()) == 0
    size = len(b"".join(pages.CHUNKS))
    assert window.routes["/async-stream/", "GET"]["response_bytes"] == size * rounds
    totals = server.report()["totals"]
    assert (totals["requests"], totals["errors"]) == (len(VISIT) * rounds, rounds)


def test_sigterm_loses_nothing(serve: Serve) -> None:
    """Uvicorn ends SIGTERM by killing itself with it; the lifespan tells of the end before."""
    server = uvicorn(serve)
    server.get_all(["/calm/", "/asking/"] * 20, at_once=8)
    server.stop(signal.SIGTERM)
    assert counts(server.window()) == {"GET /calm/": 20, "GET /asking/": 20}


def test_without_lifespan_sigterm_loses_no_more_than_the_last_interval(serve: Serve) -> None:
    """Nobody tells of the end: what was flushed before is all there is."""
    server = uvicorn(serve, "--lifespan", "off", interval_s=0.2)
    server.get_all(["/calm/"] * 20, at_once=8)
    server.until(lambda window: window.requests >= 20)
    server.stop(signal.SIGTERM)
    assert counts(server.window()) == {"GET /calm/": 20}


def test_the_interval_flushes_while_the_server_runs(serve: Serve) -> None:
    """A report is up to date without anything being stopped."""
    server = uvicorn(serve, interval_s=0.2)
    server.get_all(["/calm/"] * 20, at_once=8)
    window = server.until(lambda window: window.requests >= 20)
    assert counts(window) == {"GET /calm/": 20}


def test_a_client_that_leaves_is_one_aborted_request(serve: Serve) -> None:
    """The server tells of the disconnect, Django cancels the body, the observation ends."""
    server = uvicorn(serve, interval_s=0.2)
    server.leave("/endless-stream/")
    window = server.until(lambda window: window.requests == 1)
    stats = window.routes["/endless-stream/", "GET"]
    assert (stats["aborted"], stats["response_bytes"]) == (1, len(pages.CHUNKS[0]))


def test_bodies_are_those_of_the_site(serve: Serve) -> None:
    """Whole, and streamed by an asynchronous iterator."""
    server = uvicorn(serve)
    assert server.get("/calm/") == (200, b"calm")
    assert server.get("/async-stream/") == (200, b"".join(pages.CHUNKS))
