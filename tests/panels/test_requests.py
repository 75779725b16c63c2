"""The panel of the request: phases that are measured, shares that add up, and what is not known."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.template.base import Template
from django.test import Client

from perfkit.record import CacheCall, Query, RequestRecord
from perfkit_panels import phases
from perfkit_panels.timeline import MOST_BARS, Covered, Marks, split
from tests.panels.asking import async_get, content_of, stats_of, sync_get

pytestmark = pytest.mark.django_db

PANEL = "PerfkitRequestsPanel"


def query(start_ms: float, duration_ms: float) -> Query:
    """Return a statement that ran then."""
    return Query("", "", "SELECT", (), "default", start_ms, duration_ms, 0)


@pytest.mark.parametrize("get", [sync_get, async_get], ids=["sync", "async"])
@pytest.mark.parametrize("url", ["/page/", "/calm/", "/template/", "/cached/", "/crash/"])
def test_view_and_middleware_are_told_apart(get: Callable[..., Any], url: str) -> None:
    """Sync and async views are timed under WSGI and ASGI, and what they took is not the middleware's."""
    get(url)
    stats = stats_of(PANEL)
    assert stats["has_view"] is True
    assert len(stats["lanes"]["view"]) == 1
    # Beside the error page, which is long in the making, the view is no gap that could be drawn.
    assert len(stats["lanes"]["middleware"]) == 2 or url == "/crash/"
    assert sum(stats["shares"].values()) == pytest.approx(stats["ended_ms"], abs=0.05)
    assert min(stats["shares"].values()) >= -0.01


def test_templates_are_timed_in_the_view_and_after_it() -> None:
    """The outermost ones are, by name; a TemplateResponse is rendered when the view has returned."""
    sync_get("/template/")
    stats = stats_of(PANEL)
    assert sum(row[1] for row in stats["templates"]) == 2
    assert stats["shares"]["rendering"] > 0
    content = content_of(PANEL)
    assert "Templates" in content
    assert "(no name)" in content


def test_the_queue_is_shown_where_a_proxy_stamped_the_request() -> None:
    """The time line begins when the proxy took the request."""
    Client().get("/page/", headers={"X-Request-Start": f"t={time.time() - 0.05:.4f}"})
    stats = stats_of(PANEL)
    ((begin, length),) = stats["lanes"]["queue"]
    assert begin == pytest.approx(-length, abs=0.01)
    assert length >= 50
    assert "Queue: not known" not in content_of(PANEL)


def test_what_is_not_known_is_said() -> None:
    """No proxy, no view: both are sentences, not noughts."""
    sync_get("/missing/")
    content = content_of(PANEL)
    assert "no proxy stamped the request" in content
    assert "no view ran" in content


def test_the_toolbar_leaves_the_timings_of_the_site_in_place() -> None:
    """The toolbar sets Server-Timing anew; the site's own and perfkit's stay in it."""
    header = sync_get("/json/").headers["Server-Timing"]
    assert "app;dur=" in header
    assert header.count("app;dur=") == 1


def test_the_hooks_are_put_in_once_and_come_out_again() -> None:
    """Idle they cost a look at a context variable; nothing is wrapped twice."""
    phases.uninstall()
    before = BaseHandler.make_view_atomic, Template.render
    phases.install()
    phases.install()
    assert BaseHandler.make_view_atomic.__wrapped__ is before[0]  # type: ignore[attr-defined]  # of functools
    assert phases.watched.get() is None
    phases.uninstall()
    assert (BaseHandler.make_view_atomic, Template.render) == before


@pytest.mark.parametrize("get", [sync_get, async_get], ids=["sync", "async"])
def test_nothing_is_watched_where_nobody_looks(toolbar: Any, get: Callable[..., Any]) -> None:
    """With the toolbar a request is noted in detail; without it as in production."""
    assert get("/watched/").json() == {"detail": True}
    toolbar.INTERNAL_IPS = []
    assert get("/watched/").json() == {"detail": False}
    assert phases.watched.get() is None


def test_renderings_are_bounded() -> None:
    """A page of thousands of fragments keeps the first, and counts the others."""
    noted = phases.Phases()
    for _ in range(phases.MOST_RENDERINGS + 5):
        noted.rendered(0.0, "name")
    assert len(noted.renderings) == phases.MOST_RENDERINGS
    assert noted.left_out == 5


def test_shares_are_what_each_phase_took_by_itself() -> None:
    """A statement in a template in a view counts once: as a statement."""
    record = RequestRecord(
        duration_ms=100,
        ttfb_ms=100,
        queries=(query(20, 10), query(25, 10), query(60, 5), query(95, 1)),
        cache_calls=(CacheCall("default", "get", 5, 2, 1, 0),),
    )
    marks = Marks((10, 90), [(50, 80)], 100, 120)
    assert split(record, marks).shares == {
        "view": 80 - 15 - 30,
        "middleware": 20 - 2 - 1,
        "rendering": 30 - 5,
        "statements": 15 + 5 + 1,
        "cache": 2,
        "streaming": 20,
    }


def test_statements_at_the_same_time_count_once() -> None:
    """Two databases that were asked at once did not take twice the time."""
    record = RequestRecord(ttfb_ms=10, queries=(query(0, 8), query(2, 8)))
    assert split(record, Marks((0, 10), [], 10, 10)).shares["statements"] == 10


def test_bars_are_joined_where_no_eye_could_tell() -> None:
    """However many statements there are, a lane has a bounded number of bars."""
    record = RequestRecord(
        ttfb_ms=1_000, queries=tuple(query(at / 10, 0.05) for at in range(9_999))
    )
    bars = split(record, Marks((0, 1_000), [], 1_000, 1_000)).lanes["statements"]
    assert 0 < len(bars) <= MOST_BARS
    assert bars[0][0] == 0
    assert bars[-1][0] + bars[-1][1] == pytest.approx(999.85)


def test_how_much_of_a_stretch_is_covered() -> None:
    """Spans may begin before, end after, lie within or beside it."""
    covered = Covered([(0.0, 10.0), (20.0, 30.0)])
    stretches = [(-5, 0), (-5, 5), (2, 4), (8, 22), (12, 18), (25, 40), (-1, 99), (40, 50)]
    assert [covered.within(*each) for each in stretches] == [0, 5, 2, 4, 0, 5, 20, 0]
    assert Covered([]).within(0, 9) == 0
