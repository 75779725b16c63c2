"""Counts of what is loaded along: exact, mergeable in any order, bounded, never weighted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perfkit.metrics import eager_loads
from perfkit.metrics.aggregate import Aggregate, Window
from perfkit.metrics.eager_loads import EagerLoads, EagerLoadStats, Loaded
from perfkit.record import EagerLoad, RequestRecord, Site

START = 1_800_000_000.0 // 60 * 60
LINE = Site("shop/views.py", 25, "catalog")


def load(path: str = "author", *, used: bool = False, **fields: Any) -> EagerLoad:
    """Make a fact of one request."""
    values: dict[str, Any] = {
        "model": "shop.Book", "method": "select_related", "site": LINE, "rows": 3,
    }  # fmt: skip
    return EagerLoad(path=path, used=used, **{**values, **fields})


def request(*loads: EagerLoad, **fields: Any) -> RequestRecord:
    """Make a request that loaded these along."""
    values: dict[str, Any] = {"method": "GET", "status": 200, "started_at": START, "route": "/a/"}
    return RequestRecord(eager_loads=loads, **{**values, **fields})


def window(*records: RequestRecord, weight: int = 1) -> Window:
    """Sum up requests of one minute, wherever they say they began."""
    made = Window()
    for record in records:
        made.add(record.route, record, True, weight)
    return made


def told(window: Window) -> dict[str, tuple[int, int]]:
    """Return path -> requests that loaded it and that read it."""
    return {key.path: (stats.requests, stats.used) for key, stats in window.eager_loads}


def test_requests_are_counted_and_stand_for_themselves_only() -> None:
    """The weight of a request is for estimates; a sample has no larger size than it has."""
    made = window(
        request(load(), load("tags", used=True)), request(load(used=True)), request(), weight=10
    )
    assert told(made) == {"author": (2, 1), "tags": (1, 1)}


def test_when_and_where_are_kept() -> None:
    """First and last, and the routes, by method."""
    made = window(
        request(load(), started_at=START + 5),
        request(load(), started_at=START + 2, route="/b/", method="HEAD"),
        request(load(), started_at=START + 3),
    )
    ((key, stats),) = made.eager_loads
    assert key == Loaded("shop.Book", "author", "select_related", LINE)
    assert (stats.first, stats.last) == (START + 2, START + 5)
    assert stats.routes == {"GET /a/": 2, "HEAD /b/": 1}


def test_routes_of_what_is_read_are_not_kept() -> None:
    """Nobody asks for them, and most relations are read."""
    made = window(request(load()), request(load(used=True)), request(load()))
    ((_, stats),) = made.eager_loads
    assert stats.routes == {}


def test_lines_models_and_methods_are_told_apart() -> None:
    """Each is another edit."""
    made = window(
        request(
            load(),
            load(site=Site("shop/views.py", 26, "catalog")),
            load(site=None),
            load(model="shop.Novel"),
            load(method="prefetch_related"),
        )
    )
    assert len(made.eager_loads) == 5


def test_minutes_and_workers_add_up_in_any_order() -> None:
    """A read anywhere is a read."""
    parts = [
        window(request(load(), load("tags"), started_at=START + 60)),
        window(request(load(used=True)), request(load())),
    ]
    for first, second in (parts, parts[::-1]):
        whole = Window.from_json(first.to_json())
        whole.merge(Window.from_json(second.to_json()))
        assert told(whole) == {"author": (3, 1), "tags": (1, 0)}
        stats = dict(whole.eager_loads)
        author, tags = (
            stats[Loaded("shop.Book", path, "select_related", LINE)] for path in ("author", "tags")
        )
        assert (author.first, author.last) == (START, START + 60)
        assert (author.routes, tags.routes) == ({}, {"GET /a/": 1})


def test_the_stored_form_is_plain_json() -> None:
    """What comes back is what was written, lines that are not known too."""
    made = window(request(load(), load("tags", site=None, used=True)))
    stored = json.loads(json.dumps(made.to_json()))
    again = Window.from_json(stored)
    assert again.to_json() == made.to_json()
    assert told(again) == told(made)


def test_a_window_stored_before_there_were_any_can_be_read() -> None:
    """Stores of the first perfkit hold none."""
    stored = window(request(load())).to_json()
    del stored["eager_loads"]
    again = Window.from_json(stored)
    assert len(again.eager_loads) == 0
    assert again.requests == 1


def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a minute, and where minutes are merged; those that have room go on."""
    monkeypatch.setattr(eager_loads, "MOST_EAGER_LOADS", 2)
    made = window(request(load("a"), load("b"), load("c")), request(load("a"), load("c")))
    assert told(made) == {"a": (2, 0), "b": (1, 0)}
    assert made.dropped == {"eager_loads": 2}
    other = window(request(load("b"), load("d")))
    made.merge(other)
    assert told(made) == {"a": (2, 0), "b": (2, 0)}
    assert made.dropped == {"eager_loads": 3}


def test_requests_without_any_leave_no_trace() -> None:
    """Nothing is dropped, nothing is kept."""
    made = window(request())
    assert (len(made.eager_loads), made.dropped) == (0, {})
    assert EagerLoads.from_json([]).to_json() == []


def test_a_worker_keeps_them_by_minute() -> None:
    """As it does everything else."""
    aggregate = Aggregate(200)
    aggregate.add(request(load()), True, 1)
    aggregate.add(request(load(), started_at=START + 61), True, 10)
    assert [told(window) for window in aggregate.take().values()] == [{"author": (1, 0)}] * 2


def test_merging_leaves_the_other_as_it_is() -> None:
    """A window that waits for the store is merged and sent again."""
    one, other = EagerLoadStats(START), EagerLoadStats(START)
    other.add(False, "GET /a/", START)
    one.merge(other)
    one.add(True, "GET /a/", START)
    assert other.to_json() == [1, 0, int(START), int(START), {"GET /a/": 1}]
