"""Timer values: few, of equal weight, adding up to every request, written as statsd reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.histogram import Histogram
from perfkit.metrics.quantiles import rate, short, timer_values


def histogram_of(count: int) -> Histogram:
    """Record durations of 1 ms to 100 ms."""
    made = Histogram()
    for step in range(count):
        made.record(1.0 + 99.0 * step / count)
    return made


def test_few_durations_are_all_told() -> None:
    """Up to the limit each one is told, ascending, and stands for itself."""
    told = list(timer_values(histogram_of(100), 100))
    assert [weight for _, weight in told] == [1] * 100
    assert [value for value, _ in told] == pytest.approx(
        [1.0 + 0.99 * step for step in range(100)], rel=0.011
    )


@given(st.integers(1, 2_000), st.integers(1, 100))
def test_the_weights_add_up_and_are_equal_but_the_last(count: int, most: int) -> None:
    """The server's count is exact, and its percentiles need no weights."""
    told = list(timer_values(histogram_of(count), most))
    weights = [weight for _, weight in told]
    assert len(told) <= most
    assert sum(weights) == count
    assert len(set(weights[:-1])) <= 1
    assert 1 <= weights[-1] <= weights[0]


@pytest.mark.parametrize("count", [139, 1_234, 99_999])
def test_percentiles_are_those_of_all(count: int) -> None:
    """The 95th of a hundred values is the 95th of a hundred thousand."""
    values = [value for value, _ in timer_values(histogram_of(count), 100)]
    assert len(values) > 60
    assert values[round(0.95 * len(values)) - 1] == pytest.approx(95.0, rel=0.025)


def test_nothing_recorded_is_nothing_told() -> None:
    """A route may have counts without durations."""
    assert list(timer_values(Histogram(), 100)) == []


@given(st.integers(1, 10**12))
def test_any_rate_is_written_without_an_exponent(weight: int) -> None:
    """Digits and a dot only, and no count is off by more than a hundred-millionth."""
    text = rate(weight)
    assert re.fullmatch(r"[01]\.[0-9]*", text)
    assert 1 / float(text) == pytest.approx(weight, rel=1e-8)


@pytest.mark.parametrize(
    ("weight", "text"), [(2, "0.5"), (8, "0.125"), (80, "0.0125"), (100_000, "0.00001")]
)
def test_the_rates_that_are_used_are_short(weight: int, text: str) -> None:
    """A packet holds more of them, and statsd would read 1e-05 as 1."""
    assert rate(weight) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (12.3456, "12.35"),
        (0.012345, "0.01235"),
        (99.999, "100"),
        (123_456.7, "123457"),
        (1000.0, "1000"),
        (0.000_001, "0.000001"),
        (1e15, "1000000000000000"),
    ],
)
def test_a_value_has_four_digits_that_count(value: float, text: str) -> None:
    """A histogram knows no more of them."""
    assert short(value) == text


@given(st.floats(1e-6, 1e15))
def test_any_value_is_plain_and_close(value: float) -> None:
    """No exponent, no sign, within a twentieth of a percent."""
    text = short(value)
    assert re.fullmatch(r"[0-9]+(\.[0-9]*[1-9])?", text)
    assert float(text) == pytest.approx(value, rel=0.0006)
