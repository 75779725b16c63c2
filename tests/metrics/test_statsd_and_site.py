"""A site and its statsd: hostile routes arrive, and a statsd that is away costs the site nothing."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from perfkit import pipeline
from perfkit.conf import STATSD_FORMATS
from perfkit.isolation import failures
from perfkit.metrics.route import route_label
from tests.figures import tell
from tests.metrics import hostile_urls, servers
from tests.seen import Seen

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    """Serve the hostile pages."""
    settings.ROOT_URLCONF = "tests.metrics.hostile_urls"
    settings.MIDDLEWARE = ["perfkit.middleware.PerfkitMiddleware"]


@pytest.fixture
def statsd(tmp_path: Path) -> Iterator[servers.Statsd]:
    """A statsd that never flushes."""
    with servers.statsd(tmp_path) as running:
        yield running


@pytest.mark.parametrize("form", STATSD_FORMATS)
def test_hostile_patterns_arrive_apart(seen: Seen, statsd: servers.Statsd, form: str) -> None:
    """A route pattern with statsd's own marks, a newline, Unicode or 5,000 characters is one series."""
    seen.configure(STATSD={"PORT": statsd.port, "PREFIX": "site", "FORMAT": form})
    client = Client()
    for times, (_, url) in enumerate(hostile_urls.HOSTILE, start=1):
        for _ in range(times):
            assert client.get(url).status_code == 200
    assert client.get("/2026%7Cx").status_code == 200
    # Junk from the client, where a header is a number.
    junk = {"HTTP_X_REQUEST_START": "t=\n1|c", "CONTENT_LENGTH": "12x"}
    assert client.generic("BREW", "/a.b/", **junk).status_code == 200
    seen.flush()
    statsd.settle()
    counters = statsd.counters()
    requests = sorted(
        value for name, value in counters.items() if "site.route." in name and ".requests" in name
    )
    expected = sorted([*range(1, len(hostile_urls.HOSTILE) + 1), 1, 1])
    assert requests == expected
    assert statsd.bad_lines() == 0
    assert counters["site.self.dropped"] == 0
    assert not failures


def test_a_worker_tells_its_use_and_its_own_cost(seen: Seen, statsd: servers.Statsd) -> None:
    """Busy time, requests in flight and perfkit's own figures come with every flush."""
    seen.configure(STATSD={"PORT": statsd.port, "PREFIX": "site"})
    pipeline.sinks()  # made with the first request that ends, and measures from then on
    for _ in range(3):
        Client().get("/a.b/")
    seen.flush()
    statsd.settle()
    counters = statsd.counters()
    use = {name.rsplit(".", 1)[1]: value for name, value in counters.items() if "process" in name}
    assert 0 < use["busy_us"] <= use["elapsed_us"]
    assert use["request_us"] >= use["busy_us"] * 0.99
    own = {name.rsplit(".", 1)[1]: value for name, value in counters.items() if ".self." in name}
    assert own["flushes"] >= 1
    assert own["overhead_us"] > 0
    assert (own["dropped"], own["unsent"], own["failures"]) == (0, 0, 0)


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _closed_port() -> dict[str, Any]:
    return {"HOST": "127.0.0.1", "PORT": servers.free_port(socket.SOCK_DGRAM)}


def _no_name() -> dict[str, Any]:
    return {"HOST": "statsd.invalid"}


def ten_minutes(seen: Seen, statsd: dict[str, Any] | None) -> float:
    """Answer 600 requests to 210 routes in 60 flushes; return the most memory that it took, in bytes."""
    seen.configure(STATSD=statsd, STORE=False, ANALYZERS=[])
    clock = Clock()
    client = Client()
    if (sink := pipeline.sinks().statsd) is not None:
        sink._clock = clock
    for number in range(hostile_urls.MANY):
        client.get(f"/many/route-{number}/1/")
    seen.flush()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(600):
        url = f"/many/route-{number % hostile_urls.MANY}/{number}/"
        assert client.get(url).status_code == 200
        if number % 10 == 9:
            clock.now += 10.0
            seen.flush()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def test_ten_minutes_without_statsd_cost_the_site_nothing(seen: Seen) -> None:
    """No error, and less than a megabyte more than a site without statsd takes; it is logged once."""
    bare = ten_minutes(seen, None)
    for what, statsd in {
        "its port is closed": _closed_port(),
        "its name is gone": _no_name(),
    }.items():
        most = (ten_minutes(seen, statsd) - bare) / 1e6
        tell(f"statsd away for 10 minutes, {what}: 0 errors, {most:.2f} MB more (bar: 1 MB)")
        assert most <= 1.0
        assert failures["statsd sink"] >= 59
        assert set(failures) == {"statsd sink"}


def test_what_was_lost_is_told_when_statsd_is_back(seen: Seen, tmp_path: Path) -> None:
    """The first flush that arrives says how many requests' metrics did not."""
    port = _closed_port()["PORT"]
    seen.configure(STATSD={"PORT": port, "PREFIX": "site"}, STORE=False)
    for _ in range(4):
        Client().get("/a.b/")
        seen.flush()
    with servers.statsd(tmp_path, port=port) as statsd:
        Client().get("/a-b/")
        seen.flush()
        statsd.settle()
        counters = statsd.counters()
    arrived = sum(value for name, value in counters.items() if name.endswith(".requests"))
    assert counters["site.self.unsent"] == 5 - arrived


def test_a_request_never_touches_the_network(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking a name up and sending belong to the background thread."""

    def refused(*args: object, **kwargs: object) -> None:
        pytest.fail("a request opened a socket")

    seen.configure(STATSD={"HOST": "statsd.invalid"}, STORE=False)
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", refused)
        patched.setattr(socket, "getaddrinfo", refused)
        pipeline.flusher().interval_s = 3_600.0
        Client().get("/a.b/")
    assert not failures


def test_a_flush_does_not_wait_where_somebody_waits_for_it(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses between packets end with the process, and are none in a worker without threads."""
    flusher = pipeline.flusher()
    assert not flusher.pause(0.0)
    with monkeypatch.context() as ending:
        ending.setattr(flusher, "_without_thread", True)
        assert flusher.pause(3_600.0)
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(flusher, "_stopping", stopping)
    assert flusher.pause(3_600.0)


def test_a_label_and_its_pattern_are_one() -> None:
    """The fuzz of labels holds for patterns: a pattern's text is in its label, or in its hash."""
    labels = {route_label(resolver, 200) for resolver in _matches()}
    assert len(labels) == len(hostile_urls.HOSTILE)


def _matches() -> Iterator[Any]:
    from urllib.parse import unquote

    from django.urls import resolve

    for _, url in hostile_urls.HOSTILE:
        yield resolve(unquote(url), urlconf="tests.metrics.hostile_urls")
