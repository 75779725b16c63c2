"""The replay: the same figures as a cache that is simulated step by step, and as Django's own."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers
from hypothesis import given
from hypothesis import strategies as st

from perfkit.caching.columns import Columns, by_route
from perfkit.caching.event import Event
from perfkit.caching.policy import (
    ANONYMOUS_ONLY,
    CACHE_PAGE,
    CDN,
    SITE_WIDE,
    STRIPPED,
    VARY_ON_COOKIE,
    VARY_ON_HEADERS,
    Policy,
)
from perfkit.caching.replay import Replay
from tests.caching.made import NOON, event, seen

PAGE = Policy(CACHE_PAGE)


def columns(*events: Event) -> Columns:
    """Put events of one route into columns."""
    (made,) = by_route(events).values()
    return made


def hits(events: Iterable[Event], timeout_s: float, policy: Policy = PAGE, **how: Any) -> float:
    """Count the hits of a policy."""
    how.setdefault("one_by_one", True)
    return Replay(columns(*events), policy, **how).outcome(timeout_s).hits


def test_an_entry_lives_from_its_store_on() -> None:
    """Not from its last use; and not at the second in which it runs out."""
    at = [0, 9, 10, 19, 20]
    outcome = Replay(columns(*map(event, at)), PAGE, one_by_one=True).outcome(10)
    assert (outcome.requests, outcome.hits, outcome.stores) == (5, 2, 3)
    assert outcome.hit_ratio == 0.4
    assert outcome.saved_ms == 20.0


def test_requests_that_come_while_an_answer_is_made_miss_too() -> None:
    """Django lets them all in; the one that ends last stays."""
    slow = [event(at, view_ms=2_000.0) for at in (0, 1, 1.5, 2.5, 3, 13.4, 13.6)]
    outcome = Replay(columns(*slow), PAGE).outcome(10)
    assert outcome.at_once == 2
    assert outcome.hits == 3  # 2.5, 3 and 13.4: the one stored at 3.5 lives until 13.5


def test_who_is_made_first_serves() -> None:
    """A quick answer that was begun later is there before a slow one, and serves until its own end."""
    slow, quick = event(0, view_ms=10_000.0), event(1, view_ms=1_000.0)
    outcome = Replay(columns(slow, quick, event(3), event(9), event(19)), PAGE).outcome(10)
    assert (outcome.at_once, outcome.hits) == (1, 3)


def test_policies_that_part_requests_alike_share_a_layout() -> None:
    """Until there are other events; whatever the keys are."""
    route = columns(*(event(at, url=1 + at % 3, address=100 + at % 3) for at in range(9)))
    view, cdn = (Replay(route, policy, one_by_one=True) for policy in (PAGE, Policy(CDN)))
    assert view._plainly is cdn._plainly
    assert Replay(route, PAGE)._plainly is not view._plainly
    assert Replay(route, PAGE, one_by_one=True).outcome(60).hits == 6
    route.add(event(10, url=1))
    assert Replay(route, PAGE, one_by_one=True).outcome(60).hits == 7


def test_how_often_answers_change() -> None:
    """Of each address for itself, and the seconds in which it was watched."""
    bodies = [(0, 1, 1), (1, 2, 5), (10, 1, 1), (11, 2, 5), (20, 1, 2), (31, 2, 6), (32, 2, 5)]
    route = columns(*(event(at, url=url, body=body) for at, url, body in bodies))
    assert Replay(route, PAGE).changes() == (3, 51.0)


def test_an_error_tells_nothing() -> None:
    """Who gets a page in place of an error has got nothing wrong, changed as it may be since."""
    failed = {"status": 500, "stored": False}
    made = [event(0, body=1), event(1, body=2), event(2, body=9, **failed), event(3, body=1)]
    assert Replay(columns(*made), PAGE, one_by_one=True).outcome(60).wrong == 1


def test_what_the_reader_of_a_hit_gets() -> None:
    """Another body is wrong, another token is not."""
    bodies = [(0, 1, 1), (1, 1, 1), (2, 2, 1), (3, 3, 3), (4, 1, 1)]
    made = [event(at, body=body, masked=masked) for at, body, masked in bodies]
    outcome = Replay(columns(*made), PAGE, one_by_one=True).outcome(60)
    assert (outcome.hits, outcome.wrong) == (4, 1)
    assert outcome.stale_share == 0.25


def test_an_answer_that_is_not_stored_leaves_what_is_there() -> None:
    """An error in between is answered from the cache, where it would be no error at all."""
    made = [
        event(0),
        event(1, stored=False, status=500),
        event(2),
        event(11, stored=False),
        event(12),
    ]
    outcome = Replay(columns(*made), PAGE, one_by_one=True).outcome(10)
    assert (outcome.hits, outcome.stores) == (2, 2)


def test_a_head_is_answered_by_a_get_and_helps_none() -> None:
    """As in Django: it looks for the page of a GET first, then for its own."""
    get, head = (lambda at: event(at)), (lambda at: event(at, method="HEAD"))
    assert hits([get(0), head(1)], 10, heads=True) == 1
    assert hits([head(0), get(1)], 10, heads=True) == 0
    assert hits([head(0), head(1), get(2), head(11.5), get(11.9)], 10, heads=True) == 3


def test_what_monitors_ask_for_does_not_count() -> None:
    """A HEAD every ten seconds would make any page look cached."""
    made = [event(0), *(event(at, method="HEAD") for at in range(1, 9)), event(9)]
    outcome = Replay(columns(*made), PAGE, one_by_one=True).outcome(60)
    assert (outcome.all_requests, outcome.hits) == (2, 1)


def test_workers_with_a_cache_each() -> None:
    """LocMemCache: what one has stored the other must make."""
    made = [event(at) for at in range(4)]
    apart = columns(*made)
    apart._columns["worker"] = type(apart.worker)("H", [0, 1, 0, 1])
    assert Replay(apart, PAGE, shared=True, one_by_one=True).outcome(60).hits == 3
    assert Replay(apart, PAGE, shared=False, one_by_one=True).outcome(60).hits == 2


def test_what_makes_the_key() -> None:
    """By policy: cookie, a header, who is anonymous, tracking parameters, the whole site, a CDN."""

    def visit(at: float, cookie: int, **fields: Any) -> Event:
        attributes = (("header:cookie", cookie), ("header:x", cookie % 2))
        return event(at, attributes=attributes, **fields)

    made = [visit(0, 2), visit(1, 4), visit(2, 2), visit(3, 3)]
    assert hits(made, 60) == 3
    assert hits(made, 60, Policy(VARY_ON_COOKIE)) == 1
    assert hits(made, 60, Policy(VARY_ON_HEADERS, ("header:x",))) == 2
    members = [visit(0, 2), visit(1, 4, has_session=True, audience=1), visit(2, 2)]
    assert hits(members, 60, Policy(ANONYMOUS_ONLY)) == 1
    tracked = [event(0, url=1), event(1, url=2, bare_url=1), event(2, url=3, bare_url=1)]
    assert hits(tracked, 60) == 0
    assert hits(tracked, 60, Policy(STRIPPED)) == 2
    personal = [event(at, outer=seen(at, varies_on=("cookie",))) for at in (1, 2, 3)]
    assert hits(personal, 60, Policy(SITE_WIDE)) == 0
    assert hits(personal, 60, Policy(CDN)) == 0
    assert hits([event(at) for at in (1, 2, 3)], 60, Policy(CDN)) == 2
    dated = [event(at, outer=seen(1, max_age=0)) for at in (1, 2, 3)]
    assert hits(dated, 60) == 2
    assert hits(dated, 60, Policy(SITE_WIDE)) == 0


def test_a_post_takes_no_part() -> None:
    """But it is one of the route's requests."""
    outcome = Replay(columns(event(0), event(1, method="POST"), event(2)), PAGE).outcome(60)
    assert (outcome.all_requests, outcome.requests, outcome.hits) == (3, 2, 1)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(1, 4),
            st.integers(1, 3),
            st.booleans(),
            st.sampled_from([0.0, 700.0, 4_000.0]),
            st.sampled_from([1.0, 10.0]),
        ),
        max_size=40,
    ),
    st.sampled_from([1, 5, 20]),
)
def test_the_jumps_say_what_a_cache_of_entries_says(made: list[Any], timeout_s: float) -> None:
    """Whatever comes when, is stored or not, takes long or stands for many."""
    events = [
        event(at, url=url, body=body, stored=stored, view_ms=view_ms, weight=weight)
        for at, url, body, stored, view_ms, weight in sorted(made, key=lambda each: each[0])
    ]
    if not events:
        return
    entries: dict[int, tuple[float, float, int]] = {}
    waiting: dict[int, list[tuple[float, int]]] = {}
    found = wrong = 0.0
    for each in events:
        for ready, body in sorted(waiting.get(each.url, [])):
            # Of two that are made at once the first serves while the second is not ready.
            if ready <= each.at:
                entries[each.url] = (ready, ready + timeout_s, body)
        entry = entries.get(each.url)
        if entry is not None and entry[0] <= each.at < entry[1]:
            found += each.weight
            wrong += each.weight * (entry[2] != each.body)
        elif each.inner is not None and each.inner.stored:
            waiting.setdefault(each.url, []).append((each.at + each.view_ms / 1000, each.body))
    outcome = Replay(columns(*events), PAGE).outcome(timeout_s)
    if len({each.view_ms for each in events}) == 1:
        assert (outcome.hits, outcome.wrong) == (found, wrong)
    by_key = Replay(columns(*events), PAGE).by_key(timeout_s)
    assert sum(number for _, number in by_key) == outcome.hits
    assert sum(number for number, _ in by_key) == outcome.requests


