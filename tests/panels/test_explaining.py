"""EXPLAIN on demand: real databases say how they would run a statement, and nothing is run or written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse

from perfkit_panels.explaining import plan_of
from perfkit_panels.recent import Run
from perfkit_panels.refusal import Refusal
from tests.explain.conftest import databases_may_be_opened as databases_may_be_opened
from tests.explain.conftest import vendor as vendor
from tests.explain.databases import ALIAS, configure, forget, sqlite_at
from tests.library.models import Book
from tests.panels import toolbar_site
from tests.panels.asking import latest, posted, stats_of, sync_get
from tests.panels.conftest import listing
from tests.panels.toolbar_site import HTML, SECRET

TABLE = '"library_book"'


def run(sql: str, *params: Any) -> Run:
    """Return a statement as if it had been run."""
    return Run(sql, params, ALIAS, 1.0)


def rows() -> int:
    """Count the books."""
    return Book.objects.using(ALIAS).count()


def test_the_plan_of_a_select_is_shown_with_what_to_change(vendor: str) -> None:
    """The database's own lines, and the index that is missing."""
    plan = plan_of(run(f'SELECT * FROM {TABLE} WHERE "title" = %s', SECRET))
    assert any("library_book" in line for line in plan.lines)
    assert any("title" in sentence and "Index" in sentence for sentence in plan.advice)
    assert SECRET not in " ".join(plan.advice)


@pytest.mark.parametrize(
    "sql",
    [
        f"DELETE FROM {TABLE}",
        f"UPDATE {TABLE} SET title = 'x'",
        f"INSERT INTO {TABLE} (title) VALUES ('x')",
        f"SELECT 1; DELETE FROM {TABLE}",
        f"WITH gone AS (DELETE FROM {TABLE} RETURNING id) SELECT * FROM gone",
        f"SELECT * INTO copied FROM {TABLE}",
        f"SELECT * FROM {TABLE} FOR UPDATE",
        "SELECT pg_sleep(10)",
        "SELECT load_extension('x')",
        "EXPLAIN ANALYZE DELETE FROM x",
        "DROP TABLE x",
        "PRAGMA writable_schema = 1",
        "COMMIT",
    ],
)
def test_whatever_is_no_plain_select_is_refused(vendor: str, sql: str) -> None:
    """Nothing of it reaches the database: not a write, not a function that may do something."""
    before = rows()
    with pytest.raises(Refusal, match="not explained"):
        plan_of(run(sql))
    assert rows() == before


def test_statements_go_to_a_connection_of_our_own_that_may_not_write(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were something else let through, the database would refuse it, and it would be rolled back."""
    from perfkit_panels import explaining

    def let_through(sql: str, params: Any, vendor: str) -> Any:
        return explaining.PlainSelect(sql, None, ())

    def writing(cursor: Any, select: Any) -> list[str]:
        cursor.execute(select.sql)
        return []

    monkeypatch.setattr(explaining, "plain_select", let_through)
    monkeypatch.setitem(explaining._READERS, vendor, (writing, lambda cursor, select: iter(())))
    before = rows()
    with pytest.raises(Refusal, match="The database failed"):
        plan_of(run(f"DELETE FROM {TABLE}"))
    assert rows() == before


@pytest.mark.parametrize("vendor", ["postgresql"], indirect=True)
def test_a_slow_question_is_ended_by_the_server(
    vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement of ours that takes too long is canceled; SQLite's planner runs nothing that could."""
    from perfkit_panels import explaining

    def waiting(cursor: Any, select: Any) -> list[str]:
        cursor.execute("SELECT pg_sleep(60)")
        return []

    monkeypatch.setitem(explaining._READERS, vendor, (waiting, lambda cursor, select: iter(())))
    with pytest.raises(Refusal, match="The database failed: OperationalError"):
        plan_of(run(f"SELECT * FROM {TABLE}"))


def test_a_plan_that_cannot_be_had_is_a_sentence(vendor: str) -> None:
    """A table that is gone: the class of the error, none of its text."""
    with pytest.raises(Refusal) as refused:
        plan_of(run("SELECT * FROM nowhere WHERE x = %s", SECRET))
    assert "The database failed" in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.fixture
def plans(tmp_path: Path) -> Iterator[None]:
    """Add a SQLite file to the site's databases."""
    configure(sqlite_at(tmp_path / "plans.sqlite3"))
    with connections[ALIAS].schema_editor() as editor:
        editor.execute("CREATE TABLE things (id integer PRIMARY KEY, name text)")
    yield
    forget()


@pytest.mark.django_db(databases=["default"])
def test_the_button_explains_the_slowest_run(toolbar: Any, plans: None) -> None:
    """From a page to its plan: the values come from memory, and are asked for in the same shape."""

    def asking(request: HttpRequest) -> HttpResponse:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT id FROM things WHERE name = %s", [SECRET])
        return HttpResponse(HTML.format("asked"))

    toolbar_site.PAGES["things/"] = asking
    try:
        listing(toolbar, *toolbar.DEBUG_TOOLBAR_PANELS)
        sync_get("/things/")
    finally:
        del toolbar_site.PAGES["things/"]
    (shape,) = stats_of("PerfkitQueriesPanel")["shapes"]
    told = posted("explain", request_id=latest(), statement=shape["n"])
    assert "SCAN things" in told
    assert "the statement was not run" in told


@pytest.mark.django_db
def test_a_database_in_memory_is_not_explained() -> None:
    """A second connection would see another database."""
    sync_get("/page/")
    told = posted("explain", request_id=latest(), statement=0)
    assert "not explained: a database in memory" in told
