"""Which windows ``--compare`` means, and where they are cut."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.report.compare.asked import parse
from perfkit.report.compare.windows import Windows, candidates
from perfkit.report.window import BadOption

HOUR, DAY = 3_600, 86_400
#: 2027-01-15 08:00 UTC, on an hour.
NOW = 1_800_000_000 // HOUR * HOUR


def windows(text: str, *marks: tuple[float, str], now: float = NOW) -> list[Windows]:
    """Return the windows that a text may mean, best first."""
    return list(candidates(parse(text, now, now), list(marks)))


def ages(found: Windows, now: float = NOW) -> list[float]:
    """Return where the windows begin and end, in hours before now."""
    sides = (found.before, found.after)
    return [(now - end) / HOUR for side in sides for end in (side.start, side.end)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h..1h", [2, 1, 1, 0]),
        ("..1h", [2, 1, 1, 0]),
        ("2h..", [2, 1, 1, 0]),
        ("3h/1h..1h", [3, 2, 1, 0]),
        ("3h/30m..1h/30m", [3, 2.5, 1, 0.5]),
        ("2d..1d", [48, 24, 24, 0]),
        ("30h/2h..6h/2h", [30, 28, 6, 4]),
        ("2027-01-15T05:00:00+00:00..2027-01-15T07:00:00+00:00", [3, 1, 1, 0]),
        (" 2h .. 1h ", [2, 1, 1, 0]),
    ],
)
def test_each_side_says_a_start_and_may_say_a_length(text: str, expected: list[float]) -> None:
    """What is not said follows from the other side."""
    (found,) = windows(text)
    assert ages(found) == pytest.approx(expected)
    assert found.mark is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "'yesterday' is not two windows such as"),
        ("..", "'..' is not two windows such as"),
        ("1h..2h", "the first window must end before the second begins"),
        ("3h/2h..2h", "the first window must end before the second begins"),
        ("2h..soon", "'soon' is not an age such as 15m"),
        ("2h/x..1h", "the length 'x' is not a time such as"),
        ("2h/..1h", "the length '' is not a time such as"),
        ("2h..2999-01-01", "lies in the future"),
    ],
)
def test_anything_else_is_refused(text: str, told: str) -> None:
    """With what is allowed."""
    with pytest.raises(BadOption) as refused:
        parse(text, NOW, NOW)
    assert "--compare" in str(refused.value)
    assert told in str(refused.value)


def test_windows_of_the_same_time_of_day_have_partners() -> None:
    """Whole days apart and of one length, and then only."""
    assert windows("2d..1d")[0].shift == DAY
    assert windows("8d/1d..1d/1d")[0].shift == 7 * DAY
    assert windows("30h/2h..6h/2h")[0].shift == DAY
    assert windows("30h/2h..5h/2h")[0].shift is None
    assert windows("30h/3h..6h/2h")[0].shift is None
    assert windows("2h..1h")[0].shift is None


@pytest.mark.parametrize(
    ("text", "step_s"),
    [
        ("30m..15m", 60),
        ("2h..1h", 300),
        ("12h..6h", 1_200),
        ("2d..1d", HOUR),
        ("60d..30d", 2 * DAY),
    ],
)
def test_about_two_dozen_spans_are_cut(text: str, step_s: int) -> None:
    """None of them shorter than the store's rows of that time."""
    (found,) = windows(text)
    assert found.step_s == step_s
    length = min(side.end - side.start for side in (found.before, found.after))
    assert 6 <= length / found.step_s <= 24


def test_ends_are_moved_to_where_the_stores_rows_end() -> None:
    """Five hours ago it keeps ten minutes together, two days ago hours; and it is said."""
    (found,) = windows("10h..5h", now=NOW + 125)
    assert (found.before.end % 600, found.after.start % 600) == (0, 0)
    assert found.before.end < found.after.start
    assert found.after.end == NOW + 125, "what is newest is not cut off"
    assert "keeps ten minutes together" in found.notes[0]
    (found,) = windows("8d/8h..6d/8h", now=NOW + 125)
    assert {end % HOUR for end in (found.before.start, found.after.end)} == {0}
    assert found.shift == 2 * DAY
    assert windows("2h..1h")[0].notes == ()


def test_a_deploy_a_while_ago_is_compared_with_the_same_time_of_day() -> None:
    """And with what came right before where the store does not reach so far."""
    best, other = windows("deploy", (NOW - 20 * HOUR, "v1.2"))
    assert ages(best) == pytest.approx([44, 24, 20, 0])
    assert (best.shift, best.mark) == (DAY, (NOW - 20 * HOUR, "v1.2"))
    assert ages(other) == pytest.approx([23, 20, 20, 17])
    assert (other.shift, other.mark) == (None, best.mark)


def test_a_recent_deploy_is_compared_with_what_came_right_before() -> None:
    """At least an hour of it, and not more than three on either side."""
    (found,) = windows("deploy", (NOW - HOUR / 2, "v1.2"))
    assert ages(found) == pytest.approx([1.5, 0.5, 0.5, 0])
    (found,) = windows("deploy", (NOW - 7 * HOUR, "v1.2"))
    assert ages(found) == pytest.approx([10, 7, 7, 4])


def test_windows_of_a_deploy_end_at_the_deploys_beside_it() -> None:
    """What another one changed is not this one's."""
    marks = ((NOW - 3 * HOUR, "v1"), (NOW - 2 * HOUR, "v2"), (NOW - HOUR / 2, "v3"))
    (found,) = windows("deploy:v2", *marks)
    assert ages(found) == pytest.approx([3, 2, 2, 0.5])
    long_ago = ((NOW - 30 * HOUR, "v1"), (NOW - 20 * HOUR, "v2"))
    (found,) = windows("deploy", *long_ago)
    assert found.shift is None, "yesterday was another version"


@pytest.mark.parametrize(
    ("text", "marks", "told"),
    [
        ("deploy", [], "no deploy is marked: mark one with manage.py perfdash deploy"),
        ("deploy:v1.3", [(NOW - HOUR, "v1.2")], "no deploy has this name; did you mean v1.2?"),
        ("deploy:x", [(NOW - HOUR, "v1.2")], "no deploy has this name; the latest are v1.2"),
    ],
)
def test_a_deploy_that_is_not_there_is_refused(text: str, marks: Any, told: str) -> None:
    """With those that are."""
    with pytest.raises(BadOption) as refused:
        windows(text, *marks)
    assert told in str(refused.value)


def test_the_latest_of_several_deploys_of_one_name_counts() -> None:
    """A version rolled out again."""
    marks = ((NOW - 9 * HOUR, "v1"), (NOW - 2 * HOUR, "v1"))
    assert windows("deploy:v1", *marks)[-1].mark == marks[1]
