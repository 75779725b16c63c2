"""A store that cannot be written: the site goes on, nothing is lost that need not be, loss is told."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from perfkit import observation
from perfkit.store.sink import MOST_WAITING
from tests.seen import Seen
from tests.server.conftest import Serve
from tests.server.serving import Server, counts

GUNICORN = ("gunicorn", "--bind", "127.0.0.1:0", "--workers", "2")
SITE = "tests.server.site_wsgi:application"
ASKED = "/items/7/"
ROUTE = "GET /items/<int:pk>/"


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Keep everybody else from writing the store, as a backup or a stuck process does."""
    store = server.folder / ".perfkit" / "perfkit.sqlite3"
    with closing(sqlite3.connect(store, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def ask(server: Server, times: int) -> None:
    """Ask for a page so often; each answer must be right."""
    assert server.get_all([ASKED] * times) == [(200, b'{"pk": 7}')] * times


def logged(server: Server, words: str) -> int:
    """Count the log's lines with these words."""
    return sum(words in line for line in server.log)


def test_a_locked_store_loses_nothing(serve: Serve) -> None:
    """What comes meanwhile waits in memory and is written after it; the log has a line a worker."""
    server = serve(*GUNICORN, SITE, interval_s=0.1)
    ask(server, 20)
    server.until(lambda window: window.requests == 20)
    with locked(server):
        ask(server, 20)
        server.until_logged("store sink failed")
        ask(server, 20)
    window = server.until(lambda window: window.requests >= 60)
    assert counts(window) == {ROUTE: 60}
    assert not window.dropped
    assert 1 <= logged(server, "store sink failed") <= 2


def test_a_lock_held_as_the_server_ends_loses_nothing(serve: Serve) -> None:
    """The last flush tries for two seconds: a lock that goes in that time costs nothing."""
    server = serve(*GUNICORN, SITE)
    ask(server, 20)
    # There is no store yet: it is made, and locked, before the server is told to end.
    folder = server.folder / ".perfkit"
    folder.mkdir()
    with locked(server):
        server.process.send_signal(signal.SIGTERM)
        server.until_logged("store sink failed")
    server.stop()
    assert counts(server.window()) == {ROUTE: 20}


def test_writes_that_the_system_refuses_harm_nothing(serve: Serve) -> None:
    """As with a full disk: pages are answered, and when there is room again all of it is written."""
    server = serve(*GUNICORN, SITE, interval_s=0.1)
    ask(server, 20)
    server.until(lambda window: window.requests == 20)
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in server.workers()}
    for pid, (_, most) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))  # no file may grow by a byte
    ask(server, 20)
    server.until_logged("store sink failed")
    ask(server, 20)
    assert server.window().requests == 20
    for pid, limit in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
    window = server.until(lambda window: window.requests >= 60)
    assert counts(window) == {ROUTE: 60}
    assert not window.dropped
    assert logged(server, "store sink failed") <= 2


def test_a_full_database_harms_nothing(serve: Serve) -> None:
    """SQLite's own word for a full disk, at a size that the store's first tables just fit."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": "store.sqlite3"}
    options = {"init_command": "PRAGMA max_page_count=2"}
    server = serve(
        *GUNICORN, SITE, interval_s=0.1, perfkit={"STORE": {**database, "OPTIONS": options}}
    )
    ask(server, 20)
    server.until_logged("database or disk is full")
    ask(server, 20)
    server.stop()
    assert server.process.returncode == 0
    assert logged(server, "store sink failed") <= 2


def test_what_a_store_never_takes_is_counted(
    seen: Seen, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minutes wait up to a number; the requests of older ones are told as dropped."""
    settings.ROOT_URLCONF = "tests.pages"
    clock = [1_700_000_000.0]
    monkeypatch.setattr(observation, "time", SimpleNamespace(time=lambda: clock[0]))
    seen.path.parent.mkdir()
    with closing(sqlite3.connect(seen.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr("perfkit.pipeline._LAST_TRIES", 0)
        monkeypatch.setattr("perfkit.store.sqlite.LOCK_WAIT_S", 0.0)
        more = 5
        for _ in range(MOST_WAITING + more):
            assert Client().get("/").status_code == 200
            clock[0] += 60
        seen.flush()
        other.execute("ROLLBACK")
    clock[0] -= 60
    assert Client().get("/").status_code == 200
    window = seen.window()
    assert (window.requests, window.dropped["requests"]) == (MOST_WAITING + 1, more)


def test_a_killed_server_loses_what_it_had_not_flushed(serve: Serve) -> None:
    """All of it at once, as at a power cut of the process: what was flushed is whole."""
    server = serve(*GUNICORN, SITE, interval_s=0.1)
    ask(server, 20)
    server.until(lambda window: window.requests == 20)
    for pid in [server.process.pid, *server.workers()]:
        os.kill(pid, signal.SIGKILL)
    server.stop()
    assert counts(server.window()) == {ROUTE: 20}
