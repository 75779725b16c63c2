"""The watchdog's thread: with the first request, once, anew after a fork, gone at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from perfkit import pipeline
from perfkit.isolation import failures
from perfkit.metrics.sample import STALL
from perfkit.watchdog import guard, watchdog
from perfkit.watchdog.guard import THREAD_NAME, Guard
from tests.seen import Seen
from tests.watchdog.hanging import PATIENCE_S, Hanging


@pytest.fixture
def hanging(hanging_site: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    """Hang requests; the watchdog is the process's own, and looks twenty times within a second."""
    monkeypatch.setattr(watchdog, "EVERY_S", 0.02)
    made = Hanging()
    yield made
    made.release()


def alive() -> list[str]:
    """Return the watchdogs that run."""
    return [thread.name for thread in threading.enumerate() if thread.name == THREAD_NAME]


def until(told: Callable[[], Any]) -> Any:
    """Wait until something is so."""
    gives_up = monotonic() + PATIENCE_S
    while not (found := told()):
        assert monotonic() < gives_up
        threading.Event().wait(0.01)
    return found


def test_the_first_request_starts_it_and_the_end_stops_it(hanging: Hanging, seen: Seen) -> None:
    """One thread in a process, however many requests; none before the first."""
    seen.configure()
    assert alive() == []
    Client().get("/")
    assert alive() == [THREAD_NAME]
    Client().get("/")
    assert len(guard.guards) == len(alive()) == 1
    seen.flush()
    assert (guard.guards, alive()) == ([], [])
    Client().get("/")
    assert alive() == [THREAD_NAME]


def test_it_can_be_switched_off(hanging: Hanging) -> None:
    """WATCHDOG_SECONDS = None starts no thread, and asks no second time."""
    Client().get("/")
    assert alive() == []
    assert guard.guards[0].watchdog is None
    assert guard.take() == ([], 0)
    guard.end()


def test_without_threads_it_is_off(
    hanging: Hanging, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself uWSGI lets none run: the site is served, nothing fails."""
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(has_threads=False))
    seen.configure()
    assert Client().get("/").status_code == 200
    assert alive() == []
    seen.flush()
    assert not failures


def test_what_it_saw_is_stored(
    hanging: Hanging, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    """By the next flush, which comes though no request has ended yet."""
    seen.configure(WATCHDOG_SECONDS=0.05)
    hanging.ask("/hang/7/")
    until(lambda: caplog.messages)
    stalls = [sample for sample in seen.stored().samples if sample.kind == STALL]
    assert [(each.route, each.method) for each in stalls] == [("/hang/<int:pk>/", "GET")]
    assert caplog.messages[0].startswith("perfkit: GET /hang/<int:pk>/ hung for ")


def test_what_hangs_at_the_end_is_stored(hanging: Hanging, seen: Seen) -> None:
    """The process ends while a tree still grows."""
    seen.configure(WATCHDOG_SECONDS=0.05)
    hanging.ask("/hang/7/")
    Client().get("/")
    dog = guard.guards[0].watchdog
    assert dog is not None
    until(dog._stalls.growing)
    assert STALL in {sample.kind for sample in seen.stored().samples}


def test_a_rule_for_its_route_silences_it(
    hanging: Hanging, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    """``IGNORE`` with a ROUTE alone: a page that holds its connection open on purpose."""
    rule = {"ROUTE": "/hang/*", "REASON": "waits on purpose"}
    seen.configure(WATCHDOG_SECONDS=0.05, IGNORE=[rule])
    hanging.ask("/hang/7/")
    hanging.ask("/query/")
    until(lambda: caplog.messages)
    assert {sample.route for sample in seen.stored().samples if sample.kind == STALL} == {"/query/"}
    assert [message.split()[2] for message in caplog.messages] == ["/query/"]


def test_what_was_dropped_is_counted(hanging: Hanging, seen: Seen) -> None:
    """In the window of the flush, with other samples."""
    seen.configure(WATCHDOG_SECONDS=60)
    Client().get("/")
    dog = guard.guards[0].watchdog
    assert dog is not None
    dog._dropped = 3
    assert seen.window().dropped["samples"] == 3


def test_a_failure_to_begin_stays_with_us(
    hanging: Hanging, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged once, and not tried again with each request."""
    tried = []

    def start(self: Guard) -> bool:
        tried.append(self)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Guard, "start", start)
    seen.configure()
    assert [Client().get("/").status_code for _ in range(2)] == [200, 200]
    assert (len(tried), failures["watchdog"]) == (1, 1)
    failures.clear()


def test_a_scan_that_fails_is_tried_again(seen: Seen) -> None:
    """The thread goes on."""
    scans = threading.Semaphore(0)

    class Broken:
        def scan(self) -> float:
            scans.release()
            if failures["watchdog"]:
                return 0.0
            raise RuntimeError("injected")

        def finish(self) -> None:
            """Have nothing."""

    broken: Any = Broken()
    one = Guard(broken)
    one.start()
    for _ in range(3):
        assert scans.acquire(timeout=PATIENCE_S)
    one.stop()
    one.stop()
    assert failures["watchdog"] == 1
    until(lambda: not alive())


#: A process with a request that hangs, which forks.
PROGRAM = """
import json, os, sys, threading, ctypes
import django
from django.conf import settings
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF="tests.watchdog.site_urls", SECRET_KEY="-",
    MIDDLEWARE=["perfkit.middleware.PerfkitMiddleware"], PERFKIT={"STORE": False},
    INSTALLED_APPS=["perfkit"],
)
django.setup()
from django.test import Client
from perfkit.observation import RUNNING
from perfkit.watchdog import guard, watchdog
from tests.watchdog import site_urls

def told():
    names = [each.name for each in threading.enumerate() if each.name == "perfkit-watchdog"]
    return [len(RUNNING), len(guard.guards), len(names)]

threading.Thread(target=Client().get, args=["/hang/7/"], daemon=True).start()
site_urls.arrived.acquire()
before = told()
reading, writing = os.pipe()
guard._beginning.acquire()  # as another thread may have at the moment of the fork
if os.fork() == 0:
    child = [told()]
    Client().get("/")
    child.append(told())
    os.write(writing, json.dumps(child).encode())
    os._exit(0)
guard._beginning.release()
child = json.loads(os.read(reading, 1000))
print(json.dumps({"before": before, "child": child, "parent": told()}))
site_urls.free.set()
"""


def test_a_child_begins_without_the_requests_of_its_parent() -> None:
    """What ran in the parent's threads does not run in the child; its watchdog comes with a request."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "before": [1, 1, 1],
        "child": [[0, 0, 0], [0, 1, 1]],
        "parent": [1, 1, 1],
    }


def test_a_fork_behind_pythons_back_is_noticed(hanging: Hanging, seen: Seen) -> None:
    """The flusher finds another process id, and the watchdog begins anew with it."""
    seen.configure()
    Client().get("/")
    before = guard.guards[0]
    before.stop()
    pipeline._reset()
    Client().get("/")
    assert guard.guards[0] is not before
