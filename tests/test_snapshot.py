"""From trace to record: numbers that add up, texts without values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.template.loader import render_to_string
from django.views.generic import ListView

from perfkit import record
from perfkit.capture.callpath import CallPath
from perfkit.capture.current import FAILED, MANY, Event, Trace
from perfkit.capture.origin import Facts, Origin
from perfkit.capture.relation import Relation
from perfkit.looping import loop_line
from perfkit.record import Asked, Built, Path, Site
from perfkit.snapshot import counted, from_trace, loaded, site_of
from tests.library.models import Author, Book, Category, Tag
from tests.library.shelves import fill

SECRET = "hunter2"


def made(*statements: tuple[str, Any, int], slow_s: float = 9.0) -> Trace:
    """Make a trace of (statement, parameters' key, flags), one second each."""
    trace = Trace(100, slow_s)
    for number, (sql, key, flags) in enumerate(statements):
        trace.statements.setdefault(sql, sql)
        event: Event = (sql, "default", 10.0 + number, 11.0 + number, key, None, flags, None)
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


@pytest.mark.django_db
def test_a_call_that_python_specializes_is_one_path() -> None:
    """CPython 3.11 runs it from another instruction from about the eighth time on."""
    with record() as recorded:
        for number in range(40):
            Book.objects.filter(pk=number).exists()
    assert {query.path for query in recorded.queries} == {None, 0}


def test_what_equals_nothing_is_another_question_each_time() -> None:
    """Writes, batches and parameters that cannot be compared bear no key."""
    keys = [None, None, ("a",), ("a",), ("b",)]
    trace = made(*(("SELECT %s", key, 0) for key in keys))
    identities = [query.identity for query in from_trace(trace, 10.0).queries]
    assert identities == [0, 1, 2, 2, 3]


def test_units_of_work_share_neither_paths_nor_questions() -> None:
    """The same statement in two requests of a test's client is asked anew."""
    trace = made(*[("SELECT 1", (), 0)] * 4)
    trace.boundaries = [2]
    told = from_trace(trace, 10.0)
    assert [query.identity for query in told.queries] == [0, 0, 1, 1]
    assert (told.statements, told.transactions) == (4, 0)


def test_transactions_are_known_in_every_unit_of_work() -> None:
    """The texts of a unit that has ended are counted too."""
    trace = made(("BEGIN", (), 0), ("SELECT 1", (), 0), ("BEGIN", (), 0))
    trace.statements.clear()
    trace.boundaries = [1]
    assert counted(trace).transactions == 2


# Which line is named.


def compiled(filename: str) -> Any:
    """Make a function of that file which calls what it is given, in a loop and outside."""
    names: dict[str, Any] = {}
    source = (
        "def loops(ask):\n    for _ in range(3):\n        ask()\ndef calls(ask):\n    return ask()"
    )
    exec(compile(source, filename, "exec"), names)
    return names


PACKAGE = compiled("/env/site-packages/shop/rows.py")
SITE = compiled("/srv/site/views.py")


def ask() -> bool:
    """Ask one thing."""
    return Book.objects.exists()


def last_path(use: Any) -> Path:
    """Record a use and return the path of its last statement."""
    with record() as recorded:
        use()
    index = recorded.queries[-1].path
    assert index is not None
    return recorded.paths[index]


@pytest.mark.django_db
def test_the_innermost_line_of_the_sites_own_is_named() -> None:
    """Whatever package it called to ask."""
    path = last_path(lambda: SITE["loops"](lambda: PACKAGE["calls"](Book.objects.exists)))
    assert path.site is not None
    assert path.site.file == "tests/test_snapshot.py"
    assert path.sites[0].file == "shop/rows.py"
    assert path.loop == Site("/srv/site/views.py", 2, "loops")


@pytest.mark.django_db
def test_a_loop_wholly_inside_a_package_is_named_there() -> None:
    """The site's line calls once; the package's asks again and again."""
    path = last_path(lambda: SITE["calls"](lambda: PACKAGE["loops"](Book.objects.exists)))
    assert path.site is not None
    assert (path.site.file, path.site.function) == ("shop/rows.py", "loops")
    assert path.loop == Site("shop/rows.py", 2, "loops")
    assert path.access == 0


@pytest.mark.django_db
def test_a_loop_of_the_sites_own_comes_before_one_of_a_package() -> None:
    """Both loop: what the site does for each row is what it can change."""

    def page() -> None:
        for _ in range(2):
            PACKAGE["loops"](Book.objects.exists)

    path = last_path(page)
    assert path.site is not None
    assert path.site.function.endswith("page")
    assert path.loop is not None
    assert path.loop.function.endswith("page")


@pytest.mark.django_db
def test_a_path_without_a_loop_has_none() -> None:
    """Two calls side by side."""

    def page() -> None:
        ask()
        ask()
        ask()

    path = last_path(page)
    assert path.sites[0].function == "ask"
    assert path.loop is None


@pytest.mark.django_db
def test_the_loop_of_a_template_is_named() -> None:
    """The `{% for %}` around the line that reads the relation."""
    fill(3)
    path = last_path(
        lambda: render_to_string("library/books.html", {"books": Book.objects.order_by("pk")})
    )
    assert str(path.site) == "tests/library/templates/library/books.html:4"
    assert str(path.loop) == "tests/library/templates/library/books.html:2"


# What was asked.


def asked(use: Any) -> Asked:
    """Return what the ORM's frames tell of the last statement of a use."""
    told = last_path(use).asked
    assert told is not None
    return told


@pytest.mark.django_db
def test_who_reads_the_key_alone_is_told() -> None:
    """`book.author.pk` needs no author; a name does."""
    fill(3)
    assert asked(lambda: [book.author.pk for book in Book.objects.all()]).key_only
    assert asked(lambda: [book.author.id for book in Book.objects.all()]).key_only
    assert not asked(lambda: [book.author.name for book in Book.objects.all()]).key_only
    assert not asked(lambda: [book.author for book in Book.objects.all()]).key_only
    assert not asked(lambda: [author.profile.pk for author in Author.objects.all()]).key_only


@pytest.mark.django_db
def test_who_reads_more_than_the_key_needs_the_row() -> None:
    """The statement runs at the first of the reads; the others would run it instead."""
    fill(3)
    assert not asked(
        lambda: [f"{book.author.pk}: {book.author.name}" for book in Book.objects.all()]
    ).key_only


@pytest.mark.django_db
def test_a_function_that_walks_down_a_tree_is_told() -> None:
    """It calls itself with what it gets: one level of a prefetch is no cure."""
    fill()

    def down(author: Author) -> None:
        for pupil in author.pupils.all():
            down(pupil)

    def all_down() -> None:
        for author in Author.objects.filter(mentor=None):
            down(author)

    def mentor(author: Author) -> str:
        return author.mentor.name if author.mentor else ""

    assert asked(all_down).recursive
    assert not asked(lambda: [mentor(author) for author in Author.objects.all()]).recursive
    assert not asked(lambda: [list(each.pupils.all()) for each in Author.objects.all()]).recursive


@pytest.mark.django_db
def test_a_row_found_by_its_key_must_change_with_the_loop() -> None:
    """A name that happens to hold a row with such a key is not what the loop is about."""
    fill()
    keys = list(Author.objects.order_by("pk").values_list("pk", flat=True))

    def by_chance() -> None:
        (*_, book) = [book for book in Book.objects.all() if book.author_id == keys[1]]
        for key in keys:
            Author.objects.get(pk=key)
        book.save()

    def for_each() -> None:
        for book in Book.objects.all():
            Author.objects.get(pk=book.author_id)

    with record() as recorded:
        by_chance()
    told = [path.asked for path in recorded.paths if path.asked and path.asked.method == "get"]
    assert [(each.model, each.name, each.by_key) for each in told] == [("", "", False)]
    assert told[0].lookups == (("id", "exact"),)
    meant = asked(for_each)
    assert (meant.model, meant.name, meant.by_key) == ("library.Book", "author", True)


def found_by_key(matched: int) -> Relation:
    """Make what is told of a filter by a row's key; settled when no row is left to compare with."""
    relation = Relation("forward", "get", "")
    relation.model, relation.name, relation.target = "library.Book", "author", "library.Author"
    relation.by_key, relation.matched = True, matched
    relation.unmatched = (("id", "exact"),)
    return relation


@pytest.mark.parametrize(
    ("rows", "name"),
    [((0, 8), "author"), ((7, 8), "author"), ((8, 8), "")],
    ids=["one is settled", "each by another row", "by one row"],
)
def test_paths_through_the_same_places_agree_on_the_row(rows: tuple[int, int], name: str) -> None:
    """CPython 3.11 makes two of one, and the second may have seen one row only."""
    place = (ask.__code__, 0)
    paths = [CallPath((place,), (), found_by_key(matched)) for matched in rows]
    trace = made(*[("SELECT a FROM t", (number,), 0) for number in range(4)])
    trace.events = [
        (*event[:5], paths[at // 2], *event[6:]) for at, event in enumerate(trace.events)
    ]
    told = from_trace(trace, 10.0)
    assert {path.asked.name for path in told.paths if path.asked} == {name}
    assert len(told.paths) == 1


def test_a_loop_of_a_package_for_a_class_of_the_site_has_no_line() -> None:
    """One of the package's own loops: which one repeats the statement is not told."""
    looping = PACKAGE["loops"].__code__
    at = max(each for each in range(0, 200, 2) if loop_line(looping, each))
    trace = made(("SELECT a FROM t", (), 0))
    path = CallPath(((looping, at), (BookPage, "")), (), None)
    trace.events = [(*trace.events[0][:5], path, *trace.events[0][6:])]
    (told,) = from_trace(trace, 10.0).paths
    assert told.site is not None
    assert (told.site.function, told.loop) == ("BookPage", None)


def test_a_path_without_a_place_is_a_path() -> None:
    """The ORM told something, no line did."""
    trace = made(("SELECT a FROM t", (), 0))
    trace.events = [(*trace.events[0][:5], CallPath((), (), None), *trace.events[0][6:])]
    (told,) = from_trace(trace, 10.0).paths
    assert (told.sites, told.site, told.loop, told.is_async, told.column) == (
        (),
        None,
        None,
        False,
        0,
    )


@pytest.mark.django_db
def test_two_reads_of_one_line_are_told_apart() -> None:
    """By the column at which each ends."""
    fill(3)

    def page() -> None:
        for book in Book.objects.all():
            _ = book.author, book.editor

    with record() as recorded:
        page()
    columns = [path.column for path in recorded.paths if path.asked and path.asked.name]
    assert len(set(columns)) == 2


@pytest.mark.django_db
def test_how_a_row_was_loaded_becomes_text() -> None:
    """Each step back to the queryset of the site's own, and how that was built."""
    fill(3)
    told = asked(
        lambda: [
            book.author.publisher.name for book in Book.objects.select_related("author").all()[:3]
        ]
    )
    joined = told.origin
    assert joined is not None
    assert (joined.model, joined.step, joined.name, joined.site) == (
        "library.Author",
        "join",
        "author",
        None,
    )
    root = joined.parent
    assert root is not None
    assert (root.model, root.step, root.parent, root.several) == ("library.Book", "", None, True)
    assert root.site is not None
    assert root.site.file == "tests/test_snapshot.py"
    assert root.built == Built(joined=("author",), sliced=True)


class BookPage(ListView):
    """A class that a framework evaluates a queryset for."""

    def get_queryset(self) -> Any:
        """Stand at a line of its own."""
        return super().get_queryset()


def test_an_owner_is_named_with_its_kind() -> None:
    """The class to open, and which of its options there are."""
    origin = Origin("library.Book", facts=Facts(sliced=True), owner=(BookPage, "get_queryset"))
    told = loaded(origin)
    assert told is not None
    assert (told.built.owner, told.built.owner_kind) == (f"{__name__}.BookPage", "view")
    assert told.built.sliced
    assert loaded(None) is None


def test_a_class_becomes_its_line() -> None:
    """Or that of its method of that name; of a class without a source, its module's first."""
    whole = site_of((BookPage, ""))
    method = site_of((BookPage, "get_queryset"))
    other = site_of((BookPage, "list_display"))
    assert [each.file for each in (whole, method, other)] == ["tests/test_snapshot.py"] * 3
    assert whole.line < method.line
    assert other.line == whole.line
    assert [each.function for each in (whole, method, other)] == [
        "BookPage",
        "BookPage.get_queryset",
        "BookPage.list_display",
    ]
    made_up = type("Made", (), {"__module__": "nowhere"})
    assert site_of((made_up, "")) == Site("nowhere", 1, "Made")


def test_a_template_becomes_its_line() -> None:
    """It has no function."""
    assert site_of(("/srv/shop/page.html", 7)) == Site("/srv/shop/page.html", 7, "")
