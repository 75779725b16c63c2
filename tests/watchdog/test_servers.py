"""Real servers: what hangs in their workers is told while it hangs."""

from __future__ import annotations

import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from perfkit.errors import StoreError
from perfkit.metrics.sample import STALL, Sample
from perfkit.store.read import read
from tests.server.conftest import Serve
from tests.server.serving import PATIENCE_S, Server
from tests.watchdog.site_urls import SECRET

IN_THREAD = ["wait_here", "Event.wait", "Condition.wait"]
ON_LOOP = ["inner_step", "until_free", "sleep"]


def gunicorn(serve: Serve, *arguments: str, site: str = "site:wsgi", **options: Any) -> Server:
    """Serve the hanging site with one worker, which flushes often."""
    bind = ("--bind", "127.0.0.1:0", "--workers", "1")
    application = f"tests.watchdog.{site}"
    return serve("gunicorn", *bind, *arguments, application, **{"interval_s": 0.2, **options})


def uvicorn(serve: Serve) -> Server:
    """Serve the hanging site on a loop."""
    site = "tests.watchdog.site:asgi"
    return serve("uvicorn", "--port", "0", "--lifespan", "off", site, interval_s=0.2)


class Visitors:
    """Visitors whose pages hang."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._threads: list[threading.Thread] = []

    def ask(self, *urls: str) -> None:
        """Ask for pages, all at once."""
        for url in urls:
            thread = threading.Thread(target=self.server.get, args=(url,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def release(self) -> None:
        """Let the pages go, and wait for them."""
        self.server.get("/release/")
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def stalls(self, *routes: str) -> dict[str, Sample]:
        """Wait until these routes are in the store; return the first sample of each route."""
        gives_up = monotonic() + PATIENCE_S
        while not set(routes) <= (found := stored(self.server.folder)).keys():
            assert monotonic() < gives_up, (list(found), "".join(self.server.log))
            threading.Event().wait(0.05)
        return found


def stored(folder: Path) -> dict[str, Sample]:
    """Return the stalls in a site's store, by their route."""
    store = folder / ".perfkit" / "perfkit.sqlite3"
    try:
        samples = read({"ENGINE": "django.db.backends.sqlite3", "NAME": str(store)}, 0).samples
    except StoreError:
        return {}
    return {sample.route: sample for sample in samples if sample.kind == STALL}


def functions(sample: Sample) -> list[str]:
    """Return the functions on the branch of a tree that was seen most."""
    found = []
    tree = sample.data["tree"]
    while tree:
        line, _, tree = tree[0]
        found.append(line.split()[-1])
    return found


def logged(server: Server, *routes: str) -> list[int]:
    """Return how often the log tells of each route."""
    told = Counter(line.split()[2] for line in server.log if " hung for " in line)
    return [told[route] for route in routes]


@contextmanager
def reading_nothing(server: Server, url: str) -> Iterator[None]:
    """Ask for a page and take only what the system takes by itself."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield


def test_gunicorn_gthread(serve: Serve) -> None:
    """Each hangs in its own way, is told once, and nothing of a visitor's is told with it."""
    server = gunicorn(serve, "--worker-class", "gthread", "--threads", "12")
    visitors = Visitors(server)
    visitors.ask(f"/hang/7/?q={SECRET}", "/hang/8/", "/query/", "/slow-body/", "/calm/")
    found = visitors.stalls("/hang/<int:pk>/", "/query/", "/slow-body/", "/calm/")
    assert functions(found["/hang/<int:pk>/"]) == ["hang", *IN_THREAD]
    assert functions(found["/slow-body/"]) == ["slow_body.content", *IN_THREAD]
    assert functions(found["/calm/"]) == ["calm", *ON_LOOP]
    assert found["/query/"].data["statement"]["text"] == "SELECT perfkit_wait(?) WHERE ? = ?"
    assert found["/query/"].data["statement"]["age_s"] > 0.2
    assert all(sample.data["samples"] >= 3 for sample in found.values())
    assert not any(sample.data["blocked_loop"] for sample in found.values())
    visitors.release()
    server.stop()
    assert logged(server, "/calm/", "/hang/<int:pk>/", "/query/", "/slow-body/") == [1, 1, 1, 1]
    files = [each for each in (server.folder / ".perfkit").iterdir() if each.is_file()]
    assert files
    told = b"".join(each.read_bytes() for each in files) + "".join(server.log).encode()
    assert SECRET.encode() not in told


