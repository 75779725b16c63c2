"""Samples: with the windows into the store, each once; the best of each hour stay."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.metrics.aggregate import Window
from perfkit.metrics.sample import Sample
from perfkit.store.read import read
from perfkit.store.schema import DAY, HOUR
from perfkit.store.sink import StoreSink
from tests.store.writing import MINUTE, ask, folded, request, settings_of, windows


def sample(rank: float = 1.0, at: float = MINUTE, **fields: Any) -> Sample:
    """Make a sample by hand."""
    values: dict[str, Any] = {
        "kind": "slowest", "route": "/products/", "method": "GET", "data": {"duration_ms": rank},
    }  # fmt: skip
    return Sample(at=at, rank=rank, **{**values, **fields})


def with_samples(*samples: Sample, at: float = MINUTE) -> dict[int, Window]:
    """Make a minute of one request that has samples."""
    made = windows(request(at))
    for window in made.values():
        window.keep(samples)
    return made


def test_samples_come_back_best_first(sink: StoreSink, database: dict[str, Any]) -> None:
    """As they were given, with the window that they came in."""
    given = [sample(2.0), sample(7.5, kind="stall", data={"age_s": 12, "tree": [["a", 1, []]]})]
    sink.emit(with_samples(*given))
    stored = read(database, 0)
    assert stored.samples == (given[1], given[0])
    assert stored.window.requests == 1


def test_samples_are_read_by_their_time(sink: StoreSink, database: dict[str, Any]) -> None:
    """From a moment on, and before another."""
    sink.emit(with_samples(*[sample(n, MINUTE + 60 * n) for n in range(4)]))
    stored = read(database, MINUTE + 60, MINUTE + 180)
    assert [each.rank for each in stored.samples] == [2, 1]


def test_a_minute_that_goes_on_keeps_its_samples_once(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """Flush after flush of one minute: no sample is lost or written again."""
    for n in range(5):
        sink.emit(with_samples(sample(n)))
    stored = read(database, 0)
    assert [each.rank for each in stored.samples] == [4, 3, 2, 1, 0]
    assert stored.window.requests == 5


def test_the_best_of_an_hour_stay(sink: StoreSink, database: dict[str, Any]) -> None:
    """So many of each kind, route, method and hour, by rank; nothing else is touched."""
    for hour in range(2):
        at = MINUTE + hour * HOUR
        same = [sample(n, at + n) for n in range(9)]
        others = [
            sample(1, at, kind="errored"), sample(1, at, method="POST"), sample(1, at, route="/x/"),
        ]  # fmt: skip
        sink.emit(with_samples(*same, *others, at=at))
    folded(database, MINUTE + HOUR + 600, samples_per_hour=3)
    stored = read(database, 0)
    assert [each.rank for each in stored.samples if each.rank != 1] == [8, 8, 7, 7, 6, 6]
    assert len(stored.samples) == 2 * (3 + 3)


def test_no_samples_an_hour_keeps_none(sink: StoreSink, database: dict[str, Any]) -> None:
    """SAMPLES_PER_HOUR = 0, set while some are in the store."""
    sink.emit(with_samples(sample()))
    folded(database, MINUTE + 60, samples_per_hour=0)
    assert read(database, 0).samples == ()


def test_samples_go_after_two_weeks(sink: StoreSink, database: dict[str, Any]) -> None:
    """The sums stay."""
    sink.emit(with_samples(sample(1), sample(2, MINUTE + 2 * DAY)))
    folded(database, MINUTE + 15 * DAY)
    stored = read(database, 0)
    assert [each.rank for each in stored.samples] == [2]
    assert stored.window.requests == 1


def test_samples_take_a_quarter_of_the_store(database: dict[str, Any]) -> None:
    """Beyond it the oldest hours go first, which is counted; the sums lose nothing."""
    sink = StoreSink(settings_of(database))
    for hour in range(40):
        at = MINUTE + hour * HOUR
        wide = [sample(n, at, data={"x": f"{hour}-{n}" * 50}, route=f"/{n}/") for n in range(20)]
        sink.emit(with_samples(*wide, at=at))
    before = read(database, 0)
    folded(database, MINUTE + 40 * HOUR, store_max_bytes=500_000)
    stored = read(database, 0)
    rows = len(stored.samples)
    assert 300 < rows < 40 * 20
    assert stored.evicted_samples == 40 * 20 - rows
    assert min(each.at for each in stored.samples) > MINUTE
    assert max(each.at for each in stored.samples) == MINUTE + 39 * HOUR
    assert (stored.evicted, stored.window.requests) == (0, before.window.requests)


def test_an_unreadable_sample_is_left_out_and_counted(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """The others are there."""
    sink.emit(with_samples(sample(1), sample(2)))
    ask(database, "UPDATE perfkit_sample SET payload = %s WHERE rank = 2", [b"\x00"])
    stored = read(database, 0)
    assert ([each.rank for each in stored.samples], stored.unreadable) == ([1], 1)


def test_names_that_a_database_refuses_are_spelled_out(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """NUL, which PostgreSQL has not, and lone surrogates, which no encoding has."""
    sink.emit(with_samples(sample(route="/a\x00\udc80b/")))
    (stored,) = read(database, 0).samples
    assert stored.route == "/a\\x00\\udc80b/"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1e300])
def test_numbers_that_a_database_refuses_count_as_zero(
    sink: StoreSink, database: dict[str, Any], number: float
) -> None:
    """One bad sample does not keep a worker's flushes waiting."""
    sink.emit(with_samples(sample(number), sample(3.0)))
    assert [each.rank for each in read(database, 0).samples] == [3.0, 0.0]
