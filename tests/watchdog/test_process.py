"""The use of a worker: busy, request and CPU seconds, exact over any flushes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics import process
from perfkit.metrics.process import ProcessMeter, ProcessStats
from perfkit.observation import RUNNING, Observation


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """Requests at given seconds of a clock of its own, which begins at 0."""

    def __init__(self) -> None:
        self.clock, self.cpu = Clock(), Clock()
        self.meter = ProcessMeter(self.clock, self.cpu)

    def begin(self, at: float, *, shared: bool = False, thread: int | None = None) -> Observation:
        """Begin a request."""
        observation = Observation(RequestFactory().get("/"), None, shared, self.meter.add)
        observation.started = 1_000.0 + at
        observation.thread_id = thread or observation.thread_id
        return observation

    def end(self, observation: Observation, at: float, *, queued: bool = False) -> None:
        """End a request; a queued one is not told to the meter yet."""
        RUNNING.pop(id(observation), None)
        observation.ended = 1_000.0 + at
        observation.cpu_s = observation.cpu_s if observation.running_task else 0.0
        if not queued:
            self.meter.add(observation)

    def request(self, start: float, end: float, **options: Any) -> None:
        """Have one request from begin to end."""
        self.end(self.begin(start, **options), end)

    def take(self, at: float) -> ProcessStats:
        """Flush."""
        self.clock.now = 1_000.0 + at
        return self.meter.take()


@pytest.fixture(autouse=True)
def nothing_runs() -> Iterator[None]:
    """Leave no request running."""
    assert not RUNNING
    yield
    RUNNING.clear()


@pytest.fixture
def worker() -> Worker:
    """Make a worker whose clock is at 0."""
    return Worker()


def test_overlapping_requests_are_busy_once(worker: Worker) -> None:
    """Busy is the time with a request at all; request seconds count each of them."""
    worker.request(1, 3)
    worker.request(2, 4)
    worker.request(6, 7)
    stats = worker.take(10)
    assert (stats.busy_s, stats.request_s, stats.elapsed_s) == (4, 5, 10)
    assert (stats.in_flight, stats.in_flight_peak) == (0, 2)


def test_a_running_request_counts_as_far_as_it_is(worker: Worker) -> None:
    """A request of 25 seconds keeps its worker busy in each of the flushes that it sees."""
    hanging = worker.begin(5)
    assert worker.take(10) == ProcessStats(5, 10, 1, 1, 5, 0, one_at_a_time=True)
    assert worker.take(20) == ProcessStats(10, 10, 1, 1, 10, 0, one_at_a_time=True)
    worker.end(hanging, 30)
    assert worker.take(40) == ProcessStats(10, 20, 0, 1, 10, 0, one_at_a_time=True)
    assert worker.take(50) == ProcessStats(0, 10, 0, 0, 0, 0, one_at_a_time=True)


def test_what_waits_in_the_queue_at_a_flush_is_made_up_for(worker: Worker) -> None:
    """It is neither running nor handled then; the next flush tells all of it."""
    late = worker.begin(2)
    worker.end(late, 9, queued=True)
    worker.request(1, 3)
    assert worker.take(10).busy_s == 2
    worker.meter.add(late)
    stats = worker.take(20)
    assert (stats.busy_s, stats.request_s) == (6, 7)


def test_requests_that_follow_each_other_are_never_two_at_once(worker: Worker) -> None:
    """One that begins where another ends does not make a peak of two."""
    worker.request(1, 2)
    worker.request(2, 3)
    assert worker.take(5).in_flight_peak == 1


def test_cpu_seconds_are_those_since_the_last_flush(worker: Worker) -> None:
    """They are the measure of an event loop and of many threads."""
    worker.cpu.now += 4
    assert worker.take(10).cpu_s == 4
    worker.cpu.now += 1
    assert worker.take(20).cpu_s == 1


def test_a_worker_of_one_thread_is_full_while_it_is_busy(worker: Worker) -> None:
    """Its requests wait for each other, on a database as well as on the CPU."""
    worker.request(0, 8)
    worker.cpu.now += 1
    assert worker.take(10).saturated_s == 8


@pytest.mark.parametrize("options", [{"thread": 1}, {"shared": True}], ids=["pool", "loop"])
def test_others_are_full_when_their_cpu_is(worker: Worker, options: dict[str, Any]) -> None:
    """In a pool's thread and on a loop a request that waits keeps no other one waiting."""
    observation = worker.begin(0, **options)
    observation.running_task = None
    worker.clock.now += 8
    RUNNING.pop(id(observation))
    observation.ended = worker.clock.now
    worker.meter.add(observation)
    worker.cpu.now += 3
    assert worker.take(10).saturated_s == 3
    worker.cpu.now += 13  # code that needs no interpreter uses several processors
    assert worker.take(20).saturated_s == 10


def test_two_at_once_tell_a_worker_that_may_do_more(worker: Worker) -> None:
    """Whatever its threads are called: once seen it is known."""
    worker.request(1, 3)
    worker.request(2, 4)
    assert not worker.take(10).one_at_a_time
    worker.request(11, 12)
    assert not worker.take(20).one_at_a_time


def test_a_running_request_in_another_thread_tells_it_too(worker: Worker) -> None:
    """Before any request has ended."""
    worker.begin(1, thread=threading.get_ident() + 1)
    assert not worker.take(10).one_at_a_time


def test_memory_is_bounded_between_two_flushes(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst is folded as it comes, and tells the same."""
    monkeypatch.setattr(process, "MOST_ENDED", 10)
    hanging = worker.begin(0.5)
    for at in range(1, 96):
        worker.clock.now = 1_000.0 + at + 0.5
        worker.request(at, at + 0.5)
        assert len(worker.meter._ended) < 10
        assert len(worker.meter._covered) <= 20
        if at == 50:
            worker.end(hanging, 50.5)
    stats = worker.take(100)
    assert stats.busy_s == pytest.approx(50 + 45 * 0.5)
    assert stats.request_s == pytest.approx(50 + 95 * 0.5)
    assert stats.in_flight_peak == 2


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 60)), max_size=30),
    st.lists(st.integers(1, 170), max_size=8),
)
def test_busy_seconds_are_exact_whenever_a_flush_comes(
    requests: list[tuple[int, int]], flushes: list[int]
) -> None:
    """The sum over all flushes is the length of the time that any request covers."""
    RUNNING.clear()
    worker = Worker()
    steps: list[tuple[int, int, int]] = [(at, 2, 0) for at in [*flushes, 200]]
    for number, (start, length) in enumerate(requests):
        steps += [(start, 0, number), (start + length, 1, number)]
    begun: dict[int, Observation] = {}
    busy = request_s = 0.0
    for at, step, number in sorted(steps):
        if step == 0:
            begun[number] = worker.begin(at)
        elif step == 1:
            worker.end(begun[number], at)
        else:
            stats = worker.take(at)
            busy, request_s = busy + stats.busy_s, request_s + stats.request_s
    covered = {second for start, length in requests for second in range(start, start + length)}
    assert busy == pytest.approx(len(covered))
    assert request_s == pytest.approx(sum(length for _, length in requests))
