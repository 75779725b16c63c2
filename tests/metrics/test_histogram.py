"""Histograms: quantiles within 1.1 %, merges that lose nothing, a stored form that comes back."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.metrics.histogram import MAX_BUCKETS, SCALE, Histogram
from perfkit.metrics.lanes import unpacked

#: (g - 1) / (g + 1) for g = 2**(1/32), and what floats add.
RELATIVE_ERROR = (2 ** (1 / 32) - 1) / (2 ** (1 / 32) + 1) + 1e-9

#: Nearly 32 doublings: what one histogram holds at full precision.
durations = st.floats(min_value=0.001, max_value=4_000_000.0)
many_durations = st.lists(durations, min_size=1, max_size=200)
anything = st.floats(allow_nan=True, allow_infinity=True)
shares = st.floats(min_value=0.0, max_value=1.0)


def histogram_of(values: list[float]) -> Histogram:
    """Record each value once."""
    made = Histogram()
    for value in values:
        made.record(value)
    return made


def nearest_rank(values: list[float], q: float) -> float:
    """Return the exact quantile."""
    ranked = sorted(values)
    return ranked[max(1, min(math.ceil(q * len(ranked) - 1e-9), len(ranked))) - 1]


def buckets(histogram: Histogram) -> dict[int, int]:
    """Return the counts by OpenTelemetry's index."""
    scale, offset, *_ = histogram.to_json()
    assert scale == histogram.scale
    return {offset + i: n for i, n in enumerate(unpacked(histogram._lanes)) if n}


def counts_of(histogram: Histogram) -> list[object]:
    """Return all that must be exactly equal: everything but the float sum."""
    data = histogram.to_json()
    return [*data[:4], *data[5:]]


@given(many_durations, shares)
def test_a_quantile_is_within_its_error(values: list[float], q: float) -> None:
    """Any quantile of any durations is that of the sorted values, give or take 1.1 %."""
    found = histogram_of(values).quantile(q)
    assert found is not None
    assert found == pytest.approx(nearest_rank(values, q), rel=RELATIVE_ERROR)
    assert min(values) <= found <= max(values)


@given(many_durations)
def test_the_ends_and_the_sum_are_exact(values: list[float]) -> None:
    """The slowest request is shown as it was."""
    histogram = histogram_of(values)
    assert histogram.count == len(values)
    assert histogram.sum == pytest.approx(sum(values))
    assert (histogram.min, histogram.max) == (min(values), max(values))
    assert (histogram.quantile(0.0), histogram.quantile(1.0)) == (min(values), max(values))


@given(durations)
def test_buckets_are_those_of_opentelemetry(value: float) -> None:
    """Index i holds (base**i, base**(i + 1)], base 2**(2**-5), as the specification has it."""
    (index,) = buckets(histogram_of([value]))
    base = 2.0 ** (2.0**-SCALE)
    assert index == pytest.approx(math.ceil(math.log(value) * 2**SCALE / math.log(2)) - 1, abs=1)
    assert base**index < value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= base ** (index + 1)


@pytest.mark.parametrize("power", range(-3, 17))
def test_a_power_of_two_closes_its_bucket(power: int) -> None:
    """The upper end belongs to a bucket, the lower one to the bucket below."""
    assert buckets(histogram_of([2.0**power])) == {power * 32 - 1: 1}


