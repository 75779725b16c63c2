"""Student's t, the split of rare events: against published tables and exact fractions."""

from __future__ import annotations

from math import inf

import pytest

from perfkit.report.compare.distribution import (
    none_of,
    rarest_split,
    split_two_sided,
    t_limit,
    t_two_sided,
)


@pytest.mark.parametrize(
    ("df", "level", "limit"),
    [
        (1, 0.05, 12.706),
        (4, 0.05, 2.776),
        (10, 0.05, 2.228),
        (10, 0.001, 4.587),
        (120, 0.01, 2.617),
    ],
)
def test_students_t_is_that_of_the_tables(df: float, level: float, limit: float) -> None:
    """Both ways round."""
    assert t_two_sided(limit, df) == pytest.approx(level, rel=3e-3)
    assert t_limit(df, level) == pytest.approx(limit, rel=1e-3)


def test_of_many_degrees_of_freedom_it_is_the_normal() -> None:
    """1.96 for 5 %."""
    assert t_limit(1e7, 0.05) == pytest.approx(1.95996, rel=1e-4)
    assert t_two_sided(inf, 3) == 0.0
    assert t_two_sided(0.0, 3) == 1.0


def test_rare_events_split_as_a_coin_falls() -> None:
    """Five of five are 2 / 32."""
    assert split_two_sided(5, 0, 0.5) == pytest.approx(2 / 32)
    assert split_two_sided(0, 5, 0.5) == pytest.approx(2 / 32)
    assert split_two_sided(60, 40, 0.5) == pytest.approx(0.05689, rel=1e-3)
    assert split_two_sided(3, 3, 0.5) == 1.0
    assert split_two_sided(0, 0, 0.5) == split_two_sided(3, 4, 1.0) == 1.0


def test_many_events_are_close_to_the_exact() -> None:
    """Where the exact sum would cancel out the normal takes over, and meets it."""
    assert split_two_sided(530, 469, 0.5) == pytest.approx(split_two_sided(531, 470, 0.5), rel=0.02)
    assert split_two_sided(9_000, 1_000, 0.5) < 1e-12
    assert split_two_sided(5_000, 5_000, 0.5) == 1.0


def test_rearranged_spans_bound_every_chance() -> None:
    """With three spans against three nothing is rarer than 2 in 20."""
    assert rarest_split(3, 3) == pytest.approx(2 / 20)
    assert rarest_split(1, 0) == 1.0


def test_a_finding_in_every_span_is_hardly_missed_by_chance() -> None:
    """In one of six it is, and a coin decides."""
    assert none_of(6, 6, 6) == pytest.approx(1 / 924)
    assert none_of(1, 6, 6) == pytest.approx(0.5)
    assert none_of(3, 2, 6) == 0.0
