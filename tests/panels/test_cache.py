"""The panel of caches: calls by the shape of their keys, and advice that is loaded when looked at."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache, caches

from perfkit_panels import PANELS
from perfkit_panels.keys import shape_of, shapes_of
from tests.panels.asking import asked, content_of, latest, panel_of, stats_of, sync_get
from tests.panels.conftest import listing
from tests.panels.toolbar_site import SECRET
from tests.seen import Seen

pytestmark = pytest.mark.django_db

PANEL = "PerfkitCachePanel"


def rows() -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the panel has stored, by operation and shape."""
    return {(row["operation"], row["shape"]): row for row in stats_of(PANEL)["shapes"]}


def test_calls_are_grouped_by_the_shape_of_their_keys() -> None:
    """Each operation of each shape has its calls, hits and misses."""
    sync_get("/cached/")
    found = rows()
    assert found["get", "product:*:name"]["calls"] == 3
    assert found["get", "profile:*"]["misses"] == 3
    many = found["get_many", "product:*:name"]
    assert (many["calls"], many["hits"], many["misses"]) == (1, 1, 1)
    assert {("set_many", "a"), ("delete_many", "a"), ("clear", "")} <= set(found)
    assert panel_of(PANEL).nav_subtitle == "13 calls: 1 hits, 7 misses"
    assert "product:*:name" in content_of(PANEL)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("rates", "rates"),
        ("user:17:name", "user:*:name"),
        ("views.decorators.cache.cache_page..GET.0cc175b9c0f1b6a8.en-us.UTC",
         "views.decorators.cache.cache_page..GET.*.en-us.UTC"),
        (f"token/{SECRET}", "token/*-*"),
        ("mail:anna@example.com", "mail:*.com"),
        ("grüße:naïve", "*:*"),
        ("x" * 40, "*"),
        (17, "*"),
        ("", ""),
        ("a:" * 200, "a:" * 125 + "…"),
    ],
)  # fmt: skip
def test_a_key_is_reduced_to_its_words(key: Any, shape: str) -> None:
    """Numbers, hashes, ids, addresses and what is no plain word are values."""
    assert shape_of(key) == shape


def test_words_that_vary_are_values() -> None:
    """Two names may be two pages; three at one place are visitors."""
    assert set(shapes_of(["page:home", "page:about"]).values()) == {"page:home", "page:about"}
    assert set(shapes_of(["of:anna:x", "of:bob:x", "of:carl:x"]).values()) == {"of:*:x"}


def test_the_advice_is_loaded_when_the_panel_is_looked_at(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the request nor the panel's content reads the store; the address in it does."""
    from perfkit_panels import cache_views

    read = []

    def reading(*args: Any) -> Any:
        read.append(args)
        return route_advice(*args)

    route_advice = cache_views.route_advice
    monkeypatch.setattr(cache_views, "route_advice", reading)
    sync_get("/page/")
    content = content_of(PANEL)
    assert "/__debug__/perfkit/cache-advice/" in content
    assert read == []
    seen.flush()
    told = asked("cache-advice", request_id=latest())
    assert read[0][1:] == ("/page/", "GET")
    assert "seen: 1 request" in told
    assert "Every policy" not in told


def test_without_a_store_the_advice_says_so(toolbar: Any) -> None:
    """A site may do without; the panel still opens."""
    toolbar.PERFKIT = {"STORE": False}
    sync_get("/cached/")
    assert "There is no store" in asked("cache-advice", request_id=latest())


@pytest.mark.parametrize("is_open", [False, True], ids=["new", "open"])
def test_both_panels_of_caches_at_once(toolbar: Any, is_open: bool) -> None:
    """The toolbar's panel puts functions into each cache object; perfkit sees the calls all the same."""
    if is_open:
        assert cache.get("nothing") is None
    else:
        del caches["default"]
    listing(toolbar, *PANELS, "debug_toolbar.panels.cache.CachePanel")
    sync_get("/cached/")
    sync_get("/cached/")
    assert stats_of(PANEL)["calls"] == 13
    assert len(stats_of("CachePanel")["calls"]) == 13
    assert rows()["get", "product:*:name"]["calls"] == 3
    assert cache.get("nothing", "else") == "else"