@given(st.lists(many_durations, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_merging_is_exact_in_any_order(groups: list[list[float]], chance: random.Random) -> None:
    """Workers and minutes may come together in any order and grouping."""
    parts = [histogram_of(group) for group in groups]
    chance.shuffle(parts)
    merged = Histogram()
    for part in parts:
        merged.merge(part)
    assert counts_of(merged) == counts_of(histogram_of([v for group in groups for v in group]))
    assert merged.sum == pytest.approx(sum(v for group in groups for v in group))


@given(many_durations, many_durations)
def test_recording_goes_on_after_a_merge(first: list[float], second: list[float]) -> None:
    """A histogram that was read, merged or asked takes further values."""
    histogram = Histogram()
    histogram.merge(histogram_of(first))
    histogram.quantile(0.5)
    for value in second:
        histogram.record(value)
    assert counts_of(histogram) == counts_of(histogram_of(first + second))


def test_merging_leaves_the_other_as_it_was() -> None:
    """The store keeps its own."""
    fine, coarse = histogram_of([5.0, 6.0]), histogram_of([1e-5, 1e10])
    before = fine.to_json()
    coarse.merge(fine)
    assert fine.to_json() == before
    assert coarse.count == 4


def test_a_coarse_histogram_takes_a_fine_one_and_the_reverse() -> None:
    """Two scales meet at the coarser one, from either side."""
    values, spread = [5.0, 6.0, 7.0], [1e-5, 1e10]
    for first, second in ((values, spread), (spread, values)):
        merged = histogram_of(first)
        merged.merge(histogram_of(second))
        assert merged.scale < SCALE
        assert counts_of(merged) == counts_of(histogram_of(values + spread))


def test_merging_with_itself_doubles() -> None:
    """There is no order in which the two sides are read."""
    histogram = histogram_of([1.0, 2.0, 300.0])
    histogram.merge(histogram)
    assert (histogram.count, histogram.sum) == (6, 606.0)
    assert histogram.quantile(0.5) == pytest.approx(2.0, rel=RELATIVE_ERROR)


@given(st.lists(anything, max_size=60), st.lists(anything, max_size=60))
def test_no_value_does_harm(first: list[float], second: list[float]) -> None:
    """Whatever a clock says, counts are right, quantiles are numbers, and JSON stays JSON."""
    histogram, other = histogram_of(first), histogram_of(second)
    histogram.merge(other)
    assert histogram.count == len(first) + len(second)
    text = json.dumps(histogram.to_json(), allow_nan=False)
    assert Histogram.from_json(json.loads(text)).count == histogram.count
    for q in (0.0, 0.5, 1.0):
        found = histogram.quantile(q)
        assert found is None or (math.isfinite(found) and found >= 0)


@given(st.lists(st.floats(min_value=1e-6, max_value=1e15), min_size=1, max_size=100), shares)
def test_a_wide_span_costs_precision_and_no_value(values: list[float], q: float) -> None:
    """Beyond 1,024 buckets pairs join: the tail is coarser, and still there."""
    histogram = histogram_of(values)
    assert sum(buckets(histogram).values()) == len(values)
    assert len(unpacked(histogram._lanes)) <= MAX_BUCKETS
    base = 2.0 ** (2.0**-histogram.scale)
    expected = nearest_rank(values, q)
    assert histogram.quantile(q) == pytest.approx(expected, rel=(base - 1) / (base + 1) + 1e-9)


def test_thirty_two_doublings_keep_full_precision() -> None:
    """From a microsecond to more than an hour a route's quantiles stay within 1.1 %."""
    assert histogram_of([0.001, 4_000_000.0]).scale == SCALE
    assert histogram_of([0.000_1, 4_000_000.0]).scale == SCALE - 1


def test_a_coarser_scale_is_the_finer_one_in_pairs() -> None:
    """Index i at one scale is i >> 1 at the next, below zero too."""
    values = [0.3, 0.31, 0.5, 1.0, 7.7, 8.1]
    wide = histogram_of([*values, 1e-5, 1e6])
    shift = SCALE - wide.scale
    assert shift > 0
    expected: dict[int, int] = {}
    for index, times in buckets(histogram_of(values)).items():
        expected[index >> shift] = expected.get(index >> shift, 0) + times
    inner = buckets(wide)
    del inner[min(inner)], inner[max(inner)]
    assert inner == expected


@pytest.mark.parametrize("value", [0.0, -1.0, -math.inf, math.inf, math.nan, 1e-9, 1e300])
def test_what_is_no_duration_counts_as_zero(value: float) -> None:
    """It is a request all the same, and adds nothing to the sum."""
    histogram = histogram_of([5.0, value, 7.0])
    assert (histogram.count, histogram.sum) == (3, 12.0)
    assert (histogram.min, histogram.max) == (0.0, 7.0)
    assert histogram.quantile(0.3) == 0.0
    assert histogram.quantile(0.5) == pytest.approx(5.0, rel=RELATIVE_ERROR)


def test_zeros_alone_are_a_histogram_too() -> None:
    """Every quantile of nothing but zeros is zero."""
    histogram = histogram_of([0.0, 0.0, 0.0])
    assert [histogram.quantile(q) for q in (0.0, 0.5, 1.0)] == [0.0, 0.0, 0.0]
    assert list(histogram.sample(3)) == [0.0, 0.0, 0.0]


def test_an_empty_histogram_says_so() -> None:
    """There is no quantile of nothing; the rest is zero and can be stored."""
    empty = Histogram()
    assert empty.quantile(0.5) is None
    assert (empty.count, empty.sum, empty.min, empty.max) == (0, 0.0, 0.0, 0.0)
    assert list(empty.sample(10)) == []
    again = Histogram.from_json(json.loads(json.dumps(empty.to_json())))
    again.record(3.0)
    again.merge(empty)
    assert (again.count, again.min, again.max) == (1, 3.0, 3.0)


def test_a_value_recorded_many_times_counts_as_often() -> None:
    """A group of equal values is one call."""
    histogram = Histogram()
    histogram.record(2.5, times=1000)
    histogram.record(0.0, times=10)
    assert (histogram.count, histogram.sum) == (1010, 2500.0)
    assert histogram.quantile(0.5) == 2.5


@given(many_durations)
def test_the_stored_form_comes_back(values: list[float]) -> None:
    """Through JSON and back, every count, quantile and end is the same."""
    histogram = histogram_of(values)
    text = json.dumps(histogram.to_json())
    again = Histogram.from_json(json.loads(text))
    assert json.dumps(again.to_json()) == text
    assert again.quantile(0.95) == pytest.approx(histogram.quantile(0.95), rel=1e-5)


@given(st.lists(st.integers(min_value=1, max_value=2**40), min_size=1, max_size=20))
def test_large_counts_stay_in_their_bucket(times: list[int]) -> None:
    """A busy year's merge does not run over into the neighbor."""
    histogram = Histogram()
    for place, count in enumerate(times):
        histogram.record(2.0**place, count)
    again = Histogram.from_json(json.loads(json.dumps(histogram.to_json())))
    again.merge(histogram)
    assert list(buckets(again).values()) == [2 * count for count in times]


def test_the_stored_form_is_small() -> None:
    """A busy route's minute is below 400 characters, before the store compresses it."""
    chance = random.Random(1)
    histogram = histogram_of([chance.lognormvariate(3.0, 0.8) for _ in range(200)])
    assert len(json.dumps(histogram.to_json())) < 400


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        None,
        [5, 0, 0, 1],
        [5, 0, 0, 1, 1.0, 1.0, 1.0, 1, "%"],
        [5, 0, 0, 1, 1.0, 1.0, 1.0, 1, 7],
        [5, 0, 0, 1, 1.0, 1.0, 1.0, 2, "AAAA"],
    ],
)
def test_a_damaged_stored_form_is_refused(damaged: object) -> None:
    """The report can say what it skipped."""
    with pytest.raises(ValueError, match="not a stored histogram"):
        Histogram.from_json(damaged)  # type: ignore[arg-type]


