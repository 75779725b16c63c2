"""Differences of two captures: what can be told is told, what so few samples cannot tell is not."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.profiling.capture import CPROFILE, SITE, CallCount, Capture, Frame, Profile
from perfkit.profiling.diff import LESS, MORE, SAME, UNSURE, FrameChange, difference
from tests.views import made


def of(**samples: int) -> Profile:
    """Make a profile of so many samples of 1 ms in each function."""
    making = made.Making()
    at = 0.0
    for name, count in samples.items():
        node = making.node([(("site.py", 1, name, SITE), 2)])
        for _ in range(count):
            making.samples.append(made.StackSample(at, 1.0, node))
            at += 1.0
    return making.profile()


def between(before: Profile, after: Profile, **fields: Any) -> dict[str, FrameChange]:
    """Compare two profiles; return the changes by function."""
    found = difference(made.capture(profile=before), made.capture(profile=after), **fields)
    return {each.frame.function: each for each in found.frames}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(100, 100, SAME), (100, 110, UNSURE), (100, 128, UNSURE), (100, 160, MORE), (160, 100, LESS),
     (0, 3, UNSURE), (0, 8, MORE), (8, 0, LESS), (3, 1, UNSURE)],
)  # fmt: skip
def test_samples_tell_so_much(before: int, after: int, verdict: str) -> None:
    """A difference below twice its own scatter is not told as one."""
    change = between(of(work=before, rest=1), of(work=after, rest=1))["work"]
    assert (change.own_verdict, change.total_verdict) == (verdict, verdict)
    assert change.own_change_ms == after - before
    assert (change.before.times, change.after.times) == (before, after)


def test_the_same_request_again_is_no_difference() -> None:
    """Two runs that differ by chance alone: nothing is told as more or less."""
    found = difference(
        made.capture(), made.capture(profile=made.profile(seed=9)), only_own_code=True
    )
    assert {each.own_verdict for each in found.frames} <= {UNSURE, SAME}


def test_a_mended_loop_is_found_first() -> None:
    """With foreign frames folded, the view that holds the loop has lost the time."""
    found = difference(
        made.capture(), made.capture(profile=made.profile(slower=0.05)), only_own_code=True
    )
    first = found.frames[0]
    assert (first.frame.function, first.own_verdict) == ("suppliers", LESS)
    assert first.own_change_ms == pytest.approx(-38, abs=4)
    assert not [each for each in found.frames[1:] if each.own_verdict in (LESS, MORE)]


def test_a_line_that_moved_is_the_same_function() -> None:
    """An edit above it changes no frame's identity."""
    making = made.Making()
    for at in range(20):
        node = making.node([(("site.py", 400, "work", SITE), 410)])
        making.samples.append(made.StackSample(float(at), 1.0, node))
    assert list(between(of(work=20), making.profile())) == ["work"]


def test_calls_are_compared_by_run() -> None:
    """CProfile's times are of one run each: a fifth is chance, calls are exact."""
    frame = Frame("site.py", 1, "work", SITE)

    def counted(calls: int, ms: float) -> Capture:
        counts = (CallCount(0, calls, calls, ms, ms, ()),)
        return made.capture(engine=CPROFILE, profile=Profile(frames=(frame,), calls=counts))

    for ms, verdict in ((110.0, UNSURE), (150.0, MORE), (20.0, LESS), (100.0, SAME)):
        (change,) = difference(counted(5, 100.0), counted(7, ms)).frames
        assert (change.own_verdict, change.before.times, change.after.times) == (verdict, 5, 7)


def test_statements_by_runs_first() -> None:
    """Runs are exact; the same number of runs is told apart by time only where that is plain."""
    before = made.capture(shapes=(("a", 20, 30.0), ("b", 1, 5.0), ("c", 1, 5.0), ("d", 2, 1.0)))
    after = made.capture(shapes=(("b", 1, 5.5), ("c", 1, 25.0), ("e", 3, 1.0), ("d", 2, 1.0)))
    found = {each.shape: each for each in difference(before, after).statements}
    assert {shape: each.verdict for shape, each in found.items()} == {
        "a": LESS, "b": UNSURE, "c": MORE, "d": SAME, "e": MORE,
    }  # fmt: skip
    assert next(iter(found)) == "a"


def test_sampled_and_counted_times_are_not_compared() -> None:
    """One engine slows down what it sees, the other does not."""
    found = difference(made.capture(), made.capture(engine=CPROFILE))
    assert (found.comparable, found.frames) == (False, ())
    assert found.statements
