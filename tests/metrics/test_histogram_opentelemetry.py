"""Histograms against OpenTelemetry's own SDK and against sorted values: the same buckets, true quantiles."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import Histogram as Instrument
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from perfkit.metrics.histogram import MAX_BUCKETS, SCALE, Histogram
from perfkit.metrics.lanes import unpacked
from tests.figures import tell

#: The bar: what a quantile may be off, after any merge.
WITHIN = 0.011
SHARES = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)

#: Milliseconds that a site's requests take, as they are spread in practice.
SHAPES: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda chance: chance.lognormvariate(3.0, 1.0),
    "narrow": lambda chance: chance.lognormvariate(3.0, 0.05),
    "wide": lambda chance: chance.lognormvariate(2.0, 2.0),
    "two peaks": lambda chance: chance.choice((2.0, 900.0)) * chance.uniform(0.9, 1.1),
    "uniform": lambda chance: chance.uniform(0.5, 2_000.0),
    "long tail": lambda chance: min(5.0 * chance.paretovariate(1.1), 60_000.0),
    "whole milliseconds": lambda chance: float(chance.randint(1, 4_000)),
}

values = st.floats(min_value=0.001, max_value=4_000_000.0)


def ours(recorded: Iterable[float]) -> Histogram:
    """Record each value once."""
    made = Histogram()
    for value in recorded:
        made.record(value)
    return made


def theirs(recorded: Iterable[float]) -> ExponentialHistogramDataPoint:
    """Record each value with the SDK, at our scale and size."""
    reader = InMemoryMetricReader()
    aggregation = ExponentialBucketHistogramAggregation(MAX_BUCKETS, SCALE)
    view = View(instrument_type=Instrument, aggregation=aggregation)
    provider = MeterProvider([reader], views=[view], shutdown_on_exit=False)
    instrument = provider.get_meter("test").create_histogram("duration", "ms")
    for value in recorded:
        instrument.record(value)
    data = reader.get_metrics_data()
    assert data is not None
    (point,) = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert isinstance(point, ExponentialHistogramDataPoint)
    provider.shutdown()
    return point


def buckets_of(histogram: Histogram) -> dict[int, int]:
    """Return our counts by the specification's index."""
    _, offset, *_ = histogram.to_json()
    return {offset + place: n for place, n in enumerate(unpacked(histogram._lanes)) if n}


def buckets_of_point(point: ExponentialHistogramDataPoint) -> dict[int, int]:
    """Return the SDK's counts by the specification's index."""
    counts = enumerate(point.positive.bucket_counts)
    return {point.positive.offset + place: n for place, n in counts if n}


def off_a_boundary(value: float) -> bool:
    """Tell whether a value is clearly within a bucket: on an edge the SDK's logarithm may round."""
    place = math.log2(value) * 2**SCALE
    return abs(place - round(place)) > 1e-9


def exact(recorded: list[float], q: float) -> float:
    """Return the exact nearest-rank quantile."""
    ranked = sorted(recorded)
    return ranked[max(1, min(math.ceil(q * len(ranked) - 1e-9), len(ranked))) - 1]


@given(st.lists(values.filter(off_a_boundary), min_size=1, max_size=200))
def test_the_buckets_are_the_sdks(recorded: list[float]) -> None:
    """Scale, indexes, counts, sum and both ends are what OpenTelemetry's own histogram has."""
    made, point = ours(recorded), theirs(recorded)
    assert (made.scale, buckets_of(made)) == (point.scale, buckets_of_point(point))
    assert (made.count, made.min, made.max) == (point.count, point.min, point.max)
    assert made.sum == pytest.approx(point.sum)


def test_powers_of_two_fall_into_the_sdks_buckets() -> None:
    """A bucket's upper bound belongs to it: where that is exact in floats, both agree."""
    powers = [2.0**power for power in range(-3, 17)]
    made, point = ours(powers), theirs(powers)
    assert buckets_of(made) == buckets_of_point(point)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fleets_merge_is_what_the_sdk_would_have_recorded(shape: str) -> None:
    """128 workers' histograms, stored, read and merged in any order, are one histogram of all."""
    chance = random.Random(shape)
    parts = [
        [value for _ in range(200) if off_a_boundary(value := SHAPES[shape](chance))]
        for _ in range(128)
    ]
    point = theirs(value for part in parts for value in part)
    stored = [ours(part).to_json() for part in parts]
    chance.shuffle(stored)
    merged = Histogram()
    for data in stored:
        merged.merge(Histogram.from_json(data))
    assert (merged.scale, buckets_of(merged)) == (point.scale, buckets_of_point(point))
    assert (merged.count, merged.sum) == (point.count, pytest.approx(point.sum))


def test_what_is_too_wide_is_halved_as_the_sdk_does() -> None:
    """Beyond 1,024 buckets both double the width of all, and end with the same counts."""
    chance = random.Random(4)
    recorded = [10.0 ** chance.uniform(-5.5, 6.5) for _ in range(3_000)]
    recorded = [value for value in recorded if off_a_boundary(value)]
    made, point = ours(recorded), theirs(recorded)
    assert made.scale == point.scale == SCALE - 1
    assert buckets_of(made) == buckets_of_point(point)


@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_are_within_the_bar_after_any_merge(shape: str) -> None:
    """Of 64 workers, folded minute by minute and then all, no quantile is off by more than 1.1 %."""
    chance = random.Random(shape)
    parts = [[SHAPES[shape](chance) for _ in range(300)] for _ in range(64)]
    folded = []
    for first in range(0, 64, 8):
        minute = Histogram()
        for part in parts[first : first + 8]:
            minute.merge(Histogram.from_json(ours(part).to_json()))
        folded.append(Histogram.from_json(minute.to_json()))
    merged = Histogram()
    for minute in reversed(folded):
        merged.merge(minute)
    recorded = [value for part in parts for value in part]
    assert merged.scale == SCALE
    worst = max(abs(_at(merged, q) / exact(recorded, q) - 1) for q in SHARES)
    tell(f"{shape}: a quantile is off by {worst:.2%} at most (bar: {WITHIN:.1%})")
    assert worst <= WITHIN


def _at(histogram: Histogram, q: float) -> float:
    found = histogram.quantile(q)
    assert found is not None
    return found
