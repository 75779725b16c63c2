"""Rules of the verdict that whole sites do not reach, on events made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from perfkit.caching.advice import CacheAdvice, advise
from perfkit.caching.backend import BackendFacts
from perfkit.caching.columns import by_route
from perfkit.caching.event import ANONYMOUS, STAFF, UNKNOWN, USER, Event, Write
from perfkit.caching.reasons import REASONS
from perfkit.caching.saving import Setting
from perfkit.caching.verdict import VERDICTS
from tests.caching.made import NOON, event, seen

Change = Callable[[Event, int], Event]


def traffic(
    change: Change = lambda each, number: each, count: int = 500, people: int = 60, pages: int = 1
) -> list[Event]:
    """Make events of one route: half of the visitors are logged in, a tenth are staff.

    Args:
        change: makes of an event, and its visitor's number, another one.
        count: of events.
        people: who come.
        pages: of the route.
    """
    rng = Random(7)
    found = []
    for _ in range(count):
        number = rng.randrange(people)
        audience = STAFF if number % 10 == 1 else USER if number % 2 else ANONYMOUS
        page = rng.randrange(1, pages + 1)
        plain = event(
            rng.random() * 7_200, page, principal=1_000 + number, audience=audience, body=page + 50,
            has_session=number % 2 == 1, view_ms=50.0,
            attributes=(("cookie:sessionid", number if number % 2 else 0), ("header:cookie", number if number % 2 else 0)),
        )  # fmt: skip
        found.append(change(plain, number))
    return sorted(found, key=lambda each: each.at)


def advice(events: list[Event], **backend: Any) -> CacheAdvice:
    """Judge one route."""
    (found,) = advise(
        by_route(events), Setting(BackendFacts(**backend or {"kind": "redis"}), 2.0, 0.01)
    )
    assert found.verdict in VERDICTS
    assert set(found.reasons) <= REASONS.keys()
    return found


def test_the_same_for_all() -> None:
    """What every other test of this file changes something of."""
    found = advice(traffic())
    assert (found.verdict, found.reasons[0]) == ("cache_page", "same_for_all")
    assert found.evidence["comparisons"] >= 300
    assert 0 < found.evidence["mismatch_upper"] < 0.01


@pytest.mark.parametrize(
    ("fields", "slug"),
    [
        ({"session_written": True}, "session_written"),
        ({"messages_read": True}, "messages_shown"),
        ({"inner": seen(1, sets_cookie=True)}, "sets_cookie"),
        ({"writes": (Write("UPDATE", "blog_post", 1),)}, "writes_on_get"),
    ],
)
def test_one_side_effect_is_enough(fields: dict[str, Any], slug: str) -> None:
    """However seldom it is: a hit would leave it out, or give it to all."""
    events = traffic()
    events[250] = replace(events[250], **fields)
    found = advice(events)
    assert (found.verdict, found.reasons) == ("do_not_cache", (slug,))
    assert found.code == ""


def test_fewer_than_three_hundred_comparisons_prove_nothing() -> None:
    """Nor do fewer than thirty visitors, nor addresses that were not compared."""
    assert advice(traffic(count=280)).verdict == "not_enough_evidence"
    assert "few_visitors" in advice(traffic(people=25)).reasons
    lonely = [
        replace(each, url=9_000 + at, inner=seen(9_000 + at))
        for at, each in enumerate(traffic(count=80))
    ]
    few = advice([*traffic(pages=5), *lonely])
    assert (few.verdict, few.reasons) == ("not_enough_evidence", ("few_comparisons",))


def test_who_is_not_known_counts_for_nobody() -> None:
    """A view that looks, and sessions of which nobody knows whose they are."""

    def unknown(each: Event, number: int) -> Event:
        return replace(
            each,
            user_read=not each.has_session,
            audience=UNKNOWN if each.has_session else ANONYMOUS,
        )

    found = advice(traffic(unknown, count=900))
    assert found.verdict == "anonymous_only"
    assert "members_not_seen" in found.reasons


def test_somebody_known_by_no_session_is_no_stranger_for_the_code() -> None:
    """A login that no session's cookie tells: the advised code would take him for anybody."""

    def by_token(each: Event, number: int) -> Event:
        own = number % 2 == 1
        return replace(
            each,
            has_session=False,
            user_read=True,
            body=each.body + number * own,
            masked=each.body + number * own,
        )

    assert advice(traffic(by_token)).verdict in ("do_not_cache", "not_enough_evidence")


