"""Opens the store through Django's own backend, apart from the site's connections.

A connection lives for one flush or one report: a file that was moved, deleted or set aside in the
meantime is then simply the new one, and nothing is ever carried across a fork.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler, DatabaseError, load_backend

from perfkit.capture.sql import OWN_ALIAS
from perfkit.errors import StoreError, StoreMissing
from perfkit.store import postgres, schema, sqlite
from perfkit.store.place import SQLITE, place, sqlite_path

#: What the store can be, as Django names a backend's kind.
VENDORS = ("sqlite", "postgresql")


@contextmanager
def opened(database: Mapping[str, Any], *, create: bool) -> Iterator[BaseDatabaseWrapper]:
    """Open the store and close it again; a file found damaged meanwhile is set aside.

    Args:
        database: shaped like an entry of ``DATABASES``.
        create: make file, folder and tables where they are missing. Reports pass false and
            leave a damaged file to the workers.

    Raises:
        StoreError: the store is missing, empty or damaged, was written by a newer perfkit, or is
            of a kind that cannot be one.
        OperationalError: it is locked, the disk is full, or it cannot be reached.
    """
    path = sqlite_path(database)
    if path is not None and create:
        sqlite.make_private(path)
    elif path is not None and not path.exists():
        raise StoreMissing(f"no store at {path}: no request has been recorded yet")
    connection = _connect(database)
    try:
        if path is not None:
            sqlite.set_up(connection, new=not path.stat().st_size)
        if create:
            schema.ensure(connection)
        elif not schema.is_made(connection):
            raise StoreMissing(f"the store at {place(database)} is empty")
        yield connection
    except DatabaseError as error:
        if path is None or not sqlite.is_damage(error):
            raise
        if create:
            connection.close()
            sqlite.set_aside(path)
        raise StoreError(
            f"the store at {path} is damaged ({error}): the next flush of a worker begins a new "
            "one and keeps this file beside it"
        ) from error
    finally:
        connection.close()


def fault_of(database: Mapping[str, Any]) -> str:
    """Tell why a database cannot be the store, ``""`` when it can; nothing is connected to.

    Args:
        database: shaped like an entry of ``DATABASES``.
    """
    try:
        vendor = load_backend(database["ENGINE"]).DatabaseWrapper.vendor
    except (ImproperlyConfigured, ImportError, AttributeError) as error:
        return " ".join(str(error).split()).rstrip(".") or "it cannot be imported"
    return "" if vendor in VENDORS else f"perfkit cannot store in {vendor}"


def _connect(database: Mapping[str, Any]) -> BaseDatabaseWrapper:
    filled = ConnectionHandler({"default": dict(database)}).settings["default"]
    if filled["ENGINE"] == SQLITE:
        filled["OPTIONS"] = {**sqlite.OPTIONS, **filled["OPTIONS"]}
    if fault := fault_of(filled):
        raise StoreError(
            f"PERFKIT['STORE']['ENGINE'] is {filled['ENGINE']!r}: {fault}. The store can be SQLite "
            "or PostgreSQL"
        )
    connection: BaseDatabaseWrapper = load_backend(filled["ENGINE"]).DatabaseWrapper(
        filled, OWN_ALIAS
    )
    if connection.vendor == "postgresql":
        filled["OPTIONS"] = postgres.options(filled["OPTIONS"])
    # With DEBUG a plain cursor still logs every statement with its values to django.db.backends.
    vars(connection)["make_debug_cursor"] = connection.make_cursor
    return connection
