"""write_loop: rows written one by one, and the one statement that writes them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from perfkit import isolation, record
from perfkit.analyzers.writes import analyze
from perfkit.conf import get_settings
from perfkit.record import Asked, Finding, Path, Site
from tests.analyzers.handmade import LINE, asked, record_of, root, runs
from tests.library import models
from tests.library.models import Audiobook, Author, Book, Category, Note, Review, Tag
from tests.library.shelves import ROWS, fill

pytestmark = pytest.mark.django_db

Use = Callable[[], object]


@pytest.fixture(autouse=True)
def shelves(db: None) -> Iterator[None]:
    """Have some books; nothing of ours may fail meanwhile."""
    fill()
    isolation.failures.clear()
    yield
    assert isolation.failures == {}


def writes(recorded: record) -> list[Finding]:
    """Return the findings about writes."""
    return [finding for finding in recorded.findings if "one by one" in finding.message]


def found(use: Use) -> Finding:
    """Record a use and return the one finding about its writes."""
    with record() as recorded:
        use()
    (finding,) = writes(recorded)
    assert finding.kind == "write_loop"
    return finding


def rows_of(*tables: Any) -> list[Any]:
    """Return everything in some tables, but for the keys that the database gave."""
    return [
        sorted(map(str, table.objects.values_list(*fields(table)))) for table in tables
    ]  # fmt: skip


def fields(table: Any) -> list[str]:
    """Name a table's columns, without its key."""
    return [field.attname for field in table._meta.concrete_fields if not field.primary_key]


def undone(use: Use) -> tuple[Any, int]:
    """Run a use, return what it left and how many statements it ran, and undo it."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as log:
            use()
        left = rows_of(Author, Book, Book.tags.through, Note, Review, Tag)
        transaction.set_rollback(True)
    return left, sum("SAVEPOINT" not in query["sql"] for query in log)


# Code, written and run.


def create() -> None:
    """Make tags, one by one."""
    for number in range(6):
        Tag.objects.create(name=f"new {number}")


def save_new() -> None:
    """Make tags, one by one, by hand."""
    for number in range(6):
        Tag(name=f"new {number}").save()


def create_all(fix: str) -> None:
    """Make them at once."""
    made = [Tag(name=f"new {number}") for number in range(6)]
    eval(fix, {**vars(models), "tags": made})


def save_one_field() -> None:
    """Give each author another name."""
    for author in Author.objects.exclude(mentor=None):
        author.name = f"{author.name}!"
        author.save(update_fields=["name"])


def update_all(fix: str) -> None:
    """Do so at once."""
    authors = list(Author.objects.exclude(mentor=None))
    for author in authors:
        author.name = f"{author.name}!"
    eval(fix, {**vars(models), "authors": authors})


def delete() -> None:
    """Delete the books, and with them what hangs on them."""
    for book in Book.objects.all():
        book.delete()


def delete_by_key() -> None:
    """Delete the books, one key after the other."""
    for key in list(Book.objects.values_list("pk", flat=True)):
        Book.objects.filter(pk=key).delete()


def delete_all(fix: str) -> None:
    """Do so at once."""
    eval(fix, {**vars(models), "pks": list(Book.objects.values_list("pk", flat=True))})


def add() -> None:
    """Give each book one more tag."""
    tag = Tag.objects.create(name="new")
    for book in Book.objects.all():
        book.tags.add(tag)


def add_all(fix: str) -> None:
    """Do so at once."""
    tag = Tag.objects.create(name="new")
    pairs = [Book.tags.through(book=book, tag=tag) for book in Book.objects.all()]
    eval(fix, {**vars(models), "rows": pairs})


@pytest.mark.parametrize(
    ("use", "then", "model", "fix"),
    [
        (create, create_all, "library.Tag", "Tag.objects.bulk_create(tags)"),
        (save_new, create_all, "library.Tag", "Tag.objects.bulk_create(tags)"),
        (
            save_one_field,
            update_all,
            "library.Author",
            'Author.objects.bulk_update(authors, ["name"])',
        ),
        (delete, delete_all, "library.Book", "Book.objects.filter(pk__in=pks).delete()"),
        (delete_by_key, delete_all, "library.Book", "Book.objects.filter(pk__in=pks).delete()"),
        (
            add,
            add_all,
            "library.Book",
            "Book.tags.through.objects.bulk_create(rows, ignore_conflicts=True)",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_loop_of_writes_is_named_and_its_code_does_the_same(
    use: Use, then: Callable[[str], object], model: str, fix: str
) -> None:
    """The same rows are left, by at least as many fewer statements as was said."""
    with transaction.atomic():
        finding = found(use)
        transaction.set_rollback(True)
    assert (finding.model, finding.fix) == (model, fix)
    assert finding.severity == "warning"
    one_by_one, many = undone(use)
    at_once, few = undone(lambda: then(finding.fix))
    assert at_once == one_by_one
    assert many - few >= finding.saved > 0
    with record() as again:
        then(finding.fix)
    assert writes(again) == []


def test_the_lines_are_told() -> None:
    """Where it is written, what loops, who called, and what loaded the rows."""

    def page() -> None:
        for book in Book.objects.all():
            publish(book)

    def publish(book: Book) -> None:
        book.body = "new"
        book.save(update_fields=["body"])

    finding = found(page)
    assert finding.access is not None
    assert finding.access.function.endswith("publish")
    assert finding.callers[0].function.endswith("page")
    assert finding.loop is not None
    assert finding.loop.function.endswith("page")
    assert finding.origin is not None
    assert finding.origin.function.endswith("page")
    assert [part.count for part in finding.parts] == [ROWS]
    assert (finding.count, finding.saved, finding.path) == (ROWS, ROWS - 1, "")
    assert finding.cost_ms == pytest.approx(finding.parts[0].cost_ms * (ROWS - 1) / ROWS)


def test_a_related_managers_path_is_told() -> None:
    """`book.tags.add()` is about the books' tags."""
    finding = found(add)
    assert (finding.model, finding.path) == ("library.Book", "tags")
    assert "m2m_changed" in finding.message


