"""What makes a capture's token good for one use, by all workers together; and how many are given out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from perfkit.store.connection import opened
from perfkit.store.payload import printable
from perfkit.store.transaction import transaction

#: Captures and orders that one person may ask for in a minute.
MOST_A_MINUTE: Final = 10

#: Seconds after which a nonce is of no use: a token has expired long before.
_KEPT_S: Final = 3_600.0


def issue(database: Mapping[str, Any], nonce: str, owner: str, at: float) -> bool:
    """Note a nonce as unspent; False, and nothing noted, where its owner has asked too often.

    Args:
        database: shaped like an entry of ``DATABASES``.
        nonce: unguessable; for an order its id, which only counts.
        owner: key of the user who asks, as text.
        at: Unix seconds.

    Raises:
        DatabaseError, StoreError, OSError: it was not noted.
    """
    name = printable(owner)
    with (
        opened(database, create=True) as connection,
        transaction(connection),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM perfkit_nonce WHERE at < %s", [at - _KEPT_S])
        cursor.execute(
            "SELECT count(*) FROM perfkit_nonce WHERE owner = %s AND at > %s", [name, at - 60]
        )
        if cursor.fetchone()[0] >= MOST_A_MINUTE:
            return False
        cursor.execute(
            "INSERT INTO perfkit_nonce (nonce, owner, at, spent) VALUES (%s, %s, %s, 0)",
            [nonce, name, float(at)],
        )
    return True


def spend(database: Mapping[str, Any], nonce: str) -> bool:
    """Spend a nonce; True for one caller only, whichever worker it is in.

    Args:
        database: shaped like an entry of ``DATABASES``.
        nonce: as it was issued.

    Raises:
        DatabaseError, StoreError, OSError: the store cannot be written.
    """
    with (
        opened(database, create=True) as connection,
        transaction(connection),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE perfkit_nonce SET spent = 1 WHERE nonce = %s AND spent = 0", [printable(nonce)]
        )
        return bool(cursor.rowcount == 1)