def test_one_page_of_ones_own_for_visitors_that_send_no_cookie() -> None:
    """By their address: the whole cookie would be one key for all of them."""

    def by_address(each: Event, number: int) -> Event:
        body = 10_000 + number
        return replace(each, body=body, masked=body, has_session=False, audience=ANONYMOUS,
                       attributes=(("header:cookie", 5),))  # fmt: skip

    found = advice(traffic(by_address, count=1_500))
    assert (found.verdict, found.reasons) == ("do_not_cache", ("personalized",))


def test_one_page_of_ones_own_by_the_session() -> None:
    """Kept for each by the whole cookie, inside cache_page."""

    def own(each: Event, number: int) -> Event:
        body = 10_000 + number
        return replace(each, body=body, masked=body, has_session=True, user_read=True, audience=USER,
                       attributes=(("cookie:sessionid", number + 1), ("header:cookie", number + 1)))  # fmt: skip

    found = advice(traffic(own, count=1_500))
    assert found.verdict == "cache_page_vary"
    assert "vary_on_cookie" in found.code


def test_one_visitor_that_sends_nothing_of_who_he_is() -> None:
    """All others have an entry of their own; the next one without a cookie would get his page."""

    def own(each: Event, number: int) -> Event:
        body, is_bare = 10_000 + number, number == 8
        told = (() if is_bare else (("cookie:sessionid", number + 1),)) + (
            ("header:cookie", 0 if is_bare else number + 1),
        )
        return replace(each, body=body, masked=body, has_session=not is_bare, user_read=True,
                       audience=ANONYMOUS if is_bare else USER, attributes=told)  # fmt: skip

    found = advice(traffic(own, count=1_500))
    assert (found.verdict, found.reasons) == ("do_not_cache", ("personalized",))


@pytest.mark.parametrize("staff", [1, 2, 6])
def test_a_variant_is_shared_among_those_only_who_were_compared(staff: int) -> None:
    """One or two of staff prove nothing of what all staff may get."""

    def button(each: Event, number: int) -> Event:
        is_staff = number % 10 == 1 and number < 10 * staff
        audience = STAFF if is_staff else USER if number % 2 else ANONYMOUS
        body = each.body + is_staff
        return replace(each, audience=audience, body=body, masked=body, user_read=True,
                       attributes=(*each.attributes, ("staff", 1 + is_staff)))  # fmt: skip

    found = advice(traffic(button, count=900))
    assert found.verdict == ("anonymous_only" if staff < 3 else "cache_page_vary")


def test_a_cookie_of_which_members_have_values_of_their_own() -> None:
    """Anybody could send another one's: what members only got is not shared by what a request brings along."""

    def team(each: Event, number: int) -> Event:
        value = 1 + number % 4 if number % 2 else 9
        body = each.body + value
        return replace(each, body=body, masked=body, user_read=True,
                       attributes=(*each.attributes, ("cookie:team", value)))  # fmt: skip

    assert advice(traffic(team, count=2_000)).verdict == "anonymous_only"


