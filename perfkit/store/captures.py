"""Captures in the store: written once, listed without their stacks, read whole, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from perfkit.conf import Settings
from perfkit.errors import StoreError, StoreMissing
from perfkit.profiling.capture import Capture
from perfkit.store import schema
from perfkit.store.bounds import trim_captures
from perfkit.store.connection import opened
from perfkit.store.cut import LONGEST_NAME, plain_within
from perfkit.store.nonces import issue as issue
from perfkit.store.nonces import spend as spend
from perfkit.store.orders import add_order as add_order
from perfkit.store.orders import cancel_order as cancel_order
from perfkit.store.orders import orders as orders
from perfkit.store.orders import take
from perfkit.store.payload import pack, printable, unpack
from perfkit.store.transaction import snapshot, transaction

#: Rows that one list has at most.
MOST_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """One line of a list of captures; the fields are those of ``Capture``, ``at`` its start."""

    id: str
    at: float
    owner: str
    name: str
    method: str
    status: int
    engine: str
    reason: str
    duration_ms: float
    statements: int


_COLUMNS = "id, at, owner, name, method, status, engine, reason, duration_ms, statements"


def save(
    database: Mapping[str, Any], capture: Capture, settings: Settings, order: str = ""
) -> bool:
    """Write a capture, and delete the oldest where there are too many.

    Args:
        database: shaped like an entry of ``DATABASES``.
        capture: what to write; one of that id that is there already stays.
        settings: ``captures`` and ``store_max_bytes`` are read.
        order: id of the order that it is made for; ``""`` for none.

    Returns:
        False where its order is filled, canceled or has expired: nothing was written.

    Raises:
        DatabaseError, StoreError, OSError: it was not written.
    """
    statements = capture.record.get("statements", 0)
    row: list[Any] = [
        capture.id,
        capture.started_at,
        *(printable(text)[:LONGEST_NAME] for text in (capture.owner, capture.name, capture.method)),
        capture.status,
        capture.engine,
        capture.reason,
        capture.duration_ms,
        statements if isinstance(statements, int) else 0,
        order,
        pack(plain_within(capture)),
    ]
    with (
        opened(database, create=True) as connection,
        transaction(connection),
        connection.cursor() as cursor,
    ):
        if order and not take(cursor, order, capture.started_at):
            return False
        cursor.execute(
            f"INSERT INTO perfkit_capture ({_COLUMNS}, ordered, payload) "
            f"VALUES ({', '.join(['%s'] * len(row))}) ON CONFLICT DO NOTHING",
            row,
        )
        trim_captures(cursor, settings)
    return True


def read(database: Mapping[str, Any], id: str) -> Capture | None:  # noqa: A002  # its name in a URL
    """Return a capture; None where there is none of that id, or it cannot be read.

    Args:
        database: shaped like an entry of ``DATABASES``.
        id: of the capture, whatever somebody typed.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be read.
    """
    statement = "SELECT payload FROM perfkit_capture WHERE id = %s"
    rows = _asked(database, statement, [printable(id)])
    if not rows:
        return None
    try:
        return Capture.from_dict(unpack(bytes(rows[0][0])))
    except (StoreError, KeyError, TypeError, ValueError, AttributeError):
        return None  # of another version, or damaged


def listed(
    database: Mapping[str, Any],
    owner: str | None,
    *,
    name: str = "",
    limit: int = 50,
    method: str = "",
    engine: str = "",
    reason: str = "",
    status: int = 0,
    longer_ms: float = 0.0,
    statements: int = 0,
    since: float = 0.0,
    until: float | None = None,
) -> tuple[CaptureRow, ...]:
    """List captures, newest first.

    Args:
        database: shaped like an entry of ``DATABASES``.
        owner: whose, beside those of nobody (code and commands); None for all.
        name: a part of the name, in any case.
        limit: rows at most, up to 1,000.
        method: exactly, as the two below; ``""`` for any.
        engine: one of ``ENGINES``.
        reason: one of ``REASONS``.
        status: exactly; below 10 a class such as 5 for 5xx; 0 for any.
        longer_ms: only those that took so long at least.
        statements: only those that ran so many at least.
        since: Unix seconds from which on they started.
        until: Unix seconds before which they did; None for no end.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be read.
    """
    where = ["at >= %s", "duration_ms >= %s", "statements >= %s"]
    values: list[Any] = [float(since), float(longer_ms), int(statements)]
    conditions: list[tuple[bool, str, list[Any]]] = [
        (owner is not None, "owner IN (%s, '')", [owner]),
        (bool(name), "lower(name) LIKE %s ESCAPE '!'", [_like(name)]),
        (bool(method), "method = %s", [method]),
        (bool(engine), "engine = %s", [engine]),
        (bool(reason), "reason = %s", [reason]),
        (0 < status < 10, "status >= %s AND status < %s", [status * 100, status * 100 + 100]),
        (status >= 10, "status = %s", [status]),
        (until is not None, "at < %s", [until]),
    ]
    for applies, condition, given in conditions:
        if applies:
            where.append(condition)
            values += [printable(each) if isinstance(each, str) else each for each in given]
    rows = _asked(
        database,
        f"SELECT {_COLUMNS} FROM perfkit_capture WHERE {' AND '.join(where)} "
        "ORDER BY at DESC, id LIMIT %s",
        [*values, max(0, min(int(limit), MOST_LISTED))],
    )
    return tuple(CaptureRow(*row) for row in rows)


def delete(database: Mapping[str, Any], id: str, owner: str | None) -> bool:  # noqa: A002  # as read
    """Delete a capture of an owner's, or of nobody's; tell whether there was one.

    Args:
        database: shaped like an entry of ``DATABASES``.
        id: of the capture.
        owner: who asks; None for whoever may delete everybody's.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be written.
    """
    whose, values = ("", []) if owner is None else (" AND owner IN (%s, '')", [printable(owner)])
    if not exists(database):
        return False
    with (
        opened(database, create=False) as connection,
        transaction(connection),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"DELETE FROM perfkit_capture WHERE id = %s{whose}", [printable(id), *values]
        )
        return bool(cursor.rowcount)


def exists(database: Mapping[str, Any]) -> bool:
    """Tell whether there is a store that can hold captures: no worker may have made it yet.

    Args:
        database: shaped like an entry of ``DATABASES``.
    """
    with suppress(StoreMissing), opened(database, create=False) as connection:
        return schema.written_version(connection) >= schema.WITH_CAPTURES
    return False


def _asked(database: Mapping[str, Any], statement: str, values: list[Any]) -> list[Any]:
    """Run a query and return its rows; none where no worker has made the tables yet."""
    with (
        suppress(StoreMissing),
        opened(database, create=False) as connection,
        snapshot(connection),
        connection.cursor() as cursor,
    ):
        if schema.written_version(connection) >= schema.WITH_CAPTURES:
            cursor.execute(statement, values)
            return list(cursor.fetchall())
    return []


def _like(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text.lower()}%"
