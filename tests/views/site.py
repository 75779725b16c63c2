"""A site with the capture pages, served on loopback: whoever asks is a user who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Thread
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import WSGIRequestHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from perfkit.conf import get_settings
from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import Sample
from perfkit.profiling.capture import CPROFILE, Capture, Order
from perfkit.store import captures
from perfkit.store.append import Appender
from perfkit.store.connection import opened
from perfkit.store.transaction import transaction
from tests.report_html import made as made_report
from tests.views import made

#: The key of the user that every request comes from.
OWNER = "7"


def known(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Make every request one of a user who may see captures: middleware, in place of Django's."""
    user = SimpleNamespace(pk=OWNER, is_active=True, is_staff=True, has_perm=lambda name: True)

    def answer(request: HttpRequest) -> HttpResponse:
        vars(request)["user"] = user
        return get_response(request)

    return answer


def store_of(folder: Path) -> dict[str, Any]:
    """Return a store in a folder."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "perfkit.sqlite3")}


def keep(database: dict[str, Any], *samples: Sample) -> None:
    """Write kept requests as a worker does."""
    window = Window()
    window.samples.extend(samples)
    with (
        opened(database, create=True) as connection,
        transaction(connection),
        connection.cursor() as cursor,
    ):
        Appender("made").append(cursor, {int(samples[0].at) // 60 * 60: window})


def fill(database: dict[str, Any]) -> None:
    """Write captures of each kind, kept requests, and an order that waits."""
    mended = made.capture(
        id="mended",
        owner=OWNER,
        started_at=made.NOW + 60,
        duration_ms=55.0,
        profile=made.profile(slower=0.05, seed=3),
        shapes=(('SELECT … FROM "shop_product" LIMIT ?', 1, 5.4), ('SELECT … FROM "shop_stock"', 1, 0.8)),
        record={**made.record(), "statements": 2, "findings": []},
    )  # fmt: skip
    for each in (
        made.capture(id="plain", owner=OWNER),
        mended,
        made.capture(id="counted", owner=OWNER, engine=CPROFILE, started_at=made.NOW + 120),
        made.capture(id="large", owner=OWNER, name="/large/", duration_ms=6_000.0, profile=made.endless(4_000, 6_000), started_at=made.NOW - 60),
        made.capture(id="others", owner="8", name="/secret/of/somebody/else/"),
        made.capture(id="nobodys", owner="", name="send_newsletter", method="", status=0, reason="command", started_at=made.NOW - 120),
        made.capture(made.HOSTILE, id="hostile", owner=OWNER, started_at=made.NOW - 180),
        made.capture(made.HOSTILE, id="hostile-counted", owner=OWNER, engine=CPROFILE, started_at=made.NOW - 240),
    ):  # fmt: skip
        save(database, each)
    keep(database, *made_report.samples(), *made_report.samples(made.HOSTILE))
    captures.add_order(
        database,
        Order("waits", OWNER, "slower", "/products/<int:pk>/", "", "sampler", 250.0, 3, 1, 2e9),
    )


def save(database: dict[str, Any], capture: Capture) -> None:
    """Write one capture."""
    with override_settings(PERFKIT={**settings.PERFKIT, "STORE": database}):
        assert captures.save(database, capture, get_settings())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
        pass


@contextmanager
def served(database: dict[str, Any], **more: Any) -> Iterator[str]:
    """Serve the pages and give their address.

    Args:
        database: the store.
        more: further settings.
    """
    with override_settings(
        PERFKIT={"STORE": database},
        ROOT_URLCONF="tests.views.site_urls",
        MIDDLEWARE=["tests.views.site.known"],
        **more,
    ):
        server = make_server("127.0.0.1", 0, WSGIHandler(), _Server, _Quiet)
        thread = Thread(target=server.serve_forever, name="served", kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
