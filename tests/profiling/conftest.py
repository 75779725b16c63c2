"""A captured site, and the ways to ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.test import AsyncClient, Client, RequestFactory

from perfkit.conf import get_settings
from perfkit.profiling import admission, awaited
from perfkit.profiling.capture import SAMPLER, Capture
from perfkit.profiling.start import page_token
from perfkit.profiling.token import HEADER
from perfkit.store import captures
from tests.profiling import site
from tests.seen import Seen

TEMPLATES = Path(__file__).parent / "templates"


class CapturedSite:
    """The test site with a store, and what was captured of it."""

    def __init__(self, seen: Seen, settings: Any) -> None:
        self.seen = seen
        self.settings = settings

    @property
    def database(self) -> Mapping[str, Any]:
        """The store."""
        store = get_settings().store
        assert store is not None
        return store

    def token(self, path: str, engine: str = SAMPLER, **options: Any) -> str:
        """Ask for the capture of a page."""
        cookies = options.pop("cookies", "")
        request = RequestFactory().post("/start/", headers={"cookie": cookies} if cookies else {})
        return page_token(request, **{"owner": "7", "path": path, "engine": engine, **options})

    def get(self, path: str, token: str = "", **headers: str) -> Any:
        """Ask under WSGI."""
        told = {**({HEADER: token} if token else {}), **headers}
        return Client(raise_request_exception=False).get(path, headers=told)

    def aget(self, path: str, token: str = "", **headers: str) -> Any:
        """Ask under ASGI."""
        told = {**({HEADER: token} if token else {}), **headers}
        client = AsyncClient(raise_request_exception=False)
        client.cookies.load(told.pop("cookie", ""))
        return async_to_sync(client.get)(path, headers=told)

    def served(self, path: str, token: str) -> bytes:
        """Ask Django's ASGI handler, as a server does, and return the body."""

        async def ask() -> bytes:
            scope = {
                "type": "http", "method": "GET", "path": path, "query_string": b"",
                "headers": [(HEADER.lower().encode(), token.encode())],
            }  # fmt: skip
            server = ApplicationCommunicator(ASGIHandler(), scope)
            await server.send_input({"type": "http.request", "body": b""})
            start = await server.receive_output(30)
            assert start["status"] == 200
            body = b""
            while True:
                part = await server.receive_output(30)
                body += part.get("body", b"")
                if not part.get("more_body"):
                    break
            await server.wait(30)
            return body

        return async_to_sync(ask)()

    def all(self) -> list[Capture]:
        """Return every capture in the store, newest first."""
        self.seen.flush()
        rows = captures.listed(self.database, None)
        found = [captures.read(self.database, row.id) for row in rows]
        return [each for each in found if each is not None]

    def one(self) -> Capture:
        """Return the one capture there is."""
        (capture,) = self.all()
        return capture


@pytest.fixture
def captured(seen: Seen, settings: Any, db: None) -> Iterator[CapturedSite]:
    """Serve the test site, with a store of the test's own."""
    seen.configure()
    settings.ROOT_URLCONF = "tests.profiling.site"
    settings.MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [TEMPLATES]}
    ]
    site.let_go.clear()
    yield CapturedSite(seen, settings)
    site.let_go.set()
    awaited.OPEN.clear()
    admission._spent.clear()


Get = Callable[..., Any]


@pytest.fixture(params=["wsgi", "asgi"])
def get(request: pytest.FixtureRequest, captured: CapturedSite) -> Get:
    """Ask for a page under WSGI and under ASGI."""
    return captured.get if request.param == "wsgi" else captured.aget


def functions(capture: Capture) -> set[str]:
    """Return the functions that are somewhere in a capture's stacks."""
    return {capture.profile.frames[node.frame].function for node in capture.profile.nodes}


def stacks(capture: Capture) -> list[list[str]]:
    """Return each sample's functions, outermost first."""
    profile = capture.profile
    found = []
    for sample in profile.samples:
        stack, at = [], sample.node
        while at >= 0:
            stack.append(profile.frames[profile.nodes[at].frame].function)
            at = profile.nodes[at].parent
        found.append(stack[::-1])
    return found


class SyncOnly:
    """A middleware that knows no async."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)