def test_a_client_that_does_not_read(serve: Serve) -> None:
    """Its answer is being written for long: the server's own lines tell it."""
    server = gunicorn(serve, "--worker-class", "gthread", "--threads", "4")
    visitors = Visitors(server)
    with reading_nothing(server, "/flood/"):
        (sample,) = visitors.stalls("/flood/").values()
        assert sample.data["streaming"]
        assert functions(sample)[-1].startswith("write")
    visitors.release()


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
def test_gunicorn_sync(serve: Serve, preload: tuple[str, ...]) -> None:
    """A worker that does one thing at a time is seen doing it; forked from a warm master too."""
    site = "site_warm:wsgi" if preload else "site:wsgi"
    server = gunicorn(serve, *preload, site=site)
    visitors = Visitors(server)
    visitors.ask("/compute/?s=1.5")
    found = visitors.stalls("/compute/")
    assert functions(found["/compute/"])[0] == "compute"
    assert server.get("/worker/")[1].split()[1:] == [b"perfkit-flusher", b"perfkit-watchdog"]
    visitors.release()


def test_what_hangs_is_told_before_the_worker_is_killed(serve: Serve) -> None:
    """The server's timeout is what ends it; the sample is in the store by then."""
    server = gunicorn(serve, "--timeout", "3", "--graceful-timeout", "1")
    visitors = Visitors(server)
    with reading_nothing(server, "/hang/7/"):
        visitors.stalls("/hang/<int:pk>/")
        assert not any("WORKER TIMEOUT" in line for line in server.log)


def test_gunicorn_gevent(serve: Serve) -> None:
    """A greenlet that waits has its own stack; one that computes is seen though all others stand."""
    pytest.importorskip("gevent")
    server = gunicorn(serve, "--worker-class", "gevent")
    visitors = Visitors(server)
    visitors.ask("/hang/7/", "/slow-body/")
    found = visitors.stalls("/hang/<int:pk>/", "/slow-body/")
    assert functions(found["/hang/<int:pk>/"])[:2] == ["hang", "wait_here"]
    assert functions(found["/slow-body/"])[:2] == ["slow_body.content", "wait_here"]
    visitors.release()
    visitors.ask("/compute/?s=2")
    sample = visitors.stalls("/compute/")["/compute/"]
    assert functions(sample)[0] == "compute"
    assert sample.data["blocked_loop"]
    visitors.release()
    server.stop()
    assert logged(server, "/compute/", "/hang/<int:pk>/", "/slow-body/") == [1, 1, 1]


def test_uvicorn(serve: Serve) -> None:
    """Tasks by their coroutines, sync views by the thread that their task waits for."""
    server = uvicorn(serve)
    visitors = Visitors(server)
    visitors.ask("/calm/", "/hang/7/", "/async-body/", "/to-thread/")
    found = visitors.stalls("/calm/", "/hang/<int:pk>/", "/async-body/", "/to-thread/")
    assert functions(found["/calm/"]) == ["calm", *ON_LOOP]
    assert functions(found["/hang/<int:pk>/"]) == ["hang", *IN_THREAD]
    assert functions(found["/async-body/"]) == ["async_body.content", *ON_LOOP]
    assert functions(found["/to-thread/"]) == ["to_thread", "to_thread", *IN_THREAD]
    visitors.release()
    server.stop(signal.SIGINT)


def test_uvicorn_with_its_loop_blocked(serve: Serve) -> None:
    """Sync code in an async view: who blocks is told, and so is what could not go on."""
    server = uvicorn(serve)
    visitors = Visitors(server)
    visitors.ask("/calm/")
    gives_up = monotonic() + PATIENCE_S
    while server.get("/running/")[1] != b"2":
        assert monotonic() < gives_up
    visitors.ask("/blocking/?s=3")
    found = visitors.stalls("/blocking/")
    assert functions(found["/blocking/"])[0] == "blocking"
    assert found["/blocking/"].data["blocked_loop"]
    visitors.release()
    server.stop(signal.SIGINT)
