"""Orders for captures: who wants how many of which requests, and how many are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from perfkit.profiling.capture import Order
from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.cut import LONGEST_NAME
from perfkit.store.payload import printable
from perfkit.store.transaction import transaction

#: Orders that are open at one time; workers compare every request with each of them.
MOST_OPEN = 20

_COLUMNS = "id, owner, reason, route, method, engine, slower_ms, wanted, taken, expires"


def add_order(database: Mapping[str, Any], order: Order, now: float | None = None) -> bool:
    """Write an order; False, and nothing written, where too many are open.

    Args:
        database: shaped like an entry of ``DATABASES``.
        order: what is wanted.
        now: Unix seconds, to tell which others are open; None counts those that have expired too.

    Raises:
        DatabaseError, StoreError, OSError: it was not written.
    """
    with (
        opened(database, create=True) as connection,
        transaction(connection),
        connection.cursor() as cursor,
    ):
        if len(open_orders(connection, now or 0.0)) >= MOST_OPEN:
            return False
        cursor.execute(
            f"INSERT INTO perfkit_order ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                order.id,
                printable(order.owner),
                order.reason,
                printable(order.route)[:LONGEST_NAME],
                printable(order.method),
                order.engine,
                order.slower_ms,
                order.count,
                order.taken,
                order.expires,
            ],
        )
    return True


def orders(database: Mapping[str, Any], now: float) -> tuple[Order, ...]:
    """Return the orders that are open: neither filled nor expired; the oldest first.

    Args:
        database: shaped like an entry of ``DATABASES``.
        now: Unix seconds.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be read.
    """
    with opened(database, create=False) as connection:
        return open_orders(connection, now)


def open_orders(connection: BaseDatabaseWrapper, now: float) -> tuple[Order, ...]:
    """Do what ``orders`` does, on an open store."""
    if schema.written_version(connection) < schema.WITH_CAPTURES:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM perfkit_order WHERE expires > %s AND taken < wanted "
            "ORDER BY expires, id LIMIT %s",
            [float(now), MOST_OPEN],
        )
        return tuple(Order(*row) for row in cursor.fetchall())


def cancel_order(database: Mapping[str, Any], id: str, owner: str | None) -> bool:  # noqa: A002  # as in URLs
    """Delete an order of an owner's; tell whether there was one.

    Args:
        database: shaped like an entry of ``DATABASES``.
        id: of the order.
        owner: who asks; None for whoever may cancel everybody's.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be written.
    """
    whose, values = ("", []) if owner is None else (" AND owner = %s", [printable(owner)])
    with opened(database, create=False) as connection:
        if schema.written_version(connection) < schema.WITH_CAPTURES:
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM perfkit_order WHERE id = %s{whose}", [printable(id), *values]
            )
            return bool(cursor.rowcount)


def take(cursor: CursorWrapper, id: str, at: float) -> bool:  # noqa: A002  # as above
    """Count a capture to its order, in the transaction that writes it; False where none is wanted.

    The row is locked until that transaction ends, so that all workers together make no more.
    """
    cursor.execute(
        "UPDATE perfkit_order SET taken = taken + 1 "
        "WHERE id = %s AND taken < wanted AND expires > %s",
        [printable(id), float(at)],
    )
    return bool(cursor.rowcount == 1)
