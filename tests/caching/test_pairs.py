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
    ("line", "changes", "personal"),
    [
        ("1A 2A 3A 1A", 0, 0),
        ("1A 2A 1B 2B", 1, 0),
        ("1A 2A 3B 4B", 1, 0),  # strangers, of whom nothing tells one from the other
        ("1A 2A 1B 2B 1A", 0, 2),  # the old one comes back
        ("1A 2B 3A 4A", 0, 2),  # one has his own
        ("1A 2A 3A 4B", 0, 1),  # the last one may be his own
        ("4B 1A 2A 3A", 0, 1),
        ("1A 2B 3C 4D", 0, 3),
        ("1A 2A 1B 2B 1C 2C", 2, 0),
        ("1A 2A 3X 1B 2B", 0, 2),  # too few changes to take that for one soon replaced
    ],
)
def test_changes_and_what_is_personal(line: str, changes: int, personal: int) -> None:
    """Of one page, in the order of time."""
    made = compared(visits(line))
    assert (made.changes, made.mismatches) == (changes, personal)


def test_two_groups_that_never_meet_are_no_change() -> None:
    """Of members, who can be told apart, one of them has to have seen both."""
    apart = visits("1A 2A 1A 2A 3B 4B 3B 4B", has_session=True)
    assert compared(apart).mismatches == 1
    met = visits("1A 2A 1A 2A 3B 4B 3B 1B", has_session=True)
    assert (compared(met).mismatches, compared(met).changes) == (0, 1)


def test_strangers_who_differ_do_not_vouch_for_a_change() -> None:
    """A cookie or a session read tells them apart."""
    for fields in ({"user_read": True}, {"session_read": True}):
        assert compared(visits("1A 2A 3B 4B", **fields)).mismatches == 1
    before = visits("1A 2A", attributes=(("header:cookie", 1),))
    after = [
        event(9.0 + place, principal=3 + place, body=66, attributes=(("header:cookie", 2),))
        for place in range(2)
    ]
    assert compared([*before, *after]).mismatches == 1


def test_what_changes_with_a_cookie_of_everybodys_is_not_the_content() -> None:
    """All get a cookie, and with it another page."""
    before = visits("1A 2A 3A", attributes=(("cookie:seen", 0),))
    after = [
        event(9.0 + place, principal=1 + place, body=66, attributes=(("cookie:seen", 5),))
        for place in range(3)
    ]
    made = compared([*before, *after])
    assert (made.changes, made.mismatches) == (0, 1)


def test_a_version_of_one_alone_is_left_out_where_changes_are_many() -> None:
    """He got the same as others often enough; somebody who did not is not left out."""
    words = [f"{who}{chr(65 + version)}" for version in range(30) for who in (1, 2, 3)]
    vouched = [*words[:45], "1z", *words[45:]]
    made = compared(visits(" ".join(vouched)))
    assert (made.changes, made.mismatches, made.same_personal) == (28, 0, 0)
    stranger = [*words[:45], "9z", *words[45:]]
    assert compared(visits(" ".join(stranger))).mismatches == 2


def test_one_who_gets_another_each_time() -> None:
    """Noise is told apart from what is personal."""
    made = compared(visits("1A 1B 1A 2C 2D 2C"))
    assert (made.same, made.same_personal, made.total, made.mismatches) == (4, 4, 1, 1)
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
    assert made.share("AA") == 0.0
    assert made.share("XX") is None


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
