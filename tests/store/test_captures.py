"""Captures, nonces and orders in the store, on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perfkit.conf import Settings
from perfkit.profiling.capture import (
    CallCount,
    Caller,
    Capture,
    Frame,
    Node,
    Order,
    Profile,
    Span,
    StackSample,
)
from perfkit.store import captures, cut
from perfkit.store.nonces import MOST_A_MINUTE
from perfkit.store.read import read as read_store
from perfkit.store.schema import DAY
from perfkit.store.sink import StoreSink
from tests.store.writing import MINUTE, ask, folded, request, settings_of, windows


def made(id: str = "a", **fields: Any) -> Capture:  # noqa: A002  # as in the model
    """Return a capture with something in every field."""
    values: dict[str, Any] = {
        "id": id, "engine": "sampler", "reason": "page", "owner": "1", "name": "/books/",
        "method": "GET", "status": 200, "path": "/books/", "started_at": float(MINUTE),
        "duration_ms": 20.0, "record": {"statements": 3}, "shapes": (("SELECT ?", 1, 1.0),),
        "spans": (Span("db", 0.5, 1.0, "SELECT ?", None),),
        "source": {"shop/views.py": {"4": "return 1"}},
        "profile": Profile(
            frames=(Frame("shop/views.py", 3, "books", "site"), Frame("x.py", 1, "x", "site")),
            nodes=(Node(-1, 0, 4), Node(0, 1, 2)),
            samples=(StackSample(0.0, 1.5, 1),),
        ),
    }  # fmt: skip
    return Capture(**{**values, **fields})


@pytest.fixture
def settings(database: dict[str, Any]) -> Settings:
    """Return the settings of a worker."""
    return settings_of(database)


def test_it_comes_back_as_it_was(database: dict[str, Any], settings: Settings) -> None:
    """Whole by its id, one line of it in a list."""
    capture = made()
    assert captures.save(database, capture, settings)
    assert captures.read(database, "a") == capture
    assert captures.listed(database, "1") == (
        captures.CaptureRow("a", MINUTE, "1", "/books/", "GET", 200, "sampler", "page", 20.0, 3),
    )


@pytest.mark.parametrize("id", ["b", "", "a' OR '1'='1", "a\x00", "\ud800", "../a", "x" * 9_999])
def test_an_id_that_there_is_not(
    database: dict[str, Any],
    settings: Settings,
    id: str,  # noqa: A002  # as in the model
) -> None:
    """None, whatever somebody types."""
    captures.save(database, made(), settings)
    assert captures.read(database, id) is None
    assert not captures.delete(database, id, "1")


def test_no_store_no_captures(database: dict[str, Any]) -> None:
    """Asking makes none, and is no error."""
    assert captures.listed(database, None) == ()
    assert captures.read(database, "a") is None
    assert not captures.delete(database, "a", None)


def test_saved_twice_it_is_there_once(database: dict[str, Any], settings: Settings) -> None:
    """The first stays."""
    captures.save(database, made(), settings)
    captures.save(database, made(name="other"), settings)
    assert [row.name for row in captures.listed(database, None)] == ["/books/"]


def test_lists_are_filtered(database: dict[str, Any], settings: Settings) -> None:
    """By owner, name, method, status, engine, reason, time and statements; newest first."""
    for capture in (
        made("a", started_at=MINUTE + 1.0),
        made("b", owner="2", started_at=MINUTE + 2.0, status=404, name="/Items_%/"),
        made("c", owner="", started_at=MINUTE + 3.0, method="POST", engine="cprofile"),
        made("d", started_at=MINUTE + 4.0, duration_ms=900.0, record={}, reason="slower"),
    ):
        captures.save(database, capture, settings)

    def ids(owner: str | None = None, **filters: Any) -> str:
        return "".join(row.id for row in captures.listed(database, owner, **filters))

    assert ids() == "dcba"
    assert (ids("1"), ids("2"), ids("3")) == ("dca", "cb", "c")
    assert (ids(name="items"), ids(name="_%"), ids(name="%"), ids(name="i_e")) == (
        "b",
        "b",
        "b",
        "",
    )
    assert (ids(method="POST"), ids(engine="cprofile"), ids(reason="slower")) == ("c", "c", "d")
    assert (ids(status=404), ids(status=4), ids(status=2)) == ("b", "b", "dca")
    assert (ids(longer_ms=100), ids(statements=1)) == ("d", "cba")
    assert (ids(since=MINUTE + 3), ids(until=MINUTE + 3)) == ("dc", "ba")
    assert (ids(limit=1), ids(limit=0), ids(limit=-5)) == ("d", "", "")


def test_only_an_owner_deletes(database: dict[str, Any], settings: Settings) -> None:
    """And everybody what is nobody's."""
    captures.save(database, made("a"), settings)
    captures.save(database, made("b", owner=""), settings)
    assert not captures.delete(database, "a", "2")
    assert captures.delete(database, "a", "1")
    assert captures.delete(database, "b", "2")
    assert not captures.delete(database, "a", "1")


