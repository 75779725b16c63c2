"""What is made of a profile before it is shown: sums, the site's own code alone, a smaller one."""

from __future__ import annotations

import pytest

from perfkit.profiling.capture import FRAMEWORK, SITE, Profile, StackSample
from perfkit.profiling.own_code import OUTSIDE, own_code
from perfkit.profiling.shortened import shortened
from perfkit.profiling.times import frame_times, node_weights
from tests.views import made


def seen_ms(profile: Profile) -> float:
    """Return the time of all samples."""
    return sum(each.duration_ms for each in profile.samples)


def test_times_add_up() -> None:
    """What is in frames themselves is all there is; the outermost has everything."""
    profile = made.profile()
    times = frame_times(profile)
    assert sum(each.own.ms for each in times.values()) == pytest.approx(seen_ms(profile))
    assert times[0].total.ms == pytest.approx(seen_ms(profile))
    assert sum(weight.samples for weight in node_weights(profile)) == len(profile.samples)


def test_a_recursion_counts_once() -> None:
    """A function that calls itself was on the stack once, however deep."""
    making = made.Making()
    walk = (("site.py", 1, "walk", SITE), 2)
    for depth in (1, 2, 30):
        making.samples.append(StackSample(float(depth), 1.0, making.node([walk] * depth)))
    (time,) = frame_times(making.profile()).values()
    assert (time.total.ms, time.own.ms, time.lines[2].ms) == (3.0, 3.0, 3.0)


def test_foreign_frames_fold_into_their_caller() -> None:
    """No time is lost: the ORM's counts for the view's line, what ran before any line of the site's apart."""
    profile = own_code(made.profile())
    assert seen_ms(profile) == pytest.approx(seen_ms(made.profile()))
    assert {frame.function for frame in profile.frames if frame.owner == FRAMEWORK} == {
        OUTSIDE.function,
        "(waiting)",
    }
    times = {profile.frames[at].function: time for at, time in frame_times(profile).items()}
    assert times["suppliers"].own.ms == pytest.approx(45, abs=3)  # both statements
    assert times["suppliers"].lines[34].ms == pytest.approx(38, abs=3)
    assert all(node.parent < at for at, node in enumerate(profile.nodes))


def test_counts_are_not_folded() -> None:
    """Of cProfile there are no stacks to fold."""
    profile = made.counts()
    assert own_code(profile) is profile


def test_a_smaller_profile_keeps_all_time() -> None:
    """The lightest nodes go, and what was in them is their callers'."""
    profile = made.endless(2_000, 5_000)
    small = shortened(profile, 300, 400)
    assert len(small.nodes) == 300
    assert small.left_out == 1_700
    assert sum(weight.ms for weight in small.own) == pytest.approx(5_000)
    assert sum(weight.samples for weight in small.own) == 5_000
    assert all(node.parent < at for at, node in enumerate(small.nodes))
    assert len(small.samples) <= 400
    assert sum(each.duration_ms for each in small.samples) == pytest.approx(5_000)
    assert small.coarse_ms == pytest.approx(12.5)


def test_a_small_profile_stays_whole() -> None:
    """Neighbors of one node are one bar; else nothing changes."""
    profile = made.profile()
    small = shortened(profile, 1_000, 1_000)
    assert small.nodes == profile.nodes
    assert (small.left_out, small.coarse_ms) == (0, 0.0)
    assert len(small.samples) == 8
    assert sum(each.duration_ms for each in small.samples) == pytest.approx(seen_ms(profile))


def test_nothing_makes_nothing() -> None:
    """A profile without samples has no times and no nodes to show."""
    assert frame_times(Profile()) == {}
    assert shortened(Profile(), 10, 10).nodes == ()
