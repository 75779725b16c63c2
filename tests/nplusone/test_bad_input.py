"""Whatever a site does, recording it changes no result, runs no statement and raises nothing."""

# ruff: noqa: PERF401  # loops are what is watched

from __future__ import annotations

import copy
import gc
import json
import pickle
import sqlite3
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import count, islice
from threading import Lock
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import DatabaseError, connection, connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject, empty
from django.utils.safestring import mark_safe

from perfkit import record
from perfkit.conf import get_settings
from perfkit.isolation import failures
from tests.nplusone import models as m
from tests.nplusone import must_not_flag_models as odd
from tests.nplusone.fill import ROWS
from tests.nplusone.must_not_flag_watch import told, watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]


@pytest.fixture(autouse=True)
def no_clocks(settings: Any) -> None:
    """Judge by counts: on a loaded machine three statements may well take 5 ms."""
    settings.PERFKIT = {"STORE": False, "N_PLUS_ONE_MS": 60_000, "SLOW_QUERY_MS": 60_000}


def books() -> Any:
    """Return all books, in order."""
    return m.Book.objects.order_by("pk")


def names(rows: Any) -> list[str]:
    """Walk over books as nobody should."""
    return [row.author.name for row in rows]


# Rows that go elsewhere and come back.

TRIPS: dict[str, Callable[[Any], Any]] = {
    "pickled": lambda rows: pickle.loads(pickle.dumps(rows)),
    "pickled one by one": lambda rows: [pickle.loads(pickle.dumps(row, 2)) for row in rows],
    "copied": lambda rows: [copy.copy(row) for row in rows],
    "deeply copied": copy.deepcopy,
    "through a cache": lambda rows: cache.set("books", rows) or cache.get("books"),
    "made again from their columns": lambda rows: [
        m.Book(**{f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields})
        for row in rows
    ],
    "reloaded": lambda rows: [row.refresh_from_db() or row for row in rows],
    "with a state of their own": lambda rows: [
        setattr(row, "_state", copy.deepcopy(row._state)) or row for row in rows
    ],
}


@pytest.mark.parametrize("trip", TRIPS)
def test_rows_that_were_away_are_still_a_loop(trip: str) -> None:
    """The loop over them is found, by its rows or by its frames."""
    watched = watch(lambda: names(TRIPS[trip](list(books()))))
    (finding,) = (f for f in watched.findings if f.path == "author" or "author" in f.message)
    assert (finding.kind, finding.count) == ("n_plus_one", ROWS), told(watched.findings)


@pytest.mark.parametrize("trip", TRIPS)
def test_rows_outlive_the_recording(trip: str) -> None:
    """Rows loaded in one block are read after it, and in another."""
    plain = names(books())
    with record():
        rows = TRIPS[trip](list(books()))
    with CaptureQueriesContext(connection) as log:
        assert names(copy.deepcopy(rows)) == plain
    assert len(log) == ROWS
    with record() as later:
        assert names(rows) == plain
    assert [finding.count for finding in later.findings] == [ROWS]


def test_rows_of_before_are_read_within() -> None:
    """Nothing is known of their queryset; the loop is one all the same."""
    rows = list(books())
    (finding,) = watch(lambda: names(copy.deepcopy(rows))).findings
    assert (finding.severity, finding.count, finding.fix) == ("warning", ROWS, "")


def test_nothing_is_held_alive() -> None:
    """What a row is tagged with keeps neither queryset nor rows from being freed."""

    def load() -> tuple[m.Book, list[Any]]:
        queryset = books()
        first, *rest = queryset
        names(rest)
        [m.Author.objects.get(pk=row.editor_id) for row in rest]
        return first, [weakref.ref(queryset), *(weakref.ref(row) for row in rest)]

    with record() as recorded:
        first, gone = load()
        gc.collect()
        assert [ref() for ref in gone] == [None] * len(gone)
    assert recorded.findings
    assert first.author.name == "author 0"


