"""What the store takes, in bytes.

For a file it is the pages in use; the file itself cannot get smaller while somebody reads.

On PostgreSQL it is what the live rows take: their payloads and a fixed share for the rest of a row and
its index entries. The tables' size on disk is no measure to delete by, because a deleted row gives
nothing back to it before a VACUUM FULL, so that deleting would never end. The vacuum that runs by
itself lets new rows take the place of deleted ones; on disk the tables settle above the live rows.
"""

from __future__ import annotations

from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

#: Bytes of a row besides its payload: its columns, its header, its entries in three indexes. Measured
#: on PostgreSQL 15 by tests/store/test_size.py.
ROW_BYTES = 200


def stored_bytes(connection: BaseDatabaseWrapper) -> int:
    """Return the bytes of the store, as a report tells them."""
    return file_bytes(connection) if connection.vendor == "sqlite" else used_bytes(connection)


def used_bytes(connection: BaseDatabaseWrapper) -> int:
    """Return the bytes of what is in the store: what deleting rows makes less."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            pages, free, size = (
                cursor.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * size)
        cursor.execute(
            "SELECT sum(count), sum(bytes) FROM ("
            "SELECT count(*) AS count, sum(length(payload)) AS bytes FROM perfkit_window UNION ALL "
            "SELECT count(*), sum(length(payload)) FROM perfkit_sample UNION ALL "
            "SELECT count(*), sum(length(payload)) FROM perfkit_finding UNION ALL "
            "SELECT count(*), sum(length(payload)) FROM perfkit_event UNION ALL "
            "SELECT count(*), sum(length(payload)) FROM perfkit_capture UNION ALL "
            "SELECT count(*), 0 FROM perfkit_worker) AS tables"
        )
        rows, payloads = cursor.fetchone()
        return int(rows or 0) * ROW_BYTES + int(payloads or 0)


def file_bytes(connection: BaseDatabaseWrapper) -> int:
    """Return the bytes of the SQLite file and its write-ahead log."""
    name = str(connection.settings_dict["NAME"])
    files = (Path(name), Path(f"{name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def release(connection: BaseDatabaseWrapper, most_bytes: int) -> None:
    """Give a file's free pages back to the disk when the file is above its bound."""
    if connection.vendor != "sqlite" or file_bytes(connection) <= most_bytes:
        return
    with connection.cursor() as cursor:
        # It frees a page with each step, and yields no row by which execute() would take another.
        cursor.executescript("PRAGMA incremental_vacuum")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()
