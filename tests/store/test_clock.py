"""Clocks that jump: no good data is deleted, hidden or counted elsewhere for good."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.store.clock import now_of
from perfkit.store.connection import opened
from perfkit.store.fold import fold
from perfkit.store.read import read
from perfkit.store.schema import DAY, HOUR, RAW
from perfkit.store.schema import MINUTE as FOLDED
from perfkit.store.sink import StoreSink
from tests.store.test_samples import sample, with_samples
from tests.store.writing import MINUTE, ask, dump, loop, request, settings_of, windows

NOW = MINUTE + 100 * DAY
YEARS = 20 * 365 * DAY


def fold_at(database: dict[str, Any], now: float) -> None:
    """Fold as a worker does whose clock says so."""
    with opened(database, create=True) as connection:
        fold(connection, now, settings_of(database, store_max_age_days=10))


def spans(database: dict[str, Any]) -> set[int]:
    """Return the spans of the rows."""
    return {span for (span,) in ask(database, "SELECT span FROM perfkit_window")}


@pytest.mark.parametrize("wrong", [NOW + YEARS, NOW - YEARS, 0.0, NOW + 11 * DAY])
def test_a_clock_that_leaps_deletes_and_folds_nothing(
    sink: StoreSink, database: dict[str, Any], wrong: float
) -> None:
    """A machine that boots in another year folds for some minutes: nothing happens."""
    fold_at(database, NOW - 120)
    sink.emit(windows(request(NOW - 60), request(NOW - HOUR)))
    rows = dump(database)["perfkit_window"]
    for minute in range(50):
        fold_at(database, wrong + 60 * minute)
    assert dump(database)["perfkit_window"] == rows
    fold_at(database, NOW)
    assert spans(database) == {RAW, FOLDED}
    assert read(database, NOW - DAY).window.requests == 2


def test_a_site_that_slept_is_folded_after_an_hour(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """A month without a request is a leap too, and what has become too old goes then."""
    sink.emit(windows(request(NOW - 5 * DAY)))
    fold_at(database, NOW)
    later = NOW + 30 * DAY
    sink.emit(windows(request(later)))
    seen = []
    for minute in range(0, 70, 5):
        fold_at(database, later + 60 * minute)
        seen.append(read(database, 0).window.requests)
    assert seen == [2] * 12 + [1] * 2


def test_a_leap_after_a_leap_begins_anew(database: dict[str, Any]) -> None:
    """Only a clock that holds for an hour is believed, not one that jumps about."""
    StoreSink(settings_of(database)).emit(windows(request(NOW)))
    fold_at(database, NOW)
    for number in range(1, 30):
        fold_at(database, NOW + number * YEARS)
    assert read(database, 0).window.requests == 1


def test_minutes_of_the_far_future_come_back(sink: StoreSink, database: dict[str, Any]) -> None:
    """Written while the clock was wrong, they count as now: neither for ever nor never."""
    future = NOW + YEARS
    sink.emit(with_samples(sample(at=future), at=future))
    sink.emit(windows(request(future, findings=(loop(message="then"),))))
    sink.emit(windows(request(NOW, findings=(loop(message="now"),))))
    assert read(database, 0, NOW + HOUR).window.requests == 1
    fold_at(database, NOW + 60)
    stored = read(database, 0, NOW + HOUR)
    assert stored.window.requests == 3
    assert len(stored.samples) == 1
    assert read(database, NOW + HOUR).window.requests == 0


def test_a_text_of_the_far_future_does_not_hide_the_next(database: dict[str, Any]) -> None:
    """The finding's lines are those of today once the folding has been there."""
    wrong = StoreSink(settings_of(database))
    wrong.emit(windows(request(NOW + YEARS, findings=(loop(message="then"),))))
    fold_at(database, NOW)
    right = StoreSink(settings_of(database))
    right.emit(windows(request(NOW, findings=(loop(message="now"),))))
    assert read(database, 0).texts["f" * 12]["message"] == "now"


def test_a_worker_whose_clock_is_set_back_writes_its_texts_again(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """It wrote one in the far future, which the folding took away."""
    sink.emit(windows(request(NOW + YEARS, findings=(loop(message="then"),))))
    fold_at(database, NOW)
    sink.emit(windows(request(NOW, findings=(loop(message="now"),))))
    assert read(database, 0).texts["f" * 12]["message"] == "now"


def test_minutes_of_the_far_past_delete_nothing_else(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """They are too old, and that is counted; the rest stays."""
    sink.emit(windows(request(0.0), request(NOW)))
    fold_at(database, NOW)
    stored = read(database, 0)
    assert (stored.window.requests, stored.too_old) == (1, 1)


def test_the_servers_clock_folds_for_a_fleet(postgres: dict[str, Any]) -> None:
    """A host whose own clock is wrong cannot fold or delete by it, nor be forgotten for it."""
    StoreSink(settings_of(postgres)).emit(windows(request()))
    ((server, seen),) = ask(postgres, "SELECT extract(epoch FROM now()), seen FROM perfkit_worker")
    with opened(postgres, create=False) as connection:
        assert abs(now_of(connection) - float(server)) < 60
    assert abs(float(server) - seen) < 60