def test_coroutines_write_with_coroutines() -> None:
    """`acreate()` becomes `abulk_create()`."""

    async def page() -> None:
        for number in range(6):
            await Tag.objects.acreate(name=f"new {number}")

    finding = found(async_to_sync(page))
    assert finding.fix == "Tag.objects.abulk_create(tags)"
    assert finding.access is not None
    assert finding.access.function.endswith("page")


# Words.


def save_whole() -> None:
    """Write every field, whichever changed."""
    for book in Book.objects.all():
        book.body = "new"
        book.save()


def update_each() -> None:
    """Call update() for one row after the other."""
    for key in list(Book.objects.values_list("pk", flat=True)):
        Book.objects.filter(pk=key).update(body="new")


def create_children() -> None:
    """Make rows that lie in two tables."""
    author = Author.objects.get(name="author 0")
    for number in range(6):
        Audiobook.objects.create(title=f"spoken {number}", author=author)


def get_or_create() -> None:
    """Make what is not there."""
    for number in range(6):
        Tag.objects.get_or_create(name=f"tag {number}")


def update_or_create() -> None:
    """Make or change."""
    for number in range(6):
        Tag.objects.update_or_create(name=f"tag {number}", defaults={"name": f"new {number}"})


def remove() -> None:
    """Take one tag off each book."""
    tag = Tag.objects.get(name="tag 0")
    for book in Book.objects.all():
        book.tags.remove(tag)


def by_cursor() -> None:
    """Write without the ORM."""
    with connection.cursor() as cursor:
        for number in range(6):
            cursor.execute("UPDATE library_book SET body = %s WHERE id = %s", ["new", number])


