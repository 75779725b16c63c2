"""What a cache holds, and what is left when it is full: the same as Django's own caches say."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends import db
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_page

from perfkit.caching.backend import BackendFacts, page_bytes
from perfkit.caching.columns import Columns, by_route
from perfkit.caching.event import Event
from perfkit.caching.holding import holding
from perfkit.caching.joint import ratios_together
from perfkit.caching.policy import CACHE_PAGE, SITE_WIDE, Policy
from perfkit.caching.replay import Replay
from perfkit.caching.saving import Setting, saving
from tests.caching.made import NOON, event

PAGE = Policy(CACHE_PAGE)
LOCMEM = "django.core.cache.backends.locmem.LocMemCache"


def visits(count: int, pages: int) -> list[tuple[float, str, int]]:
    """Make (seconds, route, page), a few pages far more often than the others."""
    draw = random.Random(count)
    return sorted(
        (
            draw.random() * 7_200,
            draw.choice(["/a/", "/b/"]),
            min(int(draw.paretovariate(0.7)), pages),
        )
        for _ in range(count)
    )


def really(
    made: list[tuple[float, str, int]],
    timeouts: dict[str, int],
    cache: dict[str, Any],
    patch: pytest.MonkeyPatch,
    prepare: Callable[[], None] = lambda: None,
) -> dict[str, int]:
    """Count the hits of each route with Django's decorator over one of its caches."""
    misses = dict.fromkeys(timeouts, 0)
    now = NOON

    def view(request: HttpRequest) -> HttpResponse:
        misses[request.path] += 1
        return HttpResponse("page")

    views: Any = {route: cache_page(timeout)(view) for route, timeout in timeouts.items()}
    patch.setattr(time, "time", lambda: now)
    with override_settings(CACHES={"default": cache}):
        prepare()
        caches["default"].clear()
        for at, route, page in made:
            now = NOON + at
            views[route](RequestFactory().get(route, {"n": page}))
    return {route: sum(each == route for _, each, _ in made) - misses[route] for route in timeouts}


def replays(
    made: list[tuple[float, str, int]], timeouts: dict[str, int]
) -> list[tuple[Replay, float]]:
    """Lay the same visits out."""
    # Keys as hashes are: their order says nothing of how common a page is.
    draw = random.Random(1)
    keys = {page: draw.getrandbits(64) for page in range(10_000)}
    columns = by_route(event(at, url=keys[page], route=route) for at, route, page in made)
    return [
        (Replay(columns[route], PAGE, one_by_one=True), timeout)
        for route, timeout in timeouts.items()
    ]


def test_routes_in_one_full_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two routes with timeouts of their own in one LocMemCache of 60 entries: hit for hit."""
    made, timeouts = visits(3_000, 400), {"/a/": 300, "/b/": 3_600}
    cache = {"BACKEND": LOCMEM, "LOCATION": "full", "OPTIONS": {"MAX_ENTRIES": 60}}
    hits = really(made, timeouts, cache, monkeypatch)
    held = holding(replays(made, timeouts), BackendFacts("locmem", 60))
    assert held.is_full
    assert dict(zip(timeouts, (each.hits for each in held.outcomes), strict=True)) == hits


@pytest.mark.parametrize("cull", [0, 2])
def test_how_much_goes_at_once(monkeypatch: pytest.MonkeyPatch, cull: int) -> None:
    """By CULL_FREQUENCY one in so many, or all."""
    made, timeouts = visits(1_500, 400), {"/a/": 900, "/b/": 900}
    options = {"MAX_ENTRIES": 60, "CULL_FREQUENCY": cull}
    hits = really(
        made,
        timeouts,
        {"BACKEND": LOCMEM, "LOCATION": f"cull{cull}", "OPTIONS": options},
        monkeypatch,
    )
    held = holding(replays(made, timeouts), BackendFacts("locmem", 60, cull))
    assert [each.hits for each in held.outcomes] == [hits["/a/"], hits["/b/"]]


def test_a_full_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Django throws files out at random, so that the ratios are near, not the same."""
    made, timeouts = visits(3_000, 400), {"/a/": 900, "/b/": 900}
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    cache = {"BACKEND": backend, "LOCATION": str(tmp_path), "OPTIONS": {"MAX_ENTRIES": 60}}
    hits = really(made, timeouts, cache, monkeypatch)
    held = holding(replays(made, timeouts), BackendFacts("file", 60))
    assert sum(each.hits for each in held.outcomes) == pytest.approx(
        sum(hits.values()), abs=0.02 * len(made)
    )


