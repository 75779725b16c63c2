"""The cache advisor's events in the store: written once, read in the order of time, bounded."""

from __future__ import annotations

from typing import Any

import pytest

from perfkit.caching.event import Event
from perfkit.metrics.aggregate import Window
from perfkit.store.connection import opened
from perfkit.store.events import read_events
from perfkit.store.fold import fold
from perfkit.store.sink import StoreSink
from tests.caching.made import NOON, event
from tests.store.writing import settings_of

MINUTE = int(NOON)


def noted(*events: Event) -> dict[int, Window]:
    """Put events into the windows of their minutes."""
    windows: dict[int, Window] = {}
    for each in events:
        windows.setdefault(int(each.at // 60 * 60), Window()).note(each)
    return windows


def test_what_workers_noted_is_read_in_the_order_of_time(database: dict[str, Any]) -> None:
    """Of all workers, each told apart."""
    one, other = StoreSink(settings_of(database)), StoreSink(settings_of(database))
    one.emit(noted(event(1, url=1), event(70, url=2)))
    other.emit(noted(event(30, url=3)))
    stored = read_events(database, 0)
    (columns,) = stored.routes.values()
    assert list(columns.url) == [1, 3, 2]
    assert columns.worker[0] == columns.worker[2] != columns.worker[1]
    assert (stored.unreadable, stored.of_other_keys, stored.left_out) == (0, 0, 0)


def test_a_minute_that_goes_on_adds_rows(sink: StoreSink, database: dict[str, Any]) -> None:
    """The sums of a minute are replaced by fuller ones; events are not written again."""
    sink.emit(noted(event(1)))
    sink.emit(noted(event(2), event(3)))
    (columns,) = read_events(database, 0).routes.values()
    assert [at - NOON for at in columns.at] == [1, 2, 3]


def test_a_stretch_and_the_latest_of_it(sink: StoreSink, database: dict[str, Any]) -> None:
    """By minutes; what is beyond the most is counted."""
    sink.emit(noted(*(event(60 * minute, url=minute + 1) for minute in range(6))))
    (columns,) = read_events(database, MINUTE + 120, MINUTE + 240).routes.values()
    assert list(columns.url) == [3, 4]
    stored = read_events(database, 0, most=2)
    (columns,) = stored.routes.values()
    assert list(columns.url) == [5, 6]
    assert stored.left_out == 4


def test_hashes_of_another_key_are_kept_apart(
    database: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SECRET_KEY has changed, nothing old compares to anything new."""
    StoreSink(settings_of(database)).emit(noted(event(1, url=1)))
    monkeypatch.setattr("perfkit.store.append.key_name", lambda: "another")
    StoreSink(settings_of(database)).emit(noted(event(100, url=2)))
    stored = read_events(database, 0)
    (columns,) = stored.routes.values()
    assert list(columns.url) == [2]
    assert stored.of_other_keys == 1


def test_a_row_that_cannot_be_read_is_counted(sink: StoreSink, database: dict[str, Any]) -> None:
    """And the others are read."""
    sink.emit(noted(event(1), event(100)))
    with opened(database, create=True) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE perfkit_event SET payload = %s WHERE bucket = %s", [b"broken", MINUTE]
        )
    stored = read_events(database, 0)
    (columns,) = stored.routes.values()
    assert (len(columns), stored.unreadable) == (1, 1)


def test_events_are_kept_for_a_month(sink: StoreSink, database: dict[str, Any]) -> None:
    """Then they go; what they have told stands in the site's code by then."""
    sink.emit(noted(event(0), event(20 * 86_400)))
    settings = settings_of(database)
    with opened(database, create=True) as connection:
        fold(connection, NOON + 31 * 86_400, settings)
    (columns,) = read_events(database, 0).routes.values()
    assert [at - NOON for at in columns.at] == [20 * 86_400]


def test_events_keep_to_their_share_of_the_store(sink: StoreSink, database: dict[str, Any]) -> None:
    """The oldest go first, and are counted."""
    for minute in range(20):
        sink.emit(noted(*(event(60 * minute + n / 100, url=n * 7919 + minute) for n in range(99))))
    with opened(database, create=True) as connection:
        fold(connection, NOON + 1_200, settings_of(database, store_max_bytes=40_000))
    stored = read_events(database, 0)
    (columns,) = stored.routes.values()
    assert 0 < stored.evicted < 20
    assert columns.at[0] > NOON + 60
    assert columns.at[-1] > NOON + 1_140


def test_a_store_without_events(database: dict[str, Any], sink: StoreSink) -> None:
    """Nothing is known of any route."""
    sink.emit({MINUTE: Window()})
    assert read_events(database, 0).routes == {}
