"""Reads requests kept in detail, newest first, without what they are summed up into."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from perfkit.errors import StoreError, StoreMissing
from perfkit.metrics.sample import STALL, Sample
from perfkit.store import schema
from perfkit.store.connection import opened
from perfkit.store.payload import printable, sample_of
from perfkit.store.transaction import snapshot

#: Rows that one list looks at: what is older is not found by filters on what is inside a row.
MOST_READ = 2_000

_COLUMNS = "kind, route, method, at, rank, payload"


class Kept(NamedTuple):
    """A sample and the number that its row has."""

    id: int
    sample: Sample


def kept_samples(database: Mapping[str, Any], *, route: str = "") -> tuple[Kept, ...]:
    """Return the newest samples of requests that ended; stalls are left out, as what cannot be read.

    Args:
        database: shaped like an entry of ``DATABASES``.
        route: a part of the route, in any case.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be read.
    """
    escaped = printable(route).lower()
    for special in "!%_":
        escaped = escaped.replace(special, f"!{special}")
    return _kept(
        database,
        "kind <> %s AND lower(route) LIKE %s ESCAPE '!' ORDER BY at DESC, id LIMIT %s",
        [STALL, f"%{escaped}%", MOST_READ],
    )


def same_request(database: Mapping[str, Any], id: int) -> tuple[Kept, ...]:  # noqa: A002 - a row's
    """Return a sample and the others of the same request: one may be slow, fail and have loops.

    Args:
        database: shaped like an entry of ``DATABASES``.
        id: as ``Kept`` has it.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be read.
    """
    return _kept(
        database,
        "EXISTS (SELECT 1 FROM perfkit_sample AS one WHERE one.id = %s AND "
        "one.route = perfkit_sample.route AND one.method = perfkit_sample.method AND "
        "one.at = perfkit_sample.at) ORDER BY id = %s DESC, id LIMIT 10",
        [id, id],
    )


def _kept(database: Mapping[str, Any], where: str, values: list[Any]) -> tuple[Kept, ...]:
    found: list[Kept] = []
    with (
        suppress(StoreMissing),
        opened(database, create=False) as connection,
        snapshot(connection),
        connection.cursor() as cursor,
    ):
        if schema.written_version(connection) < schema.WITH_SAMPLES:
            return ()
        cursor.execute(f"SELECT id, {_COLUMNS} FROM perfkit_sample WHERE {where}", values)
        for number, *row in cursor.fetchall():
            with suppress(StoreError):
                found.append(Kept(number, sample_of(row)))
    return tuple(found)