@pytest.mark.skipif(
    sys.gettrace() is not None, reason="what traces a function writes its names back: coverage does"
)
def test_the_names_of_a_function_are_left_alone() -> None:
    """Before Python 3.13 reading a frame's names keeps what was deleted, and fills old ``locals()``."""

    def run() -> list[Any]:
        rows = list(books())
        gone, found = weakref.ref(rows[0]), []
        for row in rows:
            found += [row.editor.name, m.Author.objects.get(pk=row.author_id).name]
            found += [m.Review.objects.filter(book_id=row.pk).count()]
        del rows, row
        gc.collect()
        return [found, gone() is None]

    def plainly() -> list[Any]:
        rows = list(books())
        known = locals()
        found = [m.Author.objects.get(pk=row.author_id).name for row in rows]
        later = len(found)
        return [found, later, sorted(known)]

    watch(run)
    watch(plainly)


def test_an_iterator_crosses_the_end_of_the_recording() -> None:
    """It goes on as if nobody had looked."""
    plain = [row.title for row in books()]
    with record():
        rows = books().iterator(chunk_size=2)
        found = [next(rows).title, next(rows).title]
    found += [row.title for row in rows]
    assert found == plain
    early = books().iterator(chunk_size=2)
    found = [next(early).title]
    with record():
        found += [row.title for row in early]
    assert found == plain


def test_an_iterator_is_closed_early() -> None:
    """By ``close()``, by an exception thrown into it, by nobody."""

    def run() -> list[str]:
        found = []
        for end in (lambda rows: rows.close(), lambda rows: rows.throw(KeyError("stop")), id):
            rows = books().iterator(chunk_size=2)
            found += [row.title for row in islice(rows, 3)]
            try:
                end(rows)
            except KeyError as error:
                found.append(str(error))
        return found

    watch(run)


def test_rows_are_shared_between_threads() -> None:
    """Threads with and without the context read rows of one queryset; each statement counts once."""
    turns = Lock()  # SQLite's connection is one, and so is Django's log of its statements

    def read(row: Any) -> str:
        with turns:
            connections["default"] = shared
            return str(row.author.name)

    def run() -> list[list[str]]:
        found = []
        rows = list(books())
        with ThreadPoolExecutor(4) as pool:
            found.append(list(pool.map(read, copy.deepcopy(rows))))
            futures = [pool.submit(copy_context().run, read, row) for row in rows]
            found.append([future.result() for future in futures])
        return found

    shared = connections["default"]
    shared.inc_thread_sharing()
    try:
        watched = watch(run)
    finally:
        shared.dec_thread_sharing()
    assert watched.statements == 1 + 2 * ROWS
    assert watched.record.statements == 1 + ROWS


def test_tasks_share_rows() -> None:
    """Coroutines that run at once over rows of one queryset."""
    from asyncio import gather

    async def name(book: m.Book) -> str:
        return (await m.Author.objects.aget(pk=book.author_id)).name

    async def page() -> list[str]:
        return await gather(*[name(book) async for book in books()])

    (finding,) = watch(async_to_sync(page)).findings
    assert finding.count == ROWS


# Models with a mind of their own.


@pytest.mark.parametrize("model", [odd.NosyBook, odd.SpikyBook, odd.FrozenBook])
def test_a_row_is_never_asked_anything(model: Any) -> None:
    """``==``, ``hash``, ``str``, ``bool``, ``len`` and unknown attributes query or raise: nobody calls them."""

    def run() -> list[Any]:
        found: list[Any] = []
        for row in model.objects.order_by("pk"):
            found.append(row.author.name)
            found.append(sorted(tag.name for tag in row.tags.all()))
            found.append(row.review_set.count())
            found.append(m.Edition.objects.filter(book_id=row.pk).count())
            found.append(m.Author.objects.get(pk=row.editor_id).name)
        return found

    watched = watch(run)
    assert watched.statements == 1 + 5 * ROWS
    assert sum(finding.count for finding in watched.findings) == 5 * ROWS, told(watched.findings)


