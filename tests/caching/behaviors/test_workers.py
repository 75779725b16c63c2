"""The same traffic over 1, 4 and 16 workers is judged alike, and nobody's answer is changed by being judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from perfkit.caching.advice import CacheAdvice, advise
from perfkit.caching.backend import BackendFacts
from perfkit.caching.codec import pack, unpack
from perfkit.caching.columns import Columns
from perfkit.caching.event import Event
from perfkit.caching.saving import Setting
from tests.caching.behaviors import listed_pages, listed_people
from tests.caching.behaviors.behavior import BEHAVIORS
from tests.caching.behaviors.conftest import view_of
from tests.caching.behaviors.sites import SITES
from tests.caching.behaviors.world import Visit, judge, population, world

#: The database is made for tests that say so; what is made once for the file is made in one process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("test_workers")]

#: One of each verdict, nearly.
NAMES = (
    "static",
    "edited",
    "greeting",
    "login_link",
    "staff_button",
    "members",
    "csrf_form",
    "banner",
    "landing",
    "partly",
)


@pytest.fixture(scope="module")
def events(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Event]]:
    """Visit some pages."""
    folder = tmp_path_factory.mktemp("workers")
    chosen = [each for each in BEHAVIORS if each.view.__name__ in NAMES]
    with django_db_blocker.unblock(), transaction.atomic():
        rng = Random(55)
        people = population(60, rng)
        with world({each.route: view_of(each) for each in chosen}, folder) as made:
            made.run(visit for each in chosen for visit in each.visits(rng, people))
            yield made.site.events()
        transaction.set_rollback(True)


@pytest.mark.parametrize("workers", [4, 16])
def test_so_many_workers_are_judged_as_one(events: list[Event], workers: int) -> None:
    """Each has a spool of its own; merged they say the same, on a cache that all of them share."""
    rng = Random(workers)
    shares: list[list[Event]] = [[] for _ in range(workers)]
    for event in events:
        rng.choice(shares).append(event)
    one, many = judge(events), _merged(shares)
    assert len(one) == len(NAMES)
    assert {route: each.verdict for route, each in one.items()} == {
        route: each.verdict for route, each in many.items()
    }
    for route, each in one.items():
        other = many[route]
        assert each.timeout == other.timeout
        assert each.reasons == other.reasons
        if each.predicted is not None and other.predicted is not None:
            assert abs(each.predicted.hit_ratio - other.predicted.hit_ratio) <= 0.005, route


def _merged(shares: list[list[Event]]) -> dict[str, CacheAdvice]:
    """Judge what workers have packed, each for itself."""
    found: dict[str, Columns] = {}
    for worker, share in enumerate(shares):
        unpack(pack(share), found, worker)
    for columns in found.values():
        columns.sort()
    return {each.route: each for each in advise(found, Setting(BackendFacts("redis"), 0.0, 0.01))}


def test_caches_that_workers_do_not_share_are_told_apart(events: list[Event]) -> None:
    """LocMemCache: the same verdicts, and fewer hits."""
    rng = Random(5)
    apart = [replace(event, worker=rng.randrange(16)) for event in events]
    local = BackendFacts("locmem", 10_000)
    one, many = judge(events, local), judge(apart, local)
    assert one["/static/"].verdict == many["/static/"].verdict == "cache_page"
    assert _ratio(many["/static/"], 300) < _ratio(one["/static/"], 300) - 0.1
    assert {route for route, each in many.items() if each.verdict.startswith("cache_page")} <= {
        route for route, each in one.items() if each.verdict.startswith("cache_page")
    }


def _ratio(advice: CacheAdvice, timeout_s: int) -> float:
    return float(next(cell["hit_ratio"] for cell in advice.table if cell["timeout"] == timeout_s))


PASSIVE = [
    each
    for each in BEHAVIORS
    if each.view.__module__ in (listed_pages.__name__, listed_people.__name__)
]


@pytest.mark.parametrize("kind", sorted({each.site for each in PASSIVE}))
def test_enabling_the_advisor_changes_no_answer(
    kind: str, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every view of the list, header for header and cookie for cookie, to strangers, members and staff."""
    chosen = [each for each in PASSIVE if each.site == kind]
    views = {each.route: view_of(each) for each in chosen}
    rng = Random(54)
    people = population(6, rng, 0.6, 0.3)
    for visitor in people:
        SITES[kind].equip(rng, visitor)
    wanted = [
        replace(each.visits(Random(1), people)[0], at=float(place), visitor=visitor)
        for place, each in enumerate(chosen)
        if each.view.__name__ not in ("new", "one_by_one", "feed")
        for visitor in people
    ]
    told = [_told(wanted, views, SITES[kind], tmp_path, enabled) for enabled in (True, False)]
    assert told[0] == told[1]
    assert len(told[0]) == len(wanted)


#: New with each answer by its nature.
_RANDOM = ("Content-Security-Policy", "Expires", "Content-Length")


def _told(wanted: list[Visit], views: Any, kind: Any, folder: Path, enabled: bool) -> list[Any]:
    settings = {**kind.settings, "PERFKIT": {"CACHE_ADVISOR": enabled}}
    found = []
    cache.clear()
    with world(views, folder, kind.middleware, **settings) as made:
        for visit in wanted:
            visitor = replace(visit.visitor, cookies=dict(visit.visitor.cookies))
            response = made.get(replace(visit, visitor=visitor))
            headers = [pair for pair in response.headers.items() if pair[0] not in _RANDOM]
            found.append((visit.url, response.status_code, headers, sorted(response.cookies)))
        assert bool(made.site.events()) is enabled
    return found