@pytest.mark.parametrize(
    ("use", "model", "words"),
    [
        (save_whole, "library.Book", "bulk_update(rows, [...])"),
        (update_each, "library.Book", "update() once"),
        (create_children, "library.Audiobook", "two tables"),
        (get_or_create, "library.Tag", "ignore_conflicts=True"),
        (update_or_create, "library.Tag", "update_conflicts=True"),
        (remove, "library.Book", "one bulk call"),
        (by_cursor, "", "executemany()"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_no_code_is_certain_for_is_told_in_words(use: Use, model: str, words: str) -> None:
    """What to do, and what it would leave out."""
    finding = found(use)
    assert (finding.model, finding.fix) == (model, "")
    assert words in finding.message
    assert not any(letter.isdigit() for letter in finding.message)


def test_an_upsert_is_one_finding() -> None:
    """Its reads and its writes together, however many of either there were."""
    with record() as recorded:
        get_or_create()
    (finding,) = recorded.findings
    assert finding.kind == "write_loop"
    assert finding.count == ROWS + ROWS - 2
    assert len(finding.parts) == 2


def test_an_upsert_that_finds_all_is_a_loop_of_reads() -> None:
    """Nothing was written this time; the advice is the same."""
    Tag.objects.bulk_create(Tag(name=f"tag {number}") for number in range(2, 6))
    with record() as recorded:
        get_or_create()
    (finding,) = recorded.findings
    assert (finding.kind, finding.count) == ("n_plus_one", ROWS)
    assert "bulk_create" in finding.message


# What must not be flagged.


def bulk(tags: list[Tag]) -> None:
    """Many rows at a time, in batches."""
    Tag.objects.bulk_create([Tag(name=str(number)) for number in range(20)], batch_size=2)
    for tag in tags:
        tag.name = "new"
    Tag.objects.bulk_update(tags, ["name"], batch_size=1)


def batches(tags: list[Tag]) -> None:
    """Several keys at a time."""
    for start in range(6):
        Book.objects.filter(pk__in=[start, start + 1]).update(body="new")
        Book.objects.filter(pk__range=(100 + start, 100 + start)).delete()


def cascades(tags: list[Tag]) -> None:
    """One call deletes from many tables."""
    Book.objects.all().delete()


def set_relations(tags: list[Tag]) -> None:
    """set() writes what differs."""
    for book in Book.objects.all():
        book.tags.set(tags[:1])


def many_at_once(tags: list[Tag]) -> None:
    """A batch of the driver's."""
    with connection.cursor() as cursor:
        for _ in range(6):
            cursor.executemany("UPDATE library_book SET body = %s", [("a",), ("b",)])


def few(tags: list[Tag]) -> None:
    """Four rows."""
    for number in range(4):
        Tag.objects.create(name=f"new {number}")


def savepoints(tags: list[Tag]) -> None:
    """No writes at all."""
    for _ in range(9):
        with transaction.atomic():
            pass


@override_settings(PERFKIT={"N_PLUS_ONE_MS": 1_000.0})
@pytest.mark.parametrize(
    "page",
    [bulk, batches, cascades, set_relations, many_at_once, few, savepoints],
    ids=lambda page: page.__name__,
)
def test_what_is_no_loop_of_writes_is_not_flagged(page: Callable[[list[Tag]], None]) -> None:
    """A finding that is none costs more trust than one that is missed."""
    tags = list(Tag.objects.all())
    with record() as recorded:
        page(tags)
    assert writes(recorded) == []


# By hand.


INSERT = "INSERT INTO library_tag (name) VALUES (%s)"


def written(told: Asked | None, count: int, sql: str = INSERT, **facts: Any) -> list[Finding]:
    """Analyze a record in which one line repeats a write, a millisecond each."""
    record_made = record_of(runs(count, sql), Path((LINE,), told, **facts))
    return list(analyze(record_made, get_settings()))


def method(name: str, label: str = "library.Tag", **facts: Any) -> Asked:
    """Make what is told of a method of a manager."""
    return Asked("", "", "queryset", False, None, label, name, **facts)


@override_settings(PERFKIT={"N_PLUS_ONE_MS": 2.0})
def test_few_expensive_writes_are_a_loop() -> None:
    """Three that could be one, and take long; two may be chance."""
    assert [finding.saved for finding in written(method("create"), 3)] == [2]
    assert written(method("create"), 2) == []


def test_two_methods_on_one_line_are_two_findings() -> None:
    """Their code differs."""
    paths = [Path((LINE,), method(name)) for name in ("create", "update")]
    queries = [
        *runs(6, INSERT, 0),
        *runs(6, "UPDATE library_tag SET name = %s WHERE id = %s", 1),
    ]
    findings = list(analyze(record_of(queries, *paths), get_settings()))
    assert len(findings) == 2
    assert len({finding.fingerprint for finding in findings}) == 2


def test_the_fingerprint_stays_when_lines_and_counts_change() -> None:
    """It is the same finding tomorrow."""
    moved = Path((Site(LINE.file, 77, LINE.function),), method("create"))
    (one,) = written(method("create"), 6)
    (other,) = analyze(record_of(runs(9, INSERT), moved), get_settings())
    assert one.fingerprint == other.fingerprint


@override_settings(PERFKIT={"IGNORE": [{"MODEL": "library.Tag"}]})
def test_what_the_team_lives_with_is_not_told() -> None:
    """By model, route, file or a comment at the line."""
    assert written(method("create"), 6) == []
    assert len(written(method("create", "library.Book"), 6)) == 1


def test_a_path_in_a_deletion_of_rows_is_part_of_it() -> None:
    """delete() takes along what hangs on the rows; those statements are nobody's loop."""
    told = method("delete", "library.Book")
    assert written(told, 6, "DELETE FROM library_review WHERE book_id = %s") == []
    assert len(written(told, 6, "DELETE FROM library_book WHERE id = %s")) == 1
    child = method("delete", "library.Audiobook")
    assert len(written(child, 6, "DELETE FROM library_book WHERE id = %s")) == 1


def test_a_model_that_is_not_installed_gets_what_can_be_said() -> None:
    """A record of another site."""
    (made,) = written(method("create", "shop.Tag"), 6)
    assert made.fix == "Tag.objects.bulk_create(tags)"
    (gone,) = written(method("delete", "shop.Tag"), 6, "DELETE FROM shop_tag WHERE id = %s")
    assert gone.fix == "Tag.objects.filter(pk__in=pks).delete()"
    update = "UPDATE shop_tag SET name = %s WHERE id = %s"
    (saved,) = written(method("save", "shop.Tag"), 6, update)
    assert saved.fix == ""


@pytest.mark.parametrize(
    ("assigned", "fix"),
    [
        ('"name" = %s', 'Author.objects.bulk_update(authors, ["name"])'),
        (
            "`name` = %s, [publisher_id] = %s",
            'Author.objects.bulk_update(authors, ["name", "publisher"])',
        ),
        ("name = %s, publisher_id = %s, mentor_id = %s", ""),
        ("name = %s, elsewhere = %s", ""),
    ],
    ids=["one", "two", "all", "unknown"],
)
def test_the_fields_that_save_writes_are_named(assigned: str, fix: str) -> None:
    """Those of `update_fields`; a save() of all of them tells nothing."""
    update = f"UPDATE library_author SET {assigned} WHERE id = %s"
    (finding,) = written(asked("", "model", "library.Author", method="save"), 6, update)
    assert finding.fix == fix


def test_a_row_of_a_queryset_tells_what_loaded_it() -> None:
    """`book.save()` in a loop over books."""
    told = asked("", "model", method="save", target="library.Book")
    (finding,) = written(told, 6, "UPDATE library_book SET body = %s WHERE id = %s")
    assert finding.origin == root().site


def test_reads_without_an_upsert_are_no_business_of_this_analyzer() -> None:
    """They are loops of reads."""
    assert written(method("get"), 9, "SELECT a FROM t WHERE b = %s") == []
    assert written(None, 9, "SELECT a FROM t WHERE b = %s") == []
    assert Category.objects.count() == ROWS
