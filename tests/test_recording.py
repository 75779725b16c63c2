"""`perfkit.record()`: by hand, in tests, tasks, commands and shells."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

import perfkit
from perfkit.capture.current import current
from perfkit.record import RequestRecord
from tests.library.models import Book
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db(databases=["default", "other"])


def test_a_block_is_recorded() -> None:
    """Statements, cache calls and findings can be read after the block."""
    fill()
    with perfkit.record() as recorded:
        cache.get("nothing")
        for book in Book.objects.all():
            assert book.author.name
    assert len(recorded.queries) == recorded.statements == ROWS + 1
    assert [finding.kind for finding in recorded.findings] == ["n_plus_one"]
    assert [call.operation for call in recorded.cache_calls] == ["get"]
    assert recorded.cache_misses == 1
    first = recorded.queries[0]
    assert first.alias == "default"
    assert first.duration_ms > 0
    assert recorded.duration_ms >= recorded.db_ms > 0
    assert current.get() is None


def test_what_ran_outside_is_not_in_it() -> None:
    """A block begins empty and ends with the block."""
    Book.objects.count()
    with perfkit.record() as recorded:
        pass
    Book.objects.count()
    assert recorded.queries == ()


def test_the_record_is_whole_json() -> None:
    """to_dict is what surfaces work from."""
    with perfkit.record() as recorded:
        Book.objects.count()
    assert RequestRecord.from_dict(json.loads(json.dumps(recorded.to_dict()))) == recorded.result


def test_reading_too_early_is_told() -> None:
    """Inside the block there is no record yet, and the message says where to read it."""
    with perfkit.record() as recorded, pytest.raises(RuntimeError, match="after the with block"):
        _ = recorded.queries


def test_leaving_without_entering_is_told() -> None:
    """A misuse fails with a sentence."""
    with pytest.raises(RuntimeError, match="without having been entered"):
        perfkit.record().__exit__(None, None, None)


def test_an_unknown_field_is_an_attribute_error() -> None:
    """As with any object, so that hasattr and copy work."""
    with perfkit.record() as recorded:
        pass
    assert not hasattr(recorded, "querries")
    assert not hasattr(recorded, "__deepcopy__")


def test_an_exception_passes_and_the_record_is_there() -> None:
    """The block's own exception, the very object; what ran before it is recorded."""
    failure = KeyError("mine")
    recorded = perfkit.record()
    with pytest.raises(KeyError) as caught, recorded:  # noqa: PT012  # the second is under test
        Book.objects.count()
        raise failure
    assert caught.value is failure
    assert len(recorded.queries) == 1
    assert current.get() is None


