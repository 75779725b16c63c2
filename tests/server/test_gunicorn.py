"""gunicorn with two workers: the report's totals are the requests answered."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from tests import pages
from tests.server.conftest import Serve
from tests.server.serving import Server, counts

#: What a visitor asks for, and how the report names it.
VISIT = {
    "/": "GET /",
    "/items/7/": "GET /items/<int:pk>/",
    "/asking/": "GET /asking/",
    "/stream/": "GET /stream/",
    "/download/": "GET /download/",
    "/crash/": "GET /crash/",
    "/nothing/": "GET _404",
}


def gunicorn(serve: Serve, *arguments: str, site: str = "site_wsgi", **options: float) -> Server:
    """Serve the site with two workers."""
    application = f"tests.server.{site}:application"
    bind = ("--bind", "127.0.0.1:0", "--workers", "2")
    return serve("gunicorn", *bind, *arguments, application, **options)


#: With gevent and --preload Django must be imported after the patching, as without perfkit.
EARLY = ("--config", "python:tests.server.early_gevent")


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
@pytest.mark.parametrize(
    "worker",
    [("sync",), ("gthread", "--threads", "4"), ("gevent", *EARLY)],
    ids=["sync", "gthread", "gevent"],
)
def test_totals_are_the_requests_answered(
    serve: Serve, worker: tuple[str, ...], preload: tuple[str, ...]
) -> None:
    """Whatever the worker's kind, and whether it was forked before or after the site was loaded.

    No flush comes before the end: SIGTERM alone brings everything into the store.
    """
    rounds = 12
    server = gunicorn(serve, "--worker-class", *worker, *preload)
    answers = server.get_all([url for _ in range(rounds) for url in VISIT])
    assert Counter(status for status, _ in answers) == {200: 5 * rounds, 500: rounds, 404: rounds}
    server.stop()
    window = server.window()
    assert counts(window) == dict.fromkeys(VISIT.values(), rounds)
    assert window.routes["/asking/", "GET"]["statements"] == 3 * rounds
    assert window.routes["/stream/", "GET"]["statements"] == len(pages.CHUNKS) * rounds
    size = pages.FILE.stat().st_size
    assert window.routes["/download/", "GET"]["response_bytes"] == size * rounds
    assert window.routes["/crash/", "GET"]["errors"] == rounds
    assert not window.dropped
    totals = server.report()["totals"]
    assert (totals["requests"], totals["errors"]) == (len(VISIT) * rounds, rounds)


def test_bodies_are_those_of_the_site(serve: Serve) -> None:
    """Through a real server: whole, streamed, and a file by sendfile."""
    server = gunicorn(serve)
    assert server.get("/")[1] == b"<html><body>home</body></html>"
    assert server.get("/stream/")[1] == b"".join(pages.CHUNKS)
    assert server.get("/download/")[1] == pages.FILE.read_bytes()
    assert server.get("/", "HEAD") == (200, b"")
    server.stop()
    assert counts(server.window())["HEAD /"] == 1


def test_what_a_preloading_master_served_is_its_own(serve: Serve) -> None:
    """A warm-up before the fork is sent once, by the master, and by no worker."""
    server = gunicorn(serve, "--preload", site="site_wsgi_warm")
    server.get_all(["/items/1/"] * 10)
    server.stop()
    assert counts(server.window()) == {"GET /": 1, "GET /items/<int:pk>/": 10}


def test_recycled_workers_lose_nothing(serve: Serve) -> None:
    """A worker that ends after so many requests flushes as it goes."""
    server = gunicorn(serve, "--max-requests", "5")
    server.get_all(["/"] * 40, at_once=2)
    server.stop()
    assert counts(server.window()) == {"GET /": 40}


def test_a_killed_worker_loses_at_most_what_it_had_not_flushed(serve: Serve) -> None:
    """What was flushed stays, what the others hold stays, and nothing is counted twice."""
    server = gunicorn(serve, interval_s=0.5)
    before, after = 30, 20
    workers = {int(body) for _, body in server.get_all(["/worker/"] * before)}
    server.until(lambda window: window.requests == before)
    last = Counter(int(body) for _, body in server.get_all(["/worker/"] * after))
    victim = max(workers | set(last), key=lambda pid: last[pid])
    os.kill(victim, signal.SIGKILL)
    server.get_all(["/"] * 10)
    server.stop()
    window = server.window()
    assert counts(window)["GET /"] == 10
    assert before + after - last[victim] <= counts(window)["GET /worker/"] <= before + after


def test_the_interval_flushes_while_the_server_runs(serve: Serve) -> None:
    """A report is up to date without anything being stopped."""
    server = gunicorn(serve, interval_s=0.2)
    for total in (5, 10):
        server.get_all(["/"] * 5)
        window = server.until(lambda window, total=total: window.requests >= total)
        assert window.requests == total
    assert server.report()["totals"]["requests"] == 10


def test_a_client_that_leaves_is_one_aborted_request(serve: Serve) -> None:
    """The server closes the body, and the observation ends."""
    server = gunicorn(serve, interval_s=0.2)
    server.leave("/flood/")
    window = server.until(lambda window: window.requests == 1)
    stats = window.routes["/flood/", "GET"]
    assert (stats["aborted"], stats["errors"]) == (1, 1)
    assert stats["response_bytes"] > 0