@pytest.mark.parametrize("timeout_s", [5, 60, 900])
@pytest.mark.parametrize("varies", [False, True])
def test_django_itself_says_the_same(
    monkeypatch: pytest.MonkeyPatch, timeout_s: int, varies: bool
) -> None:
    """The real decorator over the real LocMemCache, 4,000 requests over three hours."""
    draw = random.Random(timeout_s)
    visits = sorted(
        (draw.random() * 10_800, int(draw.paretovariate(0.8)), draw.choice("ab"))
        for _ in range(4_000)
    )
    made: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        made.append(request.path)
        return HttpResponse("page")

    decorated: Any = cache_page(timeout_s)(vary_on_headers("X-Kind")(view) if varies else view)
    now = NOON
    monkeypatch.setattr(time, "time", lambda: now)
    factory = RequestFactory()
    backend = "django.core.cache.backends.locmem.LocMemCache"
    unlimited = {"BACKEND": backend, "LOCATION": "replay", "OPTIONS": {"MAX_ENTRIES": 10**9}}
    with override_settings(CACHES={"default": unlimited}):
        caches["default"].clear()
        for at, url, kind in visits:
            now = NOON + at
            decorated(factory.get(f"/{url}/", HTTP_X_KIND=kind))
    events = [
        event(at, url=url, key=url * 4 + (ord(kind) if varies else 0)) for at, url, kind in visits
    ]
    assert hits(events, timeout_s) == len(visits) - len(made)
