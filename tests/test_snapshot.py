"""From trace to record: numbers that add up, texts without values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from perfkit import record
from perfkit.capture.current import FAILED, MANY, Event, Trace
from perfkit.snapshot import counted, from_trace, site_of
from tests.library.models import Book, Category, Tag
from tests.library.shelves import fill

SECRET = "hunter2"


def made(*statements: tuple[str, Any, int], slow_s: float = 9.0) -> Trace:
    """Make a trace of (statement, parameters' key, flags), one second each."""
    trace = Trace(100, slow_s)
    for number, (sql, key, flags) in enumerate(statements):
        trace.statements.setdefault(sql, sql)
        event: Event = (sql, "default", 10.0 + number, 11.0 + number, key, None, flags)
        trace.events.append(event)
    return trace


def test_numbers_add_up() -> None:
    """Transactions are counted apart from statements; dropped ones count as statements."""
    trace = made(("BEGIN", 0, 0), ("SELECT 1", 0, 0), ("SELECT 1", 0, 0), ("COMMIT", 0, 0))
    trace.dropped, trace.dropped_s = 3, 0.5
    trace.cache_events = [("default", "get", 10.0, 10.25, 1, 2)]
    for told in (counted(trace), from_trace(trace, 10.0)):
        assert (told.statements, told.transactions, told.dropped_queries) == (5, 2, 3)
        assert (told.db_ms, told.cache_ms) == (4500.0, 250.0)
        assert (told.cache_hits, told.cache_misses) == (1, 2)


def test_equal_functions_of_two_files_are_two_places() -> None:
    """Their code objects compare equal; the lines to edit are not."""
    codes = [compile("ask()", f"/srv/shop/{name}.py", "exec") for name in ("one", "other")]
    assert codes[0] == codes[1]
    assert [site_of((code, 0)).file for code in codes] == [
        "/srv/shop/one.py",
        "/srv/shop/other.py",
    ]


def test_the_facts_are_passed_on() -> None:
    """What the trace does not know comes from the caller, with and without statements."""
    for trace in (made(), made(("SELECT 1", 0, 0))):
        assert counted(trace, route="/", status=200).route == "/"
        assert from_trace(trace, 10.0, route="/", status=200).status == 200


def test_an_event_becomes_a_query() -> None:
    """Times are milliseconds from the start of the recording."""
    trace = made(("SELECT a FROM t WHERE b = 'x'", 5, FAILED), ("INSERT INTO t", 0, MANY))
    first, second = from_trace(trace, 9.5).queries
    assert (first.sql, first.verb, first.tables) == (
        "SELECT a FROM t WHERE b = ?",
        "SELECT",
        ("t",),
    )
    assert (first.start_ms, first.duration_ms) == (500.0, 1000.0)
    assert (first.failed, first.many, second.failed, second.many) == (True, False, False, True)


def test_identity_is_statement_alias_and_parameters() -> None:
    """Numbered from 0, so that nothing of a parameter, not even its hash, leaves the process."""
    trace = made(("SELECT 1", 77, 0), ("SELECT 1", 78, 0), ("SELECT 2", 77, 0), ("SELECT 1", 77, 0))
    identities = [query.identity for query in from_trace(trace, 0.0).queries]
    assert identities == [0, 1, 2, 0]


@pytest.mark.django_db
def test_no_value_leaves_the_process() -> None:
    """Whatever way a value comes in, the record and its findings show none."""
    fill()
    with record() as recorded, connection.cursor() as cursor:
        for _ in range(6):
            list(Book.objects.filter(title=SECRET, body__contains=SECRET))
            list(Book.objects.raw("SELECT * FROM library_book WHERE title = %s", [SECRET]))
            list(Book.objects.extra(where=[f"title = '{SECRET}'"]))
            list(Tag.objects.filter(name__in=[SECRET, "b"]))
            cursor.execute(f"SELECT '{SECRET}' FROM library_book -- {SECRET}")
            cursor.execute(f"SELECT 1 /* {SECRET} */")
            cursor.execute("SELECT %s", [SECRET])
            cursor.execute("SELECT :secret", {"secret": SECRET})
            cursor.execute(f'SELECT title FROM library_book WHERE title = "{SECRET}"')
            cursor.execute(f'SELECT title FROM library_book WHERE title IN ("{SECRET}", "b")')
            cursor.execute(rf"SELECT 'C:\' , '{SECRET}'")
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(f"SELECT $${SECRET}$$")
            with pytest.raises((DatabaseError, TypeError)), transaction.atomic():
                cursor.execute(f"SELECT '{SECRET}'".encode())
        Tag.objects.create(name=SECRET)
        Tag.objects.bulk_create([Tag(name=SECRET), Tag(name=SECRET)])
        Category.objects.filter(slug=SECRET).update(slug=SECRET)
        cursor.executemany("INSERT INTO library_tag (name) VALUES (%s)", [(SECRET,)])
    assert recorded.findings
    assert SECRET not in json.dumps(recorded.to_dict())


@pytest.mark.django_db
def test_paths_are_listed_once() -> None:
    """Statements through the same lines share a path; queries point to it by number."""
    fill()
    with record() as recorded:
        for book in Book.objects.all():
            _ = book.author.publisher
    paths = {query.path for query in recorded.queries}
    assert paths == {None, *range(len(recorded.paths))}
    assert len(recorded.paths) == 2
    repeated = [query for query in recorded.queries if query.path is not None]
    assert all(query.site == recorded.paths[query.path or 0].site for query in repeated)
    assert recorded.queries[0].site is None


class Hostile:
    """A parameter that cannot be looked at."""

    def __hash__(self) -> int:
        raise RuntimeError("not now")


def test_parameters_that_cannot_be_compared_are_equal_to_nothing() -> None:
    """Neither a site's own class nor a list among the parameters costs the record."""
    keys = [(Hostile(),), (Hostile(),), (["a"],), (["a"],), (["b"],), None, None]
    trace = made(*(("SELECT %s", key, 0) for key in keys))
    identities = [query.identity for query in from_trace(trace, 10.0).queries]
    assert identities == [0, 1, 2, 2, 3, 4, 5]
