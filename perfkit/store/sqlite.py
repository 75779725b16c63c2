"""The store as a SQLite file: private, shared by the workers of one host, set aside when damaged."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from pathlib import Path
from time import strftime

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError

logger = logging.getLogger("perfkit")

#: Seconds to wait for another process's lock before the data waits in memory instead.
LOCK_WAIT_S = 0.25

OPTIONS = {"timeout": LOCK_WAIT_S, "transaction_mode": "IMMEDIATE"}
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "journal_size_limit=4194304")
#: Counts only before the first table. Elsewhere it does nothing, but waits for the write lock.
_FOR_A_NEW_FILE = "auto_vacuum=INCREMENTAL"
_DAMAGE = ("not a database", "malformed", "file is encrypted")


def set_up(connection: BaseDatabaseWrapper, *, new: bool) -> None:
    """Set what counts for this connection, and for the file when it is new.

    Not by Django's init_command: a connection on which one fails would never be closed.
    """
    with connection.cursor() as cursor:
        for pragma in (_FOR_A_NEW_FILE, *_PRAGMAS) if new else _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")


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