def test_a_failing_statement_is_marked() -> None:
    """It ran, it took time, it failed."""
    with (
        perfkit.record() as recorded,
        pytest.raises(DatabaseError),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM nowhere")
    assert [query.failed for query in recorded.queries] == [True]


def test_transactions_are_counted_apart_and_never_analyzed() -> None:
    """BEGIN, SAVEPOINT and RELEASE are no statements of the site's."""
    with perfkit.record() as recorded:
        for _ in range(20):
            with transaction.atomic():
                pass
    assert (recorded.statements, recorded.transactions) == (0, 40)
    assert recorded.findings == ()
    assert {query.verb for query in recorded.queries} == {"SAVEPOINT", "RELEASE"}


@pytest.mark.django_db(transaction=True)
def test_begin_and_commit_are_transactions() -> None:
    """The outermost transaction counts like the inner ones."""
    with perfkit.record() as recorded, transaction.atomic():
        Book.objects.count()
    assert recorded.statements == 1
    assert recorded.transactions >= 1


def test_every_database_is_recorded() -> None:
    """Queries bear their alias."""
    with perfkit.record() as recorded:
        Book.objects.using("other").count()
        Book.objects.count()
    assert [query.alias for query in recorded.queries] == ["other", "default"]


def test_blocks_nest() -> None:
    """The outer block sees what the inner one saw, the inner one only its own."""
    with perfkit.record() as outer:
        Book.objects.count()
        with perfkit.record() as inner, transaction.atomic():
            cache.get("nothing")
            Book.objects.count()
        Book.objects.count()
    assert (inner.statements, inner.transactions) == (1, 2)
    assert (outer.statements, outer.transactions) == (3, 2)
    assert (outer.cache_misses, inner.cache_misses) == (1, 1)
    assert [finding.kind for finding in outer.findings] == ["duplicate_query"]
    assert inner.findings == ()


def test_a_block_that_only_holds_a_block_sees_it_all() -> None:
    """Numbers and list agree though the outer block ran nothing itself."""
    with perfkit.record() as outer, perfkit.record() as inner:
        Book.objects.count()
    assert outer.statements == inner.statements == len(outer.queries) == 1
    assert outer.db_ms == inner.db_ms


def test_an_inner_block_left_by_an_exception_restores_the_outer() -> None:
    """Recording goes on outside."""
    with perfkit.record() as outer:
        with pytest.raises(KeyError), perfkit.record():
            raise KeyError
        Book.objects.count()
    assert len(outer.queries) == 1


def test_async_blocks() -> None:
    """`async with` does the same for coroutines, each seeing its own."""

    async def task(statements: int) -> int:
        async with perfkit.record() as recorded:
            for _ in range(statements):
                await Book.objects.acount()
                await asyncio.sleep(0)
        return len(recorded.queries)

    async def tasks() -> list[int]:
        return await asyncio.gather(*(task(count) for count in (3, 5, 7)))

    assert async_to_sync(tasks)() == [3, 5, 7]


def test_a_block_follows_the_tasks_that_it_starts() -> None:
    """Tasks copy the context in which they are made."""

    async def task() -> None:
        await Book.objects.acount()

    async def main() -> int:
        async with perfkit.record() as recorded:
            await asyncio.gather(task(), task())
        return len(recorded.queries)

    assert async_to_sync(main)() == 2


def test_a_task_that_outlives_the_block_is_left_out() -> None:
    """What it runs later is nobody's; the record stays as it was."""

    async def main() -> int:
        start = asyncio.Event()

        async def late() -> None:
            await start.wait()
            await Book.objects.acount()

        async with perfkit.record() as recorded:
            task = asyncio.ensure_future(late())
            await asyncio.sleep(0)
        start.set()
        await task
        return len(recorded.queries)

    assert async_to_sync(main)() == 0


def test_a_function_is_decorated() -> None:
    """Each call is a record of its own, also when the function calls itself."""
    records: list[RequestRecord] = []

    @perfkit.record(records.append)
    def count(levels: int) -> int:
        """Count the books, again and again."""
        return Book.objects.count() + (count(levels - 1) if levels else 0)

    assert count(1) == 0
    assert count.__doc__ == "Count the books, again and again."
    assert [len(each.queries) for each in records] == [1, 2]


def test_a_coroutine_function_is_decorated() -> None:
    """It stays one, and calls that run at the same time are told apart."""
    records: list[RequestRecord] = []

    @perfkit.record(records.append)
    async def count(statements: int) -> str:
        for _ in range(statements):
            await Book.objects.acount()
            await asyncio.sleep(0)
        return "done"

    async def both() -> list[str]:
        return await asyncio.gather(count(4), count(2))

    assert async_to_sync(both)() == ["done", "done"]
    assert sorted(len(each.queries) for each in records) == [2, 4]


def test_the_exception_of_a_decorated_function_passes() -> None:
    """And its record is handed over all the same."""
    records: list[RequestRecord] = []

    @perfkit.record(records.append)
    def fail() -> None:
        Book.objects.count()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    assert len(records[0].queries) == 1


@override_settings(PERFKIT={"MAX_QUERIES": 5})
def test_beyond_the_limit_is_counted() -> None:
    """Statements beyond MAX_QUERIES are in the numbers, not in the list."""
    with perfkit.record() as recorded:
        for _ in range(12):
            Book.objects.count()
    assert (recorded.statements, len(recorded.queries), recorded.dropped_queries) == (12, 5, 7)
    assert recorded.db_ms > sum(query.duration_ms for query in recorded.queries)


@override_settings(PERFKIT={"ENABLED": False})
def test_it_works_while_perfkit_is_switched_off() -> None:
    """ENABLED is about the middleware; who writes record() wants a record."""
    with perfkit.record() as recorded:
        Book.objects.count()
    assert len(recorded.queries) == 1


def test_an_object_may_be_used_again() -> None:
    """One block after the other; the last one counts."""
    recorded = perfkit.record()
    with recorded:
        Book.objects.count()
    with recorded:
        pass
    assert recorded.queries == ()
