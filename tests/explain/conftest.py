"""A database of the test's own with large tables, beside the site's: SQLite and PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.explain.databases import ALIAS, FILL, admin, configure, forget, postgresql_at, sqlite_at
from tests.library.models import Author, Book, Category, Publisher, Tag


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def vendor(
    request: pytest.FixtureRequest, tmp_path_factory: Any, django_db_blocker: Any
) -> Iterator[str]:
    """Fill a database ``plans`` and tell what it is."""
    vendor: str = request.param
    name = f"perfkit_explain_{os.getpid()}"
    with django_db_blocker.unblock():
        if vendor == "sqlite":
            configure(sqlite_at(tmp_path_factory.mktemp("plans") / "plans.sqlite3"))
        else:
            admin(f"DROP DATABASE IF EXISTS {name}")
            admin(f"CREATE DATABASE {name}")
            configure(postgresql_at(name))
        connection = connections[ALIAS]
        with connection.schema_editor() as editor:
            for model in (Publisher, Category, Tag, Author, Book):
                editor.create_model(model)
        with connection.cursor() as cursor:
            for statement in FILL:
                cursor.execute(statement)
            cursor.execute("ANALYZE")
        yield vendor
        forget()
        if vendor == "postgresql":
            admin(f"DROP DATABASE {name}")


@pytest.fixture(autouse=True)
def databases_may_be_opened(django_db_blocker: Any) -> Iterator[None]:
    """Let connections be made: to databases of the tests, not to the site's."""
    with django_db_blocker.unblock():
        yield