@pytest.mark.parametrize("model", [odd.NosyBook, odd.SpikyBook])
def test_a_row_with_a_mind_in_every_place(model: Any) -> None:
    """As an argument, as ``self``, in a list, in a closure, prefetched, joined, deferred."""

    def name_of(row: Any, rows: Any) -> str:
        self, instance, queryset = row, row, rows
        return [m.Author.objects.get(pk=row.author_id).name, self, instance, queryset][0]

    def run() -> list[Any]:
        rows = list(model.objects.select_related("category").only("title", "author", "category"))
        found = [name_of(row, rows) for row in rows]
        for row in model.objects.prefetch_related("tags", "author").order_by("pk").iterator(2):
            found.append([row.author.name, len(row.tags.all()), row.tags.first().pk])
        for row in rows:
            row.refresh_from_db(fields=["price"])
            found.append(row.price)
        return found

    watch(run)


def test_rows_that_are_no_rows() -> None:
    """``from_db`` may return anything: here a tuple, which takes no tag."""

    def run() -> list[Any]:
        found = list(odd.StrangeBook.objects.order_by("pk"))
        found += [odd.StrangeBook.objects.order_by("pk").first()]
        found += list(odd.StrangeBook.objects.filter(pk=found[0][0]))
        found.append(odd.StrangeBook.objects.get(pk=found[1][0]))
        found += [m.Author.objects.get(pk=row[4]).name for row in found]
        return found

    assert [finding.kind for finding in watch(run).findings] == ["n_plus_one"]


@pytest.mark.parametrize("kind", ["loud", "lone"])
def test_an_iterable_of_the_sites_own(kind: str) -> None:
    """Rows come twice, or past Django's iterable: they are the same, and the loop is found."""

    def run() -> list[Any]:
        rows = getattr(odd.ShoutedBook.objects.order_by("pk"), kind)()
        return [(row.title, getattr(row, "mark", ""), row.author.name) for row in rows]

    (finding,) = watch(run).findings
    assert finding.count in (ROWS, 2 * ROWS)
    assert finding.severity == "warning"


def test_lazy_objects_stay_unevaluated() -> None:
    """A lazy user among the local names is never looked into, wherever the walk passes it."""
    made: list[Any] = []

    def lazily(model: Any) -> Any:
        made.append(SimpleLazyObject(lambda: model.objects.order_by("pk")[0]))
        return made[-1]

    class View:
        def __init__(self) -> None:
            self.user = lazily(m.Author)

        def show(self, row: Any, user: Any, instance: Any) -> list[Any]:
            request = self
            return [
                m.Author.objects.get(pk=row.author_id).name,
                row.editor.name,
                m.Review.objects.filter(book_id=row.pk).count(),
                bool(request and [instance]) and len(row.tags.all()),
            ]

    def run() -> list[Any]:
        user, book, author = lazily(m.Author), lazily(m.Book), lazily(m.Author)
        view, found = View(), []
        for row in books():
            self = instance = queryset = lazily(m.Book)
            found.append(view.show(row, user, instance))
            found.append([self is queryset, book is author])
        for lazy in [lazily(m.Book) for _ in range(ROWS)]:
            found.append(m.Tag.objects.filter(pk=len(found)).exists())
            del lazy
        return found

    watched = watch(run)
    assert watched.statements == 1 + 5 * ROWS
    assert all(lazy._wrapped is empty for lazy in made)


