"""The highest ranks are remembered, and the floor says what a newcomer must beat."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfkit.samples.best import Best


@given(st.integers(1, 6), st.lists(st.integers(1, 50)))
def test_what_is_above_the_floor_is_among_the_best(most: int, ranks: list[int]) -> None:
    """Offered in any order, the best of all have been taken when they came."""
    best = Best(most)
    taken = []
    for at, rank in enumerate(ranks):
        before = sorted(ranks[:at], reverse=True)[:most]
        assert (rank > best.floor) == (len(before) < most or rank > before[-1])
        if rank > best.floor:
            best.add(rank)
            taken.append(rank)
    assert sorted(taken, reverse=True)[:most] == sorted(ranks, reverse=True)[:most]


def test_nothing_is_among_the_best_with_rank_0() -> None:
    """No loop at all is not the worst loop of the hour."""
    assert not Best(5).floor < 0
