"""Counts of what is loaded along, through the store and back."""

from __future__ import annotations

from typing import Any

from perfkit.metrics.eager_loads import Loaded
from perfkit.record import EagerLoad, Site
from perfkit.store.payload import pack, unpack
from perfkit.store.read import read
from perfkit.store.sink import StoreSink
from tests.store.writing import MINUTE, ask, folded, request, settings_of, windows

LINE = Site("shop/views.py", 25, "catalog")


def load(path: str = "author", *, used: bool = False) -> EagerLoad:
    """Make a fact of one request."""
    return EagerLoad("shop.Book", path, "select_related", LINE, 3, used)


def counts(database: dict[str, Any]) -> dict[Loaded, tuple[int, int]]:
    """Return what the store holds: requests that loaded it, requests that read it."""
    window = read(database, 0).window
    return {key: (stats.requests, stats.used) for key, stats in window.eager_loads}


AUTHOR, TAGS = (Loaded("shop.Book", path, "select_related", LINE) for path in ("author", "tags"))


def test_workers_and_minutes_add_up(sink: StoreSink, database: dict[str, Any]) -> None:
    """What two workers saw, over an hour."""
    other = StoreSink(settings_of(database))
    for minute in range(3):
        sink.emit(windows(request(MINUTE + 60 * minute, eager_loads=(load(), load("tags")))))
    other.emit(windows(request(MINUTE + 60, eager_loads=(load(used=True),))))
    assert counts(database) == {AUTHOR: (4, 1), TAGS: (3, 0)}


def test_folding_keeps_them(sink: StoreSink, database: dict[str, Any]) -> None:
    """Minutes into ten minutes, hours and days: the counts stay, and so do the routes."""
    for minute in range(30):
        sink.emit(windows(request(MINUTE + 60 * minute, eager_loads=(load(), load("tags")))))
    before = counts(database)
    for days in (1, 2, 20):
        folded(database, MINUTE + 86_400 * days)
    assert counts(database) == before == {AUTHOR: (30, 0), TAGS: (30, 0)}
    stats = dict(read(database, 0).window.eager_loads)[AUTHOR]
    assert stats.routes == {"GET /products/": 30}
    assert (stats.first, stats.last) == (MINUTE, MINUTE + 29 * 60)


def test_a_store_of_the_first_perfkit_is_read_and_folded(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """Its windows hold no such counts; nothing else is lost, and new counts join in."""
    sink.emit(windows(request()))
    ((row, payload),) = ask(database, "SELECT id, payload FROM perfkit_window")
    plain = unpack(bytes(payload))
    for key in ("eager_loads", "accepted"):
        plain.pop(key, None)
    ask(database, "UPDATE perfkit_window SET payload = %s WHERE id = %s", [pack(plain), row])
    assert (read(database, 0).window.requests, counts(database)) == (1, {})
    sink.emit(windows(request(eager_loads=(load(),))))
    folded(database, MINUTE + 86_400)
    stored = read(database, 0)
    assert (stored.window.requests, stored.unreadable) == (2, 0)
    assert counts(database) == {AUTHOR: (1, 0)}


def test_counts_that_cannot_be_read_cost_their_row(
    sink: StoreSink, database: dict[str, Any]
) -> None:
    """Damage is counted, not guessed at."""
    sink.emit(windows(request(eager_loads=(load(),))))
    ((payload,),) = ask(database, "SELECT payload FROM perfkit_window")
    plain = {**unpack(bytes(payload)), "eager_loads": [["shop.Book"]]}
    ask(database, "UPDATE perfkit_window SET payload = %s", [pack(plain)])
    stored = read(database, 0)
    assert (stored.window.requests, stored.unreadable) == (0, 1)