def test_lazy_objects_that_raise() -> None:
    """Nor one that fails when it is evaluated, nor things that lie about their class."""

    class Liar:
        @property
        def __class__(self) -> Any:  # type: ignore[override]
            raise ValueError("asked for my class")

        def __getattribute__(self, name: str) -> Any:
            raise ValueError(f"asked for {name}")

    def show(row: Any, user: Any, self: Any) -> list[Any]:
        instance, level, lookup = user, self, self
        names = [m.Author.objects.get(pk=row.author_id).name, row.editor.name]
        return [*names, [instance, level, lookup] and 3]

    def run() -> list[Any]:
        broken, liar = SimpleLazyObject(lambda: 1 // 0), Liar()
        return [show(row, broken, liar) for row in books()]

    assert watch(run).statements == 1 + 2 * ROWS


# Deep stacks.


@contextmanager
def recursion_limit(frames: int) -> Iterator[None]:
    """Let Python recurse deeper for a while."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def dive(depth: int, bottom: Callable[[], Any]) -> Any:
    """Call something from deep down."""
    return bottom() if depth <= 0 else dive(depth - 1, bottom)


@pytest.mark.parametrize("depth", [1_200, 5_000])
def test_a_query_at_the_bottom_of_a_deep_stack(depth: int) -> None:
    """Walking out ends somewhere; the answer is the same."""

    def run() -> list[Any]:
        found = [dive(depth, lambda row=row: row.author.name) for row in books()]
        return found + [
            dive(depth, lambda key=key: m.Author.objects.get(pk=key).name) for key in keys
        ]

    with recursion_limit(depth + 1_000):
        keys = list(m.Author.objects.order_by("pk").values_list("pk", flat=True))
        watched = watch(run)
    assert any(finding.severity == "warning" for finding in watched.findings)


def test_a_recursion_that_queries_at_each_level() -> None:
    """A walk up a rope of 1,100 rows, one frame and one statement for each."""
    rope: list[m.Book] = []
    author = m.Author.objects.order_by("pk")[0]
    for number in range(1_100):
        above = rope[-1] if rope else None
        rope.append(m.Book.objects.create(title=str(number), author=author, parent=above))

    def climb(book: m.Book) -> int:
        return 1 + climb(book.parent) if book.parent else 0

    with recursion_limit(5_000):
        watched = watch(lambda: climb(m.Book.objects.get(pk=rope[-1].pk)))
    assert watched.outcome == 1_099


def test_the_edge_of_the_stack() -> None:
    """Just before the stack ends, what fitted without a recording fits with it, but for two frames."""

    def outcome(depth: int) -> Any:
        try:
            return dive(depth, lambda: m.Author.objects.get(name="author 1").name)
        except RecursionError:
            return "too deep"

    depths = range(sys.getrecursionlimit() - 250, sys.getrecursionlimit() - 20)
    m.Author.objects.get(name="author 1")
    plain = [outcome(depth) for depth in depths]
    before = failures.copy()
    recorded = []
    for depth in depths:
        with record():
            recorded.append(outcome(depth))
    assert {"author 1", "too deep"} == set(plain)
    different = [depth for depth, a, b in zip(depths, plain, recorded, strict=True) if a != b]
    assert len(different) <= 2
    assert failures == before


# Statements and parameters.


def executed(*statements: Any) -> list[Any]:
    """Run statements by hand; what one raises is its result."""
    found: list[Any] = []
    with connection.cursor() as cursor:
        for statement in statements:
            sql, params = statement if isinstance(statement, tuple) else (statement, None)
            try:
                cursor.execute(sql, params)
                found.append(len(str(cursor.fetchall())))
            except (DatabaseError, sqlite3.Error, UnicodeError, TypeError, ValueError) as error:
                found.append(type(error).__name__)
    return found


class Spiky(str):
    """A parameter that may be bound and nothing else."""

    __slots__ = ()

    def __repr__(self) -> str:
        raise ValueError("not to be shown")

    def __hash__(self) -> int:
        raise ValueError("not to be hashed")

    def __eq__(self, other: object) -> bool:
        raise ValueError("not to be compared")


class Nosy(str):
    """A parameter that asks the database who it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{m.Tag.objects.count()}"

    def __hash__(self) -> int:
        return m.Tag.objects.count()

    def __eq__(self, other: object) -> bool:
        return m.Tag.objects.count() == 0


LONG = "x" * 1_000_000

STATEMENTS: dict[str, Callable[[], Any]] = {
    "1 MB": lambda: executed(*[f"SELECT '{LONG}{n}'" for n in range(ROWS)]),
    "1 MB of a name": lambda: executed(*[f'SELECT 1 AS "{LONG}{n}"' for n in range(ROWS)]),
    "1 MB of brackets": lambda: executed(*[f"SELECT {'(' * 500_000}{n}" for n in range(ROWS)]),
    "1 MB of quotes": lambda: executed(*["SELECT " + "'" * 999_999] * ROWS),
    "1 MB of comment": lambda: executed(*[f"SELECT /* {LONG} */ {n}" for n in range(ROWS)]),
    "1 MB of parameters": lambda: executed(*[("SELECT %s", [f"{LONG}{n}"]) for n in range(ROWS)]),
    "1 MB through the ORM": lambda: [
        m.Tag.objects.extra(where=[f"name != '{LONG}{n}'"]).count() for n in range(ROWS)
    ],
    "1 MB of a value": lambda: [
        m.Tag.objects.filter(name=f"{LONG}{n}").count() for n in range(ROWS)
    ],
    "bytes": lambda: executed(*[b"SELECT 1"] * ROWS, *[b"SELECT '\xff\xfe'"] * ROWS),
    "surrogates": lambda: executed(*[f"SELECT '\udcff\ud800{n}'" for n in range(ROWS)]),
    "rows that are not UTF-8": lambda: executed(*["SELECT CAST(x'fffe' AS TEXT)"] * ROWS),
    "a kind of str": lambda: executed(*[mark_safe(f"SELECT {n}") for n in range(ROWS)]),
    "no statement": lambda: executed(*["", " ", "--", ";", "/**/", "SELEC", "\0", None, 7] * 5),
    "a statement that is a list": lambda: executed(*[["SELECT 1"]] * ROWS),
    "too few parameters": lambda: executed(*[("SELECT %s, %s", [n]) for n in range(ROWS)]),
    "named parameters": lambda: executed(*[("SELECT %(a)s", {"a": n}) for n in range(ROWS)]),
    "parameters that cannot be bound": lambda: executed(*[("SELECT %s", [{}])] * ROWS),
    "parameters that raise": lambda: executed(*[("SELECT %s", [Spiky(n)]) for n in range(ROWS)]),
    "parameters that raise, in a tuple": lambda: executed(
        *[("SELECT %s", (Spiky(n),)) for n in range(ROWS)]
    ),
    "parameters that query": lambda: executed(*[("SELECT %s", [Nosy(n)]) for n in range(ROWS)]),
    "parameters that query, in a tuple": lambda: executed(
        *[("SELECT %s", (Nosy(n),)) for n in range(ROWS)]
    ),
    "values that query": lambda: [m.Tag.objects.filter(name=Nosy(n)).count() for n in range(ROWS)],
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_any_statement_is_passed_on_as_it_is(name: str) -> None:
    """The same result or the same error, and a record that is plain JSON and small."""
    watched = watch(STATEMENTS[name])
    text = json.dumps(watched.record.to_dict())
    assert len(text) < 400_000
    assert LONG not in text


def test_queries_in_queries_of_the_sites_own() -> None:
    """A wrapper of the site's that itself queries, and one that raises half of the time."""
    calls = count()

    def nosy(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "corpus_author" in sql:
            with connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM corpus_tag")
        return execute(sql, params, many, context)

    def moody(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "corpus_author" in sql and next(calls) % 2:
            raise DatabaseError("not now")
        return execute(sql, params, many, context)

    def run() -> list[str]:
        found = []
        with connection.execute_wrapper(nosy), connection.execute_wrapper(moody):
            for book in books():
                try:
                    found.append(book.author.name)
                except DatabaseError as error:
                    found.append(str(error))
        return found

    assert watch(run).outcome.count("not now") == ROWS // 2


# Databases that fail.


def deny_authors(denied: bool) -> None:
    """Let SQLite refuse to read one table, or allow it again."""

    def judge(action: int, table: str | None, *rest: object) -> int:
        return sqlite3.SQLITE_DENY if table == "corpus_author" else sqlite3.SQLITE_OK

    connection.connection.set_authorizer(judge if denied else None)


def test_a_database_that_fails_half_way_through_a_loop() -> None:
    """The error is the site's, the statements before it are recorded, the recording goes on."""

    def run() -> list[Any]:
        found: list[Any] = []
        for number, book in enumerate(books()):
            deny_authors(number == 3)
            try:
                found.append(book.author.name)
            except DatabaseError as error:
                found.append(str(error))
        return found

    watched = watch(run)
    assert "prohibited" in watched.outcome[3]
    assert [query.failed for query in watched.record.queries].count(True) == 1
    (finding,) = watched.findings
    assert (finding.severity, finding.path) == ("warning", "author")


def test_a_database_that_fails_and_ends_the_loop() -> None:
    """The exception passes through the block; what there was until then is in the record."""

    def run() -> list[Any]:
        found = []
        for number, book in enumerate(books()):
            deny_authors(number == 5)
            found.append(book.author.name)
        return found

    try:
        watched = watch(run, raises=(DatabaseError,))
    finally:
        deny_authors(False)
    assert watched.outcome.startswith("DatabaseError: access to corpus_author")
    assert watched.record.statements == 7
    assert [finding.path for finding in watched.findings] == ["author"]


def test_a_result_that_breaks_off() -> None:
    """Some rows, then an error while fetching."""

    def picky(key: int) -> int:
        return 1 if key < broken else 1 // 0

    def run() -> list[Any]:
        found: list[Any] = []
        rows = books().extra(where=["picky(id)"]).iterator(chunk_size=2)
        try:
            for row in rows:
                found.append(row.author.name)
        except DatabaseError as error:
            found.append(type(error).__name__)
        return found

    broken = books()[4].pk
    connection.connection.create_function("picky", 1, picky)
    connection.connection.execute("PRAGMA automatic_index = 0")
    assert watch(run).outcome[-1] == "OperationalError"


def test_a_broken_transaction() -> None:
    """Statements refused by Django itself never reach the hook."""
    from django.db import transaction

    def run() -> list[str]:
        found = []
        try:
            with transaction.atomic():
                transaction.set_rollback(True)
                for book in [*books()]:
                    found.append(book.author.name)
        except transaction.TransactionManagementError as error:
            found.append(str(error))
        return found

    assert watch(run).findings == ()


def test_a_rolled_back_write_is_written_again() -> None:
    """Errors of the database within writes."""
    from django.db import IntegrityError, transaction

    def run() -> list[str]:
        found = []
        for number in range(2 * ROWS):
            try:
                with transaction.atomic():
                    m.Tag.objects.create(name=f"tag {number}")
                found.append("made")
            except IntegrityError:
                m.Tag.objects.filter(name=f"tag {number}").update(name=F("name"))
                found.append("there")
        return found

    assert watch(run).outcome == ["there"] * ROWS + ["made"] * ROWS


# A great many.

FLOODS: dict[str, Callable[[Any, int], Any]] = {
    "one statement": lambda cursor, n: cursor.execute("SELECT 1"),
    "other statements": lambda cursor, n: cursor.execute(f"SELECT {n}"),
    "other long parameters": lambda cursor, n: cursor.execute("SELECT %s", (f"{n}{'y' * 5_000}",)),
    "other long statements": lambda cursor, n: cursor.execute(f"SELECT {n}, '{'y' * 5_000}'"),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_hundred_thousand_statements_stay_small(flood: str) -> None:
    """At most 5 MB are held; each statement is counted, and so is what was left out."""
    execute, total = FLOODS[flood], 100_000
    with connection.cursor() as cursor:
        execute(cursor, 0)
        gc.collect()
        with record() as recorded:
            tracemalloc.start()
            for number in range(total):
                execute(cursor, number)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert held < 5_000_000
    assert recorded.statements == total
    assert recorded.dropped_queries == total - len(recorded.queries)
    assert len(recorded.queries) <= get_settings().max_queries


def test_a_flood_of_loops_stays_small(settings: Any) -> None:
    """Rows, relations and call paths of the ORM, beyond what is kept in detail."""
    settings.PERFKIT = {"STORE": False, "MAX_QUERIES": 500}
    rows = list(books())

    def read() -> int:
        return sum(len(book.tags.all()) + book.review_set.count() for book in rows)

    with record() as recorded:
        for _ in range(100):
            read()
    assert recorded.statements == 100 * 2 * ROWS
    assert recorded.dropped_queries == recorded.statements - 500
    assert len(recorded.queries) == 500
    assert recorded.findings
