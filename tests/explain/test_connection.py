"""The connection of our own: it cannot write, is bounded, and leaves nothing behind."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connections

from perfkit.explain.connection import LOCK_MS, TIMEOUT_MS, opened, read_only
from perfkit.explain.plain_select import Refused
from tests.explain.databases import ALIAS, configure, forget, sqlite_at
from tests.library.models import Author, Publisher

POSTGRESQL = pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)

WRITES = [
    "DELETE FROM library_book",
    "INSERT INTO library_tag (id, name) VALUES (1, 'x')",
    "CREATE TABLE another (id integer)",
    "WITH x AS (SELECT 1) UPDATE library_author SET name = 'x'",
]
#: What a SELECT could do on PostgreSQL; the parser refuses each of these long before.
CALLS = [
    "SELECT nextval('library_book_id_seq')",
    "SELECT setval('library_book_id_seq', 1)",
    "SELECT * INTO another FROM library_tag",
    "SELECT 1 FROM library_publisher FOR UPDATE",
    "EXPLAIN ANALYZE DELETE FROM library_book",
]


@pytest.mark.parametrize("sql", WRITES)
def test_nothing_can_be_written(vendor: str, sql: str) -> None:
    """If a statement that writes ever came this far, the database itself would refuse it."""
    before = Author.objects.using(ALIAS).count()
    with opened(ALIAS) as connection, pytest.raises(DatabaseError), read_only(connection) as cursor:
        cursor.execute(sql)
    assert Author.objects.using(ALIAS).count() == before
    assert "another" not in connections[ALIAS].introspection.table_names()


@POSTGRESQL
@pytest.mark.parametrize("sql", CALLS)
def test_a_select_that_writes_is_refused_by_the_transaction(vendor: str, sql: str) -> None:
    """PostgreSQL refuses what a SELECT could change in a transaction that only reads."""
    with opened(ALIAS) as connection, pytest.raises(DatabaseError), read_only(connection) as cursor:
        cursor.execute(sql)


@POSTGRESQL
def test_time_is_bounded_within_the_transaction_only(vendor: str) -> None:
    """A pooler hands the server to others, who get it as it was."""
    with opened(ALIAS) as connection:

        def limits() -> list[str]:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT setting FROM pg_settings WHERE name IN "
                    "('statement_timeout', 'lock_timeout') ORDER BY name"
                )
                return [row[0] for row in cursor.fetchall()]

        before = limits()
        with read_only(connection):
            assert limits() == [str(LOCK_MS), str(TIMEOUT_MS)]
        assert limits() == before
        with pytest.raises(DatabaseError, match="timeout"), read_only(connection) as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        assert limits() == before


@POSTGRESQL
def test_a_locked_table_is_not_waited_for(vendor: str) -> None:
    """A migration holds its table; plans can wait, the flusher cannot."""
    holder = connections[ALIAS]
    holder.set_autocommit(False)
    try:
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE library_publisher IN ACCESS EXCLUSIVE MODE")
        with (
            opened(ALIAS) as own,
            pytest.raises(DatabaseError, match="lock"),
            read_only(own) as cursor,
        ):
            cursor.execute("EXPLAIN SELECT * FROM library_publisher")
    finally:
        holder.rollback()
        holder.set_autocommit(True)
    assert Publisher.objects.using(ALIAS).count() == 4


def test_a_pool_of_the_site_is_not_made_again() -> None:
    """Our connection is one, for a moment; a pool would stay."""
    configure(
        {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "x",
            "HOST": "127.0.0.1",
            "PORT": 9,
            "OPTIONS": {"pool": True, "connect_timeout": 60},
        },
        "pooled",
    )
    try:
        with pytest.raises(DatabaseError), opened("pooled"):
            pass
        assert connections.settings["pooled"]["OPTIONS"] == {"pool": True, "connect_timeout": 60}
    finally:
        forget("pooled")


def test_a_file_that_is_gone_is_not_made(tmp_path: object) -> None:
    """Opening it would leave an empty database behind."""
    path = tmp_path / "gone.sqlite3"  # type: ignore[operator]  # a Path
    configure(sqlite_at(path), "gone")
    try:
        with pytest.raises(Refused), opened("gone"):
            pass
        assert not path.exists()
    finally:
        forget("gone")