def test_they_are_bounded_by_count(database: dict[str, Any], settings: Settings) -> None:
    """The latest stay."""
    few = replace(settings, captures=2)
    for at in range(4):
        captures.save(database, made(str(at), started_at=MINUTE + float(at)), few)
    assert [row.id for row in captures.listed(database, None)] == ["3", "2"]


def test_they_are_bounded_by_bytes(database: dict[str, Any], settings: Settings) -> None:
    """A quarter of the store's size is theirs; the latest stay."""
    small = replace(settings, store_max_bytes=4_000)
    for at in range(6):
        captures.save(database, made(str(at), started_at=MINUTE + float(at)), small)
    kept = [row.id for row in captures.listed(database, None)]
    assert kept
    assert kept == ["5", "4", "3", "2", "1", "0"][: len(kept)]
    assert len(kept) < 6


def test_they_are_bounded_by_age(database: dict[str, Any], settings: Settings) -> None:
    """Two weeks; orders and nonces go with them."""
    captures.save(database, made("old"), settings)
    captures.save(database, made("young", started_at=MINUTE + 5.0 * DAY), settings)
    captures.issue(database, "nonce", "1", MINUTE)
    captures.add_order(database, ordered())
    folded(database, MINUTE + 15 * DAY)
    assert [row.id for row in captures.listed(database, None)] == ["young"]
    assert ask(database, "SELECT * FROM perfkit_nonce") == []
    assert ask(database, "SELECT * FROM perfkit_order") == []


def test_a_capture_that_is_too_large(database: dict[str, Any], settings: Settings) -> None:
    """Statements on the time line go first, then source, then every second sample; notes say so."""
    profile = Profile(
        frames=tuple(Frame(f"f{at}.py", 1, "x" * 100, "site") for at in range(2_000)),
        nodes=tuple(Node(-1, at, 1) for at in range(2_000)),
        samples=tuple(StackSample(at * 1.0, 1.0, at % 2_000) for at in range(9_000)),
    )
    capture = made(
        profile=profile,
        spans=tuple(Span("db", at, 1.0, "S" * 500, None) for at in range(3_000)),
        source={"f.py": {str(at): "y" * 200 for at in range(4_000)}},
    )
    captures.save(database, capture, settings)
    stored = captures.read(database, "a")
    assert stored is not None
    assert len(stored.spans) == 200
    assert stored.profile.samples == profile.samples
    assert "200 statements and cache calls are left" in stored.profile.notes[0]


@pytest.mark.parametrize("most", [90_000, 60_000, 20_000, 2_000, 10])
def test_it_is_cut_until_it_fits(most: int) -> None:
    """What is left is whole: nodes have their parents and frames, times add up."""
    capture = made(
        profile=Profile(
            frames=tuple(Frame(f"f{at}.py", 1, "function", "site") for at in range(1_000)),
            nodes=tuple(Node(at - 1, at, 1) for at in range(1_000)),
            samples=tuple(StackSample(at * 1.0, 1.0, at) for at in range(1_000)),
            calls=tuple(
                CallCount(at, 2, 1, at * 1.0, 2.0, (Caller(at - 1, 1, 1, 1.0, 1.0),) if at else ())
                for at in range(1_000)
            ),
        )
    )
    left = Capture.from_dict(cut.plain_within(capture, most))
    profile = left.profile
    assert profile.notes
    for node in profile.nodes:
        assert node.parent < len(profile.nodes)
        assert profile.frames[node.frame]
    if profile.samples:
        assert sum(sample.duration_ms for sample in profile.samples) == 1_000
    for count in profile.calls:
        assert profile.frames[count.frame]
        assert all(profile.frames[caller.frame] for caller in count.callers)


def test_a_row_that_cannot_be_read(database: dict[str, Any], settings: Settings) -> None:
    """None: of another version, or damaged."""
    captures.save(database, made(), settings)
    ask(database, "UPDATE perfkit_capture SET payload = %s", [b"damaged"])
    assert captures.read(database, "a") is None


def test_hostile_names_are_kept_as_text(database: dict[str, Any], settings: Settings) -> None:
    """What a database refuses is spelled out, the rest is as it was."""
    name = "<script>\x00\ud800'; DROP TABLE perfkit_capture"
    captures.save(database, made(name=name, owner="1\x00"), settings)
    (row,) = captures.listed(database, "1\x00")
    assert row.name == "<script>\\x00\\ud800'; DROP TABLE perfkit_capture"
    stored = captures.read(database, "a")
    assert stored is not None
    assert stored.name == name


def test_a_nonce_is_spent_once(database: dict[str, Any]) -> None:
    """By one of all workers; one that was never issued by none."""
    assert captures.issue(database, "n", "1", MINUTE)
    assert captures.spend(database, "n")
    assert not captures.spend(database, "n")
    assert not captures.spend(database, "other")


def test_nonces_are_limited(database: dict[str, Any]) -> None:
    """Ten a minute and owner; old ones are deleted."""
    for at in range(MOST_A_MINUTE):
        assert captures.issue(database, str(at), "1", MINUTE + at)
    assert not captures.issue(database, "x", "1", MINUTE + 30)
    assert captures.issue(database, "x", "2", MINUTE + 30)
    assert captures.issue(database, "y", "1", MINUTE + 61)
    assert captures.issue(database, "z", "1", MINUTE + 7_200)
    assert ask(database, "SELECT nonce FROM perfkit_nonce") == [("z",)]


