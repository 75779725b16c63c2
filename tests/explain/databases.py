"""Databases beside the site's own: what they are, what they hold, and the settings that name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from tests.services import service

ALIAS = "plans"
#: Rows of each table: more than what counts as large.
ROWS = 12_000

NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
_ROWS = {
    "library_publisher (id, name)": "i, 'p' || i FROM n WHERE i < 5",
    "library_author (id, name, publisher_id)": "i, 'author ' || i, 1 + i % 4 FROM n",
    "library_book (id, title, body, author_id, editor_id)": (
        "i, 'title ' || i, 'a body of some length, as texts are ' || i, i, 1 + i % 2 FROM n"
    ),
}
FILL = [f"{NUMBERS} INSERT INTO {table} SELECT {values}" for table, values in _ROWS.items()]


def sqlite_at(path: Path) -> dict[str, Any]:
    """Describe a SQLite file."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


def postgresql_at(name: str) -> dict[str, Any]:
    """Describe a database of the real server."""
    url = urlsplit(service("PERFKIT_TEST_POSTGRES"))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.hostname,
        "PORT": url.port,
    }


def configure(database: dict[str, Any], alias: str = ALIAS) -> None:
    """Add a database to those of the site, as its settings would."""
    connections.settings[alias] = ConnectionHandler({"default": database}).settings["default"]


def forget(alias: str = ALIAS) -> None:
    """Take it out again."""
    # SQLite's own close() leaves a database in memory open.
    BaseDatabaseWrapper.close(connections[alias])
    del connections[alias]
    del connections.settings[alias]


def admin(sql: str) -> None:
    """Run a statement on the real server, outside of any transaction."""
    configure(postgresql_at("postgres"), "admin")
    with connections["admin"].cursor() as cursor:
        cursor.execute(sql)
    forget("admin")