@pytest.mark.django_db
def test_a_full_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """DatabaseCache throws out what has run out, then the first by name: what keys are made of."""
    made, timeouts = visits(1_500, 400), {"/a/": 900, "/b/": 900}
    backend = "django.core.cache.backends.db.DatabaseCache"
    cache = {"BACKEND": backend, "LOCATION": "pages", "OPTIONS": {"MAX_ENTRIES": 60}}

    def prepare() -> None:
        call_command("createcachetable", verbosity=0)
        monkeypatch.setattr(db, "tz_now", lambda: datetime.fromtimestamp(time.time(), UTC))

    hits = really(made, timeouts, cache, monkeypatch, prepare)
    held = holding(replays(made, timeouts), BackendFacts("database", 60))
    assert sum(each.hits for each in held.outcomes) == pytest.approx(
        sum(hits.values()), abs=0.02 * len(made)
    )


def test_a_head_takes_room_but_does_not_count() -> None:
    """Monitors' requests are stored too, and push out what readers ask for."""
    heads = [event(at, url=100 + at, method="HEAD") for at in range(1, 40)]
    run = Replay(columns(event(0), *heads, event(50)), PAGE, one_by_one=True)
    (outcome,) = holding([(run, 900)], BackendFacts("locmem", 1)).outcomes
    assert (outcome.all_requests, outcome.hits) == (2, 0)
    assert run.outcome(900).hits == 1


def test_a_sample_fills_a_cache_as_all_would() -> None:
    """An address that stands for ten takes the room of ten."""
    draw = random.Random(5)
    every = [event(draw.random() * 3_600, url=1 + draw.randrange(500)) for _ in range(40_000)]
    tenth = [
        event(each.at - NOON, url=each.url, weight=10.0) for each in every if each.url % 10 == 0
    ]
    facts = BackendFacts("locmem", 300)
    whole, sample = (
        holding([(Replay(columns(*made), PAGE, one_by_one=True), 3_600)], facts).outcomes[0]
        for made in (every, tenth)
    )
    assert sample.hit_ratio == pytest.approx(whole.hit_ratio, abs=0.03)


def test_what_is_held() -> None:
    """A process keeps what has run out until it is asked for; Redis lets it go."""
    made = columns(event(0, url=1), event(5, url=2), event(100, url=3), event(101, url=3))
    run = Replay(made, PAGE, one_by_one=True)
    kept = holding([(run, 10)], BackendFacts("locmem"))
    gone = holding([(run, 10)], BackendFacts("redis"))
    assert (kept.entries, gone.entries) == (6, 4)
    assert kept.bytes == 3 * page_bytes(1_000, BackendFacts("locmem"))
    assert gone.bytes == 2 * page_bytes(1_000, BackendFacts("redis"))


def test_what_a_page_takes_in_a_process() -> None:
    """The pickle, the keys and their places in LocMemCache's tables, within a tenth."""
    cache = {"BACKEND": LOCMEM, "LOCATION": "bytes", "OPTIONS": {"MAX_ENTRIES": 10**6}}
    with override_settings(CACHES={"default": cache}):
        kept: Any = caches["default"]
        kept.clear()
        view: Any = cache_page(60)(lambda request: HttpResponse(request.GET["n"].zfill(6_000)))
        for number in range(200):
            view(RequestFactory().get("/page/", {"n": number}))
        sizes = sum(sys.getsizeof(each) for pair in kept._cache.items() for each in pair)
        tables = sys.getsizeof(kept._cache) + sys.getsizeof(kept._expire_info)
        kept.clear()
    assert 200 * page_bytes(6_000) == pytest.approx(sizes + tables, rel=0.1)


