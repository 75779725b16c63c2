"""Transactions on the store's own connection: one that writes, one that only looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error

from perfkit.store import postgres

#: Milliseconds that one statement may take on PostgreSQL: a flush, and folding or reading.
FLUSH_MS, LONG_MS = 5_000, 60_000


@contextmanager
def transaction(
    connection: BaseDatabaseWrapper, *, statement_ms: int = FLUSH_MS, looks: bool = False
) -> Iterator[None]:
    """Run a block in one transaction; ``atomic()`` looks connections up by alias, ours has none.

    Args:
        connection: the open store.
        statement_ms: milliseconds that one statement may take, on PostgreSQL.
        looks: only look, and at one moment's state, on PostgreSQL.
    """
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    try:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                if looks:  # before anything else is asked
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                postgres.limit(cursor, statement_ms)
        yield
        connection.commit()
    except BaseException:
        # On a lost connection this fails too; what counts is the error that came first.
        with suppress(Error):
            connection.rollback()
        raise
    finally:
        with suppress(Error):
            connection.set_autocommit(True)


@contextmanager
def snapshot(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let every statement of a block see the same moment, without keeping a writer waiting."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                with suppress(Error):
                    cursor.execute("ROLLBACK")
        return
    with transaction(connection, statement_ms=LONG_MS, looks=True):
        yield
