"""A COMMIT that nobody heard of, on both databases: nothing is lost, nothing is counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from time import time
from typing import Any

import pytest
from django.db.utils import OperationalError

from perfkit.store.read import read
from perfkit.store.sink import MOST_WAITING, StoreSink
from tests.store.lossy.base import undone, unheard
from tests.store.test_samples import sample, with_samples
from tests.store.writing import MINUTE, ask, folded, loop, request, settings_of, windows

LOSSY = {
    "django.db.backends.sqlite3": "tests.store.lossy",
    "django.db.backends.postgresql": "tests.store.lossy_postgres",
}
BOTH = pytest.mark.parametrize("how", [unheard, undone], ids=["done", "not done"])


@pytest.fixture
def lossy(database: dict[str, Any]) -> Iterator[StoreSink]:
    """Make a worker whose connection breaks when it is told to; its store is there already."""
    StoreSink(settings_of(database)).emit(windows(request(MINUTE - 600)))
    yield StoreSink(settings_of({**database, "ENGINE": LOSSY[database["ENGINE"]]}))
    unheard.clear()
    undone.clear()


def breaks(how: list[str], sink: StoreSink, given: Any) -> None:
    """Let the COMMIT of a flush not be heard of."""
    how.append("the connection was lost during COMMIT")
    with pytest.raises(OperationalError, match="lost during COMMIT"):
        sink.emit(given)
    assert sink.waiting


def requests_in(database: dict[str, Any]) -> int:
    """Return the requests in the store but for the one that was there before."""
    return read(database, 0).window.requests - 1


@BOTH
def test_a_retried_flush_is_counted_once(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """The next flush asks whether it is in."""
    lossy.emit(windows(request()))
    breaks(how, lossy, windows(request(), request(MINUTE + 60)))
    lossy.emit({})
    assert not lossy.waiting
    assert requests_in(database) == 3


@BOTH
def test_a_workers_first_flush_is_counted_once(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """The store does not know the worker then, or just got to know it."""
    breaks(how, lossy, windows(request()))
    lossy.emit(windows(request()))
    lossy.emit(windows(request()))
    assert requests_in(database) == 3


@BOTH
def test_what_comes_after_it_is_not_lost(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """New requests of the same minute, and of the next."""
    lossy.emit(windows(request()))
    breaks(how, lossy, windows(request()))
    lossy.emit(windows(request(), request(MINUTE + 60)))
    lossy.emit(windows(request()))
    assert requests_in(database) == 5


@BOTH
def test_another_worker_may_have_folded_it_meanwhile(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """Its row and its key are gone then, and it is in all the same."""
    now = time()
    lossy.emit(windows(request(now - 600)))
    breaks(how, lossy, windows(request(now - 600), request(now - 540)))
    folded(database, now)
    lossy.emit({})
    lossy.emit(windows(request(now - 600)))
    assert requests_in(database) == 4
    folded(database, now)
    assert requests_in(database) == 4


@BOTH
def test_one_doubt_after_another(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """The network stays bad: each flush is settled before the next is written."""
    for minute in range(5):
        breaks(how, lossy, windows(request(MINUTE + 60 * minute), request()))
    lossy.emit({})
    assert requests_in(database) == 10


@BOTH
def test_samples_and_texts_are_there_once(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """They were in the same transaction."""
    breaks(how, lossy, with_samples(sample(1), sample(2)))
    lossy.emit(windows(request(findings=(loop(),))))
    stored = read(database, 0)
    assert [each.rank for each in stored.samples] == [2, 1]
    assert set(stored.texts) == {"f" * 12}


@BOTH
def test_a_text_is_not_believed_written_when_it_is_not(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """It came with the flush in doubt, and is there once that is settled."""
    breaks(how, lossy, windows(request(findings=(loop(),))))
    lossy.emit({})
    assert set(read(database, 0).texts) == {"f" * 12}


@BOTH
def test_a_new_store_gets_what_was_in_doubt(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """The old one was replaced: nobody can say whether it had the flush, and the new one has not."""
    lossy.emit(windows(request()))
    breaks(how, lossy, windows(request(), request()))
    for table in ("window", "worker", "finding", "sample"):
        ask(database, f"DELETE FROM perfkit_{table}")
    ask(database, "UPDATE perfkit_meta SET value = 1 WHERE name = 'identity'")
    lossy.emit(windows(request()))
    assert read(database, 0).window.requests == 3


@BOTH
def test_doubt_and_what_waits_stay_bounded(
    lossy: StoreSink, database: dict[str, Any], how: list[str]
) -> None:
    """An hour of each at most; what is dropped is counted when it ends."""
    first = {n: windows(request(MINUTE + 60 * n)) for n in range(MOST_WAITING)}
    many = {bucket: window for each in first.values() for bucket, window in each.items()}
    breaks(how, lossy, many)
    unreachable = {**lossy._database, "NAME": "/nowhere/at/all", "HOST": "127.0.0.1", "PORT": "1"}
    known, lossy._database = lossy._database, unreachable
    for minute in range(3 * MOST_WAITING):
        with pytest.raises((OperationalError, OSError)):
            lossy.emit(windows(request(MINUTE + 60 * (minute + MOST_WAITING))))
    assert len(lossy._waiting) == MOST_WAITING
    lossy._database = known
    lossy.emit({})
    window = read(database, 0).window
    assert window.requests + window.dropped["requests"] == 1 + 4 * MOST_WAITING
    assert window.requests == 1 + (2 if how is unheard else 1) * MOST_WAITING