def test_redis_rounds_up() -> None:
    """Its allocator gives four sizes between two powers of two; measured on Redis 7.0."""
    facts = BackendFacts("redis")
    assert page_bytes(5_000, facts) == pytest.approx(6_616, rel=0.03)
    assert page_bytes(18_000, facts) == pytest.approx(21_003, rel=0.03)
    assert page_bytes(200_000, facts) == pytest.approx(230_404, rel=0.03)


@pytest.mark.parametrize("timeout_s", [10, 600])
def test_answers_that_vary_on_different_headers(
    monkeypatch: pytest.MonkeyPatch, timeout_s: int
) -> None:
    """Django looks a request up by what the latest stored answer varied on: hit for hit."""
    draw = random.Random(timeout_s)
    made = sorted(
        (draw.random() * 7_200, draw.randrange(8), draw.choice(["", "a=1", "a=2"]))
        for _ in range(1_500)
    )
    now, misses = NOON, 0

    def view(request: HttpRequest) -> HttpResponse:
        nonlocal misses
        misses += 1
        response = HttpResponse(request.headers.get("Cookie", ""))
        if request.headers.get("Cookie"):
            patch_vary_headers(response, ["Cookie"])
        return response

    cached: Any = cache_page(timeout_s)(view)
    monkeypatch.setattr(time, "time", lambda: now)
    cache = {"BACKEND": LOCMEM, "LOCATION": "vary", "OPTIONS": {"MAX_ENTRIES": 10**6}}
    right = 0
    with override_settings(CACHES={"default": cache}):
        caches["default"].clear()
        for at, page, cookie in made:
            now = NOON + at
            headers = {"HTTP_COOKIE": cookie} if cookie else {}
            answer = cached(RequestFactory().get(f"/{page}/", **headers))
            right += answer.content.decode() == cookie
    events = [
        event(
            at, url=page + 1, body=len(cookie) + ord((cookie or "0")[-1]),
            varies_on=("cookie",) if cookie else (), key=hash((page, cookie)) & 2**63 - 1,
            attributes=(("header:cookie", ord(cookie[-1]) if cookie else 7),),
        )
        for at, page, cookie in made
    ]  # fmt: skip
    for policy in (PAGE, Policy(SITE_WIDE)):
        outcome = Replay(columns(*events), policy, one_by_one=True).outcome(timeout_s)
        assert outcome.hits == len(made) - misses
        assert outcome.wrong == len(made) - right


def test_routes_that_fit_alone_but_not_together() -> None:
    """Each has 200 entries, the process holds 300; one route alone is told nothing."""
    made = [
        event(draw * 10 + cycle * 2_000, url=1 + draw, route=route)
        for cycle in range(3)
        for draw in range(100)
        for route in ("/a/", "/b/")
    ]
    setting = Setting(BackendFacts("locmem", 300), 1.0, 0.01, one_by_one=True)
    routes = {label: (each, saving(each, PAGE, setting)) for label, each in by_route(made).items()}
    assert all(run.full is None for _, run in routes.values())
    together = ratios_together(routes, setting)
    alone = {
        label: (run.chosen or run.best).outcome.hit_ratio for label, (_, run) in routes.items()
    }
    assert all(together[label] < ratio for label, ratio in alone.items())
    assert ratios_together({"/a/": routes["/a/"]}, setting) == {}
    roomy = Setting(BackendFacts("locmem", 1_000), 1.0, 0.01)
    assert ratios_together(routes, roomy) == {}
    assert ratios_together(routes, Setting(BackendFacts("redis"), 1.0, 0.01)) == {}


def columns(*events: Event) -> Columns:
    """Put events of one route into columns."""
    (made,) = by_route(events).values()
    return made
