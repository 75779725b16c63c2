"""Marks in time: deploys, written by ``perfdash deploy`` and drawn into reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.payload import printable

#: Characters of a mark's name.
_MOST_NAME = 200


def add_mark(database: Mapping[str, Any], name: str, at: float) -> None:
    """Mark a moment; the same mark twice is one.

    Args:
        database: shaped like an entry of ``DATABASES``.
        name: what happened, such as the version deployed; cut to 200 characters.
        at: Unix seconds.

    Raises:
        DatabaseError, StoreError, OSError: it was not written.
    """
    with opened(database, create=True) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO perfkit_mark (at, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [float(at), printable(name[:_MOST_NAME])],
        )


def marks(database: Mapping[str, Any], since: float) -> list[tuple[float, str]]:
    """Return the marks from a moment on, oldest first.

    Args:
        database: shaped like an entry of ``DATABASES``.
        since: Unix seconds.

    Raises:
        StoreError: there is no store, or it cannot be read; the message says what to do.
    """
    with opened(database, create=False) as connection:
        if schema.written_version(connection) < schema.WITH_SAMPLES:
            return []  # no worker has brought it up yet
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT at, name FROM perfkit_mark WHERE at >= %s ORDER BY at, name", [float(since)]
            )
            return [(float(at), name) for at, name in cursor.fetchall()]
