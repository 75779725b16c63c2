"""perfkit's own figures: the CPU time of its thread, flushes, failures, each told once."""

from __future__ import annotations

import threading

from perfkit.isolation import failures, isolated
from perfkit.metrics.own import OwnMeter, SelfStats


class Clock:
    """CPU seconds that the test sets."""

    def __init__(self) -> None:
        self.now = 0.25

    def __call__(self) -> float:
        return self.now


def in_a_thread(meter: OwnMeter, clock: Clock, seconds: list[float]) -> list[SelfStats]:
    """Take the figures in one thread of its own, whose CPU time goes on in between."""
    taken: list[SelfStats] = []

    def run() -> None:
        for step in seconds:
            clock.now += step
            taken.append(meter.take(0))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return taken


def test_the_threads_cpu_time_is_told_once() -> None:
    """The first figure is the thread's since it began, each further one what came since."""
    clock = Clock()
    taken = in_a_thread(OwnMeter(clock), clock, [0.0, 0.5, 0.0])
    assert [each.overhead_us for each in taken] == [250_000, 500_000, 0]


def test_in_the_main_thread_only_what_was_measured_counts() -> None:
    """As a process ends, or under gevent: the thread's CPU time is the site's too."""
    meter = OwnMeter(Clock())
    meter.handled(0.002)
    meter.flushed(0.001)
    assert meter.take(3) == SelfStats(1, 1_000, 3_000, 3, 0, 0)
    assert meter.take(0) == SelfStats(flushes=1)


def test_failures_are_told_once() -> None:
    """What was isolated is seen from outside, and what was before this sink is not its own."""
    with isolated("an earlier test"):
        raise ValueError
    meter = OwnMeter()
    for _ in range(2):
        with isolated("a test"):
            raise ValueError
    assert (meter.take(0).failures, meter.take(0).failures) == (2, 0)
    failures.clear()
    assert meter.take(0).failures == 0


def test_figures_that_were_not_sent_add_up() -> None:
    """The next flush tells them."""
    one = SelfStats(1, 2.0, 3.0, 4, 5, 6)
    assert one + one == SelfStats(2, 4.0, 6.0, 8, 10, 12)