def test_attributes_that_go_together_are_all_taken() -> None:
    """Half of the visitors have both a cookie and a header: nobody knows on which of them it hangs."""

    def both(each: Event, number: int) -> Event:
        value = 1 + number // 2 % 2
        body = each.body + value
        return replace(each, body=body, masked=body,
                       attributes=(*each.attributes, ("cookie:theme", value), ("header:x-theme", 5 - value)))  # fmt: skip

    found = advice(traffic(both, count=900))
    assert found.verdict == "cache_page_vary"
    told = {found.evidence["attribute"], *found.evidence["attributes_also"]}
    assert told == {"cookie:theme", "header:x-theme"}
    assert "request.COOKIES.get('theme')" in found.code
    assert "request.headers.get('X-Theme')" in found.code

    def many(each: Event, number: int) -> Event:
        more = tuple((f"header:x-{at}", 1 + number // 2 % 2) for at in range(4))
        made = both(each, number)
        return replace(made, attributes=(*made.attributes, *more))

    assert advice(traffic(many, count=900)).verdict == "do_not_cache"


@pytest.mark.parametrize("rare", [4, 60])
def test_a_value_that_few_have_is_not_proven(rare: int) -> None:
    """Thirty comparisons of five visitors, at as many addresses as the others, or it is not told."""

    def by_plan(each: Event, number: int) -> Event:
        value = 3 if number < rare and number % 2 == 0 else 1 + number % 2
        body = each.body + 10 * value
        return replace(each, body=body, masked=body, has_session=False, audience=ANONYMOUS,
                       attributes=(("header:x-plan", value),))  # fmt: skip

    found = advice(traffic(by_plan, count=900))
    assert (found.verdict == "cache_page_vary") is (rare == 60)


def test_members_are_compared_as_often_as_all() -> None:
    """Where the view looks: half of four hundred visits is too few."""
    looking = traffic(lambda each, number: replace(each, user_read=True), count=380)
    found = advice(looking)
    assert found.verdict == "not_enough_evidence"
    assert "members_not_seen" in found.reasons
    more = traffic(lambda each, number: replace(each, user_read=True), count=800)
    assert advice(more).verdict == "cache_page"


def test_one_answer_that_forbids_storing_is_enough() -> None:
    """The view says so to one visitor: what others get is not for him, nor his for them."""
    events = traffic()
    events[250] = replace(events[250], inner=seen(1, no_store=True))
    assert advice(events).reasons == ("forbidden_by_view",)


def test_what_was_not_read_is_not_the_same() -> None:
    """One body of five hundred was too long to be compared."""
    events = traffic()
    events[100] = replace(events[100], streamed=True, body=0, masked=0, size=5_000_000)
    assert advice(events).reasons == ("bodies_not_read",)


def test_a_refusal_of_another_kind() -> None:
    """402, 410, 451, 204: another answer is another answer."""
    for status in (204, 302, 402, 404, 410, 451):
        events = [
            replace(each, status=status) if each.principal % 7 == 0 else each for each in traffic()
        ]
        assert advice(events).reasons[0] == "permission_dependent", status


def test_errors_and_not_modified_refuse_nobody() -> None:
    """A view that fails now and then is the same for all in between, and a hit in their place is right."""
    for status in (304, 500, 503):
        events = [
            replace(each, status=status, body=3, masked=3) if at % 20 == 7 else each
            for at, each in enumerate(traffic())
        ]
        found = advice(events)
        assert found.verdict == "cache_page", status
        assert found.predicted is not None
        assert found.predicted.stale_share == 0.0


def test_a_sample_stands_for_more_and_proves_no_more() -> None:
    """Weights count for what is saved, not for what was compared."""
    heavy = [replace(each, weight=16.0) for each in traffic(count=200)]
    assert advice(heavy).verdict == "not_enough_evidence"
    found = advice([replace(each, weight=16.0) for each in traffic()])
    light = advice(traffic())
    assert found.verdict == "cache_page"
    assert found.predicted is not None
    assert light.predicted is not None
    assert found.predicted.saved_seconds_per_hour > 10 * light.predicted.saved_seconds_per_hour


def test_staff_of_other_routes_have_to_be_seen_here() -> None:
    """The view looks who asks, and staff are about."""
    here = traffic(
        lambda each, number: replace(each, user_read=True, audience=min(each.audience, USER)),
        count=900,
    )
    there = [
        replace(each, route="/other/", principal=7, audience=STAFF) for each in traffic(count=5)
    ]
    found = {
        each.route: each
        for each in advise(by_route([*here, *there]), Setting(BackendFacts("redis"), 2.0, 0.01))
    }
    assert found["/page/"].verdict == "anonymous_only"
    assert "staff_not_seen" in found["/page/"].reasons
    (alone,) = advise(by_route(here), Setting(BackendFacts("redis"), 2.0, 0.01))
    assert alone.verdict == "cache_page"


def test_members_are_sent_elsewhere() -> None:
    """The page is for strangers only, who share it."""
    events = traffic(
        lambda each, number: replace(each, status=302 if number % 2 else 200), count=900
    )
    found = advice(events)
    assert (found.verdict, "permission_dependent" in found.reasons) == ("anonymous_only", True)


def test_every_reason_is_known() -> None:
    """Each sentence says something, and ends without a stop."""
    assert all(sentence and not sentence.endswith(".") for sentence in REASONS.values())


def test_what_is_kept_for_its_first_visitor() -> None:
    """The page changes only when it is looked who asks: all get the same, and it is not theirs."""
    greeted: list[int] = []

    def greeting(each: Event, at: int) -> Event:
        if at % 50 == 0:
            greeted.append(each.principal)
        return replace(each, body=greeted[-1], masked=greeted[-1], user_read=at % 50 == 0)

    events = [greeting(each, at) for at, each in enumerate(traffic())]
    assert advice(events).reasons == ("first_visitors_page",)
    looked = [replace(each, user_read=at % 5 == 1) for at, each in enumerate(traffic())]
    assert advice(looked).verdict == "cache_page", "it looks now and then, whatever it answers"


def test_content_that_changes_is_kept_for_as_long_as_it_may_be_out_of_date() -> None:
    """By a bound on how often it changes, not on how many hits were wrong by chance."""

    def edited(each: Event, number: int) -> Event:
        version = 100 + int((each.at - NOON) // 1_800)
        return replace(each, body=version, masked=version)

    found = advice(traffic(edited, count=1_200))
    assert (found.verdict, found.timeout) == ("cache_page", 15)
    assert found.predicted is not None
    assert 0.003 < found.predicted.stale_share_upper <= 0.01
