"""No alarm that a single piece of code cannot show: contexts, requests, acceptance, pickles, caches."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from perfkit import hooks, record
from perfkit.capture.current import current
from tests.nplusone import models as m
from tests.nplusone.fill import ROWS
from tests.nplusone.must_not_flag_models import NosyBook
from tests.nplusone.must_not_flag_watch import told, watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]


def page(request: HttpRequest, key: int) -> HttpResponse:
    """Show a book to whoever is logged in."""
    book = m.Book.objects.get(pk=key)
    request.session["last"] = key
    return HttpResponse(f"{request.user}: {book.author.name}")


urlpatterns = [path("book/<int:key>/", page)]


@pytest.fixture(autouse=True)
def no_clocks(settings: Any) -> None:
    """Judge by counts: on a loaded machine three statements may well take 5 ms."""
    settings.PERFKIT = {"STORE": False, "N_PLUS_ONE_MS": 60_000, "SLOW_QUERY_MS": 60_000}
    # The blocks below record, not the middleware, whose thread would outlive the test.
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "perfkit" not in name]


def walk() -> list[str]:
    """Loop over books as nobody should."""
    return [book.author.name for book in m.Book.objects.order_by("pk")]


def walk_of_three() -> list[str]:
    """Loop over too few to warn of."""
    return [book.author.name for book in m.Book.objects.order_by("pk")[:3]]


def one(key: Any) -> str:
    """Load one book and its author."""
    return m.Book.objects.get(pk=key).author.name


def keys() -> list[Any]:
    """Return the keys of all books."""
    return list(m.Book.objects.order_by("pk").values_list("pk", flat=True))


def test_n33_fixtures_are_not_recorded() -> None:
    """What runs before the block, as fixtures do, is no part of it."""
    walk()
    for number in range(6):
        m.Tag.objects.create(name=f"of a factory {number}")
    with record() as recorded:
        m.Tag.objects.count()
    assert recorded.findings == ()
    assert recorded.statements == 1


def test_n33_fixtures_loaded_by_django_are_its_own_affair(tmp_path: Path) -> None:
    """``loaddata`` saves object by object, and no line of the site's loops."""
    fixture = tmp_path / "tags.json"
    rows = [
        {"model": "corpus.tag", "pk": 100 + number, "fields": {"name": f"loaded {number}"}}
        for number in range(2 * ROWS)
    ]
    fixture.write_text(json.dumps(rows))

    def run() -> int:
        call_command("loaddata", str(fixture), verbosity=0)
        return m.Tag.objects.count()

    watched = watch(run)
    assert not watched.findings, told(watched.findings)


def test_n34_two_recordings_make_no_loop() -> None:
    """Each request, task or block is judged by itself."""
    found = []
    for key in keys():
        with record() as recorded:
            one(key)
        found += recorded.findings
    assert not found, told(found)


@pytest.mark.urls(__name__)
def test_n34_requests_of_one_test_make_no_loop(client: Client, django_user_model: Any) -> None:
    """A test that asks for six pages does not loop over what each page asks for (N30 too)."""
    client.force_login(django_user_model.objects.create(username="ann"))
    found = keys()
    with record() as recorded:
        for key in found:
            assert client.get(f"/book/{key}/").status_code == 200
    assert not recorded.findings, told(recorded.findings)


@pytest.mark.urls(__name__)
def test_n34_an_inner_request_is_judged_without_its_test(client: Client) -> None:
    """The same without a session."""
    first = keys()[0]
    with record() as recorded:
        assert client.get(f"/book/{first}/").status_code == 200
    assert not recorded.findings, told(recorded.findings)


def test_n35_an_accepted_loop_is_silent() -> None:
    """A reason on the line that reads, or on the line that loaded, is enough."""

    def notify() -> list[str]:
        told_to = []
        for book in m.Book.objects.order_by("pk"):
            name = book.author.name  # perfkit: ok[each author gets a mail of their own]
            told_to.append(name)
        return told_to

    def lock() -> list[str]:
        books = list(m.Book.objects.order_by("pk"))  # perfkit: ok[a remote call for each]
        return [book.editor.name for book in books]

    for run in (notify, lock):
        watched = watch(run)
        assert not watched.findings, told(watched.findings)


def test_n35_a_reason_elsewhere_accepts_nothing() -> None:
    """The comment holds for its own line only."""

    def notify() -> list[str]:
        nothing = 0  # perfkit: ok[not the line that loops]
        return [book.author.name for book in m.Book.objects.order_by("pk")[nothing:]]

    assert [finding.severity for finding in watch(notify).findings] == ["warning"]


def test_n36_rows_of_values_get_no_join() -> None:
    """There are no instances whose relation a queryset could load along."""

    def run() -> list[str]:
        rows = m.Book.objects.order_by("pk").values("author_id")
        return [m.Author.objects.get(pk=row["author_id"]).name for row in rows]

    (finding,) = watch(run).findings
    assert finding.kind == "n_plus_one"
    assert "select_related" not in finding.fix
    assert "prefetch_related" not in finding.fix


