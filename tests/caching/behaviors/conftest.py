"""Every site is visited once; what was noted is judged by many tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from perfkit.caching.advice import CacheAdvice
from perfkit.caching.event import Event
from tests.caching.behaviors import listed_people, unlisted
from tests.caching.behaviors.behavior import BEHAVIORS, Behavior
from tests.caching.behaviors.sites import SITES
from tests.caching.behaviors.world import judge, population, world

SEED = 6


class Judged:
    """What was noted of all behaviors, and what is said of them.

    Attributes:
        events: of each site.
    """

    def __init__(self, folder: Path, *modules: str) -> None:
        self.events: dict[str, list[Event]] = {}
        self._advice: dict[str, dict[str, CacheAdvice]] = {}
        for name, kind in SITES.items():
            rng = Random(f"{SEED}{name}")
            behaviors = [
                each for each in BEHAVIORS if each.site == name and each.view.__module__ in modules
            ]
            if not behaviors:
                continue
            people = population(kind.people, rng)
            for visitor in people:
                kind.equip(rng, visitor)
            cache.clear()
            views = {each.route: view_of(each) for each in behaviors}
            with world(views, folder, kind.middleware, **kind.settings) as made:
                made.run(visit for each in behaviors for visit in each.visits(rng, people))
                self.events[name] = made.site.events()
            self._advice[name] = judge(self.events[name])

    def advice(self, each: Behavior) -> CacheAdvice | None:
        """Return what is said of a behavior."""
        if each.backend is not None:
            events = [event for event in self.events[each.site] if event.route == f"/{each.route}"]
            return judge(events, each.backend).get(f"/{each.route}")
        return self._advice[each.site].get(f"/{each.route}")


def view_of(each: Behavior) -> Any:
    """Return the view of a behavior."""
    if each.view is listed_people.api_of_mine:
        return listed_people.rest_view()
    if each.view is unlisted.api_for_all:
        return unlisted.rest_view_for_all()
    return each.view


@pytest.fixture(scope="module")
def judged(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Judged]:
    """Visit every site once; the database is as before afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield Judged(tmp_path_factory.mktemp("behaviors"), *request.module.MODULES)
        transaction.set_rollback(True)
