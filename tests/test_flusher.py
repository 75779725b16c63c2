"""The one background thread: lazy, bounded, alive after a fork, and empty at the end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished

from perfkit import flusher as flusher_module
from perfkit.flusher import THREAD_NAME, Flusher
from perfkit.isolation import failures

#: Far more than any of this takes; reached only when something hangs.
PATIENCE_S = 30


class Calls:
    """A flusher and what it called, in order."""

    def __init__(self, interval_s: float = 3_600) -> None:
        self.made: list[Any] = []
        self.handled = threading.Event()
        self.flushed = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.flusher = Flusher(
            handle=self._handle,
            flush=self._flush,
            finish=lambda: self.made.append("finish"),
            interval_s=interval_s,
            reset=lambda: self.made.append("reset"),
        )

    def _handle(self, item: Any) -> None:
        self.handled.set()
        assert self.go_on.wait(PATIENCE_S)
        if isinstance(item, Exception):
            raise item
        self.made.append(item)

    def _flush(self) -> None:
        self.made.append("flush")
        self.flushed.set()


@pytest.fixture
def calls() -> Iterator[Calls]:
    """Make a flusher that flushes at once, and end it."""
    made = Calls(interval_s=0.001)
    yield made
    made.go_on.set()
    made.flusher.stop()
    failures.clear()


def threads() -> list[threading.Thread]:
    """List the flusher's threads."""
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


def test_the_thread_starts_with_the_first_item(calls: Calls) -> None:
    """A process that serves nothing has no thread of ours; one that serves has one."""
    assert threads() == []
    for number in range(3):
        calls.flusher.submit(number)
    (thread,) = threads()
    assert thread.daemon


def test_items_are_handled_in_order_and_flushed(calls: Calls) -> None:
    """At each interval what has come is handled first."""
    calls.go_on.clear()
    for number in range(5):
        calls.flusher.submit(number)
    calls.go_on.set()
    assert calls.flushed.wait(PATIENCE_S)
    calls.flusher.stop()
    assert [each for each in calls.made if isinstance(each, int)] == [0, 1, 2, 3, 4]
    assert calls.made[-1] == "finish"


def test_stopping_handles_and_finishes_what_is_left() -> None:
    """The end of a process does not wait for the interval; the thread is gone."""
    calls = Calls()
    calls.flusher.submit("last words")
    calls.flusher.stop()
    assert calls.made == ["last words", "finish"]
    assert threads() == []
    calls.flusher.stop()
    assert calls.made == ["last words", "finish"], "nothing was left"


def test_it_starts_again_after_a_stop() -> None:
    """A server that stops and goes on, as a test client does, is served anew."""
    calls = Calls()
    for word in ("one", "two"):
        calls.flusher.submit(word)
        assert len(threads()) == 1
        calls.flusher.stop()
    assert calls.made == ["one", "finish", "two", "finish"]


def test_the_queue_is_bounded_and_counts_what_it_drops(calls: Calls) -> None:
    """A flusher that hangs costs the site a bounded memory, and the loss is known exactly."""
    calls.go_on.clear()
    calls.flusher.submit("stuck")
    assert calls.handled.wait(PATIENCE_S)
    room = flusher_module._MOST_WAITING
    for number in range(room + 7):
        calls.flusher.submit(number)
    assert calls.flusher.dropped == 7
    calls.go_on.set()
    calls.flusher.stop()
    assert [each for each in calls.made if isinstance(each, int)] == list(range(room))


