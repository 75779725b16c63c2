"""Thinning: every request is stood for exactly once, and new intervals look closely again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.thinning import FIRST, MOST_ROUTES, ONE_IN, Thinning


def weights(thinning: Thinning, count: int, route: str = "/", method: str = "GET") -> list[int]:
    """Let so many requests of a route pass."""
    return [thinning.weight(route, method) for _ in range(count)]


def test_the_first_of_an_interval_are_all_analyzed() -> None:
    """A rare route is seen as it is."""
    assert weights(Thinning(), FIRST) == [1] * FIRST


def test_then_one_of_so_many_stands_for_those_passed_over() -> None:
    """The cost of a busy route is bounded, its sums are not thinned."""
    thinning = Thinning()
    weights(thinning, FIRST)
    assert weights(thinning, 2 * ONE_IN) == 2 * [*[0] * (ONE_IN - 1), ONE_IN]


def test_routes_and_methods_take_turns_apart() -> None:
    """A busy page does not hide a rare one."""
    thinning = Thinning()
    weights(thinning, 100)
    assert weights(thinning, 1, route="/rare/") == [1]
    assert weights(thinning, 1, method="POST") == [1]


def test_an_interval_begins_anew() -> None:
    """What changed on a page is seen within a flush."""
    thinning = Thinning()
    weights(thinning, FIRST + 3)
    thinning.begin_interval()
    assert all(weights(thinning, FIRST))


@given(st.lists(st.integers(0, 60), max_size=8), st.integers(0, 3))
def test_no_request_is_counted_twice(intervals: list[int], slow_one_in: int) -> None:
    """However intervals fall and whichever are slow, the weights never exceed the requests.

    Less than one turn is still to be stood for at any time.
    """
    thinning = Thinning()
    served = stood_for = 0
    for requests in intervals:
        for number in range(requests):
            always = bool(slow_one_in) and number % slow_one_in == 0
            served += 1
            weight = thinning.weight("/", "GET", always=always)
            stood_for += weight
            assert weight or not always, "a slow request is analyzed whenever it comes"
            assert stood_for <= served
            assert served - stood_for < ONE_IN
        thinning.begin_interval()


def test_very_many_routes_take_bounded_memory() -> None:
    """Beyond the limit a route is analyzed each time it comes, and nothing of it is kept."""
    thinning = Thinning()
    for number in range(3 * MOST_ROUTES):
        thinning.weight(f"/{number}/", "GET")
    assert weights(thinning, FIRST + 3, route="/one-more/") == [1] * (FIRST + 3)
    assert len(thinning._seen) == MOST_ROUTES


def test_what_was_passed_over_is_forgotten_in_the_end() -> None:
    """Routes that come for one interval each, and never again, are not stood for forever."""
    thinning = Thinning()
    for interval in range(3):
        for number in range(MOST_ROUTES):
            weights(thinning, FIRST + 1, route=f"/{interval}-{number}/")
        thinning.begin_interval()
    assert len(thinning._passed) <= MOST_ROUTES
