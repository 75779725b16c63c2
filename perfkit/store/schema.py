"""The store's tables and their version; made on first use, without a migrate step."""

from __future__ import annotations

from random import getrandbits

from django.db.backends.base.base import BaseDatabaseWrapper

from perfkit.errors import StoreTooNew

VERSION = 1

#: Seconds that a row covers. A worker appends rows of RAW; folding makes the others.
RAW = 0
MINUTE, TEN_MINUTES, HOUR, DAY = 60, 600, 3_600, 86_400

# (epoch, seq) names one flush of one worker for good: a repeated insert is refused, so a retry is
# never counted twice. Folded rows have neither.
_STATEMENTS = (
    """CREATE TABLE IF NOT EXISTS perfkit_window (
        id INTEGER PRIMARY KEY, epoch TEXT, seq INTEGER, span INTEGER NOT NULL,
        bucket BIGINT NOT NULL, payload BLOB NOT NULL, UNIQUE (epoch, seq))""",
    "CREATE INDEX IF NOT EXISTS perfkit_window_bucket ON perfkit_window (span, bucket)",
    """CREATE TABLE IF NOT EXISTS perfkit_finding (
        fingerprint TEXT PRIMARY KEY, seen BIGINT NOT NULL, payload BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS perfkit_meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
)


def ensure(connection: BaseDatabaseWrapper) -> None:
    """Make the tables where they are missing.

    Raises:
        StoreTooNew: a newer perfkit wrote the store; nothing was touched.
    """
    version = written_version(connection)
    if version == VERSION:
        return
    if version > VERSION:
        raise StoreTooNew(
            f"the store {connection.settings_dict['NAME']} has version {version}, this perfkit "
            f"reads up to {VERSION}: upgrade perfkit, or point PERFKIT['STORE'] elsewhere"
        )
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement)
        cursor.execute(
            "INSERT INTO perfkit_meta (name, value) VALUES ('version', %s), ('identity', %s) "
            "ON CONFLICT (name) DO NOTHING",
            [VERSION, getrandbits(62)],
        )


def identity(connection: BaseDatabaseWrapper) -> int:
    """Return the number drawn when this store was made: another one is another store."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM perfkit_meta WHERE name = 'identity'")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def written_version(connection: BaseDatabaseWrapper) -> int:
    """Return the version that wrote the store, 0 when there is none yet."""
    with connection.cursor() as cursor:
        if "perfkit_meta" not in connection.introspection.table_names(cursor):
            return 0
        cursor.execute("SELECT value FROM perfkit_meta WHERE name = 'version'")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
