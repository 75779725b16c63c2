"""A statsd that is dead: the site answers, the report is whole, the log has one line a worker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from django.test import Client

from perfkit import flusher
from tests.seen import Seen
from tests.server.conftest import Serve
from tests.server.serving import PATIENCE_S, counts


def closed_port() -> int:
    """Return a UDP port of loopback on which nobody listens."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "statsd.invalid"])
def test_a_dead_statsd_harms_nothing(serve: Serve, host: str) -> None:
    """Nobody listens, nobody answers, or nobody knows the name; requests are answered and stored."""
    server = serve(
        "gunicorn",
        *("--bind", "127.0.0.1:0", "--workers", "2"),
        "tests.server.site_wsgi:application",
        interval_s=0.1,
        perfkit={"STATSD": {"HOST": host, "PORT": closed_port()}},
    )
    for total in (20, 40, 60):
        assert server.get_all(["/items/7/"] * 20) == [(200, b'{"pk": 7}')] * 20
        server.until(lambda window, total=total: window.requests >= total)
    server.stop()
    assert server.process.returncode == 0
    assert counts(server.window()) == {"GET /items/<int:pk>/": 60}
    assert sum("perfkit: statsd sink failed" in line for line in server.log) <= 2


class Hanging:
    """A call that does not come back, until the test has seen enough."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun, self.enough = threading.Event(), threading.Event()

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls += 1
        self.begun.set()
        self.enough.wait(PATIENCE_S)
        raise OSError("it hung")


@pytest.fixture
def end_while_hanging(
    seen: Seen, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Hanging]:
    """End the process, as far as perfkit knows, while a call hangs in its thread."""
    settings.ROOT_URLCONF = "tests.pages"
    monkeypatch.setattr(flusher, "_STOP_S", 0.01)
    statsd = {"HOST": "statsd.invalid", "PORT": 8125}
    seen.configure(STATSD=statsd, FLUSH_INTERVAL_SECONDS=0.001)

    def end(target: str) -> Hanging:
        hanging = Hanging()
        with monkeypatch.context() as patched:
            patched.setattr(target, hanging)
            Client().get("/")
            assert hanging.begun.wait(PATIENCE_S)
            (thread,) = [each for each in threading.enumerate() if each.name == flusher.THREAD_NAME]
            for _ in range(5):
                Client().get("/")
            seen.flush()
            hanging.enough.set()
            thread.join(PATIENCE_S)
        return hanging

    return end


def test_a_name_server_that_hangs_costs_the_end_nothing(
    end_while_hanging: Callable[[str], Hanging], seen: Seen
) -> None:
    """What came meanwhile is written by the one that ends the process, which looks up no name."""
    hanging = end_while_hanging("perfkit.metrics.statsd.resolve")
    assert hanging.calls == 1
    assert seen.window().requests == 6


def test_a_store_that_hangs_is_not_written_twice(
    end_while_hanging: Callable[[str], Hanging], seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    """The process ends all the same, and the log tells the loss."""
    hanging = end_while_hanging("perfkit.store.sink.StoreSink.emit")
    assert hanging.calls == 1
    assert "last flush failed" in caplog.text
    assert "did not answer" in caplog.text
