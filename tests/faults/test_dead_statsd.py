"""A statsd that is dead: the site answers, the report is whole, the log has one line a worker."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from tests.server.conftest import Serve
from tests.server.serving import counts


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
