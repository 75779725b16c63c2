"""Databases of a test's own in the PostgreSQL server that ``make services`` started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import psycopg


def database_of(url: str) -> dict[str, Any]:
    """Describe the database of a URL as an entry of ``DATABASES``."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


def connected(database: dict[str, Any]) -> psycopg.Connection[Any]:
    """Connect past perfkit, as an administrator does."""
    return psycopg.connect(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"],
        autocommit=True,
    )


@contextmanager
def new_database(server: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Make an empty database and drop it in the end, whoever is still connected."""
    name = f"perfkit_test_{uuid4().hex[:12]}"
    with connected(server) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    try:
        yield {**server, "NAME": name}
    finally:
        with connected(server) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