def ordered(id: str = "o", **fields: Any) -> Order:  # noqa: A002  # as in the model
    """Return an order for one capture."""
    values: dict[str, Any] = {
        "id": id, "owner": "1", "reason": "route", "route": "/books/", "method": "", "count": 1,
        "engine": "sampler", "slower_ms": 0.0, "taken": 0, "expires": MINUTE + 600.0,
    }  # fmt: skip
    return Order(**{**values, **fields})


def test_an_order_is_filled(database: dict[str, Any], settings: Settings) -> None:
    """So many captures and no more, whoever writes them."""
    order = ordered(count=2)
    assert captures.add_order(database, order)
    assert captures.orders(database, MINUTE) == (order,)
    assert captures.save(database, made("a"), settings, "o")
    assert captures.orders(database, MINUTE) == (replace(order, taken=1),)
    assert captures.save(database, made("b"), settings, "o")
    assert captures.orders(database, MINUTE) == ()
    assert not captures.save(database, made("c"), settings, "o")
    assert len(captures.listed(database, None)) == 2


def test_an_order_ends(database: dict[str, Any], settings: Settings) -> None:
    """It expires, or its owner cancels it; nothing is written for it then."""
    captures.add_order(database, ordered("o"))
    captures.add_order(database, ordered("p"))
    assert captures.orders(database, MINUTE + 601) == ()
    assert not captures.save(database, made(started_at=MINUTE + 601.0), settings, "o")
    assert not captures.cancel_order(database, "p", "2")
    assert captures.cancel_order(database, "p", "1")
    assert not captures.cancel_order(database, "p", "1")
    assert not captures.save(database, made(), settings, "p")
    assert captures.listed(database, None) == ()


def test_not_too_many_orders(database: dict[str, Any]) -> None:
    """Every request is compared with each of them."""
    for at in range(20):
        assert captures.add_order(database, ordered(str(at)), MINUTE)
    assert not captures.add_order(database, ordered("x"), MINUTE)
    assert captures.add_order(database, ordered("x"), MINUTE + 601)


def test_a_flush_reads_the_orders(sink: StoreSink, database: dict[str, Any]) -> None:
    """Along with its write, on the same connection."""
    order = ordered(expires=2.0**40)
    captures.add_order(database, order)
    sink.emit(windows(request()))
    assert sink.orders == (order,)


SECOND = """
CREATE TABLE perfkit_window (id INTEGER PRIMARY KEY, epoch TEXT, seq INTEGER, span INTEGER NOT NULL,
    bucket BIGINT NOT NULL, payload BLOB NOT NULL, UNIQUE (epoch, seq));
CREATE TABLE perfkit_worker (epoch TEXT PRIMARY KEY, seq BIGINT NOT NULL, seen BIGINT NOT NULL);
CREATE TABLE perfkit_finding (fingerprint TEXT, seen BIGINT, payload BLOB NOT NULL,
    PRIMARY KEY (fingerprint, seen));
CREATE TABLE perfkit_sample (id INTEGER PRIMARY KEY, epoch TEXT, seq BIGINT, bucket BIGINT NOT NULL,
    kind TEXT NOT NULL, route TEXT NOT NULL, method TEXT NOT NULL, at REAL NOT NULL,
    rank REAL NOT NULL, payload BLOB NOT NULL, UNIQUE (epoch, seq));
CREATE TABLE perfkit_event (id INTEGER PRIMARY KEY, epoch TEXT, seq BIGINT, bucket BIGINT NOT NULL,
    hashes TEXT NOT NULL, payload BLOB NOT NULL, UNIQUE (epoch, seq));
CREATE TABLE perfkit_mark (at REAL, name TEXT, PRIMARY KEY (at, name));
CREATE TABLE perfkit_meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO perfkit_meta VALUES ('version', 2), ('identity', 4711), ('evicted', 3);
INSERT INTO perfkit_mark VALUES (1800000000.0, 'v1');
"""


def test_a_store_of_the_second_version(
    database: dict[str, Any], path: Path, settings: Settings
) -> None:
    """It is read as it is, captures are none; the next write brings it up, and loses nothing."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as store, store:
        store.executescript(SECOND)
    assert captures.listed(database, None) == ()
    assert captures.read(database, "a") is None
    assert not captures.delete(database, "a", None)
    assert not captures.cancel_order(database, "o", None)
    assert captures.orders(database, 0) == ()
    assert [name for _, name in read_store(database, 0).marks] == ["v1"]
    captures.save(database, made(), settings)
    assert [row.id for row in captures.listed(database, None)] == ["a"]
    stored = read_store(database, 0)
    assert ([name for _, name in stored.marks], stored.evicted) == (["v1"], 3)
    assert ask(database, "SELECT value FROM perfkit_meta WHERE name = 'version'") == [(3,)]
    assert ask(database, "SELECT value FROM perfkit_meta WHERE name = 'identity'") == [(4711,)]