def test_a_failing_call_does_not_end_the_thread(
    calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad item is told of once; those after it are handled."""
    calls.flusher.submit(ValueError("bad"))
    calls.flusher.submit(ValueError("bad again"))
    calls.flusher.submit("good")
    assert calls.flushed.wait(PATIENCE_S)
    assert len(threads()) == 1
    calls.flusher.stop()
    assert "good" in calls.made
    assert failures["flusher"] == 2
    assert len(caplog.records) == 1


def test_a_failing_flush_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    """The next interval tries again, and the last one too."""
    tried = threading.Semaphore(0)

    def fail() -> None:
        tried.release()
        raise OSError("disk")

    flusher = Flusher(lambda item: None, fail, fail, 0.001, lambda: None)
    flusher.submit(1)
    for _ in range(3):
        assert tried.acquire(timeout=PATIENCE_S)
    flusher.stop()
    assert failures["flush"] >= 4
    assert len(caplog.records) == 1
    failures.clear()


def test_many_threads_start_one(calls: Calls) -> None:
    """The first requests of a threaded worker come together; nothing is lost."""
    calls.go_on.clear()
    together = threading.Barrier(8)

    def submit(name: int) -> None:
        together.wait()
        for number in range(100):
            calls.flusher.submit((name, number))

    workers = [threading.Thread(target=submit, args=(name,)) for name in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(threads()) == 1
    calls.go_on.set()
    calls.flusher.stop()
    handled = [each for each in calls.made if isinstance(each, tuple)]
    assert len(handled) == len(set(handled)) == 800


class Uwsgi:
    """The module of a uWSGI that lets no thread run."""

    has_threads = 0


@pytest.fixture
def standing_still(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Make a flusher in a process whose threads stand still between requests."""
    monkeypatch.setitem(sys.modules, "uwsgi", Uwsgi)
    made = Calls()
    yield made
    made.flusher.stop()


@pytest.mark.django_db  # Django looks after its connections at the same signal
def test_without_threads_a_response_that_was_sent_flushes(standing_still: Calls) -> None:
    """Its items are handled after each response, and flushed when an interval is over."""
    calls = standing_still
    calls.flusher.submit("one")
    assert threads() == []
    request_finished.send(sender=None)
    assert calls.made == ["one"]
    calls.flusher.submit("two")
    calls.flusher.interval_s = 0.0
    assert calls.made == ["one"]
    request_finished.send(sender=None)
    assert calls.made == ["one", "two", "flush"]


@pytest.mark.django_db  # Django looks after its connections at the same signal
def test_without_threads_the_end_flushes_what_was_handled(standing_still: Calls) -> None:
    """Nothing waits in the queue, but nothing was flushed either; then responses are no more ours."""
    calls = standing_still
    calls.flusher.submit("one")
    request_finished.send(sender=None)
    calls.flusher.stop()
    assert calls.made == ["one", "finish"]
    calls.flusher.interval_s = 0.0
    request_finished.send(sender=None)
    assert calls.made == ["one", "finish"]
    calls.flusher.submit("two")
    calls.flusher.stop()
    assert calls.made == ["one", "finish", "two", "finish"]


@pytest.mark.django_db  # Django looks after its connections at the same signal
def test_without_threads_a_failure_is_not_the_responses(
    standing_still: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    """The response was sent; what fails then is told once."""
    standing_still.flusher.submit(ValueError("bad"))
    request_finished.send(sender=None)
    assert failures.pop("flusher") == 1
    assert len(caplog.records) == 1


def test_the_end_tells_that_a_call_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process ends in a bounded time; what is queued is handled, and the sinks know of the other."""
    monkeypatch.setattr(flusher_module, "_STOP_S", 0.01)
    told: list[bool] = []
    calls = Calls(interval_s=0.001)
    calls.flusher._finish = lambda: told.append(calls.flusher.hangs)
    calls.go_on.clear()
    calls.flusher._flush = lambda: calls._handle("hangs")
    calls.flusher.submit("of the thread")
    assert calls.handled.wait(PATIENCE_S)
    (thread,) = threads()
    calls.flusher._handle = calls.made.append
    calls.flusher.submit("of the end")
    calls.flusher.stop()
    assert told == [True]
    assert "of the end" in calls.made
    calls.go_on.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    calls.flusher.submit("later")
    calls.flusher.stop()
    assert told == [True, False]


def test_the_thread_leaves_the_rest_to_the_end(calls: Calls) -> None:
    """A long queue is not handled by two threads at once."""
    calls.go_on.clear()
    for number in range(50):
        calls.flusher.submit(number)
    assert calls.handled.wait(PATIENCE_S)
    stopping = threading.Thread(target=calls.flusher.stop)
    stopping.start()
    calls.go_on.set()
    stopping.join(PATIENCE_S)
    assert [each for each in calls.made if isinstance(each, int)] == list(range(50))
    assert calls.made[-1] == "finish"


# In processes of their own -------------------------------------------------------------------

PROGRAM = """
import ctypes, json, os, sys
from perfkit.flusher import Flusher

made = []
def tell(how):
    made.append(how)
    print(json.dumps([who, made]), flush=True)
flusher = Flusher(
    handle=made.append, flush=lambda: None, finish=lambda: tell("finish"),
    interval_s=3600, reset=lambda: made.clear() or made.append("reset"),
)
who = "parent"
flusher.submit("of the parent")
"""
FORK = """
if fork() == 0:
    who = "child"
    if sys.argv[1:] != ["idle"]:
        flusher.submit("of the child")
    sys.exit(0)
os.wait()
flusher.submit("of the parent, later")
"""


def told(program: str, *arguments: str) -> dict[str, list[str]]:
    """Run a program; return what each process said of itself at its end."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len({who for who, _ in lines}), "a process told its end twice"
    return dict(lines)


def test_a_process_flushes_at_its_end() -> None:
    """A command that ends before the first interval has lost nothing."""
    assert told(PROGRAM) == {"parent": ["of the parent", "finish"]}


@pytest.mark.parametrize(
    "fork",
    ["fork = os.fork", "fork = ctypes.PyDLL(None).fork"],
    ids=["through Python", "behind Python's back"],
)
def test_a_forked_child_sends_only_its_own(fork: str) -> None:
    """Its thread starts anew; what the parent had not sent is the parent's to send."""
    assert told(PROGRAM + fork + FORK) == {
        "child": ["reset", "of the child", "finish"],
        "parent": ["of the parent", "of the parent, later", "finish"],
    }


def test_an_idle_child_sends_nothing() -> None:
    """A child that serves no request ends without a flush, and without the parent's data."""
    assert told(PROGRAM + "fork = os.fork" + FORK, "idle") == {
        "parent": ["of the parent", "of the parent, later", "finish"],
    }
