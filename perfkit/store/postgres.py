"""The store in PostgreSQL: connections that wait for nothing long, behind a pooler too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.db.utils import NotSupportedError, ProgrammingError

#: A server that does not answer must not hold the flusher: it is given up after so many seconds.
_OPTIONS = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "perfkit",
    # Payloads go over as they are; bound on the client they would be twice as long.
    "server_side_binding": True,
}

#: What the site's own connections may have and this one must not: a pool keeps connections open
#: between flushes, and another isolation level fails where ours waits.
_NOT_OURS = ("pool", "isolation_level")

#: Milliseconds to wait for another session's lock before the data waits in memory instead.
LOCK_MS = 1_000


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connection's ``OPTIONS``: ours where the site gives none."""
    kept = {name: value for name, value in given.items() if name not in _NOT_OURS}
    return {**_OPTIONS, **kept}


def limit(cursor: CursorWrapper, statement_ms: int) -> None:
    """Limit how long each statement and each lock of this transaction may take.

    For the transaction only: behind a pooler the session is the site's too, and a pooler refuses
    a connection that brings such limits along.
    """
    cursor.execute(
        "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
        [str(statement_ms), str(LOCK_MS)],
    )


def is_alone(cursor: CursorWrapper, key: int) -> bool:
    """Take the lock of folding until the transaction ends, or tell that another worker has it.

    An advisory lock, which costs nothing to miss, and a row's lock beside it: CockroachDB has
    advisory locks in name only or not at all, YugabyteDB has them from 2025.1 on.

    Args:
        cursor: in a transaction.
        key: names the advisory lock within the database, below 2**63.
    """
    cursor.execute("SAVEPOINT perfkit_alone")
    try:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            return False
    except (NotSupportedError, ProgrammingError):
        cursor.execute("ROLLBACK TO SAVEPOINT perfkit_alone")
    cursor.execute("SELECT value FROM perfkit_meta WHERE name = 'identity' FOR UPDATE SKIP LOCKED")
    return cursor.fetchone() is not None
