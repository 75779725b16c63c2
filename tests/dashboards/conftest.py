"""A site's figures in the real Graphite, once for each way to spell names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from django.test import override_settings

from perfkit.dashboards.server import GraphiteWeb
from tests.dashboards.sent import Site, arrived, send
from tests.services import service

ARRIVAL_S = 120


def wait_until(condition: Callable[[], Any]) -> Any:
    """Return what the condition gives, as soon as it is something."""
    deadline_s = time.monotonic() + ARRIVAL_S
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"not within {ARRIVAL_S} s"
        Event().wait(0.05)
    return found


@pytest.fixture
def graphite() -> GraphiteWeb:
    """Give the real graphite-web."""
    return GraphiteWeb(service("PERFKIT_TEST_GRAPHITE"))


@cache
def _arrived(form: str) -> Site:
    site = send(service("PERFKIT_TEST_CARBON"), form)
    server = GraphiteWeb(service("PERFKIT_TEST_GRAPHITE"))
    wait_until(lambda: arrived(site, server))
    return site


@pytest.fixture(params=["plain", "tags", "dogstatsd"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give a site that has sent five minutes of figures, with the settings under which it did."""
    sent = _arrived(request.param)
    with override_settings(PERFKIT=settings_of(sent)):
        yield sent


@pytest.fixture
def plain_site() -> Iterator[Site]:
    """Give the one that spells names plainly."""
    sent = _arrived("plain")
    with override_settings(PERFKIT=settings_of(sent)):
        yield sent


def settings_of(site: Site) -> dict[str, Any]:
    """Return PERFKIT as the site has it."""
    return {
        "STATSD": {"PREFIX": site.prefix, "FORMAT": site.form},
        "GRAPHITE_URL": service("PERFKIT_TEST_GRAPHITE"),
        "STORE": False,
    }


class Answering(BaseHTTPRequestHandler):
    """Answers all that is asked alike, as the server that it belongs to is told."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self.headers)  # type: ignore[attr-defined]  # set by the fixture
        status, body = self.server.answer  # type: ignore[attr-defined]  # set by the fixture
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  # the names that the base class calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@pytest.fixture
def other_server() -> Iterator[ThreadingHTTPServer]:
    """Give a server that is no graphite-web; a test sets its ``answer``, a status and a body."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.answer, server.seen = (200, b"{}"), []  # type: ignore[attr-defined]  # ours
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
