"""Opens the store through Django's own backend, apart from the site's connections.

A connection lives for one flush or one report: a file that was moved, deleted or set aside in the
meantime is then simply the new one, and nothing is ever carried across a fork.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import strftime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler, DatabaseError, OperationalError, load_backend

from perfkit.capture.sql import OWN_ALIAS
from perfkit.errors import StoreError, StoreMissing
from perfkit.store import schema

logger = logging.getLogger("perfkit")

#: Seconds to wait for another process's lock before the data waits in memory instead.
LOCK_WAIT_S = 0.25

_SQLITE = "django.db.backends.sqlite3"
_SQLITE_OPTIONS = {"timeout": LOCK_WAIT_S, "transaction_mode": "IMMEDIATE"}
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "journal_size_limit=4194304")
#: Counts only before the first table. Elsewhere it does nothing, but waits for the write lock.
_FOR_A_NEW_FILE = "auto_vacuum=INCREMENTAL"
_DAMAGE = ("not a database", "malformed", "file is encrypted")


@contextmanager
def opened(database: Mapping[str, Any], *, create: bool) -> Iterator[BaseDatabaseWrapper]:
    """Open the store and close it again; a file found damaged meanwhile is set aside.

    Args:
        database: shaped like an entry of ``DATABASES``.
        create: make file, folder and tables where they are missing. Reports pass false and
            leave a damaged file to the workers.

    Raises:
        StoreError: the store is missing, empty or damaged, or was written by a newer perfkit.
        OperationalError: it is locked, the disk is full, or it cannot be reached.
    """
    path = sqlite_path(database)
    if path is not None and create:
        make_private(path)
    elif path is not None and not path.exists():
        raise StoreMissing(f"no store at {path}: no request has been recorded yet")
    connection = _connect(database)
    try:
        if path is not None:
            _set_up(connection, new=not path.stat().st_size)
        if create or schema.written_version(connection) > schema.VERSION:
            schema.ensure(connection)
        elif schema.written_version(connection) == 0:
            raise StoreMissing(f"the store at {database['NAME']} is empty")
        yield connection
    except DatabaseError as error:
        if path is None or not is_damage(error):
            raise
        if create:
            connection.close()
            set_aside(path)
        raise StoreError(
            f"the store at {path} is damaged ({error}): the next flush of a worker begins a new "
            "one and keeps this file beside it"
        ) from error
    finally:
        connection.close()


@contextmanager
def transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Run a block in one transaction; ``atomic()`` looks connections up by alias, ours has none."""
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    finally:
        connection.set_autocommit(True)


def _connect(database: Mapping[str, Any]) -> BaseDatabaseWrapper:
    filled = ConnectionHandler({"default": dict(database)}).settings["default"]
    if filled["ENGINE"] == _SQLITE:
        filled["OPTIONS"] = {**_SQLITE_OPTIONS, **filled["OPTIONS"]}
    connection: BaseDatabaseWrapper = load_backend(filled["ENGINE"]).DatabaseWrapper(
        filled, OWN_ALIAS
    )
    # With DEBUG a plain cursor still logs every statement with its values to django.db.backends.
    vars(connection)["make_debug_cursor"] = connection.make_cursor
    return connection


def _set_up(connection: BaseDatabaseWrapper, *, new: bool) -> None:
    # Not by Django's init_command: a connection on which one fails would never be closed.
    with connection.cursor() as cursor:
        for pragma in (_FOR_A_NEW_FILE, *_PRAGMAS) if new else _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")


def sqlite_path(database: Mapping[str, Any]) -> Path | None:
    """Return the store's file, None when it is not a SQLite file."""
    return Path(str(database["NAME"])) if database["ENGINE"] == _SQLITE else None


def make_private(path: Path) -> None:
    """Make the folder (0700, ignored by git) and the file (0600) where they are missing.

    SQLite gives its ``-wal`` and ``-shm`` files the main file's mode.
    """
    if path.exists():
        return
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n")
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def is_damage(error: BaseException) -> bool:
    """Tell a damaged file from a locked, missing or full one."""
    damaged = any(sign in str(error) for sign in _DAMAGE)
    return damaged and not isinstance(error, OperationalError | sqlite3.OperationalError)


def set_aside(path: Path) -> None:
    """Rename a damaged file and its companions, never delete them.

    Under a lock and after a second look: another worker may have done it already, and the file at
    this path be the new one.
    """
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or not _is_damaged(path):
            return
        stamp = strftime("%Y%m%dT%H%M%S")
        while Path(f"{path}.damaged-{stamp}").exists():  # a second one in the same second
            stamp += "+"
        # The file last: once it is gone another worker may begin a new one with a log of its own.
        for suffix in ("-wal", "-shm", ""):
            file = Path(f"{path}{suffix}")
            if file.exists():
                file.rename(f"{path}.damaged-{stamp}{suffix}")
    logger.error("perfkit: the store %s was damaged and is now %s.damaged-%s", path, path, stamp)


def _is_damaged(path: Path) -> bool:
    connection = sqlite3.connect(path, timeout=LOCK_WAIT_S)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True
    finally:
        connection.close()
