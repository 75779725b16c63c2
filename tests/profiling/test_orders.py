"""Orders: the next requests of a route, or the next slow ones; visitors notice nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import RequestFactory

from perfkit import pipeline
from perfkit.errors import CaptureRefused
from perfkit.profiling import awaited
from perfkit.profiling.awaited import OPEN
from perfkit.profiling.capture import ROUTE, SLOWER, Order
from perfkit.profiling.running import CAPTURING
from perfkit.profiling.start import cancel, place_order
from perfkit.profiling.token import HEADER
from perfkit.store import captures
from tests.profiling.conftest import CapturedSite, Get, functions


def test_the_next_requests_of_a_route(captured: CapturedSite, get: Get) -> None:
    """So many as were ordered, of that route only; the answers are any visitor's."""
    order = place_order(owner="7", route="/items/<int:pk>/", count=2)
    for path in ("/work/", "/items/1/", "/items/2/", "/items/3/", "/nowhere/"):
        response = get(path)
        assert HEADER not in response.headers
        assert not response.cookies
    made = captured.all()
    assert [capture.name for capture in made] == ["/items/<int:pk>/"] * 2
    assert {(each.reason, each.owner, each.path) for each in made} == {(ROUTE, "7", "")}
    assert "work" in functions(made[0])
    assert captures.orders(captured.database, 0) == ()
    assert order.count == 2


def test_the_next_slow_request(captured: CapturedSite, get: Get) -> None:
    """Faster ones are let go; the order goes on waiting."""
    place_order(owner="7", slower_ms=600_000, route="/work/")
    get("/work/")
    assert captured.all() == []
    assert not CAPTURING
    place_order(owner="7", slower_ms=0.001)
    get("/work/")
    assert [capture.reason for capture in captured.all()] == [SLOWER]


def test_a_route_is_known_by_its_method_too(captured: CapturedSite) -> None:
    """An order for POST leaves GET alone."""
    place_order(owner="7", route="/work/", method="POST")
    captured.get("/work/")
    assert captured.all() == []


def test_an_order_expires(captured: CapturedSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is captured afterwards, and it is forgotten."""
    place_order(owner="7", route="/work/", seconds=60)
    later = time.time() + 61
    monkeypatch.setattr(awaited.time, "time", lambda: later)
    captured.get("/work/")
    assert not OPEN
    assert captured.all() == []


def test_an_order_can_be_canceled(captured: CapturedSite) -> None:
    """By its owner only."""
    order = place_order(owner="7", route="/work/")
    assert not cancel(order.id, "8")
    assert cancel(order.id, "7")
    captured.get("/work/")
    assert captured.all() == []
    assert captures.orders(captured.database, 0) == ()


def test_other_workers_learn_of_it_with_their_next_flush(captured: CapturedSite) -> None:
    """It is read along with what they write; and is forgotten when the store has it no more."""
    order = place_order(owner="7", route="/work/")
    OPEN.clear()  # as in a worker that did not make it
    captured.get("/loop/")
    captured.seen.flush()
    assert {order.id: order} == OPEN
    captures.cancel_order(captured.database, order.id, "7")
    captured.get("/loop/")
    captured.seen.flush()
    assert not OPEN


def test_workers_look_again_while_one_is_open(
    captured: CapturedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every few seconds, so that one that is filled or canceled is left alone soon."""
    order = place_order(owner="7", route="/work/")
    keeper = pipeline.sinks()._captures
    pipeline.sinks().look()
    assert OPEN
    captures.cancel_order(captured.database, order.id, "7")
    monkeypatch.setattr(keeper, "_looked_at", 0.0)
    pipeline.sinks().look()
    assert not OPEN


def test_all_workers_together_make_so_many(captured: CapturedSite) -> None:
    """Counted in the transaction that writes them: what a second worker has made too is dropped."""
    order = place_order(owner="7", route="/work/", count=1)
    captured.get("/work/")
    captured.seen.flush()
    OPEN[order.id] = order  # a worker that does not know yet
    awaited._begun.clear()
    captured.get("/work/")
    assert len(captured.all()) == 1
    assert not OPEN


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "needs a route"),
        ({"route": "/work/", "engine": "cprofile"}, "slows visitors down"),
        ({"route": "/work/", "engine": "gprof"}, "gprof"),
        ({"route": "/work/", "count": 0}, "1 to 50"),
        ({"route": "/work/", "count": 51}, "1 to 50"),
        ({"slower_ms": -1}, "needs a route"),
        ({"route": "/work/", "slower_ms": -1}, "slower than -1"),
        ({"route": "/work/", "method": "BREW"}, "BREW"),
    ],
)
def test_what_cannot_be_ordered(
    captured: CapturedSite, options: dict[str, Any], reason: str
) -> None:
    """Each is refused with the value and what is allowed."""
    with pytest.raises(CaptureRefused, match=reason):
        place_order(owner="7", **options)


def test_orders_are_limited(captured: CapturedSite) -> None:
    """Ten a minute of one user, twenty open ones of all."""
    for owner in ("7", "8"):
        for _ in range(10):
            place_order(owner=owner, route="/work/")
    with pytest.raises(CaptureRefused, match="10 a minute"):
        place_order(owner="7", route="/work/")
    with pytest.raises(CaptureRefused, match="too many orders"):
        place_order(owner="9", route="/work/")


def test_more_than_four_at_once_are_left_alone(captured: CapturedSite, get: Get) -> None:
    """A visitor's request beyond that is served as ever, and the order waits for the next."""
    from perfkit.profiling.running import RunningCapture

    place_order(owner="7", route="/work/")
    others = [RunningCapture("sampler", "page") for _ in range(4)]
    CAPTURING.update({id(each): each for each in others})
    try:
        assert get("/work/").content == b"worked 0"
    finally:
        CAPTURING.clear()
    assert captured.all() == []
    get("/work/")
    assert len(captured.all()) == 1


def test_a_request_looks_whether_there_are_any() -> None:
    """An order for another method or path is no reason to capture."""
    order = Order("a", "7", ROUTE, "/work/", "POST", "sampler", 0.0, 1, 0, time.time() + 60)
    awaited.add(order)
    assert awaited.wanted(RequestFactory().get("/work/")) is None
    awaited.drop("a")
    assert not OPEN
