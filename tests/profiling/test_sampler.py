"""What a sample stands for, and how the thread paces itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from perfkit.profiling.sampled import Sampled
from perfkit.profiling.sampler import SHARE, Sampler
from perfkit.stacks.threads import Threads

HERE: Any = SimpleNamespace(
    thread_id=threading.get_ident(), running_task=None, first_byte=0.0, task="block", request=None
)


def sampled(looks: Iterable[tuple[list[tuple[str, int]] | None, float, float]]) -> Any:
    """Take samples: where the request is, when (in seconds), and by how much late."""
    made: Any = Sampled(HERE, sys._getframe())
    made._started = made._at = 0.0
    for places, now, late_s in looks:
        made._finder = SimpleNamespace(find=lambda threads, found=places: found, codes={})
        made.look(Threads(dict), now, late_s)
    return made


def times(made: Any) -> list[tuple[float, float]]:
    """Return from when on each sample stands, and for how long, in seconds."""
    return [(at / 1000, took / 1000) for at, took, _ in made._tree.samples]


def test_two_samples_share_the_pause_between_them() -> None:
    """The first has the time before it whole."""
    made = sampled([([("a.html", 1)], 10.0, 0.0), ([("b.html", 1)], 20.0, 0.0)])
    assert times(made) == [(0.0, 15.0), (15.0, 5.0)]


def test_what_held_a_sample_up_is_its_own() -> None:
    """A call that keeps the interpreter's lock for 4 seconds is seen when it lets go."""
    made = sampled([([("a.html", 1)], 10.0, 0.0), ([("b.html", 1)], 20.0, 4.0)])
    assert times(made) == [(0.0, 13.0), (13.0, 7.0)]


def test_a_stretch_in_which_it_is_nowhere_is_nobodys() -> None:
    """As between two chunks of a body, while the server sends one."""
    made = sampled([([("a.html", 1)], 10.0, 0.0), (None, 20.0, 0.0), ([("b.html", 1)], 30.0, 0.0)])
    assert times(made) == [(0.0, 15.0), (20.0, 10.0)]


def test_what_is_seen_after_the_end_is_left_out() -> None:
    """The thread may answer another request by then."""
    made = sampled([])
    made._ended = True
    made._finder = SimpleNamespace(find=lambda threads: [("other.html", 1)])
    made.look(Threads(dict), 1.0)
    assert made._tree.samples == []


def test_it_waits_until_what_it_has_used_is_earned() -> None:
    """By all that it has used, so that its share holds over any time."""
    made = Sampler()
    made._watched.append(sampled([]))
    due = 0.0
    spent = [0.0001, 0.0002, 0.0001]
    for each in spent:
        due, wait_s = made._pause(due, each)
        assert wait_s >= 0.001
    assert wait_s >= sum(spent) / SHARE - 0.0003 / SHARE - 0.001


def test_one_costly_look_does_not_blind_it() -> None:
    """It is paid off by shorter debts, as many looks as it takes."""
    made = Sampler()
    made._watched.append(sampled([]))
    due, wait_s = made._pause(0.0, 0.05)
    assert wait_s < 1.0
    _, wait_after = made._pause(due, 0.0001)
    assert wait_after == pytest.approx(wait_s, rel=0.5)


def test_it_ends_when_nothing_is_captured() -> None:
    """At once, however long it would have waited."""
    made = Sampler()
    called = threading.Event()
    call = lambda now: called.set()  # noqa: E731  # the same object is taken away again
    made.time(call)
    assert called.wait(20)
    made.untime(call)
    assert made.wait_for_end(20)
