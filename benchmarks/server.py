"""A database of the measurement's own in the PostgreSQL server that `make services` starts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "PERFKIT_TEST_POSTGRES"


def url() -> str | None:
    """Return the server's URL, None where none runs."""
    given = os.environ.get(VARIABLE)
    folder = Path(os.environ.get("PERFKIT_SERVICES") or ROOT / ".services")
    if given is None and (folder / "environment.json").exists():
        answers = json.loads((folder / "environment.json").read_text())
        given = answers.get("postgres", {}).get(VARIABLE)
    return given


def database_of(given: str) -> dict[str, Any]:
    """Describe a URL's database as an entry of ``DATABASES``."""
    parts = urlsplit(given)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Make an empty database; return its URL, and drop it in the end."""
    import psycopg

    name = f"perfkit_measured_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
