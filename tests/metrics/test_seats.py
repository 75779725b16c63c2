"""Seats: the routes kept apart are those that take the time, and they stay who they are."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.seats import Seats


def test_the_first_routes_have_seats_at_once() -> None:
    """A small site sees each of its routes from the first request on."""
    seats = Seats(3)
    assert [seats.admit(route, 1.0) for route in ("/a/", "/b/", "/c/", "/d/", "/a/")] == [
        True, True, True, False, True,
    ]  # fmt: skip


def test_junk_that_came_first_does_not_keep_a_busy_route_out() -> None:
    """A scanner takes every seat before the site's users come; a minute later they are theirs."""
    seats = Seats(3)
    for number in range(50):
        seats.admit(f"/junk-{number}/", 5.0)
    assert not seats.admit("/shop/", 20.0)
    seats.end_minute()
    assert seats.admit("/shop/", 20.0)


def test_a_route_that_is_no_busier_takes_no_seat() -> None:
    """Routes of equal weight do not take turns: no series comes and goes."""
    seats = Seats(2)
    for _ in range(10):
        admitted = [seats.admit(route, 10.0) for route in ("/a/", "/b/", "/c/", "/d/")]
        assert admitted == [True, True, False, False]
        seats.end_minute()


def test_time_counts_and_not_requests() -> None:
    """One slow report is worth more than many pings."""
    seats = Seats(1)
    for _ in range(1_000):
        seats.admit("/ping/", 0.1)
    seats.admit("/report/", 5_000.0)
    seats.end_minute()
    assert seats.admit("/report/", 5_000.0)
    assert not seats.admit("/ping/", 0.1)


def test_one_that_lost_its_seat_may_win_it_back() -> None:
    """What it had taken is not forgotten at once."""
    seats = Seats(1)
    seats.admit("/day/", 100.0)
    seats.admit("/night/", 300.0)
    seats.end_minute()
    assert seats.admit("/night/", 0.0)
    seats.admit("/day/", 1_000.0)
    seats.end_minute()
    assert seats.admit("/day/", 0.0)


def test_a_busy_route_among_very_many_is_found() -> None:
    """100,000 routes that come once each do not hide one that stays."""
    seats = Seats(200)
    for number in range(1_000):
        seats.admit(f"/first-{number}/", 1.0)
    for number in range(100_000):
        seats.admit(f"/junk-{number}/", 1.0)
        if not number % 50:
            seats.admit("/shop/", 10.0)
        if not number % 10_000:
            seats.end_minute()
    assert seats.admit("/shop/", 10.0)


@given(st.integers(1, 20), st.integers(0, 2**32))
def test_seats_and_candidates_are_bounded(most: int, seed: int) -> None:
    """Never more routes apart than seats, whatever comes."""
    chance = random.Random(seed)
    seats = Seats(most)
    for _ in range(500):
        seats.admit(f"/{chance.randrange(100)}/", chance.expovariate(0.1))
        if chance.random() < 0.05:
            seats.end_minute()
        assert len(seats._seated) <= most
        assert len(seats._candidates) <= 2 * most
        assert not seats._seated.keys() & seats._candidates.keys()
