"""Says where a store is, without user or password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SQLITE = "django.db.backends.sqlite3"


def sqlite_path(database: Mapping[str, Any]) -> Path | None:
    """Return the store's file, None when it is not a SQLite file."""
    return Path(str(database["NAME"])) if database["ENGINE"] == SQLITE else None


def place(database: Mapping[str, Any]) -> str:
    """Return the file, or ``database@host``.

    Args:
        database: shaped like an entry of ``DATABASES``.
    """
    path = sqlite_path(database)
    if path is not None:
        return str(path)
    name = str(database["NAME"])
    if "=" in name or "://" in name:  # a connection string may hold a password
        name = "database"
    host = str(database.get("HOST") or "local socket")
    port = database.get("PORT")
    return f"{name}@{host}:{port}" if port else f"{name}@{host}"
