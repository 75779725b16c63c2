"""Comparisons: what is a change of the content, and what is somebody's own."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.caching.columns import Columns, by_route
from perfkit.caching.event import Event
from perfkit.caching.pairs import Comparisons, compare, status_version
from tests.caching.made import event


def visits(line: str, **fields: Any) -> list[Event]:
    """Make events of one page from words like ``3B``: principal 3 got body B; one a second."""
    return [
        event(float(at), principal=int(word[:-1]), body=ord(word[-1]), **fields)
        for at, word in enumerate(line.split())
    ]


def columns_of(events: list[Event]) -> Columns:
    """Put the events of one route into columns."""
    (columns,) = by_route(events).values()
    return columns


def compared(events: list[Event]) -> Comparisons:
    """Compare all events of one route."""
    columns = columns_of(events)
    return compare(columns, range(len(columns)))


@pytest.mark.parametrize(
    ("line", "changes", "personal", "open_"),
    [
        ("1A 2A 3A 1A", 0, 0, 0),
        ("1A 2A 3A 1B 2B 3B", 1, 0, 0),
        ("1A 2A 3A 1B 2B 4B", 0, 0, 1),  # two have seen both: not enough
        ("1A 2A 3B 4B", 0, 0, 1),  # nobody has
        ("1A 2A 1B 2B 1A", 0, 2, 0),  # the old one comes back
        ("1A 2B 3A 4A", 0, 2, 0),  # one has his own
        ("1A 2A 3A 4B", 0, 0, 1),  # the last one may be his own
        ("4B 1A 2A 3A", 0, 0, 1),
        ("1A 2B 3C 4D", 0, 0, 3),
        ("1A 2A 3A 1B 2B 3B 1C 2C 3C", 2, 0, 0),
        ("1A 2A 3A 9x 1B 2B 3B", 0, 0, 2),  # he may have got what was soon replaced, or his own
    ],
)
def test_changes_and_what_is_personal(line: str, changes: int, personal: int, open_: int) -> None:
    """Of one page, in the order of time."""
    made = compared(visits(line))
    assert (made.changes, made.personal.total(), made.open.total()) == (changes, personal, open_)
    assert made.mismatches == personal + open_
    assert made.is_clean is not (personal or open_)


def test_what_changed_between_two_visitors_was_not_compared() -> None:
    """Only answers of one version speak for sharing."""
    made = compared(visits("1A 2A 3A 1B 2B 3B"))
    assert (made.total, made.changes) == (4, 1)


def test_groups_in_turns_that_are_edited_between_are_no_change() -> None:
    """No version comes back, and whoever was there before the other group came again afterwards."""
    made = compared(visits("1A 2A 3A 6b 7b 8b 1C 2C 3C 6d 7d 8d"))
    assert (made.changes, made.open.total()) == (0, 3)


def test_a_few_who_came_on_both_sides_do_not_vouch_for_many() -> None:
    """Of ten on each side three are enough; of twenty they are not."""

    def line(each: int) -> str:
        heads = [1, 2, 3]
        before = [f"{who}A" for who in [*heads, *range(10, 7 + each)]]
        after = [f"{who}B" for who in [*heads, *range(110, 107 + each)]]
        return " ".join([*before, *after])

    assert compared(visits(line(10))).changes == 1
    assert compared(visits(line(20))).changes == 0


@pytest.mark.parametrize("name", ["network", "headers", "cookie:seen", "header:x-plan", "language"])
def test_witnesses_have_to_come_as_they_came_before(name: str) -> None:
    """From another network, by another browser, with a new cookie: that may be what it hangs on."""

    def told(after: int) -> Comparisons:
        events = [
            event(float(at), principal=1 + at % 3, body=65 + at // 3, attributes=((name, 1 if at < 3 else after),))
            for at in range(6)
        ]  # fmt: skip
        return compared(events)

    assert (told(1).changes, told(1).mismatches) == (1, 0)
    assert (told(2).changes, told(2).mismatches) == (0, 1)


def test_cookies_that_count_on_are_no_other_request() -> None:
    """Analytics change their own with each page."""
    events = [
        event(float(at), principal=1 + at % 40, body=65 + at // 80, attributes=(("cookie:_ga", 9 + at),))
        for at in range(160)
    ]  # fmt: skip
    assert compared(events).changes == 1


def test_the_first_and_the_last_visitor_of_a_busy_page() -> None:
    """What was there before and afterwards was not seen; of a page that few ask for each one counts."""
    words = [f"{at % 9}A" for at in range(150)]
    busy = compared(visits(" ".join(["8x", *words, "7z"])))
    assert (busy.ends, busy.mismatches, busy.is_clean) == (2, 0, True)
    twice = compared(visits(" ".join([*words, "7z", "8z"])))
    assert (twice.ends, twice.mismatches) == (0, 1)
    again = compared(visits(" ".join(["7z", *words, "7z"])))
    assert (again.ends, again.personal.total()) == (0, 2)
    quiet = compared(visits(" ".join([*words[:50], "7z"])))
    assert (quiet.ends, quiet.open.total()) == (0, 1)


def test_one_who_gets_another_each_time() -> None:
    """Noise is told apart from what is personal."""
    made = compared(visits("1A 1B 1A 2C 2D 2C"))
    assert (made.same, made.same_personal, made.same_open) == (4, 4, 0)
    assert (made.total, made.mismatches) == (1, 1)
    assert not made.is_clean


def test_tokens() -> None:
    """Bodies that differ, and say the same, even to one alone."""
    events = [event(float(at), principal=1, body=at + 1, masked=7) for at in range(3)]
    made = compared(events)
    assert (made.tokens, made.mismatches, made.is_clean) == (2, 0, False)


def test_headers_count_as_the_body_does() -> None:
    """One body under two names."""
    events = [event(float(at), principal=at, headers=at % 2) for at in range(6)]
    assert compared(events).mismatches == 5


def test_pairs_of_classes() -> None:
    """Anonymous, member, staff, and who is not known."""
    audiences = [0, 0, 1, 2, 9, 3]
    events = [event(float(at), principal=at, audience=each) for at, each in enumerate(audiences)]
    made = compared(events)
    assert made.made == {"AA": 1, "AX": 1, "TX": 1, "TU": 2}
    assert made.made_with("T") == 3
    assert made.has_seen((3, 3), "T", "U")
    assert not made.has_seen((3, 3), "T")
    assert not made.has_seen((5, 1), "T")


def test_keys_of_ones_own_choice() -> None:
    """What differs by an attribute does not within its values."""
    events = [event(float(at), principal=at, body=65 + at % 2) for at in range(8)]
    columns = columns_of(events)
    made = compare(columns, range(8), {at: at % 2 for at in range(8)})
    assert (made.mismatches, made.keys, made.all_keys, made.total) == (0, 2, 2, 6)


def test_refusals() -> None:
    """Whatever the answer's status is, if not 200, it is a refusal."""
    statuses = [200, 403, 200, 404, 204, 302]
    events = [event(float(at), principal=at, status=each) for at, each in enumerate(statuses)]
    made = compare(columns_of(events), range(6), version=status_version)
    assert (made.total, made.mismatches) == (5, 3)