def test_counts_that_do_not_add_up_do_no_harm() -> None:
    """A store that lost something still gives an answer between the ends."""
    data = histogram_of([1.0, 2.0, 4.0]).to_json()
    data[3] = 1000
    assert Histogram.from_json(data).quantile(0.5) == pytest.approx(4.0, rel=RELATIVE_ERROR)


def test_a_rank_is_not_off_by_what_floats_add() -> None:
    """The seventh of a hundred is 0.07, though 0.07 * 100 is more than 7."""
    exact = Histogram()
    for value, times in ((1.0, 7), (1000.0, 93)):
        exact.record(value, times)
    assert exact.quantile(0.07) == pytest.approx(1.0, rel=RELATIVE_ERROR)


@pytest.mark.parametrize("q", [-0.1, 1.1, 95, math.nan])
def test_a_quantile_outside_the_shares_is_refused(q: float) -> None:
    """95 means 0.95, and is worth an error."""
    with pytest.raises(ValueError, match=r"a share from 0\.0 to 1\.0, not"):
        histogram_of([1.0]).quantile(q)


@given(many_durations)
def test_a_full_sample_is_the_values(values: list[float]) -> None:
    """As many samples as values are those values, in order."""
    sample = list(histogram_of(values).sample(len(values)))
    assert sample == pytest.approx(sorted(values), rel=RELATIVE_ERROR)


def test_a_sample_stands_for_the_whole() -> None:
    """A hundred of ten thousand have its mean and quantiles."""
    chance = random.Random(2)
    values = [chance.lognormvariate(4.0, 0.7) for _ in range(10_000)]
    histogram = histogram_of(values)
    sample = list(histogram.sample(100))
    assert len(sample) == 100
    assert sample == sorted(sample)
    assert sum(sample) / 100 == pytest.approx(sum(values) / 10_000, rel=0.02)
    assert sample[94] == pytest.approx(nearest_rank(values, 0.945), rel=RELATIVE_ERROR)


def test_recording_keeps_few_buckets_in_memory() -> None:
    """However different the values, what waits to be packed stays bounded."""
    histogram = Histogram()
    for step in range(5000):
        histogram.record(1e-5 * 1.01**step)
        assert len(histogram._pending) <= MAX_BUCKETS
    assert histogram.count == 5000
