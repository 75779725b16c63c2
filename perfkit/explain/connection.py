"""Opens a database of the site a second time, for reading only, and closes it again.

Nothing is asked on a connection that a request may use: its transaction, its settings and its
errors are the request's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.utils import load_backend

from perfkit.capture.sql import OWN_ALIAS
from perfkit.explain.plain_select import Refused
from perfkit.forking import no_fork

#: Milliseconds that one statement of ours may take, and wait for a lock.
TIMEOUT_MS = 500
LOCK_MS = 100
#: Seconds to connect, and to wait for another process's lock on a SQLite file.
_CONNECT_S = 2
_BUSY_S = 0.1

VENDORS = ("postgresql", "sqlite")


@contextmanager
def opened(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Open the database of an alias apart from the site's own connections.

    Args:
        alias: a key of ``DATABASES``.

    Raises:
        Refused: it is of a kind that is not explained, or in memory, where a second connection
            would see another database.
        DatabaseError: it cannot be reached.
    """
    connection = _connect(alias)
    with no_fork() if connection.vendor == "sqlite" else nullcontext():
        try:
            connection.ensure_connection()
            if connection.vendor == "sqlite":
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA query_only = ON")
            yield connection
        finally:
            connection.close()


def _connect(alias: str) -> BaseDatabaseWrapper:
    given: dict[str, Any] = connections.settings[alias]
    options = dict(given["OPTIONS"])
    # A pool would be one of ours, and stay.
    options.pop("pool", None)
    own = {**given, "OPTIONS": options, "CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": False}
    connection: BaseDatabaseWrapper = load_backend(given["ENGINE"]).DatabaseWrapper(own, OWN_ALIAS)
    if connection.vendor not in VENDORS:
        raise Refused("a database that is not explained")
    if connection.vendor == "sqlite":
        if connection.is_in_memory_db():  # type: ignore[attr-defined]  # of SQLite's wrapper
            raise Refused("a database in memory")
        name = str(given["NAME"])
        if not name.startswith("file:") and not Path(name).exists():  # it would be made
            raise Refused("a database whose file is gone")
        options["timeout"] = _BUSY_S
    else:
        options["connect_timeout"] = min(
            int(options.get("connect_timeout") or _CONNECT_S), _CONNECT_S
        )
    # With DEBUG a plain cursor logs every statement with its values to django.db.backends.
    vars(connection)["make_debug_cursor"] = connection.make_cursor
    return connection


@contextmanager
def read_only(connection: BaseDatabaseWrapper) -> Iterator[CursorWrapper]:
    """Run a block in a transaction that may not write, takes a bounded time and is rolled back.

    Its limits end with it, so that a pooler's server goes back as it came.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN")
        else:
            cursor.execute("BEGIN READ ONLY")
        try:
            if connection.vendor != "sqlite":
                cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
            yield cursor
        finally:
            cursor.execute("ROLLBACK")