def test_n37_few_rows_are_an_info_and_many_a_warning() -> None:
    """The same line, three rows and six."""
    few, many = watch(walk_of_three).findings, watch(walk).findings
    assert [finding.severity for finding in few] == ["info"], told(few)
    assert [finding.severity for finding in many] == ["warning"], told(many)


def test_n38_blocks_within_blocks_restore_what_was() -> None:
    """An inner block sees its own, the outer one goes on, and nothing is left after an exception."""
    with record() as outer:
        one(keys()[0])
        with pytest.raises(ZeroDivisionError), record() as inner:
            len(walk()) / 0
        one(keys()[1])
    assert current.get() is None
    assert [finding.count for finding in inner.findings] == [ROWS]
    assert inner.statements == ROWS + 1
    assert outer.statements == inner.statements + 6


def test_n38_two_halves_of_a_loop_in_two_blocks() -> None:
    """Three repeats in each of two blocks are no six in either."""
    for _ in range(2):
        with record() as recorded:
            walk_of_three()
        assert {finding.severity for finding in recorded.findings} <= {"info"}


def test_n39_rows_are_never_compared_or_shown() -> None:
    """A row whose ``==``, ``hash``, ``str`` and ``bool`` query: none of them is used on it."""

    def run() -> list[str]:
        return [book.author.name for book in NosyBook.objects.order_by("pk")]

    watched = watch(run)
    assert watched.statements == ROWS + 1
    assert [finding.path for finding in watched.findings] == ["author"]


def test_n40_a_manager_called_without_end() -> None:
    """Thousands of calls of one prefetched manager wrap nothing around anything."""

    def run() -> int:
        (book,) = m.Book.objects.filter(title="title 1").prefetch_related("tags")
        return sum(len(book.tags.all()) for _ in range(3 * sys.getrecursionlimit()))

    assert watch(run).findings == ()


def test_n40_recordings_without_end() -> None:
    """Thousands of blocks, hooks installed and taken off again, leave one hook."""
    before = len(connection.execute_wrappers)
    for _ in range(2 * sys.getrecursionlimit()):
        with record():
            pass
    for _ in range(20):
        hooks.uninstall()
        hooks.install()
    assert len(connection.execute_wrappers) == before
    assert [finding.count for finding in watch(walk).findings] == [ROWS]


@pytest.mark.parametrize(
    "make",
    [
        lambda: m.Book.objects.order_by("pk"),
        lambda: m.Book.objects.select_related("author").order_by("pk"),
        lambda: m.Book.objects.prefetch_related("tags", "author__publisher").order_by("pk"),
        lambda: m.Author.objects.order_by("pk")[0].books.filter(price__gt=0),
        lambda: m.Book.objects.only("title").order_by("pk"),
    ],
    ids=["plain", "joined", "prefetched", "of a manager", "deferred"],
)
def test_n41_querysets_pickle_while_recording_and_after(make: Callable[[], Any]) -> None:
    """Rows and querysets pickle to what they would without us, and load where nobody records."""
    with record():
        queryset = make()
        packed = pickle.dumps([queryset, list(queryset), queryset.query])
        watched = pickle.dumps(list(make()))
    plain = pickle.dumps(list(make()))
    hooks.uninstall()
    try:
        again, rows, query = pickle.loads(packed)
        assert list(again) == rows == list(make())
        assert str(query) == str(make().query)
        assert [row.author.name for row in rows]
    finally:
        hooks.install()
    assert b"perfkit" not in plain
    assert len(watched) < 1.5 * len(plain) + 500


def test_n42_a_cache_in_the_database_is_left_out(settings: Any) -> None:
    """Keys asked for one at a time are the cache's own business."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "corpus_cache",
        }
    }
    call_command("createcachetable")
    cache = caches["default"]

    def run() -> list[Any]:
        for number in range(ROWS):
            cache.set(f"key-{number}", number)
        return [cache.get(f"key-{number}") for number in range(2 * ROWS)]

    watched = watch(run)
    assert not watched.findings, told(watched.findings)


def test_n42_explain_is_left_out() -> None:
    """A toolbar or a person that asks for plans is no loop of the site's."""

    def run() -> list[str]:
        plans = []
        with connection.cursor() as cursor:
            for key in found:
                cursor.execute("EXPLAIN QUERY PLAN SELECT * FROM corpus_book WHERE id = %s", [key])
                plans += [str(row) for row in cursor.fetchall()]
        return plans

    found = keys()
    assert watch(run).findings == ()


def test_analysis_itself_asks_nothing() -> None:
    """What comes after the block, and reading the record, runs no statement."""
    with transaction.atomic(), CaptureQueriesContext(connection) as log:
        with record() as recorded:
            walk()
        inside = len(log)
        assert recorded.to_dict()["findings"]
        assert told(recorded.findings)
        pickle.dumps(recorded.result)
    assert len(log) == inside == ROWS + 1
