"""The database hook: what it notes of each statement, and that it changes none."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from datetime import date
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.signals import request_started
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test.utils import CaptureQueriesContext

from perfkit import hooks
from perfkit.capture import callpath, sql
from perfkit.capture.current import FAILED, LONGEST_SQL, MANY, MOST_TEXT, Trace, current
from tests.library.models import Book, Tag
from tests.library.shelves import fill

pytestmark = pytest.mark.django_db(databases=["default", "other"])


class Calls:
    """Counts the calls of a function and passes them on."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.count = 0

    def __call__(self, *args: Any) -> Any:
        self.count += 1
        return self.function(*args)


def database(folder: Path, alias: str) -> DatabaseWrapper:
    """Make a connection to a file of its own; Django keeps one to memory open for good."""
    settings = {**connections["default"].settings_dict, "NAME": str(folder / alias)}
    return DatabaseWrapper(settings, alias)


def texts(trace: Trace) -> list[str]:
    """Return the statements in the order they ran."""
    return [event[0] for event in trace.events]


def test_one_pair_of_clock_reads_a_statement(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks at the clock are most of what a statement costs; there is no third."""
    clock = Calls(perf_counter)
    monkeypatch.setattr(sql, "perf_counter", clock)
    for _ in range(5):
        Book.objects.count()
    assert (len(trace.events), clock.count) == (5, 10)


def test_no_walk_before_the_second_run(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that runs once, as most do, never pays for its call site."""
    walk = Calls(callpath.walk)
    monkeypatch.setattr(callpath, "walk", walk)
    with connection.cursor() as cursor:
        for number in range(20):
            cursor.execute(f"SELECT {number} AS number")
        assert (len(trace.events), walk.count) == (20, 0)
        cursor.execute("SELECT 7 AS number")
        assert walk.count == 1


def test_texts_that_begin_alike_have_a_path_from_the_third_on(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A literal or a comment inside makes each text a new one: their loop must be seen all the same."""
    walk = Calls(callpath.walk)
    monkeypatch.setattr(callpath, "walk", walk)
    with connection.cursor() as cursor:
        for number in range(20):
            cursor.execute(f"SELECT title FROM library_book WHERE id = {number}")
    known = [event[5] for event in trace.events]
    assert known[:2] == [None, None]
    assert len({id(path) for path in known[2:]}) == 1
    assert walk.count == 1


def test_a_statement_for_a_known_row_has_its_path_at_once(trace: Trace) -> None:
    """A relation read off a row of a list may be the first read of a loop."""
    fill(2)
    trace.events.clear()
    books = list(Book.objects.order_by("pk"))
    assert books[0].author.name == "author 0"
    (_, first) = trace.events
    assert first[5] is not None
    assert first[7] is books[0]._state.perfkit_origin  # type: ignore[attr-defined]  # the tag


def test_a_loop_walks_the_stack_once(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repeats of a loop are compared with the known path, not walked again."""
    walk = Calls(callpath.walk)
    monkeypatch.setattr(callpath, "walk", walk)
    for number in range(50):
        Book.objects.filter(pk=number).exists()
    assert (len(trace.events), walk.count) == (50, 1)


def test_a_slow_statement_is_walked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is worth its line even when it runs once."""
    hooks.install()
    slow = Trace(limit=10, slow_s=0.0)
    token = current.set(slow)
    Book.objects.count()
    current.reset(token)
    assert slow.slow
    assert slow.events[0][5] is not None


def test_idle_statements_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody records, the hook reads no clock."""
    hooks.install()
    clock = Calls(perf_counter)
    monkeypatch.setattr(sql, "perf_counter", clock)
    Book.objects.count()
    assert clock.count == 0


def test_a_closed_trace_takes_nothing_more(trace: Trace) -> None:
    """A task that outlives its request does not write into the request's record."""
    Book.objects.count()
    trace.closed = True
    Book.objects.count()
    assert len(trace.events) == 1


def test_what_is_noted_is_what_ran(trace: Trace) -> None:
    """Statement for statement, Django's own log says the same."""
    with CaptureQueriesContext(connection) as django_log:
        fill(2)
        list(Book.objects.select_related("author").prefetch_related("tags"))
        with transaction.atomic():
            Book.objects.update(body="new")
    assert len(trace.events) == len(django_log)


def test_the_alias_tells_the_database(trace: Trace) -> None:
    """Two databases, two aliases, also for one statement text."""
    Book.objects.using("other").count()
    Book.objects.count()
    assert [event[1] for event in trace.events] == ["other", "default"]
    assert trace.events[0][0] is trace.events[1][0]


def test_raw_cursors_are_seen(trace: Trace) -> None:
    """SQL that passes the ORM by passes the hook."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM library_book WHERE title = %s", ["x"])
        assert cursor.fetchone() == (0,)
    assert texts(trace) == ["SELECT COUNT(*) FROM library_book WHERE title = %s"]


def test_executemany_is_one_event(trace: Trace) -> None:
    """A batch is one statement, whatever its size; its parameters, a generator here, are not read."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO library_tag (name) VALUES (%s)", ((str(n),) for n in range(9))
        )
    assert Tag.objects.count() == 9
    assert [event[6] for event in trace.events] == [MANY, 0]


def test_two_batches_are_never_the_same(trace: Trace) -> None:
    """Their parameters are not compared, so nobody may call them duplicates."""
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.executemany("INSERT INTO library_tag (name) VALUES (%s)", [("a",)])
    assert [event[4] for event in trace.events] == [None, None]


def test_a_failing_statement_is_noted_and_its_error_passes(trace: Trace) -> None:
    """The site gets its own exception, the very object, and the trace says that it failed."""
    failure = DatabaseError("the disk is on fire")

    def break_down(*args: Any) -> Any:
        raise failure

    with connection.execute_wrapper(break_down), pytest.raises(DatabaseError) as caught:
        Book.objects.count()
    assert caught.value is failure
    assert [event[6] for event in trace.events] == [FAILED]


def test_a_statement_that_the_database_refuses(trace: Trace) -> None:
    """An error of the database itself is noted as a failure too."""
    with (
        pytest.raises(DatabaseError, match="no such table"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM nowhere")
    failed = [event[0] for event in trace.events if event[6] & FAILED]
    assert failed == ["SELECT * FROM nowhere"]


def test_the_stores_own_connection_is_not_hooked(tmp_path: Path) -> None:
    """What perfkit itself asks its store is nobody's statement."""
    hooks.install()
    own = database(tmp_path, "perfkit")
    try:
        own.ensure_connection()
        assert sql.observe not in own.execute_wrappers
    finally:
        own.close()


def test_a_site_wrapper_around_the_opening_of_a_connection_survives(
    trace: Trace, tmp_path: Path
) -> None:
    """Django takes the last wrapper off when the block ends; that must be the site's."""
    seen = []

    def wrapper(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(statement)
        return execute(statement, params, many, context)

    fresh = database(tmp_path, "fresh")
    try:
        with fresh.execute_wrapper(wrapper), fresh.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert fresh.execute_wrappers == [sql.observe]
        with fresh.cursor() as cursor:
            cursor.execute("SELECT 2")
    finally:
        fresh.close()
    assert seen == ["SELECT 1"]
    assert texts(trace) == ["SELECT 1", "SELECT 2"]


def test_a_connection_that_opens_again_is_hooked_once(trace: Trace, tmp_path: Path) -> None:
    """Reconnecting sends the signal again; a statement still counts once."""
    fresh = database(tmp_path, "fresh")
    for _ in range(3):
        fresh.connect()
        fresh.close()
    assert fresh.execute_wrappers == [sql.observe]


def test_beyond_the_limit_statements_are_counted_only() -> None:
    """A request of a million statements costs the memory of MAX_QUERIES."""
    hooks.install()
    small = Trace(limit=3, slow_s=60.0)
    token = current.set(small)
    for _ in range(10):
        Book.objects.count()
    current.reset(token)
    assert (len(small.events), small.dropped) == (3, 7)
    assert small.dropped_s > 0


def test_a_huge_statement_is_cut(trace: Trace) -> None:
    """A megabyte of SQL leaves some kilobytes in the trace; two of them still differ."""
    with connection.cursor() as cursor:
        for word in ("one", "two"):
            cursor.execute(f"SELECT '{'x' * 500_000}', '{word}'")  # long by far
    assert [len(text) < LONGEST_SQL + 100 for text in texts(trace)] == [True, True]
    assert len(set(texts(trace))) == 2


def test_a_cut_statement_that_runs_again_is_the_same(trace: Trace) -> None:
    """Its repeats are a loop like any other."""
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT '{'x' * 10_000}'")
    assert len({id(text) for text in texts(trace)}) == 1
    assert trace.events[1][5] is trace.events[2][5] is not None


def test_many_long_statements_are_cut_shorter(trace: Trace) -> None:
    """A request of a thousand large texts stays small."""
    context = {"connection": connection, "cursor": None}
    for number in range(500):
        statement = f"SELECT {number}, '{'x' * 3_000}'"
        sql.observe(lambda *args: None, statement, None, False, context)
    assert len(set(texts(trace))) == 500
    assert sum(map(len, texts(trace))) < MOST_TEXT + 500 * 200


class Text(str):
    """A statement that is a string of the site's own class."""

    __slots__ = ()


class Composed:
    """A statement as a driver composes it: no string."""

    def __repr__(self) -> str:
        return "Composed('SELECT 1')"


def test_a_statement_that_is_no_plain_string(trace: Trace) -> None:
    """Some drivers take objects; what they are is the driver's business."""
    connection.ensure_connection()
    context = {"connection": connection, "cursor": None}
    for statement in (Composed(), b"SELECT 1", None):
        answer = sql.observe(lambda *args: "rows", statement, (), False, context)  # type: ignore[arg-type]
        assert answer == "rows"
    assert len(trace.events) == 3
    assert trace.failures == []
    assert all(type(text) is str for text in texts(trace))


class Driver:
    """A statement as psycopg composes it."""

    def as_string(self, connection: Any) -> str:
        return "SELECT 1"


def test_a_composed_statement_is_written_out(trace: Trace) -> None:
    """By the driver, which knows how literals are quoted."""
    context = {"connection": connection, "cursor": None}
    sql.observe(lambda *args: None, Driver(), (), False, context)  # type: ignore[arg-type]
    assert texts(trace) == ["SELECT 1"]


def test_a_string_of_another_class_keeps_its_text(trace: Trace) -> None:
    """A safe string, say, is SQL as it stands, not its own repr."""
    with connection.cursor() as cursor:
        cursor.execute(Text("SELECT 1"))
    assert texts(trace) == ["SELECT 1"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a"], ["b"]),
        ({"name": "a"}, {"name": "b"}),
        ((b"a",), (b"b",)),
        ((1,), (2,)),
        ((-1,), (-2,)),
        ((None,), (0.5,)),
        ((date(2026, 1, 1),), (date(2026, 1, 2),)),
        ((Decimal(1),), (Decimal(2),)),
        ((UUID(int=1),), (UUID(int=2),)),
        (tuple(range(100)), tuple(range(1, 101))),
        (("a" * 1_000,), ("b" * 1_000,)),
        ((["a"],), (["b"],)),
        ((1, ["a", 2]), (1, ["a", 3])),
        (([],), ([0],)),
    ],
    ids=lambda value: str(value)[:30],
)
def test_parameters_tell_runs_apart(trace: Trace, one: Any, other: Any) -> None:
    """Equal parameters are equal, different ones differ, in whatever they are handed over."""
    context = {"connection": connection, "cursor": None}
    for params in (one, one, other):
        sql.observe(lambda *args: None, "SELECT %s", params, False, context)
    first, second, third = (event[4] for event in trace.events)
    assert first == second
    assert first != third
    assert trace.failures == []


class Own:
    """A parameter of the site's own, that minds being looked at."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")

    def __repr__(self) -> str:
        raise RuntimeError("shown")


@pytest.mark.parametrize(
    "params", [(Own(),), [Own()], {"a": Own()}, ([Own()],), (bytearray(b"a"),), iter([1])], ids=type
)
def test_parameters_of_other_types_are_equal_to_nothing(trace: Trace, params: Any) -> None:
    """What may change later, or run the site's code, is not compared."""
    context = {"connection": connection, "cursor": None}
    sql.observe(lambda *args: None, "SELECT %s", params, False, context)
    assert [event[4] for event in trace.events] == [None]


def test_no_parameters_are_equal(trace: Trace) -> None:
    """The same text twice, without a value."""
    context = {"connection": connection, "cursor": None}
    for params in (None, (), []):
        sql.observe(lambda *args: None, "SELECT 1", params, False, context)
    assert {event[4] for event in trace.events} == {()}


def test_large_parameters_are_known_by_a_number(trace: Trace) -> None:
    """A trace holds no upload and no list of a thousand keys."""
    context = {"connection": connection, "cursor": None}
    for params in (tuple(range(1_000)), ("x" * 100_000,)):
        sql.observe(lambda *args: None, "SELECT %s", params, False, context)
    assert [type(event[4]) for event in trace.events] == [int, int]


def test_a_failure_of_ours_is_kept_and_swallowed(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site's statement answers whatever our bookkeeping does; the pipeline reports it."""

    def fault(repeats: Any, asked: str) -> Any:
        raise RuntimeError("not now")

    monkeypatch.setattr(sql, "locate", fault)
    context = {"connection": connection, "cursor": None}
    for _ in range(2):
        assert sql.observe(lambda *args: 7, "SELECT %s", (1,), False, context) == 7
    assert [(part, str(error)) for part, error in trace.failures] == [("database hook", "not now")]
    trace.failures.clear()


def test_the_parameters_of_a_write_are_not_kept(trace: Trace) -> None:
    """They may be uploads; a read keeps a few, and of many only a hash."""
    fill(2)
    assert {event[4] for event in trace.events if event[0].startswith("INSERT")} == {None}
    list(Book.objects.filter(pk__in=range(200)))
    assert isinstance(trace.events[-1][4], int)


def test_async_orm_calls_are_seen(trace: Trace) -> None:
    """An async view's statements run in a thread that copies its context."""

    async def view() -> None:
        assert await Book.objects.acount() == 0
        assert await Book.objects.filter(title="x").afirst() is None
        assert [book async for book in Book.objects.all()] == []

    async_to_sync(view)()
    assert len(trace.events) == 3


def test_sync_to_async_is_seen(trace: Trace) -> None:
    """A sync function that an async view calls records into the view's trace."""

    async def view() -> int:
        return await sync_to_async(Book.objects.count)()

    assert async_to_sync(view)() == 0
    assert len(trace.events) == 1


def test_gathered_coroutines_are_kept_apart() -> None:
    """Requests that share a thread and a loop each see their own statements."""
    hooks.install()

    async def request(statements: int) -> Trace:
        own = Trace(limit=100, slow_s=60.0)
        current.set(own)
        for _ in range(statements):
            await Book.objects.acount()
            await asyncio.sleep(0)
        return own

    async def serve() -> list[Trace]:
        return await asyncio.gather(*(request(count) for count in (3, 5, 7)))

    assert [len(own.events) for own in async_to_sync(serve)()] == [3, 5, 7]
    assert current.get() is None


def run_in_thread(function: Any) -> None:
    """Run a function in a thread."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def ask_a_database(tmp_path: Path) -> None:
    """Run one statement on a connection of this thread's own."""
    own = database(tmp_path, "threads")
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        own.close()


def test_a_thread_with_the_context_is_followed(trace: Trace, tmp_path: Path) -> None:
    """A connection opened in a thread that copies the context is hooked and recorded."""
    context = copy_context()
    run_in_thread(lambda: context.run(ask_a_database, tmp_path))
    assert texts(trace) == ["SELECT 1"]


def test_a_plain_thread_is_not(trace: Trace, tmp_path: Path) -> None:
    """A new thread starts with an empty context: its work is not the request's."""
    run_in_thread(lambda: ask_a_database(tmp_path))
    assert trace.events == []


def test_another_request_is_another_unit_of_work(trace: Trace) -> None:
    """A recording around a test's client: what each request asks, it asks for the first time."""
    for _ in range(2):
        Book.objects.count()
        request_started.send(sender=None)
    assert [event[5] for event in trace.events] == [None, None]
    assert trace.boundaries == [1, 2]


def test_a_request_after_the_recording_changes_nothing(trace: Trace) -> None:
    """Nor does one that nobody records."""
    Book.objects.count()
    trace.closed = True
    sql.begin_unit()
    assert trace.boundaries == []
    token = current.set(None)
    sql.begin_unit()
    current.reset(token)


def test_uninstalling_leaves_connections_as_they_were(tmp_path: Path) -> None:
    """After uninstall no wrapper is left, here or on a new connection."""
    hooks.install()
    connection.ensure_connection()
    try:
        hooks.uninstall()
        assert sql.observe not in connection.execute_wrappers
        fresh = database(tmp_path, "fresh")
        fresh.connect()
        fresh.close()
        assert fresh.execute_wrappers == []
    finally:
        hooks.install()
    assert connection.execute_wrappers.count(sql.observe) == 1
